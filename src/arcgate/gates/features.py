"""Small summary features of stamps: what the probes of the gates see. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Images = NDArray[np.floating[Any]]

CORE_RINGS_PIX = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
EDGE_RINGS_PIX = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0)
DIPOLE_RADIUS_PIX = 5.0
# The published gate's 10 x 10 box about the centre of a 64 x 64 stamp.
BOX = slice(27, 37)
# The rings end well inside this cut, which saves three quarters of the work.
_CUT = slice(16, 48)


def core_features(image: Images, x_pix: Array, y_pix: Array) -> Array:
    """Means of rings out to 7 pixels, and the dipole of the core, per band.

    Parameters
    ----------
    image : ndarray, shape (n, band, y, x)
    x_pix, y_pix : ndarray, shape (n,)
        Centre of each host, pixels.

    Returns
    -------
    ndarray, shape (n, 3 * (7 + 2))
        The rings see a pedestal or a change of width, the dipole a shift.
    """
    dx, dy = _offsets(x_pix, y_pix)
    inside = np.hypot(dx, dy) < DIPOLE_RADIUS_PIX
    dipole = [_weighted_mean(image, inside, axis) for axis in (dx, dy)]
    features = np.concatenate([ring_means(image, x_pix, y_pix, CORE_RINGS_PIX), np.stack(dipole, axis=2)], axis=2)
    return features.reshape(len(image), -1)


def edge_features(image: Images, x_pix: Array, y_pix: Array) -> Array:
    """Differences between neighbouring rings from 2 to 13 pixels per band: a mask's edge is a step in one of them.

    Returns
    -------
    ndarray, shape (n, 3 * 10)
    """
    steps: Array = np.diff(ring_means(image, x_pix, y_pix, EDGE_RINGS_PIX), axis=2)
    return steps.reshape(len(image), -1)


def box_pixels(image: Images) -> Array:
    """The 300 raw pixels of the central 10 x 10 box in three bands, shape (n, 300)."""
    return image[:, :, BOX, BOX].reshape(len(image), -1).astype(np.float64)


def ring_means(image: Images, x_pix: Array, y_pix: Array, edges_pix: tuple[float, ...]) -> Array:
    """Mean over concentric rings about the host's centre, shape (n, band, ring); edges at most 14 pixels.

    A pixel counts in proportion to the overlap of its one-pixel-wide span in radius with the ring, so that no ring is
    empty and none jumps as the centre moves.
    """
    radius = np.hypot(*_offsets(x_pix, y_pix))
    means = []
    for inner, outer in zip(edges_pix[:-1], edges_pix[1:], strict=True):
        weight = np.clip(np.minimum(radius + 0.5, outer) - np.maximum(radius - 0.5, inner), 0.0, None)
        means.append(_weighted_mean(image, weight, np.ones_like(weight)))
    return np.stack(means, axis=2)


def _offsets(x_pix: Array, y_pix: Array) -> tuple[Array, Array]:
    """Offsets of the cut's pixels from each centre, two arrays (n, y, x)."""
    pixel = np.arange(_CUT.start, _CUT.stop, dtype=np.float64)
    shape = (len(x_pix), pixel.size, pixel.size)
    dx = np.broadcast_to((pixel - x_pix[:, None])[:, None, :], shape)
    dy = np.broadcast_to((pixel - y_pix[:, None])[:, :, None], shape)
    return dx, dy


def _weighted_mean(image: Images, weight: NDArray[Any], factor: Array) -> Array:
    """Sum of weight * factor * image over the cut, over the sum of the weights: (n, band)."""
    sums: Array = np.einsum("nbyx,nyx->nb", image[:, :, _CUT, _CUT], weight * factor)
    return sums / weight.sum(axis=(1, 2))[:, None]
