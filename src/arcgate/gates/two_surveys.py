"""Was one galaxy taken from two surveys? North and south, or two releases, see it in other pixels and under another name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import Noticed, exactly
from arcgate.gates.core.design_leaks import TWO_SURVEYS
from arcgate.gates.core.evaluator import Outcome, not_run
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement
from arcgate.gates.core.sky_rows import SAME_GALAXY_ARCSEC, VIEW, SkyRows, asked, moved_north, none_left, sky_rows
from arcgate.gates.core.table_gate import TableGate
from arcgate.ground.counting import count_of
from arcgate.ground.sphere import pairs_within

SURVEY: Final = ("footprint", "release")
Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TwoSurveys(TableGate):
    """Looks for positions that occur in two footprints or releases, on two sides of a split or in two classes."""

    def columns(self, facts: Facts) -> list[str]:
        """Positions, surveys and splits; none where no survey is recorded."""
        return asked(facts, *SURVEY, "split") if set(SURVEY) & facts.columns else []

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of rows of such galaxies; nothing where all rows are of one survey."""
        if ALL_ROWS not in arrays:
            return Judgement([], [], [])
        rows = sky_rows(arrays[ALL_ROWS])
        rows = SkyRows(rows.table.assign(survey=survey_of(rows.table)), rows.points)
        if rows.table["survey"].nunique() < 2:
            return Judgement([], [], [])
        crossing, harmless = _crossing(rows, context.facts.paired)
        lost = none_left(arrays[ALL_ROWS], rows.table, "a position", "split", *([] if context.facts.paired else ["role"]))
        if lost and not len(crossing):
            return Judgement([not_run(self.stated(), f"{lost}; among the others no galaxy of two surveys crosses")], [], [])
        share = len(np.unique(crossing)) / len(rows)
        if len(crossing):
            one, other = crossing[0].tolist()
            columns = [name for name in ("survey", "split", "role") if name in rows.table]
            lie = "lies" if len(crossing) == 1 else "lie"
            said = (
                f"{count_of(len(crossing), 'pair')} of rows of different surveys {lie} within {SAME_GALAXY_ARCSEC:g} arcsec, in "
                f"different splits or classes: {rows.named(one, *columns)} and {rows.named(other, *columns)}"
            )
        else:
            said = "no galaxy of two surveys lies in two splits or classes"
        said += f"; {count_of(harmless, 'such pair')} in one split and class" if harmless else ""
        value = exactly(share, len(rows), int(rows.table["host_id"].nunique()))
        shown = Outcome("leak" if len(crossing) else "no leak", said)
        return self.counted(value, shown, {"a galaxy of another survey and split": _noticed(rows)})


def survey_of(table: pd.DataFrame) -> pd.Series:
    """Footprint and release of each row, as far as they are recorded, in one word."""
    recorded = [name for name in SURVEY if name in table and table[name].notna().any()]
    parts = [table[name].astype("string").fillna(f"{name} unknown") for name in recorded]
    if not parts:
        return pd.Series("survey unknown", index=table.index)
    return parts[0] if len(parts) == 1 else parts[0] + " " + parts[1]


def _crossing(rows: SkyRows, paired: bool) -> tuple[Ids, int]:
    """Pairs of rows (k, 2) of one galaxy in two surveys that cross, and how many such pairs do not."""
    identity = [name for name in ("survey", "split", "role") if name in rows.table]
    # Rows that are alike in all of this are one: a galaxy with many rows would be as many pairs as the square of their number.
    distinct = np.flatnonzero(
        ~rows.table.assign(ra=rows.points[:, 0], dec=rows.points[:, 1])[[*identity, "ra", "dec"]].duplicated()
    )
    pairs = distinct[pairs_within(rows.points[distinct], SAME_GALAXY_ARCSEC)]
    survey, role = rows.codes("survey"), rows.codes("role")
    split = rows.codes("split") if "split" in rows.table else np.zeros(len(rows), dtype=np.int64)
    two = pairs[survey[pairs[:, 0]] != survey[pairs[:, 1]]]
    apart = split[two[:, 0]] != split[two[:, 1]]
    if not paired:
        apart |= role[two[:, 0]] != role[two[:, 1]]
    return two[apart], int((~apart).sum())


def _noticed(rows: SkyRows) -> Noticed:
    """Whether a copy of a row in another survey and split is noticed."""
    copy = rows.table.iloc[:1].assign(
        survey="planted", **({"split": "planted"} if "split" in rows.table else {"role": "planted"})
    )
    points = np.concatenate([rows.points[:1], moved_north(rows.points[:1], 0.5 * SAME_GALAXY_ARCSEC)])
    table = pd.concat([rows.table.iloc[:1], copy], ignore_index=True)
    return Noticed(len(_crossing(SkyRows(table, points), paired=False)[0]) == 1)


GATE: Final = TwoSurveys(
    name="two_surveys",
    section="positions",
    title="One galaxy, two surveys",
    asks="Is a galaxy there twice, seen by two surveys?",
    failing="a galaxy that two surveys saw is in two splits or in two classes",
    advice=TWO_SURVEYS.advice,
    view=VIEW,
    cause=TWO_SURVEYS,
    compares="positions of one footprint or release against those of the others",
    plants="a galaxy once more, from another survey and in another split",
)
