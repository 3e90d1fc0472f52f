"""The border of a stamp, where there is little but sky: its noise, and what the declared photons of an arc bring to it."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, STAMP_SIZE

Array = NDArray[np.float64]

BORDER_PIX: Final = 20.0
MAD_TO_SIGMA: Final = 1.4826
_ROWS: Final = 32


def batches(n: int) -> list[slice]:
    """Rows in batches, so that memory stays small."""
    return [slice(begin, min(begin + _ROWS, n)) for begin in range(0, n, _ROWS)]


def sky_of(table: pd.DataFrame) -> Array:
    """Standard deviation of the sky, (n, 3)."""
    return table[[f"sky_sigma_{band}" for band in BANDS]].to_numpy(np.float64)


def polar(table: pd.DataFrame) -> tuple[Array, Array]:
    """Radius (pixels) and azimuth of each pixel about the host, (n, 4096) each."""
    pixel = np.arange(STAMP_SIZE, dtype=np.float64)
    x = pixel[None, None, :] - table["host_x_pix"].to_numpy(np.float64)[:, None, None]
    y = pixel[None, :, None] - table["host_y_pix"].to_numpy(np.float64)[:, None, None]
    radius, azimuth = np.hypot(x, y), np.arctan2(y, x)
    return radius.reshape(len(table), -1), azimuth.reshape(len(table), -1)


def border_of(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Pixels at r >= 20 px, (n, 4096)."""
    return polar(table)[0] >= BORDER_PIX


def spread2(image: Array, border: NDArray[np.bool_]) -> Array:
    """Variance of the noise at the border, (n, 3), from differences of neighbours along x, which smooth light leaves alone.

    The scaled median absolute difference: galaxies beside the host do not count. Noise that is correlated between neighbours
    counts less; stamps and controls have the same.
    """
    out = np.empty(image.shape[:2])
    both = border.reshape(-1, STAMP_SIZE, STAMP_SIZE)
    both = both[:, :, 1:] & both[:, :, :-1]
    steps = np.abs(np.diff(image, axis=3))
    for row, inside in enumerate(both):
        out[row] = (MAD_TO_SIGMA * np.median(steps[row][:, inside], axis=1)) ** 2 / 2.0
    return out


def photons(table: pd.DataFrame, arc: Array, region: NDArray[np.bool_]) -> Array:
    """Mean variance in a region (n, 4096) that the declared noise of the arc's photons brings, (n, 3)."""
    with_noise = (table["arc_noise"] == "poisson").to_numpy(np.float64)[:, None]
    if not with_noise.any():
        # Tables of other makers then need no gain.
        return np.zeros(arc.shape[:2])
    gain = table[[f"gain_{band}" for band in BANDS]].to_numpy(np.float64)
    light = np.maximum(arc.reshape(*arc.shape[:2], -1), 0.0)
    inside = region[:, None]
    variance: Array = with_noise * (light * inside).sum(axis=2) / inside.sum(axis=2) / gain
    return variance
