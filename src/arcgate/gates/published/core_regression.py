"""The published core gate, and its corrected form. Reported, never deciding: on stamps with arcs the core holds signal."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from arcgate.dataset.schema import THETA_E_STRATA
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.held_out_auc import Sample, held_out_auc
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.features.rings import box_pixels
from arcgate.gates.published.clustering import NotEstimableError
from arcgate.gates.published.figures import PUBLISHED, STUDIED
from arcgate.gates.published.gathering import OVERALL, Diagnostic, identities, not_run, reported, stated
from arcgate.gates.published.light import column

_FOLDS = 5
# Columns before those of the pixels.
_FIRST_PIXEL = 5
_PUBLISHED = "as published: ungrouped folds, no interval"
_REFITTED = "as published, refitted in the stratum"
_CORRECTED = "rule of one half of the galaxies on the other half, clustered interval"


@dataclass(frozen=True)
class _Boxes:
    """Pixels (n, k) of boxes of both classes, with label, galaxy and pair of each row."""

    features: NDArray[np.float64]
    labels: NDArray[np.int64]
    galaxy: NDArray[np.int64]
    pairs: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> _Boxes:
        """The rows that `chosen` marks."""
        return _Boxes(self.features[chosen], self.labels[chosen], self.galaxy[chosen], self.pairs[chosen])

    def classes(self) -> tuple[Sample, Sample]:
        """Positives and controls."""
        one, zero = (self.take(self.labels == label) for label in (1, 0))
        return Sample(one.features, one.galaxy, one.pairs), Sample(zero.features, zero.galaxy, zero.pairs)


class CoreRegression(Diagnostic):
    """Logistic regression on the pixels of the central 10 x 10 box, overall and by theta_E of the pair.

    The box is the published one, in pixels whatever their scale: 100 pixels in each band, 300 in the published g, r and z. It is
    a pixel wider in stamps of odd size, whose middle is a pixel.
    """

    _results: list[GateResult]

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """The box of stamps and controls; a control's theta_E is its pair's."""
        tables = []
        for label, stamps in ((1, shard.positive), (0, shard.control)):
            box = pd.DataFrame(box_pixels(stamps.image).astype(np.float32))
            theta_e = column(stamps, "theta_e_arcsec") if label else np.nan
            tables.append(identities(stamps).assign(galaxy=stamps.galaxy, label=label, theta_e=theta_e).join(box))
        return pd.concat(tables, ignore_index=True)

    def judge(self) -> list[GateResult]:
        """Both forms in every stratum."""
        if not len(self.rows):
            self._results = [not_run(name, "there are no stamps") for name in ("core_published", "core_corrected")]
            return self._results
        table = self.table(*self.rows.columns[_FIRST_PIXEL:])
        sample = _Boxes(
            table.iloc[:, _FIRST_PIXEL:].to_numpy(np.float64),
            table["label"].to_numpy(np.int64),
            table["galaxy"].to_numpy(np.int64),
            table["pair_id"].to_numpy(np.int64),
        )
        strata = {OVERALL: np.ones(len(table), dtype=bool)} | _strata(table)
        self._results = [
            *_published(sample, strata),
            *[self._corrected(sample.take(rows), name) for name, rows in strata.items()],
        ]
        return self._results

    def exhibits(self) -> list[Exhibit]:
        """The three forms by stratum, beside the published values."""
        labels = [OVERALL, *THETA_E_STRATA]
        found = {(result.name, result.stratum): result for result in self._results}
        series: list[dict[str, Any]] = []
        for name, label in (
            ("core_published", "one model, scored by stratum"),
            ("core_published_refitted", "refitted in the stratum"),
            ("core_corrected", "halves of galaxies"),
        ):
            parts = [found.get((name, stratum)) for stratum in labels]
            if any(part is not None and part.value is not None for part in parts):
                series.append({"label": label, "values": [None if part is None else part.value for part in parts]})
        if not series:
            return []
        if self.facts.imaging == STUDIED:
            printed = {figure.stratum: figure.value for figure in reversed(PUBLISHED) if "core_published" in figure.names}
            series.append({"label": "published", "values": [printed[stratum] for stratum in labels]})
        caption = (
            "AUC of a logistic regression on the central 10 x 10 pixels, stamps with arcs against controls. The core holds arc "
            "light, so that a high value is no leak by itself."
        )
        content = {
            "labels": ["all", "theta_E < 1", "1 to 2", ">= 2"],
            "y_label": "core AUC",
            "series": series,
            "marks": [{"label": "chance", "y": 0.5}],
        }
        return [Exhibit("core_auc", "The published core regression", caption, "bars", content)]

    def _corrected(self, sample: _Boxes, stratum: str) -> GateResult:
        """The same pixels: fitted on one half of the galaxies, judged on the other, with a clustered interval."""
        try:
            _check(sample)
            return reported("core_corrected", held_out_auc(*sample.classes(), "logistic", self.context), _CORRECTED, stratum)
        except ValueError as error:
            # Too few galaxies in a half, one class, constant pixels, or a fit that does not converge: each says so.
            return not_run("core_corrected", str(error), stratum)


def _strata(table: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Rows of each stratum, controls among them; no strata where no theta_E is declared."""
    positives = table[table["label"] == 1].drop_duplicates("pair_id").set_index("pair_id")["theta_e"]
    theta_e = table["pair_id"].map(positives).to_numpy(np.float64)
    if not np.isfinite(theta_e).any():
        return {}
    return {name: (theta_e >= low) & (theta_e < high) for name, (low, high) in THETA_E_STRATA.items()}


