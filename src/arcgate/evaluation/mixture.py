"""Purity where what is no lens is a mixture: plain galaxies, and light beside galaxies that is no arc."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from arcgate.evaluation.counterfactuals import ARC, NO_THRESHOLD
from arcgate.evaluation.metrics import LEVEL, Metrics, scored_of
from arcgate.evaluation.rates import clopper_pearson, purity

if TYPE_CHECKING:
    from arcgate.evaluation_node import Kind

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
        Share of each kind among what is no lens.

    Returns
    -------
    Metrics
        purity_mixture with /low and /high: at least 90 %, each of the rates within limits of Clopper & Pearson that all hold at
        once (Bonferroni), since a rate of none among few says little. Absent, with the reason, without a threshold, where a kind
        of the mixture has no rows, or where nothing lies above the threshold.
    """
    if threshold is None:
        return Metrics({}, {NAME: NO_THRESHOLD})
    kinds = {kind: share for kind, share in mixture.items() if share > 0}
    controls = predictions[predictions["label"] == 0].assign(role=CONTROL)
    rows = pd.concat([logits[logits["role"].isin([ARC, *kinds])], controls[controls["role"].isin(kinds)]], ignore_index=True)
    if missing := [kind for kind in (ARC, *kinds) if not (rows["role"] == kind).any()]:
        asked = "data.certifying, evaluation.common.certifying, evaluation.mixture"
        return Metrics({}, {NAME: f"the test set has no {' and no '.join(missing)} rows: see {asked}"})
    missed = (1.0 - LEVEL) / 2.0 / (1 + len(kinds))
    value, low, high = {}, {}, {}
    for kind in (ARC, *kinds):
        # Light of a source image is in arcs and in what is as bright as they; in controls is none.
        scored = scored_of(rows[rows["role"] == kind].assign(label=1))
        value[kind] = float(np.mean(scored.logit > threshold))
        low[kind], high[kind] = clopper_pearson(scored, threshold, missed)

    def others(rate: Mapping[str, float]) -> float:
        return sum(share * rate[kind] for kind, share in kinds.items())

    found = purity(value[ARC], others(value), prior)
    if np.isnan(found):
        return Metrics({}, {NAME: "nothing lies above the threshold"})
    least, most = purity(low[ARC], others(high), prior), purity(high[ARC], others(low), prior)
    return Metrics({NAME: found, f"{NAME}/low": least, f"{NAME}/high": most})
