"""Which bricks a mock survey has: functions of its settings alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.draws import generator
from arcgate.ground.errors import ArcgateError
from arcgate.survey.legacy.brick_scheme import BRICK_DEG
from arcgate.survey.legacy.layout import Footprint
from arcgate.survey.mock.conditions import galactic_latitude
from arcgate.survey.mock.sky.geometry import Brick, around, brick_holding
from arcgate.survey.mock.sky.settings import MockSky

Array = NDArray[np.float64]

_DEC_RANGE_DEG: Final = (-65.0, 31.5)
# Where the northern and the southern survey overlap and parents are still taken.
_BOTH_DEC_RANGE_DEG: Final = (29.0, 31.5)
_MIN_GALACTIC_LATITUDE_DEG: Final = 18.0
_CANDIDATES: Final = 4000
# Bricks farther from each other than this share neither an object nor a HEALPix cell of nside 64.
_APART_DEG: Final = 2.0


@dataclass(frozen=True)
class Pointing:
    """A brick as one of the two surveys sees it."""

    footprint: Footprint
    brick: Brick


def pointings(settings: MockSky) -> list[Pointing]:
    """All bricks of the mock survey: those of the south, then those of them that the north has too."""
    bricks = chosen_bricks(settings)
    return [Pointing("south", brick) for brick in bricks] + [
        Pointing("north", brick) for brick in bricks[: settings.north_bricks]
    ]


def chosen_bricks(settings: MockSky) -> list[Brick]:
    """Bricks in the order in which they were chosen; a larger survey of the same seed begins with the same ones."""
    size = settings.block_bricks if settings.layout == "blocks" else 1
    chosen: list[Brick] = []
    for ra, dec in _places(settings, ceil(settings.n_bricks / size)):
        chosen += _block(brick_holding(ra, dec), size)
    return chosen[: settings.n_bricks]


def _places(settings: MockSky, count: int) -> list[tuple[float, float]]:
    """Places far apart: each is the candidate that lies farthest from all before it."""
    in_both = ceil(settings.north_bricks / (settings.block_bricks if settings.layout == "blocks" else 1))
    stripe = _candidates(settings.seed, "stripe", _BOTH_DEC_RANGE_DEG)
    whole = _candidates(settings.seed, "whole", _DEC_RANGE_DEG)
    found: list[tuple[float, float]] = []
    distance = {"stripe": np.full(len(stripe), np.inf), "whole": np.full(len(whole), np.inf)}
    for number in range(count):
        name, candidates = ("stripe", stripe) if number < in_both else ("whole", whole)
        best = int(np.argmax(distance[name]))
        if distance[name][best] < _APART_DEG:
            raise ArcgateError(
                f"{count} places on the sky, {_APART_DEG:g} degrees or more apart, were sought and {number} found",
                where="n_bricks, block_bricks",
                todo="ask for fewer bricks, or for larger blocks of them (block_bricks)",
            )
        place = candidates[best]
        found.append((float(place[0]), float(place[1])))
        for each, others in (("stripe", stripe), ("whole", whole)):
            distance[each] = np.minimum(distance[each], separation_deg(place[0], place[1], others[:, 0], others[:, 1]))
    return found


def _candidates(seed: int, name: str, dec_range_deg: tuple[float, float]) -> Array:
    """Positions (n, 2) uniform over a stripe of declinations, away from the Galactic plane, degrees."""
    rng = generator(seed, f"mock sky places {name}", 0)
    low, high = np.sin(np.deg2rad(dec_range_deg))
    ra = rng.uniform(0.0, 360.0, _CANDIDATES)
    dec = np.rad2deg(np.arcsin(rng.uniform(low, high, _CANDIDATES)))
    far = [abs(galactic_latitude(a, d)) > _MIN_GALACTIC_LATITUDE_DEG for a, d in zip(ra.tolist(), dec.tolist(), strict=True)]
    return np.stack([ra, dec], axis=1)[far]


def _block(first: Brick, size: int) -> list[Brick]:
    """The `size` bricks nearest to one, itself first: as compact as bricks allow."""
    known, edge = {first.number: first}, [first]
    while len(known) < 4 * size:
        edge = [other for brick in edge for other in around(brick, 0.1 * BRICK_DEG) if other.number not in known]
        known |= {brick.number: brick for brick in edge}
        edge = list({brick.number: brick for brick in edge}.values())
    order = sorted(known.values(), key=lambda one: (float(separation_deg(first.ra, first.dec, one.ra, one.dec)), one.number))
    return order[:size]


def separation_deg(ra: float, dec: float, other_ra: Array | float, other_dec: Array | float) -> Array:
    """Angle between a position and others, degrees (haversine formula)."""
    up, other_up = np.deg2rad(dec), np.deg2rad(other_dec)
    across = np.sin(np.deg2rad(np.asarray(other_ra) - ra) / 2.0) ** 2
    haversine = np.sin((other_up - up) / 2.0) ** 2 + np.cos(up) * np.cos(other_up) * across
    return np.asarray(np.rad2deg(2.0 * np.arcsin(np.sqrt(np.minimum(haversine, 1.0)))))
