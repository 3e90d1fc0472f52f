"""Completeness: recall of the positives by Einstein radius and by signal-to-noise ratio of the arc."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from arcgate.evaluation.metrics import LEVEL
from arcgate.ground.errors import ArcgateError

# A bin holds its lower edge and not its upper one.
THETA_E_EDGES_ARCSEC: Final = (0.0, 0.5, 1.0, 1.5, 2.0, math.inf)
ARC_SNR_EDGES: Final = (0.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, math.inf)
COMPLETENESS_EDGES: Final = {"theta_e_arcsec": THETA_E_EDGES_ARCSEC, "arc_snr": ARC_SNR_EDGES}


def wilson_interval(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927, JASA 22, 209).

    Parameters
    ----------
    successes, trials : int
        trials > 0.
    level : float
        Coverage.

    Returns
    -------
    low, high : float
        Trials are taken as independent; several arcs in one galaxy are not quite.
    """
    z = float(norm.ppf(0.5 + 0.5 * level))
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # Rounding must not carry an end past the proportion itself.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def completeness(predictions: pd.DataFrame, by: str, threshold: float) -> pd.DataFrame:
    """Share of positives above a threshold, by bins of one of their properties.

    Parameters
    ----------
    predictions : DataFrame
        From `predict`.
    by : {'theta_e_arcsec', 'arc_snr'}
        The property.
    threshold : float
        On the logit.

    Returns
    -------
    DataFrame
        by, bin_low, bin_high (bin_low <= value < bin_high; the last is open), n, n_found, completeness, low, high (90 %
        Wilson interval). Bins without positives are left out.
    """
    positives = predictions[predictions["label"] == 1]
    edges = COMPLETENESS_EDGES[by]
    value = positives[by].to_numpy(dtype=np.float64)
    if not (value >= edges[0]).all():
        first = positives.loc[~(value >= edges[0]), "sample_id"].iloc[0]
        raise ArcgateError(f"{by} of sample_id {first} is not a number of at least {edges[0]:g}", where="completeness")
    place = np.digitize(value, edges[1:-1])
    found = positives["logit"].to_numpy() > threshold
    lines = [_line(by, edges[k], edges[k + 1], found[place == k]) for k in np.unique(place)]
    return pd.DataFrame(lines)


def _line(by: str, bin_low: float, bin_high: float, found: NDArray[np.bool_]) -> dict[str, object]:
    n, n_found = len(found), int(found.sum())
    low, high = wilson_interval(n_found, n)
    return {
        "by": by,
        "bin_low": bin_low,
        "bin_high": bin_high,
        "n": n,
        "n_found": n_found,
        "completeness": n_found / n,
        "low": low,
        "high": high,
    }
