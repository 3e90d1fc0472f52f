"""The objects of a brick, as the sky has them and as the catalogue lists them.

Each is a function of (settings, brick, number), so that overlapping bricks paint the same ones and neither workers nor order
change any. Beside parents there is what a sweep holds too:

    saturated     a star of about z = 8
    artefact      a galaxy that the survey's fit makes of a saturated core: it passes all cuts on flux, colour and NOBS
    duplicate     a row of type DUP, without flux
    negative      a parent with a negative flux in the reddest band
    zero          a parent without flux in the bluest band
    nan_flux      a parent whose flux in the reference band is NaN
    nan_position  a row of a parent's fluxes without a position
    star, field   what is too faint or too blue for a parent, or a point source
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import nan
from typing import Final

import numpy as np

from arcgate.colours import carried
from arcgate.ground.draws import generator
from arcgate.imaging import ZERO_POINT
from arcgate.survey.legacy.layout import BRICK_PIX
from arcgate.survey.mock.neighbours import field_colours, star_colours
from arcgate.survey.mock.population import G_R_MIN, Galaxy, Profile, draw_galaxy
from arcgate.survey.mock.sky.geometry import Brick, around
from arcgate.survey.mock.sky.places import places_of
from arcgate.survey.mock.sky.settings import ODD_KINDS, MockSky
from arcgate.survey.mock.sky.wcs import BrickWcs

_STAR_SHARE: Final = 0.3
# As in the mock's stamps: counts of galaxies and stars grow as 10^(slope m).
_GALAXY_SLOPE, _STAR_SLOPE = 0.34, 0.12
_BRIGHTEST_GALAXY, _BRIGHTEST_STAR = 17.5, 15.5
# Field galaxies as bright as parents are this much bluer than the cut, so that rounding makes no parent of one.
_BLUER: Final = 0.05
_FIELD_TYPES: Final = (("REX", 0.5, 1.0), ("EXP", 0.35, 1.0), ("DEV", 0.15, 4.0))
_SATURATED_Z: Final = (8.0, 0.3)
# How far outside an image an object is still painted, pixels: half the largest stamp; halos of saturated stars reach farther.
_MARGIN_PIX, _SATURATED_MARGIN_PIX = 256.0, 600.0
MARGIN_DEG: Final = 0.05
"""More than what an image sees beyond its brick's own area, halos included."""
_OBJECTS_OF_A_BRICK: Final = 2**20
# Kinds that are in the catalogue and not on the sky.
_UNPAINTED: Final = frozenset({"artefact", "duplicate", "nan_position"})


@dataclass(frozen=True)
class SkyObject:
    """An object.

    Attributes
    ----------
    brick : Brick
        In whose own area it lies.
    number : int
        In its brick, from 0.
    kind : str
        See the module.
    type : str
        PSF, REX, EXP, DEV, SER or DUP.
    ra, dec : float
        Degrees.
    flux : dict of str to float
        What is painted, by band, nanomaggies, not corrected for extinction; empty for what is not on the sky.
    listed : dict of str to float
        What the catalogue states, likewise.
    profile : Profile or None
        Its light, with the position angle east of north in place of the angle on an image; None for a point source.
    """

    brick: Brick
    number: int
    kind: str
    type: str
    ra: float
    dec: float
    flux: dict[str, float]
    listed: dict[str, float]
    profile: Profile | None


def objects_of(settings: MockSky, brick: Brick) -> list[SkyObject]:
    """All objects of a brick's own area, in the order of their numbers; those without a position have NaN."""
    ra, dec = places_of(settings, brick)
    return [_object(settings, brick, number, float(ra[number]), float(dec[number])) for number in range(len(ra))]


def seen_from_outside(settings: MockSky, brick: Brick) -> Iterator[SkyObject]:
    """Objects of neighbouring bricks whose light reaches a brick's images, in the mock survey or not."""
    wcs, last = BrickWcs.of(brick), BRICK_PIX - 1
    for other in around(brick, MARGIN_DEG):
        ra, dec = places_of(settings, other)
        x, y = wcs.pixels(ra, dec)
        outside = np.maximum(np.maximum(-x, x - last), np.maximum(-y, y - last))
        kinds = [kind_of(settings, number) for number in range(len(ra))]
        for number in np.flatnonzero(outside < _SATURATED_MARGIN_PIX).tolist():
            reach = _SATURATED_MARGIN_PIX if kinds[number] == "saturated" else _MARGIN_PIX
            if kinds[number] not in _UNPAINTED and outside[number] < reach:
                yield _object(settings, other, number, float(ra[number]), float(dec[number]))


