"""The pairs that diagnostics look at: gates are judged on all, what decides nothing is known well enough from fewer."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.arms import Arms, Stamps
from arcgate.ground.draws import uniform
from arcgate.variant import Gates

DIAGNOSED_PAIRS: Final = 5000
"""About as many show an AUC to 0.005 and a share to 0.01."""


def drawn(pairs: NDArray[np.int64], settings: Gates, at_most: int) -> NDArray[np.bool_]:
    """Which of some pairs are among about `at_most` of all `settings.max_pairs`, by hash; fewer are a part of more."""
    if at_most >= settings.max_pairs:
        return np.ones(len(pairs), dtype=bool)
    few: NDArray[np.bool_] = uniform(settings.seed, "diagnosed", pairs) < at_most / settings.max_pairs
    return few


def some(arms: Arms, settings: Gates) -> Arms:
    """What diagnostics look at, of about `DIAGNOSED_PAIRS` pairs: controls, which stand for the twin too, positives, arcs."""
    if not in_words(settings):
        return arms
    control, stamp = (_taken(stamps, settings) for stamps in (arms.control, arms.stamp))
    positives = _rows(arms.stamp, settings)
    return Arms(
        control=control,
        counterpart=control,
        stamp=stamp,
        twin=control,
        twin_control=control,
        null=None,
        residual=None if arms.residual is None else _taken(arms.residual, settings),
        unmasked=None,
        masked=None,
        arc=None if arms.arc is None else arms.arc[positives],
        declared=None if arms.declared is None else arms.declared[positives],
        excess={},
    )


def in_words(settings: Gates) -> str:
    """What a result's reason says about it; empty where all pairs are looked at."""
    few = settings.max_pairs > DIAGNOSED_PAIRS
    return f"; on about {DIAGNOSED_PAIRS} of {settings.max_pairs} pairs, chosen by hash" if few else ""


def _taken(stamps: Stamps, settings: Gates) -> Stamps:
    return stamps.take(_rows(stamps, settings))


def _rows(stamps: Stamps, settings: Gates) -> NDArray[np.bool_]:
    return drawn(stamps.table["pair_id"].to_numpy(np.int64), settings, DIAGNOSED_PAIRS)
