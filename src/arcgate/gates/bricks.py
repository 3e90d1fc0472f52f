"""Does a brick of the survey lie in two splits? Its rows share exposures, seeing, depth and background.

It decides where galaxies were cut from bricks, or where the settings say that splits go by brick; else it is reported, since a
split by galaxy puts most bricks into two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import Noticed, exactly
from arcgate.gates.core.design_leaks import SPLIT
from arcgate.gates.core.evaluator import Outcome, not_run
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement
from arcgate.gates.core.result import Role
from arcgate.gates.core.sky_rows import POSITION, VIEW, asked, none_left
from arcgate.gates.core.table_gate import TableGate
from arcgate.ground.counting import count_of
from arcgate.survey.legacy.brick_scheme import brick_names
from arcgate.variant import Gates, View

LEGACY: Final = "legacy"
"""Kind of hosts that are cut from bricks."""


@dataclass(frozen=True, kw_only=True)
class Bricks(TableGate):
    """Counts bricks, as recorded or of the Legacy Surveys' scheme, over all rows."""

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Its result, where it decides."""
        return super().needed(facts, view, settings) if facts.several_splits and _decides(facts, settings) else []

    def columns(self, facts: Facts) -> list[str]:
        """Bricks, positions and splits."""
        return asked(facts, "brick", "split") if "split" in facts.columns else []

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of bricks with several rows that lie in more than one split; nothing where no two splits are recorded."""
        if ALL_ROWS not in arrays or not context.facts.several_splits:
            return Judgement([], [], [])
        table, whose = with_bricks(arrays[ALL_ROWS])
        if table["split"].nunique() < 2:
            return self._not_run("rows of one split alone have bricks", context)
        splits = table.groupby("brick")["split"].agg(["nunique", "size"])
        several = splits[splits["size"] > 1]
        crossing = several.index[several["nunique"] > 1]
        if not len(several):
            return self._not_run("no brick holds two rows", context)
        share = len(crossing) / len(several)
        said = f"{len(crossing)} of {len(several)} bricks with several rows lie in more than one split ({whose})"
        if len(crossing):
            said += f": {', '.join(map(str, crossing[:5]))}"
        lost = none_left(arrays[ALL_ROWS], table, "a brick", "split")
        if lost and not len(crossing):
            return self._not_run(f"{lost}; of the others {said}", context)
        if not _decides(context.facts, context.settings):
            reason = f"{said}; it decides where splits go by brick (gates.whole_bricks=true)"
            return Judgement([self.result_of("reported", reason, role="diagnostic", value=share, n=len(table))], [], [])
        value = exactly(share, len(table), len(splits))
        shown = Outcome("leak" if len(crossing) else "no leak", said)
        planted = {"a row of a brick in another split": Noticed(_noticed(table, len(crossing)))}
        return self.counted(value, shown, planted)

    def _not_run(self, reason: str, context: Context) -> Judgement:
        """A gate where it would decide, else a diagnostic."""
        role: Role = "gate" if _decides(context.facts, context.settings) else "diagnostic"
        return Judgement([replace(not_run(self.stated(), reason), role=role)], [], [])


def with_bricks(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Rows whose brick is known, with its name, and whose names these are.

    Where some rows record a brick and others have its name from their position alone, all names are by position, unless both are
    the same wherever both are known: a brick of two names could not be seen to cross.
    """
    recorded = table["brick"].notna().to_numpy() if "brick" in table else np.zeros(len(table), dtype=bool)
    if recorded.all() or not set(POSITION) <= set(table):
        return table[recorded], "bricks as recorded"
    ra, dec = (table[name].to_numpy(np.float64, na_value=np.nan) for name in POSITION)
    placed = np.isfinite(ra) & np.isfinite(dec)
    if not (placed & ~recorded).any():
        return table[recorded], "bricks as recorded"
    names = np.full(len(table), None, dtype=object)
    names[placed] = brick_names(ra[placed], dec[placed])
    whose = "bricks of the Legacy Surveys' scheme, by position"
    if not recorded.any():
        return table.assign(brick=names)[placed], whose
    stated, both = table["brick"].astype("string").to_numpy(object), recorded & placed
    if both.any() and (stated[both] == names[both]).all():
        names[recorded] = stated[recorded]
        whose = f"bricks as recorded of {count_of(int(recorded.sum()), 'row')}, by position of {int((placed & ~recorded).sum())}"
        return table.assign(brick=names)[recorded | placed], whose
    whose += f"; other names are recorded, of {count_of(int(recorded.sum()), 'row')} alone"
    if lost := int((recorded & ~placed).sum()):
        whose += f"; left out: {count_of(lost, 'row')} with a recorded brick and no position"
    return table.assign(brick=names)[placed], whose


def _decides(facts: Facts, settings: Gates) -> bool:
    if not facts.on_the_sky:
        return False
    return facts.hosts == LEGACY if settings.whole_bricks is None else settings.whole_bricks


def _noticed(table: pd.DataFrame, crossing: int) -> bool:
    """Whether one row is noticed that leaves a whole brick for a split of its own; where none is whole, whether any crosses."""
    brick = table.groupby("brick")["split"]
    whole = ((brick.transform("nunique") == 1) & (brick.transform("size") > 1)).to_numpy()
    if not whole.any():
        return crossing > 0
    split = table["split"].astype(object).to_numpy().copy()
    split[int(np.argmax(whole))] = "moved"
    moved = pd.DataFrame({"brick": table["brick"].to_numpy(), "split": split}).groupby("brick")["split"].nunique()
    return int((moved > 1).sum()) == crossing + 1


GATE: Final = Bricks(
    name="bricks",
    section="positions",
    title="Bricks in two sets",
    asks="Does a brick of the survey lie in two sets?",
    failing="rows of one brick, which share exposures and sky, are on two sides of a split",
    advice="Let the sky cell of the brick's centre decide on the split, so that bricks stay whole.",
    view=VIEW,
    requires="no brick in two splits",
    cause=SPLIT,
    compares="bricks of one split against those of the others, over all rows",
    plants="a row of a brick in a split of its own",
)
