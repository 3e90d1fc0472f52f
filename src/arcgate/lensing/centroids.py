"""Where light is centred: by its flux, or under a Gaussian window that follows it. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def flux_weighted(image: Array, x: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Mean of the places (x, y) of pixels, weighted by their light.

    Parameters
    ----------
    image, x, y : ndarray, shape (h, w)
        Light, and the place of each pixel.
    """
    total = image.sum()
    return float((image * x).sum() / total), float((image * y).sum() / total)


def windowed_step(light: Array, dx: Array, dy: Array, sigma: float) -> tuple[Array, Array, Array]:
    """One step from places towards the centroids under Gaussian windows about them.

    Twice the weighted offset, since the window halves that of a source of its own width: the fixed point is the windowed centroid
    of SExtractor (XWIN_IMAGE) and of Bernstein & Jarvis (2002, AJ 123, 583).

    Parameters
    ----------
    light : ndarray, shape (n, y, x)
    dx, dy : ndarray, shape (n, x), (n, y)
        Columns and rows of pixels, from each place.
    sigma : float
        Standard deviation of the windows, in the unit of the offsets.

    Returns
    -------
    step_x, step_y, total : ndarray, shape (n,)
        The steps, not finite where there is no light under the window, and that light.
    """
    w_x, w_y = (np.exp(-0.5 * np.square(along / sigma)) for along in (dx, dy))
    # Sums over y of light under the window, and of light times its distance: (n, 2, x).
    columns = np.stack([w_y, w_y * dy], axis=1) @ light
    total, moment_y = (columns @ w_x[:, :, None])[:, :, 0].T
    moment_x = np.einsum("nx,nx->n", columns[:, 0], w_x * dx)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2.0 * moment_x / total, 2.0 * moment_y / total, total
