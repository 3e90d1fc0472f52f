"""Small summary features of stamps: what the probes of the gates see. Pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.schema import STAMP_SIZE

Array = NDArray[np.float64]
Images = NDArray[np.floating[Any]]

CORE_RINGS_PIX = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
EDGE_RINGS_PIX = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0)
DIPOLE_RADIUS_PIX = 5.0
# The published gate's 10 x 10 box about the centre of a 64 x 64 stamp.
BOX = slice(27, 37)


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
    dx, dy = _offsets(x_pix, y_pix, CORE_RINGS_PIX[-1])
    pixels, radius = _cut(image, dx), np.hypot(dx, dy)
    inside = radius < DIPOLE_RADIUS_PIX
    dipole = [_weighted_sums(pixels, axis * inside) / inside.sum(axis=1)[:, None] for axis in (dx, dy)]
    return np.concatenate([_ring_means(pixels, radius, CORE_RINGS_PIX), np.stack(dipole, axis=2)], axis=2).reshape(len(image), -1)


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
    """Mean over concentric rings about the host's centre, shape (n, band, ring).

    A pixel counts in proportion to the overlap of its one-pixel-wide span in radius with the ring, so that no ring is
    empty and none jumps as the centre moves.
    """
    dx, dy = _offsets(x_pix, y_pix, edges_pix[-1])
    return _ring_means(_cut(image, dx), np.hypot(dx, dy), edges_pix)


def _offsets(x_pix: Array, y_pix: Array, reach_pix: float) -> tuple[Array, Array]:
    """Offsets from each centre of the pixels in the smallest cut that holds a radius, two arrays (n, pixel)."""
    # A galaxy's centre lies within a pixel or so of the stamp's, and a ring's weights reach half a pixel further.
    half = min(math.ceil(reach_pix) + 3, STAMP_SIZE // 2)
    pixel = np.arange(STAMP_SIZE // 2 - half, STAMP_SIZE // 2 + half, dtype=np.float64)
    shape = (len(x_pix), pixel.size, pixel.size)
    dx = np.broadcast_to((pixel - x_pix[:, None])[:, None, :], shape)
    dy = np.broadcast_to((pixel - y_pix[:, None])[:, :, None], shape)
    return dx.reshape(len(x_pix), -1), dy.reshape(len(x_pix), -1)


def _cut(image: Images, offsets: Array) -> Array:
    """The pixels that the offsets belong to: (n, band, pixel)."""
    size = math.isqrt(offsets.shape[1])
    cut = slice((STAMP_SIZE - size) // 2, (STAMP_SIZE + size) // 2)
    return image[:, :, cut, cut].reshape(*image.shape[:2], -1).astype(np.float64)


def _ring_means(pixels: Array, radius: Array, edges_pix: tuple[float, ...]) -> Array:
    """Means of rings as differences of sums over discs: a third of the work, and memory of one disc at a time."""
    sums, areas, disc = [], [], np.empty_like(radius)
    for edge in edges_pix:
        np.clip(edge + 0.5 - radius, 0.0, 1.0, out=disc)
        sums.append(_weighted_sums(pixels, disc))
        areas.append(disc.sum(axis=1)[:, None])
    means: Array = np.diff(np.stack(sums, axis=2), axis=2) / np.diff(np.stack(areas, axis=2), axis=2)
    return means


def _weighted_sums(pixels: Array, weight: Array) -> Array:
    """Sum over pixels of weight times pixel: (n, band)."""
    sums: Array = (pixels @ weight[:, :, None])[:, :, 0]
    return sums
