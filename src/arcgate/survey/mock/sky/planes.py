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
_POINTS: Final = 2001


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
    """Pixels whose centres lie in the brick's own area.

    Its sides are smooth curves on the image, found at many points and interpolated to 1e-4 pixels, since the position of each of
    the 13 million pixels would take seconds.
    """
    wcs, pixel = BrickWcs.of(brick), np.arange(BRICK_PIX, dtype=np.float64)
    ra, dec = _longer(brick.ra1, brick.ra2), _longer(brick.dec1, brick.dec2)
    # Right ascension falls with x: the upper limit lies on the left.
    (x, y), (x_right, y_right) = (wcs.pixels(np.full_like(dec, side), dec) for side in (brick.ra2, brick.ra1))
    left, right = np.interp(pixel, y, x), np.interp(pixel, y_right, x_right)
    (x, y), (x_high, y_high) = (wcs.pixels(ra, np.full_like(ra, side)) for side in (brick.dec1, brick.dec2))
    low, high = np.interp(pixel, x[::-1], y[::-1]), np.interp(pixel, x_high[::-1], y_high[::-1])
    rows, columns = pixel[:, None], pixel[None, :]
    return np.asarray((rows >= low) & (rows < high) & (columns > left[:, None]) & (columns <= right[:, None]))


def _longer(low: float, high: float) -> Array:
    """Many points along a side and half as far again beyond both its ends."""
    return np.linspace(1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low, _POINTS)
