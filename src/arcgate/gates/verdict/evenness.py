"""Whether a level is one: light that falls or rises with radius is no pedestal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.features.rings import sums_between
from arcgate.gates.verdict.borders import MAD_TO_SIGMA, polar, sky_of
from arcgate.gates.verdict.rows import RefitRows
from arcgate.imaging import Imaging

Array = NDArray[np.float64]
Rings = tuple[tuple[float, float], ...]

# Rings inside and outside of the core, where a level may differ; each group is even in itself if there is nothing but levels.
# Edges inside are shares of the core's radius, those outside of half the stamp.
_INSIDE: Final = (0.0, 0.5, 1.0)
_OUTSIDE: Final = (10 / 32, 16 / 32, 22 / 32, 31 / 32)
# No ring is narrower than a pixel, so that none is empty.
_NARROWEST_PIX: Final = 1.0
# How far rings may differ, as a share of the highest level; and in standard errors.
_SHARE: Final = 0.3
_ERRORS: Final = 4.0


def uneven_level(rows: RefitRows) -> str:
    """How the light beyond the arcs varies with radius, in words; empty where it does not, or pixels are not at hand."""
    if rows.scene is None:
        return ""
    inside, outside = _rings(rows.imaging)
    rings = (*inside, *outside)
    level, error = _levels(rows, rings)
    highest = np.abs(level).max(axis=1)
    groups = [group for group in (slice(0, len(inside)), slice(len(inside), len(rings))) if group.start < group.stop]
    uneven = [band for band in range(len(level)) if any(_differ(level[band, g], error[band, g], highest[band]) for g in groups)]
    if not uneven:
        return ""
    band = max(uneven, key=lambda each: float(highest[each]))
    values = ", ".join(f"{value:+.3g}" for value in level[band])
    return f"in {rows.imaging.bands[band]} {values} sky sigma in rings from 0 to {rings[-1][1]:.3g} px"


def _rings(imaging: Imaging) -> tuple[Rings, Rings]:
    """Inner and outer radius of each ring in the core, and outside of it, pixels."""
    core = imaging.core_pix
    outside = (core, *(part * imaging.size_pix / 2 for part in _OUTSIDE))
    return _apart([part * core for part in _INSIDE]), _apart(outside)


def _apart(edges: Sequence[float]) -> Rings:
    """Rings between edges, without those that are too close to the one before."""
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge >= kept[-1] + _NARROWEST_PIX:
            kept.append(edge)
    return tuple(pairwise(kept))


def _differ(level: Array, error: Array, highest: float) -> bool:
    low, high = int(level.argmin()), int(level.argmax())
    return bool(level[high] - level[low] > _SHARE * highest + _ERRORS * np.hypot(error[low], error[high]))


def _levels(rows: RefitRows, rings: Rings) -> tuple[Array, Array]:
    """Median over rows of the mean light in each ring, sky sigma, less that of controls: values and errors, (band, rings)."""
    scene = rows.scene
    assert scene is not None  # from `uneven_level`
    sky = sky_of(scene.table, rows.imaging)[:, :, None, None]
    radius = polar(scene.table, rows.imaging)[0].reshape(len(sky), *rows.imaging.shape[1:])
    images = [scene.light.astype(np.float64) - scene.arc] + ([] if scene.null is None else [scene.null.astype(np.float64)])
    parts = []
    for image in images:
        sums = [sums_between(image / sky, radius, low, high) for low, high in rings]
        means = np.stack([light / pixels[:, None] for light, pixels in sums], axis=2)
        middle = np.median(means, axis=0)
        spread = MAD_TO_SIGMA * np.median(np.abs(means - middle), axis=0)
        parts.append((middle, np.sqrt(np.pi / 2.0 / len(means)) * spread))
    level = parts[0][0] - sum(middle for middle, _ in parts[1:])
    return level, np.sqrt(sum(error**2 for _, error in parts))
