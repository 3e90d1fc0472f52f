"""The pairs that diagnostics look at: gates are judged on all, what decides nothing is known well enough from fewer."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.arms import Arms, Stamps
from arcgate.injection.draws import uniform
from arcgate.variant import Gates

DIAGNOSED_PAIRS: Final = 5000
"""About as many show an AUC to 0.005 and a share to 0.01."""


def drawn(pairs: NDArray[np.int64], settings: Gates, at_most: int = DIAGNOSED_PAIRS) -> NDArray[np.bool_]:
    """Which of some pairs are among about `at_most` of all `settings.max_pairs`, by hash; fewer are a part of more."""
    if at_most >= settings.max_pairs:
        return np.ones(len(pairs), dtype=bool)
    few: NDArray[np.bool_] = uniform(settings.seed, "diagnosed", pairs) < at_most / settings.max_pairs
    return few


def some(arms: Arms, settings: Gates) -> Arms:
    """The arms of about `DIAGNOSED_PAIRS` pairs."""
    if not in_words(settings):
        return arms

    def rows(stamps: Stamps) -> NDArray[np.bool_]:
        return drawn(stamps.table["pair_id"].to_numpy(np.int64), settings)

    positives, parts = rows(arms.stamp), {}
    for name, value in ((each.name, getattr(arms, each.name)) for each in fields(arms)):
        parts[name] = _taken(value, rows(value) if isinstance(value, Stamps) else positives)
    return replace(arms, **parts)


def in_words(settings: Gates) -> str:
    """What a result's reason says about it; empty where all pairs are looked at."""
    few = settings.max_pairs > DIAGNOSED_PAIRS
    return f"; on about {DIAGNOSED_PAIRS} of {settings.max_pairs} pairs, chosen by hash" if few else ""


def _taken(value: Any, rows: NDArray[np.bool_]) -> Any:
    """Rows of stamps, of light, or of each entry of a dictionary; None stays None."""
    if isinstance(value, Stamps):
        return value.take(rows)
    if isinstance(value, dict):
        return {name: entry[rows] for name, entry in value.items()}
    return None if value is None else value[rows]
