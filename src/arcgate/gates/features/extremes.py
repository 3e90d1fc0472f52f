"""What single stamps can show that no other stamp does: extremes of pixels, lines, levels and stored values. Pure.

Stateless: stamps go in, arrays come out. Each feature is of one band and of one stamp, so that a leak in a few of the stamps
makes these few extreme, however wide the others are spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.stamps import Pixels, Stamps
from arcgate.gates.features.compiled_extremes import block_means, contrasts, repeats
from arcgate.gates.features.regions import Regions, divided
from arcgate.ground.draws import uniform
from arcgate.imaging import Imaging

Floats = NDArray[np.float32]
Places = NDArray[np.int32]

PIXELS: Final = ("brightest pixel", "darkest pixel")
LINES: Final = ("brightest line", "darkest line")
# Levels grow by as much as a pedestal adds everywhere.
LEVELS: Final = (
    "core",
    "darkest corner",
    "brightest corner",
    "darkest side",
    "brightest side",
    "darkest block",
    "darkest block around the galaxy",
)
STORED: Final = ("pixels that share a value", "exact zeros")
NAMES: Final = (*PIXELS, *LINES, "roughness", *LEVELS, "core above its surroundings", *STORED)
"""The features of a band, in the order of the last axis."""

# Fewer repeats and zeros than in a control are what adding any light to a quantised or masked image does: only more tell.
ONE_SIDED: Final = STORED
# A fainter pixel may be what an arc nearly cancelled; its last bits are then zeros (`summaries.bits`).
_FAINT_SKY_SIGMA: Final = np.float32(0.01)
# Along a side of the stamp; each is four smaller ones.
_BLOCKS: Final = 8


@dataclass(frozen=True)
class Traits:
    """Features of stamps.

    Attributes
    ----------
    hosts : ndarray of str, shape (n,)
        Galaxy of each row.
    pairs : ndarray of int, shape (n,)
        Pair of each row.
    values : ndarray, float32 (n, band, len(NAMES))
        Light in units of the sky's standard deviation.
    places : ndarray, int32 (n, band, 4)
        Where the extremes of pixels and lines are, as `contrasts` states them.
    imaging : Imaging
        Of the stamps.
    """

    hosts: NDArray[np.str_]
    pairs: NDArray[np.int64]
    values: Floats
    places: Places
    imaging: Imaging


def extremes(stamps: Stamps, stored: Floats, regions: Regions) -> tuple[Floats, Places]:
    """Values and places (`Traits`) of stamps, with those of the values that were stored for them, as `stored_values` counts."""
    image = np.ascontiguousarray(stamps.image, dtype=np.float32)
    sky = stamps.sky[:, :, 0, 0].astype(np.float32)
    pixels, places = contrasts(image, sky)
    return np.concatenate([pixels, levels(image, sky, regions), stored], axis=2), places


def stored_values(stamps: Stamps) -> Floats:
    """Repeated values and exact zeros of pixels as stored, float32 (n, band, 2)."""
    image = np.ascontiguousarray(stamps.image, dtype=np.float32)
    faint = _FAINT_SKY_SIGMA * stamps.sky[:, :, 0, 0].astype(np.float32)
    n, bands, height, width = image.shape
    return np.asarray(repeats(image.reshape(n, bands, height * width), faint), dtype=np.float32)


def levels(image: Pixels, sky: Floats, regions: Regions) -> Floats:
    """Mean light of regions, sky sigma: `LEVELS`, and the core above its surroundings; float32 (n, band, 8).

    The darkest of several regions stays low where a neighbour lights some of them, and rises where something lights all.
    """
    around = block_means(image, np.array(regions.core_squares)) / sky[:, :, None, None]
    core = around[:, :, 1:3, 1:3].mean(axis=(2, 3))
    ring = (16.0 * around.mean(axis=(2, 3)) - 4.0 * core) / 12.0
    n, bands = around.shape[:2]
    small = block_means(image, np.array(divided(image.shape[-1], 2 * _BLOCKS))) / sky[:, :, None, None]
    blocks = small.reshape(n, bands, _BLOCKS, 2, _BLOCKS, 2).mean(axis=(3, 5))
    corners = blocks[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    sides = _sides(image, regions.frame_pix) / sky[:, :, None]
    near = blocks[:, :, 2:6, 2:6].reshape(n, bands, 16)[:, :, [0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15]]
    found = [
        core,
        corners.min(axis=2),
        corners.max(axis=2),
        sides.min(axis=2),
        sides.max(axis=2),
        blocks.min(axis=(2, 3)),
        near.min(axis=2),
        (core - ring) / (1.0 + np.abs(ring)),
    ]
    return np.stack(found, axis=2).astype(np.float32)


def _sides(image: Pixels, width_pix: int) -> Floats:
    """Means of the outermost pixels of the four sides, (n, band, 4)."""
    strips = (image[..., :width_pix, :], image[..., -width_pix:, :], image[..., :width_pix], image[..., -width_pix:])
    return np.stack([strip.mean(axis=(2, 3)) for strip in strips], axis=2)


def planted_pixel(stamps: Stamps) -> Floats:
    """A pixel of each stamp by hash: its contrast, and what a sky sigma of light in it adds to that; float32 (n, band, 2)."""
    pairs = stamps.pair
    # Not at the very border, where pixels have fewer neighbours.
    inside = stamps.imaging.size_pix - 2
    y, x = ((1 + inside * uniform(0, f"tails {axis}", pairs)).astype(np.intp)[:, None] for axis in ("y", "x"))
    rows, bands = np.arange(len(pairs))[:, None], np.arange(len(stamps.imaging.bands))
    around = [stamps.image[rows, bands, y + i, x + j] for i in (-1, 0, 1) for j in (-1, 0, 1)]
    pixel, sky = around[4], stamps.sky[:, :, 0, 0]
    mean = (np.sum(around, axis=0) - pixel) / 8.0
    unit = sky + np.abs(mean)
    return np.stack([(pixel - mean) / unit, sky / unit], axis=2).astype(np.float32)


def where(feature: str, place: int, size_pix: int) -> str:
    """A place as `contrasts` states it, in words; empty for features that have none."""
    if feature in PIXELS:
        return f"row {place // size_pix}, column {place % size_pix}"
    if feature in LINES:
        return f"column {place}" if place >= 0 else f"row {-1 - place}"
    return ""
