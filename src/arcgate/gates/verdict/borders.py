"""The border of a stamp, where there is little but sky: its noise, and what the declared photons of an arc bring to it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.imaging import Imaging

Array = NDArray[np.float64]

BORDER: Final = 20 / 32
"""Where the border begins, of half the stamp."""
MAD_TO_SIGMA: Final = 1.4826
# Values of an image that are looked at together: 32 rows of three bands of 64 x 64 pixels.
_VALUES: Final = 393_216


def batches(n: int, imaging: Imaging) -> list[slice]:
    """Rows in batches, fewer of larger stamps, so that memory stays small."""
    rows = max(_VALUES // math.prod(imaging.shape), 1)
    return [slice(begin, min(begin + rows, n)) for begin in range(0, n, rows)]


def sky_of(table: pd.DataFrame, imaging: Imaging) -> Array:
    """Standard deviation of the sky, (n, band)."""
    return table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy(np.float64)


def polar(table: pd.DataFrame, imaging: Imaging) -> tuple[Array, Array]:
    """Radius (pixels) and azimuth of each pixel about the host, (n, pixels) each."""
    pixel = np.arange(imaging.size_pix, dtype=np.float64)
    x = pixel[None, None, :] - table["host_x_pix"].to_numpy(np.float64)[:, None, None]
    y = pixel[None, :, None] - table["host_y_pix"].to_numpy(np.float64)[:, None, None]
    radius, azimuth = np.hypot(x, y), np.arctan2(y, x)
    return radius.reshape(len(table), -1), azimuth.reshape(len(table), -1)


def border_of(table: pd.DataFrame, imaging: Imaging) -> NDArray[np.bool_]:
    """Pixels at `BORDER` of half the stamp and beyond, (n, pixels)."""
    return polar(table, imaging)[0] >= BORDER * imaging.size_pix / 2


def spread2(image: Array, border: NDArray[np.bool_]) -> Array:
    """Variance of the noise at the border (n, pixels) of images (n, band, y, x): (n, band).

    It is measured on differences of neighbours along x, which smooth light leaves alone, as the scaled median absolute
    difference: galaxies beside the host do not count. Noise that is correlated between neighbours counts less; stamps and
    controls have the same.
    """
    out = np.empty(image.shape[:2])
    both = border.reshape(-1, *image.shape[2:])
    both = both[:, :, 1:] & both[:, :, :-1]
    steps = np.abs(np.diff(image, axis=3))
    for row, inside in enumerate(both):
        out[row] = (MAD_TO_SIGMA * np.median(steps[row][:, inside], axis=1)) ** 2 / 2.0
    return out


def photons(table: pd.DataFrame, arc: Array, region: NDArray[np.bool_], imaging: Imaging) -> Array:
    """Mean variance in a region (n, pixels) that the declared noise of the arc's photons brings, (n, band)."""
    with_noise = (table["arc_noise"] == "poisson").to_numpy(np.float64)[:, None]
    if not with_noise.any():
        # Tables of other makers then need no gain.
        return np.zeros(arc.shape[:2])
    gain = table[[f"gain_{band}" for band in imaging.bands]].to_numpy(np.float64)
    light = np.maximum(arc.reshape(*arc.shape[:2], -1), 0.0)
    inside = region[:, None]
    variance: Array = with_noise * (light * inside).sum(axis=2) / inside.sum(axis=2) / gain
    return variance
