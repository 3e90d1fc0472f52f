"""Whether probabilities are what they claim: reliability by bins, and the expected calibration error."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from astropy.stats import binom_conf_interval
from numpy.typing import NDArray
from scipy.special import expit

BINS: Final = 10


def reliability(logit: NDArray[np.float64], label: NDArray[np.int64], level: float) -> pd.DataFrame:
    """Share of positives among stamps of about the same probability.

    Parameters
    ----------
    logit, label : ndarray, shape (n,)
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        bin_low, bin_high, n, predicted (mean probability), found (share of positives), low, high (Wilson's interval of it); ten
        bins of equal width, without those that are empty. The test set has its own share of positives: at another prior logits
        shift by the difference of the priors' logits.
    """
    probability = expit(logit)
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    bins, n = np.unique(place, return_counts=True)
    predicted, hits = (np.bincount(place, part, BINS)[bins] for part in (probability, label.astype(np.float64)))
    low, high = binom_conf_interval(hits.astype(np.int64), n, confidence_level=level, interval="wilson")
    return pd.DataFrame(
        {
            "bin_low": bins / BINS,
            "bin_high": (bins + 1) / BINS,
            "n": n,
            "predicted": predicted / n,
            "found": hits / n,
            "low": low,
            "high": high,
        }
    )


def calibration_error(table: pd.DataFrame) -> float:
    """Mean over stamps of how far their bin's probability lies from its share of positives (Guo et al. 2017, equation 3)."""
    return float(np.average((table["predicted"] - table["found"]).abs(), weights=table["n"]))