def kind_of(settings: MockSky, number: int) -> str:
    """Kind of an object by its number; `ordinary` for stars and field galaxies, which are drawn."""
    for kind, count in (
        ("parent", settings.parents_per_brick),
        ("saturated", settings.saturated_per_brick),
        ("artefact", settings.saturated_per_brick),
        *((kind, settings.odd_per_kind) for kind in ODD_KINDS),
    ):
        if number < count:
            return kind
        number -= count
    return "ordinary"


def _object(settings: MockSky, brick: Brick, number: int, ra: float, dec: float) -> SkyObject:
    rng = generator(settings.seed, "mock sky object", brick.number * _OBJECTS_OF_A_BRICK + number)
    kind, bands = kind_of(settings, number), settings.bands
    if kind == "ordinary":
        kind = "star" if rng.random() < _STAR_SHARE else "field"
    if kind in ("star", "saturated"):
        flux = _fluxes(_star_mag(rng, settings, kind), bands)
        return SkyObject(brick, number, kind, "PSF", ra, dec, flux, flux, None)
    if kind == "duplicate":
        return SkyObject(brick, number, kind, "DUP", ra, dec, {}, dict.fromkeys(bands, 0.0), None)
    galaxy = _field_galaxy(rng, settings) if kind == "field" else draw_galaxy(rng, settings.mag_r_min, settings.mag_r_max)
    flux = _fluxes(galaxy.mag, bands)
    one = SkyObject(brick, number, kind, galaxy.morphology, ra, dec, flux, flux, galaxy.profile)
    return _odd(one, bands)


def _odd(one: SkyObject, bands: tuple[str, ...]) -> SkyObject:
    """What the catalogue makes of a galaxy of an odd kind."""
    if one.kind == "negative":
        return replace(one, flux=one.flux | {bands[-1]: 0.0}, listed=one.listed | {bands[-1]: -0.01 * one.listed[bands[-1]]})
    if one.kind == "zero":
        return replace(one, flux=one.flux | {bands[0]: 0.0}, listed=one.listed | {bands[0]: 0.0})
    if one.kind == "nan_flux":
        return replace(one, listed=one.listed | {bands[len(bands) // 2]: nan})
    if one.kind == "nan_position":
        return replace(one, ra=nan, dec=nan, flux={})
    return replace(one, type="DEV", flux={}) if one.kind == "artefact" else one


def _fluxes(mag: dict[str, float], bands: tuple[str, ...]) -> dict[str, float]:
    return {band: float(10.0 ** (0.4 * (ZERO_POINT - value))) for band, value in carried(mag, bands).items()}


def _star_mag(rng: np.random.Generator, settings: MockSky, kind: str) -> dict[str, float]:
    g_r, r_z = star_colours(rng)
    if kind == "saturated":
        r = float(rng.normal(*_SATURATED_Z)) + r_z
    else:
        r = _magnitude(rng, _STAR_SLOPE, _BRIGHTEST_STAR, settings.mag_r_faintest)
    return {"g": r + g_r, "r": r, "z": r - r_z}


def _field_galaxy(rng: np.random.Generator, settings: MockSky) -> Galaxy:
    """A galaxy that is too faint for a parent, or as bright and too blue."""
    r = _magnitude(rng, _GALAXY_SLOPE, _BRIGHTEST_GALAXY, settings.mag_r_faintest)
    g_r, r_z = field_colours(rng)
    if r < max(settings.mag_r_max, 21.0) + _BLUER:
        g_r = min(g_r, G_R_MIN - _BLUER)
    type_, _, index = _FIELD_TYPES[int(rng.choice(len(_FIELD_TYPES), p=[share for _, share, _ in _FIELD_TYPES]))]
    # Sizes as those of the neighbours in the mock's stamps (`arcgate.survey.mock.neighbours`).
    reff = float(np.clip(0.45 * 10.0 ** (-0.08 * (r - 22.0) + 0.18 * rng.standard_normal()), 0.15, 2.5))
    q = 1.0 if type_ == "REX" else float(rng.uniform(0.35, 1.0))
    shape = Profile(reff, index, q, float(rng.uniform(0.0, np.pi)))
    return Galaxy(type_, {"g": r + g_r, "r": r, "z": r - r_z}, shape, 0.0)


def _magnitude(rng: np.random.Generator, slope: float, bright: float, faint: float) -> float:
    low, high = 10.0 ** (slope * bright), 10.0 ** (slope * faint)
    return float(np.log10(low + rng.random() * (high - low)) / slope)
