"""On pairs: does an injection of no light return the same galaxy, bit by bit, and the same to the network?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates.core.comparisons import NO_NULL_ROWS
from arcgate.gates.core.context import Context
from arcgate.gates.core.equality import Equality, compared, judged_equality, one_pixel_brighter, one_unit, rounded_to_half
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps, matched
from arcgate.variant import Gates, View


@dataclass(frozen=True, kw_only=True)
class NullEqual(StatedGate):
    """Counts null rows that differ from their controls, as stored and as the view hands them over."""

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Both views; without null rows the null pair of controls stands in."""
        return [f"{self.name}/{RAW}", f"{self.name}/{NETWORK}"] if facts.paired and facts.has_null else []

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Row by row whether it differs, and whether planted differences are noticed in the first one."""
        if not shard.context.facts.paired or shard.null is None:
            return {}
        rows, controls = matched(shard.null, shard.control)
        null, control = shard.null.take(rows), shard.control.take(controls)
        if not len(rows):
            return {}
        ulp, first = one_unit(null), null.take(np.arange(1))
        size = float(np.abs(ulp - first.image).max()) / float(null.sky[0, 0, 0, 0])
        planted = {Equality.UNIT: (ulp, size), Equality.HALF: (rounded_to_half(null), 0.0)}
        found = compared(RAW, null, null.image, control.image, planted)
        least = shard.context.settings.leak_sizes_sky_sigma[0]
        seen = shard.viewed(null)
        # Identical stamps look the same: a view treats each by itself.
        expected = seen if np.array_equal(null.image, control.image) else shard.viewed(control)
        leaks = {Equality.PIXEL: (one_pixel_brighter(null, least), least), Equality.HALF: (rounded_to_half(null), 0.0)}
        viewed = {name: (_seen(shard, image, first), size) for name, (image, size) in leaks.items()}
        # How far views differ has no unit that a reader knows: it is not stated.
        return found | compared(NETWORK, null, seen, expected, viewed, stated=False)

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of rows that differ, of which none may."""
        if not context.facts.paired:
            return Judgement([], [], [])
        missing = "" if context.facts.has_null else NO_NULL_ROWS
        return judged_equality(self.name, (RAW, NETWORK), arrays, missing, "equal by value")


def _seen(shard: Shard, image: Pixels, stamps: Stamps) -> Pixels:
    """An image as the view would hand it over, normalised by itself."""
    return shard.context.viewer.apply(shard.shown(image, stamps), *shard.normaliser_of(image, stamps))


GATE: Final = NullEqual(
    name="null_equal",
    section="identity",
    title="Null injection, bit by bit",
    asks="Does an injection of no light return the same galaxy?",
    failing="the injection changes something besides adding an arc",
    advice="Store null rows and controls from the same cutout, in the same precision, by the same path.",
    requires="null rows equal their controls",
    compares="null rows against the controls of their pairs, pixel by pixel",
    plants="one unit in the last place; a brighter pixel; rounding to half precision",
)
