"""Is every planted leak detected where only controls are compared, and nothing else?

Where no null rows are stored this is all that shows what the gates can detect: controls against themselves, or, where they are
other galaxies, one half of them against the other. Halves need raise no alarm, but need not lie inside the margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.shard import Shard
from arcgate.variant import Gates, View


@dataclass(frozen=True, kw_only=True)
class NullPair(StatedGate):
    """Sums up the curves of the gates that plant leaks in the null pair."""

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Only where no null rows are stored."""
        return [] if facts.has_null else [f"{self.name}/{self.view}"]

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Nothing of its own."""
        return {}

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """Nothing by itself: see `summarise`."""
        return Judgement([], [], [])

    def summarise(self, judged: Mapping[str, Judgement], context: Context) -> Judgement:
        """The share of planted leaks that were not detected, of which none may."""
        if context.facts.has_null:
            return Judgement([], [], [])
        curves = [curve for judgement in judged.values() for curve in judgement.curves if curve.in_null_pair]
        missing = {(curve.gate, curve.view) for curve in curves if not curve.sensitive}
        planted = {(curve.gate, curve.view) for curve in curves}
        # A gate that detects all that was planted, and is insensitive nevertheless, fires where nothing was planted.
        alarms = [
            f"{result.name} fires without any leak"
            for judgement in judged.values()
            for result in judgement.results
            if result.status == "insensitive" and (result.name, result.view) in planted - missing
        ]
        made = "controls against themselves" if context.facts.paired else "one half of the controls' galaxies against the other"
        missed = [f"{curve.in_words(curve.required)} by {curve.gate}" for curve in curves if not curve.sensitive]
        if not curves:
            return Judgement([self.result_of("not_run", f"{made}: no gate could be judged in which a leak is planted")], [], [])
        numbers = {"null": 0.0, "margin": 0.0, "n": curves[0].measured[0].n, "n_groups": curves[0].measured[0].n_groups}
        share = len(missed) / len(curves)
        numbers |= dict.fromkeys(("value", "low", "high"), share)
        if missed or alarms:
            said = "; ".join([f"not detected: {each}" for each in missed] + alarms)
            return Judgement([self.result_of("insensitive", f"{made}: {said}", **numbers)], [], [])
        reason = f"{made}: {len(curves)} leaks planted for {len(planted)} gates are detected, and nothing without them"
        return Judgement([self.result_of("passed", reason, **numbers)], [], [])


GATE: Final = NullPair(
    name="null_pair",
    section="identity",
    title="Null pair of controls",
    asks="Is every planted leak noticed where only controls are compared, and nothing else?",
    failing="gates raise an alarm where there is nothing, or miss leaks that were planted",
    advice="Give more galaxies, or null rows (data.null_rows), so that smaller leaks are detected.",
    requires="controls against controls: every planted leak is detected, nothing else is",
    compares="controls against themselves, or one half of their galaxies against the other",
    plants="all leaks that gates plant in it",
)
