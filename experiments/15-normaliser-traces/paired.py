"""The difference between two networks of the same seed, and its interval over seeds and galaxies. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from arcgate.evaluation.metrics import operating_point

Array = NDArray[np.float64]
LEVEL, ONE_POINT, DRAWS = 0.9, 0.01, 1000


@dataclass(frozen=True)
class Cost:
    """What the trace costs, as a share of the positives; positive: the network that never saw it recalls more.

    Attributes
    ----------
    value : float
        Mean over seeds of recall (host-normalised) minus recall (arc-normalised).
    seeds : tuple of float
        90 % interval if other seeds were drawn, on these galaxies.
    low, high : float
        90 % interval if other seeds and other galaxies were drawn: what decides.
    """

    value: float
    seeds: tuple[float, float]
    low: float
    high: float

    @property
    def verdict(self) -> Literal["gate", "diagnostic"]:
        """A gate if the whole interval lies above one point."""
        return "gate" if self.low > ONE_POINT else "diagnostic"


def cost(differences: Array, over_galaxies: Array) -> Cost:
    """The mean difference with its intervals.

    Parameters
    ----------
    differences : ndarray, shape (seeds,)
        Of each seed, host minus arc.
    over_galaxies : ndarray, shape (draws,)
        The mean over the same seeds on galaxies drawn anew.

    Returns
    -------
    Cost
        Both sources of scatter add up in variance; Student's t for the number of seeds, which are far fewer than galaxies.
        What a seed does to single galaxies is in both, so that the interval is rather too wide.
    """
    count = len(differences)
    value, quantile = float(differences.mean()), float(t.ppf(0.5 + LEVEL / 2.0, count - 1))
    of_seeds = float(differences.var(ddof=1)) / count
    narrow, wide = (quantile * float(np.sqrt(variance)) for variance in (of_seeds, of_seeds + float(over_galaxies.var(ddof=1))))
    return Cost(value, (value - narrow, value + narrow), value - wide, value + wide)


def over_galaxies(host: Array, arc: Array, label: NDArray[np.int64], fpr: float, draws: int = DRAWS) -> Array:
    """Mean difference in recall on galaxies drawn anew, the same ones for every network.

    Parameters
    ----------
    host, arc : ndarray, shape (seeds, rows)
        Logits. Each galaxy has one row, as in an unpaired set with an arc a galaxy.
    label : ndarray, shape (rows,)
    fpr : float
        False-positive rate of the recalls; each network has its own threshold in each draw.
    draws : int
    """
    rng = np.random.default_rng(15)
    classes = [np.flatnonzero(label == one) for one in (1, 0)]
    out = np.empty(draws)
    for number in range(draws):
        rows = np.concatenate([rng.choice(part, len(part)) for part in classes])
        out[number] = np.mean(recalls(host[:, rows], label[rows], fpr) - recalls(arc[:, rows], label[rows], fpr))
    return out


def recalls(logits: Array, label: NDArray[np.int64], fpr: float) -> Array:
    """Recall of each network, shape (seeds,)."""
    return np.array([operating_point(logit, label, fpr).recall for logit in logits])
