"""Metrics of one test set from its predictions; a metric that cannot be had is absent, with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.ground.statistics import clustered_auc

LEVEL: Final = 0.9
NEGATIVES_PER_FALSE_POSITIVE: Final = 10


@dataclass
class Metrics:
    """Values by name, and the reasons of those that are absent.

    Attributes
    ----------
    values : dict
        Finite floats.
    absent : dict
        Name to reason.
    """

    values: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def prefixed(self, prefix: str) -> Metrics:
        """Return the same under `<prefix>/<name>`."""
        return Metrics(
            {f"{prefix}/{name}": value for name, value in self.values.items()},
            {f"{prefix}/{name}": reason for name, reason in self.absent.items()},
        )


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the logit: a stamp is called a lens when its logit exceeds it.

    Attributes
    ----------
    threshold : float
        Logit.
    fpr : float
        Share of negatives above it; at most the one that was asked for.
    recall : float
        Share of positives above it.
    """

    threshold: float
    fpr: float
    recall: float


def why_no_operating_point(n_negatives: int, fpr: float) -> str | None:
    """Give the reason why a false-positive rate cannot be set with so few negatives, or None."""
    needed = math.ceil(NEGATIVES_PER_FALSE_POSITIVE / fpr - 1e-9)
    if n_negatives >= needed:
        return None
    return f"a false-positive rate of {fpr:g} needs at least {needed} negatives; there are {n_negatives}"


def operating_point(logit: NDArray[np.float64], label: NDArray[np.int64], fpr: float) -> OperatingPoint:
    """Find the lowest threshold that at most a share `fpr` of the negatives exceeds.

    Parameters
    ----------
    logit, label : ndarray, shape (n,)
        Label 1 for positives, 0 for negatives; enough of them (see `why_no_operating_point`).
    fpr : float
        False-positive rate.

    Returns
    -------
    OperatingPoint
        The threshold is a negative's logit, and negatives equal to it do not exceed it: ties never raise the rate.
    """
    negatives = np.sort(logit[label == 0])
    allowed = int(fpr * len(negatives) + 1e-9)
    threshold = negatives[len(negatives) - 1 - allowed]
    return OperatingPoint(
        threshold=float(threshold),
        fpr=float(np.mean(negatives > threshold)),
        recall=float(np.mean(logit[label == 1] > threshold)),
    )


def set_metrics(predictions: pd.DataFrame, fpr: float) -> Metrics:
    """Metrics of one test set.

    Parameters
    ----------
    predictions : DataFrame
        From `predict`, with the logits under the test-time core mask as `logit_core_masked`.
    fpr : float
        False-positive rate of recall.

    Returns
    -------
    Metrics
        auroc, over rows of different galaxies, with auroc/low and auroc/high (90 % interval, clustered by host and source
        image; see `clustered_auc`); n_sources, where sources are images; recall_at_fpr and recall_threshold_logit;
        core_masked_auroc, core_masked_auroc_drop (unmasked minus masked), core_masked_recall_drop (each at the threshold that
        its own negatives set, so that both have the same false-positive rate) and core_masked_logit_change (mean over positives
        of masked minus unmasked).

    Raises
    ------
    ArcgateError
        If a class has rows of fewer than two galaxies.
    """
    _check_galaxies(predictions)
    label = predictions["label"].to_numpy()
    logit, masked = predictions["logit"].to_numpy(), predictions["logit_core_masked"].to_numpy()
    host = predictions["host_id"].to_numpy()
    source: NDArray[np.int64] = predictions["source_image"].astype("category").cat.codes.to_numpy().astype(np.int64)
    plain, core_masked = (clustered_auc(scores, label, host, LEVEL, source) for scores in (logit, masked))
    metrics = Metrics(
        {
            "auroc": plain.value,
            "auroc/low": plain.low,
            "auroc/high": plain.high,
            "core_masked_auroc": core_masked.value,
            "core_masked_auroc_drop": plain.value - core_masked.value,
            "core_masked_logit_change": float(np.mean((masked - logit)[label == 1])),
        }
    )
    if sources := predictions["source_image"].nunique():
        metrics.values["n_sources"] = float(sources)
    _add_recall(metrics, logit, masked, label, fpr)
    return metrics


def _check_galaxies(predictions: pd.DataFrame) -> None:
    galaxies = predictions.groupby("label")["host_id"].nunique()
    if len(galaxies) < 2 or galaxies.min() < 2:
        raise ArcgateError(
            f"an interval needs at least two galaxies in each class; galaxies by label: {galaxies.to_dict()}",
            where="test set",
            todo="build a larger data set",
        )


def _add_recall(
    metrics: Metrics, logit: NDArray[np.float64], masked: NDArray[np.float64], label: NDArray[np.int64], fpr: float
) -> None:
    reason = why_no_operating_point(int(np.count_nonzero(label == 0)), fpr)
    if reason is not None:
        metrics.absent |= dict.fromkeys(("recall_at_fpr", "recall_threshold_logit", "core_masked_recall_drop"), reason)
        return
    point = operating_point(logit, label, fpr)
    metrics.values |= {
        "recall_at_fpr": point.recall,
        "recall_threshold_logit": point.threshold,
        "core_masked_recall_drop": point.recall - operating_point(masked, label, fpr).recall,
    }
