"""The published core gate, and its corrected form. Reported, never deciding: on stamps with arcs the core holds signal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from arcgate.dataset.schema import THETA_E_STRATA
from arcgate.gates.arms import Arms
from arcgate.gates.features import box_pixels
from arcgate.gates.probe import Sample, TooFewHostsError, probe
from arcgate.gates.result import RAW, GateResult
from arcgate.variant import Gates

_FOLDS = 5


@dataclass
class CoreDiagnostics:
    """Collects the central box of stamps and controls, shard by shard."""

    settings: Gates
    paired: bool
    _pixels: list[NDArray[np.float64]] = field(default_factory=list)
    _tables: list[pd.DataFrame] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Take one shard's positives and controls."""
        for label, stamps in ((1, arms.stamp), (0, arms.control)):
            self._pixels.append(box_pixels(stamps.image))
            self._tables.append(stamps.table[["host_id", "pair_id", "theta_e_arcsec"]].assign(label=label))

    def judge(self) -> list[GateResult]:
        """Both forms, overall and by theta_E of the pair."""
        table = pd.concat(self._tables, ignore_index=True)
        # A control's stratum is its pair's.
        theta_e = table["pair_id"].map(table[table["label"] == 1].set_index("pair_id")["theta_e_arcsec"]).to_numpy(np.float64)
        sample = Sample(
            np.concatenate(self._pixels),
            table["label"].to_numpy(np.int64),
            table["host_id"].to_numpy(np.str_),
            table["pair_id"].to_numpy(np.int64),
        )
        strata = {name: (theta_e >= low) & (theta_e < high) for name, (low, high) in THETA_E_STRATA.items()}
        everything = {"overall": np.ones(len(table), dtype=bool)}
        return [
            *self._published(sample, everything | strata),
            *[self._corrected(sample.take(rows), name) for name, rows in (everything | strata).items()],
        ]

    def _published(self, sample: Sample, strata: dict[str, NDArray[np.bool_]]) -> list[GateResult]:
        """As published: scaled on all rows, ungrouped stratified 5-fold, L2, C = 1; strata by the one model, and refitted."""
        results = []
        scores = _published_scores(sample) if _can_fold(sample) else None
        for name, rows in strata.items():
            part = sample.take(rows)
            scored = None if scores is None or not _both(part) else float(roc_auc_score(part.labels, scores[rows]))
            results.append(_reported("core_published", name, scored, part, "as published: ungrouped folds, no interval"))
            if name != "overall":
                refitted = _published_auc(part) if _can_fold(part) else None
                results.append(
                    _reported("core_published_refitted", name, refitted, part, "as published, refitted in the stratum")
                )
        return results

    def _corrected(self, sample: Sample, stratum: str) -> GateResult:
        """The same pixels: fitted on one half of the galaxies, judged on the other, with a clustered interval."""
        try:
            auc = probe(sample, self.settings, self.paired).auc
        except TooFewHostsError as error:
            return _reported("core_corrected", stratum, None, sample, str(error))
        reason = "rule of one half of the galaxies on the other half, clustered interval"
        return GateResult(
            "core_corrected",
            RAW,
            stratum,
            "diagnostic",
            auc.value,
            auc.low,
            auc.high,
            None,
            None,
            auc.n,
            auc.n_groups,
            "reported",
            reason,
        )


def _published_auc(sample: Sample) -> float:
    return float(roc_auc_score(sample.labels, _published_scores(sample)))


def _published_scores(sample: Sample) -> NDArray[np.float64]:
    scaled = StandardScaler().fit_transform(sample.features)
    rule = LogisticRegression(C=1.0, max_iter=2000)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    scores: NDArray[np.float64] = cross_val_predict(rule, scaled, sample.labels, cv=folds, method="decision_function")
    return scores


def _both(sample: Sample) -> bool:
    return len(np.unique(sample.labels)) == 2


def _can_fold(sample: Sample) -> bool:
    return _both(sample) and int(np.bincount(sample.labels).min()) >= _FOLDS


def _reported(name: str, stratum: str, value: float | None, sample: Sample, reason: str) -> GateResult:
    groups = len(np.unique(sample.groups))
    why = reason if value is not None else f"too few rows or galaxies: {reason}"
    return GateResult(
        name, RAW, stratum, "diagnostic", value, None, None, None, None, len(sample.labels), groups, "reported", why
    )
