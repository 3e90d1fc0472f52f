"""Where the objects of a brick lie: functions of (settings, brick) alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.draws import generator
from arcgate.ground.errors import ArcgateError
from arcgate.survey.mock.sky.geometry import Brick
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.wcs import MIDDLE_PIX, BrickWcs

Array = NDArray[np.float64]

STAMP_PIX: Final = 64
"""Side of the stamps that do not overlap where parents are separated."""
# Beside half a stamp, so that stamps whose corners were rounded to whole pixels lie in the brick's own area too.
_ROUNDING_PIX: Final = 2.0
_TRIES_PER_PARENT: Final = 20
# From a saturated star to what the survey's fit made of its core.
_ARTEFACT_OFFSET_DEG: Final = 0.3 / 3600.0


def places_of(settings: MockSky, brick: Brick) -> tuple[Array, Array]:
    """Right ascension and declination of a brick's objects, degrees, in the order of their numbers.

    Uniform over the brick's own area; an artefact lies on its star.
    """
    rng = generator(settings.seed, "mock sky places of objects", brick.number)
    count = settings.rows_per_brick
    low, high = np.sin(np.deg2rad([brick.dec1, brick.dec2]))
    ra = rng.uniform(brick.ra1, brick.ra2, count)
    dec = np.clip(np.rad2deg(np.arcsin(rng.uniform(low, high, count))), brick.dec1, np.nextafter(brick.dec2, -np.inf))
    if settings.separated:
        parents = slice(0, settings.parents_per_brick)
        ra[parents], dec[parents] = _separated(rng, brick, settings.parents_per_brick)
    stars = slice(settings.parents_per_brick, settings.parents_per_brick + settings.saturated_per_brick)
    artefacts = slice(stars.stop, stars.stop + settings.saturated_per_brick)
    ra[artefacts], dec[artefacts] = ra[stars], dec[stars] - _ARTEFACT_OFFSET_DEG
    return ra, dec


def _separated(rng: np.random.Generator, brick: Brick, count: int) -> tuple[Array, Array]:
    """Places whose stamps neither overlap nor leave the brick's own area, so that no two of the whole survey do."""
    wcs, apart = BrickWcs.of(brick), STAMP_PIX + _ROUNDING_PIX
    tries = MIDDLE_PIX + rng.uniform(-MIDDLE_PIX, MIDDLE_PIX, (_TRIES_PER_PARENT * count, 2))
    corner = STAMP_PIX / 2.0 + _ROUNDING_PIX
    sides = [wcs.sky(tries[:, 0] + dx, tries[:, 1] + dy) for dx in (-corner, corner) for dy in (-corner, corner)]
    tries = tries[np.logical_and.reduce([brick.holds(*side) for side in sides])]
    # Squares as wide as two places have to be apart: what is too near to a place lies in its square or in one beside it.
    taken: dict[tuple[int, int], Array] = {}
    for at, (x, y) in zip(tries, (tries // apart).astype(int).tolist(), strict=True):
        if len(taken) == count:
            break
        beside = (taken.get((x + dx, y + dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
        if all(other is None or np.abs(other - at).max() >= apart for other in beside):
            taken[x, y] = at
    if len(taken) < count:
        raise ArcgateError(
            f"{count} stamps of {STAMP_PIX} pixels that do not overlap were sought in brick {brick.name}, "
            f"and {len(taken)} found room",
            where="parents_per_brick, separated",
            todo="take at most some 700 parents a brick, or separated=false",
        )
    return wcs.sky(*np.array(list(taken.values())).reshape(count, 2).T)
