"""Is a negative a known lens? Lists are the user's own: `gates.known_lenses`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import exactly
from arcgate.gates.core.design_leaks import LABELS
from arcgate.gates.core.evaluator import Outcome, not_run
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement
from arcgate.gates.core.sky_rows import VIEW, asked, planted_beside, sky_rows
from arcgate.gates.core.table_gate import TableGate
from arcgate.ground.sphere import nearest_arcsec, unit_vectors

RADIUS_ARCSEC: Final = 5.0
"""Lists give the place of an arc, of the lens, or of both: within this they mean the galaxy of the row."""


@dataclass(frozen=True, kw_only=True)
class KnownLenses(TableGate):
    """Holds controls against lists of lenses."""

    def columns(self, facts: Facts) -> list[str]:
        """Positions."""
        return asked(facts)

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of controls that are known lenses; nothing where rows have no positions on the sky."""
        if ALL_ROWS not in arrays:
            return Judgement([], [], [])
        if not len(context.lenses):
            return Judgement([not_run(self.stated(), "no list of known lenses was named (gates.known_lenses)")], [], [])
        rows = sky_rows(arrays[ALL_ROWS])
        controls = rows.take((rows.table["role"] == "control").to_numpy())
        if not len(controls):
            return Judgement([not_run(self.stated(), "no control has a position")], [], [])
        lenses = unit_vectors(context.lenses[:, 0], context.lenses[:, 1])
        distance, lens = nearest_arcsec(controls.points, lenses, RADIUS_ARCSEC)
        found = np.isfinite(distance)
        value = exactly(float(found.mean()), len(controls), int(controls.table["host_id"].nunique()))
        where = f"within {RADIUS_ARCSEC:g} arcsec of one of {len(lenses)} known lenses"
        if found.any():
            first = int(np.argmin(distance))
            ra, dec = context.lenses[lens[first]]
            said = (
                f"{int(found.sum())} of {len(controls)} controls lie {where}: {controls.named(first, 'role')}, and the lens at "
                f"{ra:.5f}, {dec:.5f}"
            )
            shown = Outcome("leak", said)
        else:
            shown = Outcome("no leak", f"no control lies {where}")
        return self.counted(value, shown, {"a known lens among the controls": planted_beside(lenses, RADIUS_ARCSEC)})


GATE: Final = KnownLenses(
    name="known_lenses",
    section="positions",
    title="Known lenses among the negatives",
    asks="Is a negative a lens that is known?",
    failing="negatives are known lenses: a network is taught that lenses are none, and scores count right answers as wrong",
    advice="Take all known lenses out of the negatives, by position, from every list that there is.",
    view=VIEW,
    cause=LABELS,
    compares="positions of controls against lists that you name",
    plants="a control within 4.5 arcsec of a lens",
)
