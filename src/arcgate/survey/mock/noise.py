"""Correlated sky noise of the mock survey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = type[np.float32] | type[np.float64]


def sky_noise(rng: np.random.Generator, sigma: float, lag1: float, size_pix: int, dtype: Float = np.float64) -> NDArray[Any]:
    """Stationary Gaussian noise of standard deviation `sigma` whose neighbouring pixels correlate by `lag1` on both axes.

    A moving average of two white pixels on each axis, (e_i + t e_{i+1}) / sqrt(1 + t^2) with t / (1 + t^2) = lag1.
    Correlations reach one pixel (diagonal lag1^2). Resampled survey images also have a second lag, about -0.07, that this
    leaves out.

    Parameters
    ----------
    rng : numpy.random.Generator
    sigma : float
        Standard deviation of every pixel.
    lag1 : float
        0 <= lag1 < 0.5.
    size_pix : int
        Side of the stamp.
    dtype : type
        float64, or float32 for images so large that time and memory count.

    Returns
    -------
    ndarray, shape (size_pix, size_pix)
    """
    t = 0.0 if lag1 == 0.0 else (1.0 - np.sqrt(1.0 - 4.0 * lag1**2)) / (2.0 * lag1)
    white = rng.standard_normal((size_pix + 1, size_pix + 1), dtype=dtype)
    rows = white[:-1] + dtype(t) * white[1:]
    return np.asarray(dtype(sigma) * (rows[:, :-1] + dtype(t) * rows[:, 1:]) / dtype(1.0 + t**2))
