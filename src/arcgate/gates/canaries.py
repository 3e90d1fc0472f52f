"""Leaks of a known size, planted in the null twin before extraction: a gate that stays silent on them is blind. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.arms import Stamps
from arcgate.injection.core_mask import radius_from
from arcgate.injection.inject import CORE_RADIUS_PIX

Array = NDArray[np.float64]
Canary = Callable[[Stamps, float], Stamps]


def core_pedestal(stamps: Stamps, size_sky_sigma: float) -> Stamps:
    """Add `size` sky sigma to every pixel at r < 5 px."""
    return stamps.with_leak(size_sky_sigma * stamps.sky * _inside(stamps, CORE_RADIUS_PIX))


def core_step(stamps: Stamps, size_sky_sigma: float) -> Stamps:
    """Take `size` sky sigma from every pixel at r < 5 px, or inside the declared mask: what a mask's edge looks like."""
    radius = np.where(stamps.table["core_mask_kind"] == "none", CORE_RADIUS_PIX, stamps.table["core_mask_radius_pix"])
    return stamps.with_leak(-size_sky_sigma * stamps.sky * _inside(stamps, radius.astype(np.float64)))


def offset(stamps: Stamps, size_sky_sigma: float) -> Stamps:
    """Add `size` sky sigma to every pixel."""
    return stamps.with_leak(size_sky_sigma * stamps.sky)


def spread(stamps: Stamps, size_sky_sigma: float) -> Stamps:
    """Add and take `size` sky sigma from alternate pixels: the mean stays, the spread grows."""
    y, x = np.indices(stamps.image.shape[2:])
    return stamps.with_leak(size_sky_sigma * stamps.sky * np.where((x + y) % 2, 1.0, -1.0))


def _inside(stamps: Stamps, radius_pix: Array | float) -> Array:
    within: Array = (radius_from(stamps.x, stamps.y) < np.reshape(radius_pix, (-1, 1, 1))).astype(np.float64)
    return within[:, None]
