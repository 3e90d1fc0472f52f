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
_TRIES_PER_PARENT: Final = 300
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
    wcs, x, y = BrickWcs.of(brick), np.empty(count), np.empty(count)
    corner = STAMP_PIX / 2.0 + _ROUNDING_PIX
    edge = corner * np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    found = 0
    for _ in range(_TRIES_PER_PARENT * max(count, 1)):
        if found == count:
            break
        at = MIDDLE_PIX + rng.uniform(-MIDDLE_PIX, MIDDLE_PIX, 2)
        apart = np.maximum(np.abs(x[:found] - at[0]), np.abs(y[:found] - at[1])) >= STAMP_PIX + _ROUNDING_PIX
        if apart.all() and brick.holds(*wcs.sky(at[0] + edge[:, 0], at[1] + edge[:, 1])).all():
            x[found], y[found] = at
            found += 1
    if found < count:
        raise ArcgateError(
            f"{count} stamps of {STAMP_PIX} pixels that do not overlap were sought in brick {brick.name}, and {found} found room",
            where="parents_per_brick, separated",
            todo="take at most some 700 parents a brick, or separated=false",
        )
    return wcs.sky(x, y)
