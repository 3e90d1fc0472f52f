"""Whether a level is one: light that falls or rises with radius is no pedestal."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.verdict.borders import MAD_TO_SIGMA, polar, sky_of
from arcgate.gates.verdict.rows import Rows

Array = NDArray[np.float64]

# Rings inside and outside of 5 px, where a level may differ; each group is even in itself if there is nothing but levels.
_INSIDE: Final = ((0.0, 2.5), (2.5, 5.0))
_OUTSIDE: Final = ((5.0, 10.0), (10.0, 16.0), (16.0, 22.0), (22.0, 31.0))
# How far rings may differ, as a share of the highest level; and in standard errors.
_SHARE: Final = 0.3
_ERRORS: Final = 4.0


def uneven_level(rows: Rows) -> str:
    """How the light beyond the arcs varies with radius, in words; empty where it does not, or pixels are not at hand."""
    if rows.scene is None:
        return ""
    rings = (*_INSIDE, *_OUTSIDE)
    level, error = _levels(rows, rings)
    highest = np.abs(level).max(axis=1)
    groups = (slice(0, len(_INSIDE)), slice(len(_INSIDE), len(rings)))
    uneven = [band for band in range(len(level)) if any(_differ(level[band, g], error[band, g], highest[band]) for g in groups)]
    if not uneven:
        return ""
    band = max(uneven, key=lambda each: float(highest[each]))
    values = ", ".join(f"{value:+.3g}" for value in level[band])
    return f"in {'grz'[band]} {values} sky sigma in rings from 0 to 31 px"


def _differ(level: Array, error: Array, highest: float) -> bool:
    low, high = int(level.argmin()), int(level.argmax())
    return bool(level[high] - level[low] > _SHARE * highest + _ERRORS * np.hypot(error[low], error[high]))


def _levels(rows: Rows, rings: tuple[tuple[float, float], ...]) -> tuple[Array, Array]:
    """Median over rows of the mean light in each ring, sky sigma, less that of controls: values and errors, (3, rings)."""
    scene = rows.scene
    assert scene is not None  # from `uneven_level`
    radius = polar(scene.table)[0]
    images = [scene.light.astype(np.float64) - scene.arc] + ([] if scene.null is None else [scene.null.astype(np.float64)])
    parts = []
    for image in images:
        flat = image.reshape(*image.shape[:2], -1) / sky_of(scene.table)[:, :, None]
        inside = [((radius >= low) & (radius < high)).astype(np.float64)[:, None] for low, high in rings]
        means = np.stack([(flat * ring).sum(axis=2) / ring.sum(axis=2) for ring in inside], axis=2)
        middle = np.median(means, axis=0)
        spread = MAD_TO_SIGMA * np.median(np.abs(means - middle), axis=0)
        parts.append((middle, np.sqrt(np.pi / 2.0 / len(means)) * spread))
    level = parts[0][0] - sum(middle for middle, _ in parts[1:])
    return level, np.sqrt(sum(error**2 for _, error in parts))
