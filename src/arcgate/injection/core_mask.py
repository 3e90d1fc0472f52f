"""Removal of an arc's light around its host's centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def radius_from(x_pix: Array | float, y_pix: Array | float, size_pix: int) -> Array:
    """Distance of each pixel of a stamp from a centre, pixels: shape (..., size_pix, size_pix)."""
    x, y = np.asarray(x_pix, dtype=np.float64)[..., None, None], np.asarray(y_pix, dtype=np.float64)[..., None, None]
    pixel = np.arange(size_pix, dtype=np.float64)
    distance: Array = np.hypot(pixel[None, :] - x, pixel[:, None] - y)
    return distance


def kept(radius_pix: Array, kind: str, mask_radius_pix: float, width_pix: float) -> Array:
    """Share of the arc's light that a core mask leaves at a radius.

    Parameters
    ----------
    radius_pix : ndarray
        Distance from the host's centre, pixels.
    kind : {'none', 'hard', 'tanh'}
        No mask; nothing left at r < radius; or (1 + tanh((r - radius) / width)) / 2.
    mask_radius_pix, width_pix : float
        Radius and width, pixels.

    Returns
    -------
    ndarray
        Shape of `radius_pix`, in [0, 1].
    """
    if kind == "none":
        return np.ones_like(radius_pix)
    if kind == "hard":
        return (radius_pix >= mask_radius_pix).astype(np.float64)
    if kind == "tanh":
        taper: Array = 0.5 * (1.0 + np.tanh((radius_pix - mask_radius_pix) / width_pix))
        return taper
    raise ValueError(f"unknown core mask {kind!r}: use none, hard or tanh")
