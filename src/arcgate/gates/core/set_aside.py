"""Rows that cannot be judged and are set aside with their pairs, class by class, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.shard_reading import StampBatch
from arcgate.ground.draws import text_ids

SHOWN: Final = 5
_OF_ROLE: Final = {"positive": "positives", "control": "controls", "null": "null rows"}


def galaxies_in(batch: StampBatch) -> NDArray[np.int64]:
    """Galaxy of each row, as a number."""
    code, names = pd.factorize(batch.table["host_id"].astype(str))
    return text_ids([str(name) for name in names])[code]


def counted_by_role(role: NDArray[np.str_], chosen: NDArray[np.bool_]) -> dict[str, int]:
    """How many of the chosen rows have each role; without roles that none of them has."""
    names, counts = np.unique(role[chosen], return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def roles_in_words(found: Mapping[str, int], of: Mapping[str, int] | None = None) -> str:
    """Counts by role in words, out of how many where that is told."""
    return ", ".join(
        f"{rows}{'' if of is None else f' of {of[role]}'} {_OF_ROLE.get(role, role)}" for role, rows in sorted(found.items())
    )


def named(places: NDArray[np.str_]) -> str:
    """The first of some rows."""
    return "; ".join(places[:SHOWN].tolist())