def _published(sample: _Boxes, strata: dict[str, NDArray[np.bool_]]) -> list[GateResult]:
    """As published: scaled on all rows, ungrouped stratified 5-fold, L2, C = 1; strata by the one model, and refitted."""
    try:
        scores = _published_scores(sample)
    except NotEstimableError as error:
        return [not_run("core_published", str(error), stratum) for stratum in strata]
    results = []
    for stratum, rows in strata.items():
        part = sample.take(rows)
        n, galaxies = len(part.labels), len(np.unique(part.galaxy))
        if len(np.unique(part.labels)) < 2:
            results.append(not_run("core_published", "the stratum does not hold both classes", stratum))
        else:
            auc = float(roc_auc_score(part.labels, scores[rows]))
            results.append(stated("core_published", auc, n, galaxies, _PUBLISHED, stratum))
        if stratum == OVERALL:
            continue
        try:
            refitted = float(roc_auc_score(part.labels, _published_scores(part)))
            results.append(stated("core_published_refitted", refitted, n, galaxies, _REFITTED, stratum))
        except NotEstimableError as error:
            results.append(not_run("core_published_refitted", str(error), stratum))
    return results


def _published_scores(sample: _Boxes) -> NDArray[np.float64]:
    """Out-of-fold scores.

    Raises
    ------
    NotEstimableError
        One class, too few rows for the folds, pixels that are all constant, or a fit that does not converge.
    """
    _check(sample)
    if int(np.bincount(sample.labels).min()) < _FOLDS:
        raise NotEstimableError(f"fewer than {_FOLDS} rows of a class: there are no {_FOLDS} folds")
    scaled = StandardScaler().fit_transform(sample.features)
    # The penalised likelihood has one optimum, which this solver reaches several times sooner than the customary one.
    rule = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=1000)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            scores: NDArray[np.float64] = cross_val_predict(rule, scaled, sample.labels, cv=folds, method="decision_function")
        except ConvergenceWarning as warning:
            raise NotEstimableError(f"the fit does not converge: {warning}") from warning
    return scores


def _check(sample: _Boxes) -> None:
    if len(np.unique(sample.labels)) < 2:
        raise NotEstimableError("the stratum does not hold both classes")
    if not (np.ptp(sample.features, axis=0) > 0).any():
        raise NotEstimableError("every pixel of the core has the same value in all stamps")
