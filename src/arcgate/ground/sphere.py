"""Positions on the sky as points of the unit sphere, where neighbours need no care at the poles or at right ascension 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def on_sphere(ra_deg: Array, dec_deg: Array) -> Array:
    """Points of the unit sphere, shape (n, 3), of right ascensions (of any turn) and declinations in degrees, shape (n,)."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def chord(angle_arcsec: float) -> float:
    """Straight distance between two points of the unit sphere that are an angle (arcsec) apart."""
    return float(2.0 * np.sin(np.radians(angle_arcsec / 3600.0) / 2.0))
