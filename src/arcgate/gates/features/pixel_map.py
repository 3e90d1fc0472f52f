"""AUC of every pixel by itself, from histograms that batches add to. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.features.compiled import counted
from arcgate.views.stretch import asinh

Counts = NDArray[np.int32]
Array = NDArray[np.float64]

# asinh of light in sky sigma, from -27 to 1,490 sky sigma; steps of 0.09 sky sigma near 0 and 9 % where it is bright.
BINS: Final = 128
_LOW, _HIGH = -4.0, 8.0


def histograms(scaled: NDArray[np.float32]) -> Counts:
    """Counts of the values of each pixel, shape (pixel, BINS), of images (n, y, x) in units of the sky's standard deviation."""
    values = scaled.reshape(len(scaled), scaled.shape[1] * scaled.shape[2])
    level = (asinh(values) - np.float32(_LOW)) * np.float32(BINS / (_HIGH - _LOW))
    place = np.clip(level, 0, BINS - 1).astype(np.uint8)
    counts: Counts = counted(place, BINS)
    return counts


def auc_map(positive: Counts, control: Counts) -> Array:
    """P(positive above control) + P(same bin) / 2 for each pixel, as a square image."""
    one, zero = positive.astype(np.float64), control.astype(np.float64)
    below = np.cumsum(zero, axis=1) - zero
    pairs = one.sum(axis=1) * zero.sum(axis=1)
    auc = (one * (below + 0.5 * zero)).sum(axis=1) / pairs
    side = int(np.sqrt(len(auc)))
    square: Array = auc.reshape(side, side)
    return square
