"""A curve that never falls, through lost recall against AUC - 0.5, and what it says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

Array = NDArray[np.float64]


def curve(excess: Array, lost: Array) -> tuple[Array, Array]:
    """Isotonic regression from nothing lost where there is no leak: AUC - 0.5 ascending, and lost recall there."""
    x, y = np.concatenate([[0.0], excess]), np.concatenate([[0.0], lost])
    order = np.argsort(x, kind="stable")
    weights = np.ones(len(x))
    # No leak loses nothing: the loss is measured from there.
    weights[0] = 1e6
    fitted = IsotonicRegression(y_min=0.0).fit_transform(np.arange(len(x)), y[order], sample_weight=weights[order])
    return x[order], fitted


def crossing(excess: Array, lost: Array, loss: float) -> float:
    """AUC - 0.5 at which as much is lost, between rungs on a straight line; infinite if it never is."""
    x, y = curve(excess, lost)
    above = np.flatnonzero(y > loss)
    if not len(above):
        return np.inf
    first = above[0]
    return float(np.interp(loss, y[first - 1 : first + 1], x[first - 1 : first + 1]))


def at_margin(excess: Array, lost: Array, margin: float) -> float:
    """What is lost where the gate reads 0.5 + margin."""
    return float(np.interp(margin, *curve(excess, lost)))
