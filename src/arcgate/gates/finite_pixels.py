"""Gate on pixels that are no numbers; the other gates never see the pairs that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.dataset.shard_reading import StampBatch, whole_pairs
from arcgate.gates.result import RAW, GateResult, Status
from arcgate.imaging import Imaging

_SHOWN: Final = 5
OF_ROLE: Final = {"positive": "positives", "control": "controls", "null": "null rows"}


@dataclass
class FinitePixels:
    """Counts rows that hold NaN or infinity, shard by shard.

    Attributes
    ----------
    imaging : Imaging
        Of the stamps.
    rows : int
        Rows that were looked at.
    hosts : set of str
    broken : dict of str to int
        Rows with such pixels, by role.
    places : list of str
        The first of them, in words.
    deaf : bool
        Whether a missing pixel, planted in the first row of a shard, went unnoticed anywhere.
    """

    imaging: Imaging
    rows: int = 0
    hosts: set[str] = field(default_factory=set)
    broken: dict[str, int] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    deaf: bool = False

    def finite_pairs(self, batch: StampBatch, pairs: NDArray[np.int64]) -> StampBatch:
        """Count the rows of the chosen pairs; hand on those pairs whose rows, and arcs, are all finite."""
        batch = rows_of(batch, np.isin(batch.table["pair_id"].to_numpy(np.int64), pairs))
        if batch.table.empty:
            return batch
        broken = not_finite(batch.image)
        if batch.arc is not None:
            broken |= not_finite(batch.arc)
        self.rows += len(batch.table)
        self.hosts |= set(batch.table["host_id"].astype(str))
        planted = batch.image[:1].copy()
        planted[0, 0, planted.shape[2] // 2, planted.shape[3] // 2] = np.nan
        self.deaf |= not not_finite(planted)[0]
        if not broken.any():
            return batch
        for role, rows in batch.table.loc[broken, "role"].value_counts().items():
            self.broken[str(role)] = self.broken.get(str(role), 0) + int(rows)
        self.places += [_place(batch, row, self.imaging) for row in np.flatnonzero(broken)[:_SHOWN]]
        return rows_of(batch, whole_pairs(batch.table, broken))

    def merge(self, other: Self) -> None:
        """Take over a later shard's."""
        self.rows += other.rows
        self.hosts |= other.hosts
        for role, rows in other.broken.items():
            self.broken[role] = self.broken.get(role, 0) + rows
        self.places = (self.places + other.places)[:_SHOWN]
        self.deaf |= other.deaf

    def judge(self) -> GateResult:
        """The share of rows with such pixels, of which none may."""
        share = sum(self.broken.values()) / self.rows if self.rows else None
        status, reason = self._status()
        return GateResult(
            "finite_pixels",
            RAW,
            "overall",
            "gate",
            share,
            share,
            share,
            0.0,
            None,
            self.rows,
            len(self.hosts),
            status,
            reason,
            null=0.0,
            leak_unit="",
        )

    def in_words(self) -> str:
        """How many rows of which class hold such pixels, and where the first ones lie."""
        found = ", ".join(f"{rows} {OF_ROLE.get(role, role)}" for role, rows in sorted(self.broken.items()))
        return f"{found} hold pixels that are NaN or infinite ({'; '.join(self.places)})"

    def _status(self) -> tuple[Status, str]:
        if not self.rows:
            return "not_run", "no rows were read"
        if self.broken:
            return "failed", (
                f"{self.in_words()}: no network can be trained on them, and where classes differ in them, they tell the class. "
                "Leave these pairs out, or fill the pixels in both classes alike; the other gates judge the pairs without them"
            )
        if self.deaf:
            return "blind", "a planted missing pixel went unnoticed"
        return "passed", f"every pixel of {self.rows} rows is finite; noticed in a planted row: a missing pixel"


def not_finite(image: Pixels) -> NDArray[np.bool_]:
    """Rows (n,) of stamps (n, band, y, x) with a pixel that is NaN or infinite."""
    # A sum of finite float32 pixels in float64 cannot overflow, and one bad pixel spoils it.
    with np.errstate(invalid="ignore"):
        spoiled: NDArray[np.bool_] = ~np.isfinite(image.sum(axis=(1, 2, 3), dtype=np.float64))
    return spoiled


def rows_of(batch: StampBatch, kept: NDArray[np.bool_]) -> StampBatch:
    """The rows that `kept` marks."""
    if kept.all():
        return batch
    table: pd.DataFrame = batch.table[kept].reset_index(drop=True)
    return replace(batch, table=table, image=batch.image[kept], arc=None if batch.arc is None else batch.arc[kept])


def named(batch: StampBatch, row: int) -> str:
    """A row in words."""
    line = batch.table.iloc[row]
    return f"{line['role']} of galaxy {line['host_id']}, pair {line['pair_id']}"


def _place(batch: StampBatch, row: int, imaging: Imaging) -> str:
    name = named(batch, row)
    bad = ~np.isfinite(batch.image[row]).all(axis=(1, 2))
    if batch.arc is not None and not bad.any():
        name, bad = f"arc of {name}", ~np.isfinite(batch.arc[row]).all(axis=(1, 2))
    return f"{name}, band {' '.join(np.array(imaging.bands)[bad])}"
