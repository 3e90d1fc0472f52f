"""Completeness: recall of the positives by what is known of their arcs, lenses and sources."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd
from astropy.stats import binom_conf_interval

from arcgate.evaluation.metrics import LEVEL
from arcgate.ground.errors import ArcgateError

# A bin holds its lower edge and not its upper one.
THETA_E_EDGES_ARCSEC: Final = (0.0, 0.5, 1.0, 1.5, 2.0, math.inf)
ARC_SNR_EDGES: Final = (0.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, math.inf)
COMPLETENESS_EDGES: Final = {
    "theta_e_arcsec": THETA_E_EDGES_ARCSEC,
    "theta_e_over_psf": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf),
    "arc_snr": ARC_SNR_EDGES,
    "host_mag": (-math.inf, 17.0, 18.0, 19.0, 20.0, 21.0, math.inf),
    "source_mag": (-math.inf, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, math.inf),
    "source_reff_arcsec": (0.0, 0.1, 0.2, 0.3, 0.5, math.inf),
}


def completeness(predictions: pd.DataFrame, by: str, threshold: float) -> pd.DataFrame:
    """Share of positives above a threshold, by bins of one of their properties.

    Parameters
    ----------
    predictions : DataFrame
        From `predict`.
    by : str
        A key of `COMPLETENESS_EDGES`; magnitudes are those of the reference band.
    threshold : float
        On the logit.

    Returns
    -------
    DataFrame
        by, bin_low, bin_high (bin_low <= value < bin_high; the last is open), n, n_found, completeness, low, high (90 %
        Wilson interval: score interval of a proportion, 1927, JASA 22, 209). Bins without positives are left out.
    """
    positives = predictions[predictions["label"] == 1]
    edges = COMPLETENESS_EDGES[by]
    value = positives[by].to_numpy(dtype=np.float64)
    if not (value >= edges[0]).all():
        first = positives.loc[~(value >= edges[0]), "sample_id"].iloc[0]
        raise ArcgateError(f"{by} of sample_id {first} is not a number of at least {edges[0]:g}", where="completeness")
    place = np.digitize(value, edges[1:-1])
    bins, n = np.unique(place, return_counts=True)
    n_found = np.bincount(place, positives["logit"].to_numpy() > threshold)[bins].astype(np.int64)
    share = n_found / n
    # Trials are taken as independent; several arcs in one galaxy are not quite.
    low, high = binom_conf_interval(n_found, n, confidence_level=LEVEL, interval="wilson")
    return pd.DataFrame(
        {
            "by": by,
            "bin_low": np.take(edges, bins),
            "bin_high": np.take(edges, bins + 1),
            "n": n,
            "n_found": n_found,
            "completeness": share,
            # Rounding must not carry an end past the proportion itself.
            "low": np.minimum(low, share),
            "high": np.maximum(high, share),
        }
    )
