"""Does one class lack more stamps, or positions, than the other: were rows without one left out when the set was opened?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from arcgate.dataset.source import OWN_LAYOUT, Facts
from arcgate.foreign.left_out import CHANCE
from arcgate.gates.core.context import Context
from arcgate.gates.core.design_leaks import SELECTION
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import Status
from arcgate.gates.core.shard import Shard


@dataclass(frozen=True, kw_only=True)
class LeftOutRows(StatedGate):
    """Compares the classes by the rows that were left out."""

    def columns(self, facts: Facts) -> list[str]:
        """None: the facts say it all, of tables without pixels, too."""
        return []

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Nothing: these rows have no stamps."""
        return {}

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The exact two-sided probability that chance makes the classes differ as much; nothing where no row was left out.

        Below `CHANCE` it fails, since what decides whether a stamp, or a position, is there then tells the class.
        """
        p = context.facts.left_out_p
        if p is None:
            return Judgement([], [], [])
        status: Status = "failed" if p < CHANCE else "passed"
        words = "more than chance explains" if status == "failed" else "no more than chance explains"
        reason = f"{_left_out(context.facts)}; the classes differ in their share {words} (p = {p:.2g}, exact, two-sided)"
        return Judgement([self.result_of(status, reason, value=p, margin=CHANCE, null=1.0)], [], [])


def _left_out(facts: Facts) -> str:
    """Which rows were left out, and why; how many of each class the card or the notes say."""
    if facts.layout == OWN_LAYOUT:
        return "galaxies whose stamps could not be used were left out when the set was built, with their pairs"
    if not facts.pixels:
        return "rows without a position were left out when the table was read"
    return "rows without a stamp (its cell is empty, or a column says that the cutout failed) were left out when the set was read"


GATE: Final = LeftOutRows(
    name="left_out_rows",
    section="splits",
    title="Rows that were left out",
    asks="Does one class lack more stamps, or positions, than the other?",
    failing="what decides whether a stamp, or a position, is there tells the class",
    advice="Find why stamps, or positions, of one class are missing, and leave the same galaxies out of the other.",
    view="table",
    cause=SELECTION,
    compares="rows without a stamp or position, positives against controls",
    plants="none: an exact test",
)
