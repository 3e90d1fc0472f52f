"""What was observed where in a brick: exposures, gaps between CCDs, missing data, saturated pixels, and bits of the mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.draws import generator
from arcgate.survey.legacy.layout import BRICK_PIX, PIXEL_SCALE_ARCSEC
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.conditions import BandConditions
from arcgate.survey.mock.sky.geometry import Brick
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.wcs import BrickWcs

Array = NDArray[np.float64]
Image = NDArray[np.float32]
Counts = NDArray[np.int16]
Bits = NDArray[np.int32]

# Bits of MASKBITS in DR9 and DR10 (legacysurvey.org, bitmasks); those of saturated and missing pixels by band.
NOT_PRIMARY, BRIGHT, MEDIUM = 1 << 0, 1 << 1, 1 << 11
SATURATED: Final = {"g": 1 << 2, "r": 1 << 3, "z": 1 << 4, "i": 1 << 14}
ALL_MASKED: Final = {"g": 1 << 5, "r": 1 << 6, "z": 1 << 7, "i": 1 << 15}
# Light of one pixel above which exposures of DECam's usual length are saturated, nanomaggies: the core of a star of mag 15.5.
SATURATION: Final = 30.0
# Masks around stars grow with brightness: radius in arcsec at magnitude 0 in Gaia's G, and its fall a magnitude
# (`maskbits` of DR9: half of 1,630 arcsec x 1.396^-mag).
_MASK_ARCSEC, _MASK_FALL = 815.0, 1.396
_BRIGHT_MAG, _MEDIUM_MAG = 13.0, 16.0
_GAPS: Final = 2
_GAP_PIX: Final = (45, 190)
_CORNER_PIX: Final = (700, 1500)


@dataclass(frozen=True)
class MaskedStar:
    """A star that is masked around: its place in the brick, pixels, and its magnitude."""

    x_pix: float
    y_pix: float
    mag: float


def exposures(settings: MockSky, pointing: Pointing, observed: dict[str, BandConditions]) -> Counts:
    """How many exposures see each pixel, masked or not: (band, y, x).

    In gaps between CCDs, stripes along both axes, one exposure is missing. In some bricks the last band has nothing in a corner.
    """
    rng = generator(settings.seed, f"mock sky gaps {pointing.footprint}", pointing.brick.number)
    seen = np.empty((len(settings.bands), BRICK_PIX, BRICK_PIX), dtype=np.int16)
    for plane, band in zip(seen, settings.bands, strict=True):
        plane[:] = observed[band].exposures
        for stripes in (plane, plane.T):
            for _ in range(_GAPS):
                width = int(rng.integers(*_GAP_PIX))
                begin = int(rng.integers(0, BRICK_PIX - width))
                stripes[begin : begin + width] -= 1
    np.maximum(seen, 0, out=seen)
    if rng.random() < settings.gap_share:
        side = int(rng.integers(*_CORNER_PIX))
        from_x, from_y = (np.arange(BRICK_PIX)[:: int(rng.choice([-1, 1]))] for _ in range(2))
        seen[-1][from_x[None, :] + from_y[:, None] < side] = 0
    return seen


def mask_bits(brick: Brick, bands: tuple[str, ...], saturated: NDArray[np.bool_], stars: list[MaskedStar]) -> Bits:
    """Plane of `maskbits`: (y, x).

    Parameters
    ----------
    brick : Brick
    bands : tuple of str
    saturated : ndarray of bool (band, y, x)
        In all exposures, since all are of one length here.
    stars : list of MaskedStar
    """
    bits = np.zeros((BRICK_PIX, BRICK_PIX), dtype=np.int32)
    bits[~_own_pixels(brick)] |= NOT_PRIMARY
    for plane, band in zip(saturated, bands, strict=True):
        bits[plane] |= SATURATED[band] | ALL_MASKED[band]
    for star in stars:
        if star.mag < _MEDIUM_MAG:
            within = _disc(star, _MASK_ARCSEC * _MASK_FALL**-star.mag / PIXEL_SCALE_ARCSEC)
            if within is not None:
                rows, columns, inside = within
                bits[rows, columns][inside] |= (BRIGHT if star.mag < _BRIGHT_MAG else 0) | MEDIUM
    return bits


def _disc(star: MaskedStar, radius_pix: float) -> tuple[slice, slice, NDArray[np.bool_]] | None:
    """Part of the image around a star, and which of its pixels lie within a radius; None outside the image."""
    low = [max(int(np.ceil(at - radius_pix)), 0) for at in (star.y_pix, star.x_pix)]
    high = [min(int(np.floor(at + radius_pix)) + 1, BRICK_PIX) for at in (star.y_pix, star.x_pix)]
    if low[0] >= high[0] or low[1] >= high[1]:
        return None
    y, x = (np.arange(*limits) for limits in zip(low, high, strict=True))
    inside = np.hypot((x - star.x_pix)[None, :], (y - star.y_pix)[:, None]) <= radius_pix
    return slice(low[0], high[0]), slice(low[1], high[1]), inside


def _own_pixels(brick: Brick) -> NDArray[np.bool_]:
    """Pixels whose centres lie in the brick's own area."""
    pixel = np.arange(BRICK_PIX, dtype=np.float64)
    ra, dec = BrickWcs.of(brick).sky(pixel[None, :], pixel[:, None])
    # A pixel beyond right ascension 0 is a whole turn away.
    return brick.holds(brick.ra + (ra - brick.ra + 180.0) % 360.0 - 180.0, dec)
