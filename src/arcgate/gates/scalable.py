"""Gate on stamps that a view cannot scale; the other gates never see the pairs that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.shard_reading import StampBatch, whole_pairs
from arcgate.gates.finite_pixels import OF_ROLE, named, rows_of
from arcgate.gates.result import NETWORK, GateResult, Status
from arcgate.ground.statistics import BY_CHANCE, classes_differ
from arcgate.views.view import Viewer

_SHOWN: Final = 5


@dataclass
class ScalableStamps:
    """Counts stamps without a spread to normalise by, shard by shard, and hands on the pairs without any.

    Attributes
    ----------
    viewer : Viewer
    rows : dict of str to int
        Rows that were looked at, by role.
    flat : dict of str to int
        Those that the view cannot scale, by role.
    left : dict of str to int
        Rows that were handed on, by role.
    hosts : set of str
    places : list of str
        The first of them, in words.
    deaf : bool
        Whether a constant stamp, planted in a shard, counted as one that can be scaled.
    """

    viewer: Viewer
    rows: dict[str, int] = field(default_factory=dict)
    flat: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    deaf: bool = False

    def scalable_pairs(self, batch: StampBatch) -> StampBatch:
        """Count the rows; hand on those pairs that the view can scale."""
        if batch.table.empty:
            return batch
        flat = flat_rows(batch, self.viewer)
        _count(self.rows, batch, np.ones(len(flat), dtype=bool))
        _count(self.flat, batch, flat)
        self.hosts |= set(batch.table["host_id"].astype(str))
        planted = replace(rows_of(batch, np.arange(len(flat)) == 0), image=np.ones_like(batch.image[:1]))
        self.deaf |= not flat_rows(planted, self.viewer)[0]
        self.places = (self.places + [named(batch, row) for row in np.flatnonzero(flat)[:_SHOWN]])[:_SHOWN]
        whole = whole_pairs(batch.table, flat)
        _count(self.left, batch, whole)
        return rows_of(batch, whole)

    def merge(self, other: Self) -> None:
        """Take over a later shard's."""
        for mine, theirs in ((self.rows, other.rows), (self.flat, other.flat), (self.left, other.left)):
            for role, rows in theirs.items():
                mine[role] = mine.get(role, 0) + rows
        self.hosts |= other.hosts
        self.places = (self.places + other.places)[:_SHOWN]
        self.deaf |= other.deaf

    def judge(self) -> GateResult:
        """The share of positives without a spread less that of controls."""
        one, zero = (self.flat.get(role, 0) / max(self.rows.get(role, 0), 1) for role in ("positive", "control"))
        status, reason = self._status()
        n = sum(self.rows.values())
        value = one - zero if n else None
        return GateResult(
            "scalable_stamps", NETWORK, "overall", "gate", value, value, value, 0.0, None, n, len(self.hosts), status, reason,
            null=0.0, leak_unit="",
        )  # fmt: skip

    def in_words(self) -> str:
        """How many rows of which class have no spread, and which the first ones are."""
        found = ", ".join(f"{rows} of {self.rows[role]} {OF_ROLE.get(role, role)}" for role, rows in sorted(self.flat.items()))
        return f"{found} have no spread that the view could divide by ({'; '.join(self.places)})"

    def _status(self) -> tuple[Status, str]:
        if not self.rows:
            return "not_run", "no rows were read"
        if self.viewer.view.normalisation == "raw":
            return "not_run", "the view divides by constants, so that it can scale any stamp"
        if self.deaf:
            return "blind", "a planted constant stamp went unnoticed"
        if not self.flat:
            return "passed", f"the view can scale each of {sum(self.rows.values())} rows"
        aside = f"{self.in_words()}: their pairs are set aside"
        some, every = ([counts.get(role, 0) for role in ("positive", "control")] for counts in (self.flat, self.rows))
        if classes_differ(some, every) < BY_CHANCE:
            return "failed", f"{aside}; chance does not make the classes differ as much, so that a flat stamp tells its class"
        return "passed", f"{aside}; the other gates judge the pairs without them"


def flat_rows(batch: StampBatch, viewer: Viewer) -> NDArray[np.bool_]:
    """Rows that a view cannot scale, (n,)."""
    x, y = (batch.table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
    return ~viewer.scalable(batch.image, x, y)


def _count(counts: dict[str, int], batch: StampBatch, chosen: NDArray[np.bool_]) -> None:
    for role, rows in batch.table.loc[chosen, "role"].value_counts().items():
        counts[str(role)] = counts.get(str(role), 0) + int(rows)
