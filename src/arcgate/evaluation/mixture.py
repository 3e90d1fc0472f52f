"""Purity where what is no lens is a mixture: plain galaxies, and light beside galaxies that is no arc."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.evaluation.counterfactuals import ARC, NO_THRESHOLD
from arcgate.evaluation.metrics import LEVEL, Metrics, scored_of
from arcgate.evaluation.resampling import interval_of

if TYPE_CHECKING:
    from arcgate.variant import Kind

Array = NDArray[np.float64]

NAME: Final = "purity_mixture"
CONTROL: Final = "control"


def purity_of_mixture(
    logits: pd.DataFrame, predictions: pd.DataFrame, threshold: float | None, prior: float, mixture: Mapping[Kind, float]
) -> Metrics:
    """Share of lenses among what lies above a threshold, where a share `prior` of what is looked at are lenses.

    Parameters
    ----------
    logits : DataFrame
        From `arcgate.evaluation.counterfactuals.counterfactual_logits`: arcs, and rows of certifying roles.
    predictions : DataFrame
        From `predict`, of the same set: its controls are the plain galaxies.
    threshold : float or None
        On the logit; None where the set allows none.
    prior : float
    mixture : mapping of Kind to float
        Share of each kind among what is no lens: control, unlensed, ring, shuffled.

    Returns
    -------
    Metrics
        purity_mixture with /low and /high (90 %, galaxies and source images drawn anew); absent, with the reason, without a
        threshold, where a kind of the mixture has no rows, or where nothing lies above the threshold.
    """
    if threshold is None:
        return Metrics({}, {NAME: NO_THRESHOLD})
    kinds = {kind: share for kind, share in mixture.items() if share > 0}
    controls = predictions[predictions["label"] == 0].assign(role=CONTROL)
    rows = pd.concat([logits[logits["role"].isin([ARC, *kinds])], controls[controls["role"].isin(kinds)]], ignore_index=True)
    if missing := [kind for kind in (ARC, *kinds) if not (rows["role"] == kind).any()]:
        reason = f"the test set has no {' and no '.join(missing)} rows: see evaluation.mixture, evaluation.common.certifying"
        return Metrics({}, {NAME: reason})
    above = (rows["logit"] > threshold).to_numpy(np.float64)
    of_kind = {kind: (rows["role"] == kind).to_numpy(np.float64) for kind in (ARC, *kinds)}

    def purity(weights: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = {kind: (weights * is_kind) @ above / (weights @ is_kind) for kind, is_kind in of_kind.items()}
            lenses = prior * rate[ARC]
            others: Array = (1.0 - prior) * sum((share * rate[kind] for kind, share in kinds.items()), np.zeros(len(weights)))
            found: Array = lenses / (lenses + others)
        return found

    value = float(purity(np.ones((1, len(rows))))[0])
    if np.isnan(value):
        return Metrics({}, {NAME: "nothing lies above the threshold"})
    metrics = Metrics({NAME: value})
    # Light of one source image is in arcs and in what is as bright as they, and they are drawn together; in controls is none.
    clusters = scored_of(rows.assign(label=(rows["role"] != CONTROL).astype(np.int64))).clusters
    if (limits := interval_of(purity, clusters, LEVEL)) is not None:
        metrics.values |= {f"{NAME}/low": min(limits[0], value), f"{NAME}/high": max(limits[1], value)}
    return metrics
