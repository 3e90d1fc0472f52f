"""Do rows of different splits show the same piece of the sky?

Two stamps whose galaxies lie closer than a stamp's diagonal share pixels. The same galaxy in two splits (within an arcsecond, by
whatever name) may not happen at all. Of neighbours whose stamps overlap a few cross every border between cells of the sky; a
score can be wrong by no more than their share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import Noticed, exactly
from arcgate.gates.core.design_leaks import SPLIT
from arcgate.gates.core.evaluator import Outcome, not_run
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement
from arcgate.gates.core.sky_rows import SAME_GALAXY_ARCSEC, VIEW, SkyRows, asked, moved_north, none_left, sky_rows
from arcgate.gates.core.table_gate import TableGate
from arcgate.ground.sphere import nearest_arcsec
from arcgate.variant import Gates, View

ALLOWED: Final = 1e-3
"""Share of rows that may have a neighbour, not themselves, in another split."""
_SHOWN: Final = 10


@dataclass(frozen=True, eq=False)
class _Across:
    """Of each row the nearest row of another split: its distance, arcsec, and its number."""

    distance: NDArray[np.float64]
    row: NDArray[np.int64]

    def within(self, arcsec: float) -> NDArray[np.bool_]:
        near: NDArray[np.bool_] = self.distance <= arcsec
        return near


@dataclass(frozen=True, kw_only=True)
class Overlaps(TableGate):
    """Looks at the positions of all rows, judged or not."""

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Its result, where rows have positions on the sky and more than one split is recorded."""
        return super().needed(facts, view, settings) if facts.on_the_sky and facts.several_splits else []

    def columns(self, facts: Facts) -> list[str]:
        """Positions, splits, and names of galaxies."""
        return asked(facts, "split") if "split" in facts.columns else []

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of rows beside which a row of another split lies; nothing where rows have no positions on the sky."""
        facts = context.facts
        # Of larger stamps than those that the setting is for, those farther apart share pixels as well.
        reach = max(context.settings.overlap_arcsec, facts.imaging.diagonal_arcsec)
        if not facts.on_the_sky:
            return Judgement([], [], [])
        if ALL_ROWS not in arrays or not facts.several_splits:
            return Judgement([not_run(self.stated(ALLOWED), "no two splits are recorded")], [], [])
        rows = sky_rows(arrays[ALL_ROWS])
        if rows.table["split"].nunique() < 2:
            return Judgement([not_run(self.stated(ALLOWED), "rows of one split alone have positions")], [], [])
        across = _across(rows, reach)
        near, same = across.within(reach), across.within(SAME_GALAXY_ARCSEC)
        value = exactly(float(near.mean()), len(rows), int(rows.table["host_id"].nunique()))
        shown, lost = _shown(rows, across, reach), none_left(arrays[ALL_ROWS], rows.table, "a position", "split")
        if lost and shown.shows != "leak":
            return Judgement([not_run(self.stated(ALLOWED), f"{lost}; of the others {shown.reason}")], [], [])
        found = self.counted(value, shown, _planted(rows, reach), ALLOWED)
        return replace(found, exhibits=_exhibits(rows, across, near, same, reach))


def _across(rows: SkyRows, reach: float) -> _Across:
    split = rows.codes("split")
    distance, row = np.full(len(rows), np.inf), np.full(len(rows), -1, dtype=np.int64)
    for one in np.unique(split):
        here, others = np.flatnonzero(split == one), np.flatnonzero(split != one)
        distance[here], nearest = nearest_arcsec(rows.points[here], rows.points[others], reach)
        row[here] = np.append(others, -1)[nearest]
    return _Across(distance, row)


def _shown(rows: SkyRows, across: _Across, reach: float) -> Outcome:
    near, same = across.within(reach), across.within(SAME_GALAXY_ARCSEC)
    count, share = int(near.sum()), float(near.mean())
    if not count:
        return Outcome("no leak", f"no row lies within {reach:g} arcsec of one of another split")
    first = int(np.argmin(across.distance))
    percent = np.format_float_positional(100.0 * share, 2, fractional=False, trim="-")
    said = (
        f"{count} of {len(rows)} rows ({percent} %) lie within {reach:g} arcsec of a row of another split, "
        f"{int(same.sum())} of them within {SAME_GALAXY_ARCSEC:g} arcsec, which is the same galaxy: the nearest are "
        f"{rows.named(first, 'split')} and {rows.named(int(across.row[first]), 'split')}, {across.distance[first]:.2f} arcsec "
        "apart"
    )
    if same.any() or share > ALLOWED:
        return Outcome("leak", said)
    return Outcome("no leak", f"{said}; so few can move no score by more than their share (at most {100 * ALLOWED:g} %)")


def _planted(rows: SkyRows, reach: float) -> dict[str, Noticed]:
    """Rows of one split that are moved to rows of another: onto them, and beside them, as many as may not be there."""
    split = rows.codes("split")
    here, there = rows.points[split == split[0]], rows.points[split != split[0]]
    count = min(int(ALLOWED * len(rows)) + 1, len(here))
    targets = there[np.linspace(0, len(there) - 1, count).astype(np.int64)]

    def noticed(arcsec: float, within: float) -> int:
        return int(np.isfinite(nearest_arcsec(moved_north(targets, arcsec), there, within)[0]).sum())

    onto = Noticed(noticed(0.5 * SAME_GALAXY_ARCSEC, SAME_GALAXY_ARCSEC) == count)
    share = count / len(rows)
    beside = Noticed(noticed(0.96 * reach, reach) == count, share, share, "of the rows")
    return {"a row on a galaxy of another split": onto, "overlap with another split of": beside}


def _exhibits(rows: SkyRows, across: _Across, near: NDArray[np.bool_], same: NDArray[np.bool_], reach: float) -> list[Exhibit]:
    """The nearest pairs that cross."""
    if not near.any():
        return []
    order = np.argsort(across.distance, kind="stable")[: 2 * _SHOWN]
    pairs = dict.fromkeys(tuple(sorted((int(row), int(across.row[row])))) for row in order if near[row])
    split, name = rows.table["split"], rows.table["host_id"]
    shown = [*pairs][:_SHOWN]
    lines = [[cell for row in pair for cell in (str(name.iloc[row]), rows.place(row), str(split.iloc[row]))] for pair in shown]
    caption = (
        f"The nearest pairs of rows in different splits, at most {_SHOWN}: {int(near.sum())} rows lie within {reach:g} arcsec of "
        f"one of another split, {int(same.sum())} within {SAME_GALAXY_ARCSEC:g} arcsec."
    )
    content = {"columns": 2 * ["galaxy", "ra, dec", "split"], "rows": lines}
    return [Exhibit("overlaps", "Neighbours in different splits", caption, "table", content)]


GATE: Final = Overlaps(
    name="overlaps",
    section="positions",
    title="Neighbours in other splits",
    asks="Does a stamp share pixels with one of another set?",
    failing="galaxies of one set, or their stamps' pixels, are in another: scores on the test set are too good",
    advice="Split by patches of the sky (the cell of the brick's centre), and leave out rows beside one of another split.",
    view=VIEW,
    requires="no stamp shares pixels with one of another split",
    cause=SPLIT,
    compares="positions of all rows, each split against the others",
    plants="a row moved onto one of another split; rows moved beside them, 0.1 %",
)
