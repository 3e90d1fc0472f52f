"""Is a galaxy a positive and a negative at once? Where controls are chosen to be hosts of positives, that is no mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.dataset.source import OWN_LAYOUT, Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import exactly
from arcgate.gates.core.design_leaks import LABELS
from arcgate.gates.core.evaluator import Outcome, not_run
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement
from arcgate.gates.core.sky_rows import SAME_GALAXY_ARCSEC, VIEW, asked, none_left, planted_beside, sky_rows
from arcgate.gates.core.table_gate import TableGate
from arcgate.ground.sphere import nearest_arcsec


@dataclass(frozen=True, kw_only=True)
class BothLabels(TableGate):
    """Holds positions of controls against those of positives."""

    def columns(self, facts: Facts) -> list[str]:
        """Positions, where controls are not the positives' own galaxies."""
        return [] if facts.paired else asked(facts, "split")

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of controls that are positives too; reported in arcgate's own sets, where hosts may be controls of others."""
        if ALL_ROWS not in arrays:
            return Judgement([], [], [])
        rows = sky_rows(arrays[ALL_ROWS])
        if lost := none_left(arrays[ALL_ROWS], rows.table, "a position", "role"):
            return Judgement([not_run(self.stated(), lost)], [], [])
        positives, controls = (rows.take((rows.table["role"] == role).to_numpy()) for role in ("positive", "control"))
        if not len(positives) or not len(controls):
            return Judgement([], [], [])
        distance, other = nearest_arcsec(controls.points, positives.points, SAME_GALAXY_ARCSEC)
        found = np.isfinite(distance)
        said = f"no control lies within {SAME_GALAXY_ARCSEC:g} arcsec of a positive"
        if found.any():
            first, columns = int(np.argmin(distance)), [name for name in ("role", "split") if name in rows.table]
            said = (
                f"{int(found.sum())} of {len(controls)} controls lie within {SAME_GALAXY_ARCSEC:g} arcsec of a positive, the "
                f"same galaxy: {controls.named(first, *columns)} and {positives.named(int(other[first]), *columns)}"
            )
        share = float(found.mean())
        if context.facts.layout == OWN_LAYOUT:
            reason = f"{said}; a host may serve as a control of others, without its arc"
            return Judgement([self.result_of("reported", reason, role="diagnostic", value=share, n=len(controls))], [], [])
        value = exactly(share, len(controls), int(controls.table["host_id"].nunique()))
        shown = Outcome("leak" if found.any() else "no leak", said)
        planted = planted_beside(positives.points, SAME_GALAXY_ARCSEC)
        return self.counted(value, shown, {"a positive among the controls": planted})


GATE: Final = BothLabels(
    name="both_labels",
    section="positions",
    title="Galaxies of both classes",
    asks="Is a galaxy a positive and a negative at once?",
    failing="negatives are positives of the same set: one of the two labels is wrong",
    advice="Give each galaxy one label: take the positives out of the negatives, by position.",
    view=VIEW,
    cause=LABELS,
    compares="positions of controls against those of positives, where controls are other galaxies",
    plants="a control within 0.9 arcsec of a positive",
)
