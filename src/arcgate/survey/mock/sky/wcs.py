"""The projection of a brick's images: gnomonic about the brick's centre, north up, +x west."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.survey.legacy.layout import BRICK_PIX, PIXEL_SCALE_ARCSEC
from arcgate.survey.mock.sky.geometry import Brick

Array = NDArray[np.float64]

_SCALE_DEG: Final = PIXEL_SCALE_ARCSEC / 3600.0
# FITS counts pixels from 1.
_CRPIX: Final = (BRICK_PIX + 1) / 2.0
MIDDLE_PIX: Final = _CRPIX - 1.0
"""Pixel of a brick's centre along either axis, counted from 0."""
# A step north by which the direction of north on the image is found, degrees: a hundredth of a pixel.
_NORTH_STEP_DEG: Final = 0.01 * _SCALE_DEG


@dataclass(frozen=True)
class BrickWcs:
    """From sky positions (degrees) to pixels, counted from 0, and back (Calabretta & Greisen 2002, section 5.1.3).

    Attributes
    ----------
    ra, dec : float
        Of the brick's centre.
    """

    ra: float
    dec: float

    @classmethod
    def of(cls, brick: Brick) -> BrickWcs:
        """That of a brick."""
        return cls(brick.ra, brick.dec)

    def pixels(self, ra: Array, dec: Array) -> tuple[Array, Array]:
        """Pixels (x, y) of positions that lie less than 90 degrees from the centre."""
        along, up, centre = np.deg2rad(ra - self.ra), np.deg2rad(dec), np.deg2rad(self.dec)
        # From the sine of half the offset, since the cosine loses the digits of small ones.
        half = 2.0 * np.sin(along / 2.0) ** 2 * np.cos(up)
        towards = np.sin(centre) * np.sin(up) + np.cos(centre) * np.cos(up) * np.cos(along)
        east = np.rad2deg(np.cos(up) * np.sin(along) / towards)
        north = np.rad2deg((np.sin(up - centre) + np.sin(centre) * half) / towards)
        return MIDDLE_PIX - east / _SCALE_DEG, MIDDLE_PIX + north / _SCALE_DEG

    def sky(self, x_pix: Array, y_pix: Array) -> tuple[Array, Array]:
        """Right ascension in [0, 360) and declination of pixels."""
        east, north = (np.deg2rad(_SCALE_DEG * offset) for offset in (MIDDLE_PIX - x_pix, y_pix - MIDDLE_PIX))
        centre = np.deg2rad(self.dec)
        towards = np.cos(centre) - north * np.sin(centre)
        ra = self.ra + np.rad2deg(np.arctan2(east, towards))
        dec = np.rad2deg(np.arctan2(np.sin(centre) + north * np.cos(centre), np.hypot(east, towards)))
        return ra % 360.0, dec

    def north_rad(self, ra: Array, dec: Array) -> Array:
        """Direction of north on the image at positions: radians counter-clockwise from +x, pi / 2 in the middle of the brick."""
        x, y = self.pixels(ra, dec)
        x_north, y_north = self.pixels(ra, dec + _NORTH_STEP_DEG)
        return np.arctan2(y_north - y, x_north - x)

    def cards(self) -> list[tuple[str, object, str]]:
        """Header cards, as the survey writes them."""
        return [
            ("CTYPE1", "RA---TAN", "TANgent plane"),
            ("CTYPE2", "DEC--TAN", "TANgent plane"),
            ("CRVAL1", self.ra, "Reference RA"),
            ("CRVAL2", self.dec, "Reference Dec"),
            ("CRPIX1", _CRPIX, "Reference x"),
            ("CRPIX2", _CRPIX, "Reference y"),
            ("CD1_1", -_SCALE_DEG, "CD matrix"),
            ("CD1_2", 0.0, "CD matrix"),
            ("CD2_1", 0.0, "CD matrix"),
            ("CD2_2", _SCALE_DEG, "CD matrix"),
            ("EQUINOX", 2000.0, ""),
        ]
