"""Metrics of one test set from its predictions; a metric that cannot be had is absent, with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.evaluation.calibration import calibration_error, reliability
from arcgate.evaluation.rates import (
    ENOUGH,
    RATES,
    Scored,
    average_precision,
    carried_over,
    purity,
    recall_above_false_positives,
    recall_at,
)
from arcgate.evaluation.resampling import interval_of
from arcgate.ground.draws import text_ids
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


def set_metrics(predictions: pd.DataFrame, fpr: float, prior: float) -> Metrics:
    """Metrics of one test set.

    Parameters
    ----------
    predictions : DataFrame
        From `predict`, with the logits under the test-time core mask as `logit_core_masked`.
    fpr : float
        False-positive rate of recall.
    prior : float
        Share of lenses among what is looked at, for purity.

    Returns
    -------
    Metrics
        auroc, over rows of different galaxies, with auroc/low and auroc/high (90 % interval, clustered by host and source
        image; see `clustered_auc`); n_sources, where sources are images; recall_at_fpr and recall_threshold_logit;
        recall_fpr_1e-1 to recall_fpr_1e-4, each with /low, /high and /k (`rates.recall_at`); recall_no_false_positive and
        recall_ten_false_positives among n_negatives; carried_fpr (`rates.carried_over` at `fpr`); purity_fpr_1e-1 and on, at a
        share `prior` of lenses; average_precision with its interval; calibration_error;
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
    _add_rates(metrics, scored_of(predictions), fpr, prior)
    metrics.values["calibration_error"] = calibration_error(reliability(logit, label, LEVEL))
    return metrics


def scored_of(predictions: pd.DataFrame) -> Scored:
    """Predictions as `rates` takes them."""
    galaxy = text_ids(predictions["host_id"].astype(str).tolist())
    source = predictions["source_image"].astype("category").cat.codes.to_numpy().astype(np.int64)
    label = predictions["label"].to_numpy(np.int64)
    return Scored(predictions["logit"].to_numpy(np.float64), label, galaxy, np.where(label == 1, source, -1))


def _add_rates(metrics: Metrics, scored: Scored, fpr: float, prior: float) -> None:
    ones = np.ones((1, len(scored.label)))
    precision = partial(average_precision, scored)
    metrics.values["average_precision"] = float(precision(ones)[0])
    if (limits := interval_of(precision, scored.clusters, LEVEL)) is not None:
        metrics.values |= {"average_precision/low": limits[0], "average_precision/high": limits[1]}
    for rate in RATES:
        name, found = f"recall_fpr_{rate:.0e}".replace("e-0", "e-"), recall_at(scored, rate, LEVEL)
        metrics.values[f"{name}/k"] = float(found.k)
        if found.low is not None and found.high is not None:
            metrics.values |= {f"{name}/low": found.low, f"{name}/high": found.high}
        if found.value is None:
            reason = (
                f"a value at a false-positive rate of {rate:g} needs {ENOUGH} different galaxies above the threshold, of about "
                f"{found.needed:,} negatives; there are {found.k}"
            )
            metrics.absent |= dict.fromkeys((name, name.replace("recall", "purity")), reason)
        else:
            purity_ = purity(found.value, rate, prior)
            metrics.values |= {name: found.value, name.replace("recall", "purity"): purity_}
    negatives = int(np.count_nonzero(scored.label == 0))
    metrics.values["n_negatives"] = float(negatives)
    for name, allowed in (("recall_no_false_positive", 0), ("recall_ten_false_positives", ENOUGH)):
        if (recall := recall_above_false_positives(scored, allowed)) is None:
            metrics.absent[name] = f"{allowed} false positives need more than {allowed} negatives; there are {negatives}"
        else:
            metrics.values[name] = recall
    carried, rows = carried_over(scored, fpr)
    if rows * fpr >= ENOUGH:
        metrics.values["carried_fpr"] = carried
    else:
        metrics.absent["carried_fpr"] = (
            f"a threshold carried over at a false-positive rate of {fpr:g} needs about {math.ceil(2 * ENOUGH / fpr - 1e-9):,} "
            f"negatives, half of them to set it; there are {negatives:,}"
        )


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
