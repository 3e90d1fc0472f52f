"""Is the stored arc exactly the light that was added: galaxy + arc = stamp?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.dataset.source import OWN_LAYOUT, Facts
from arcgate.gates.core.comparisons import NO_NULL_ROWS
from arcgate.gates.core.context import Context
from arcgate.gates.core.equality import Equality, compared, judged_equality, middle_pixel, one_pixel_brighter, rounded_to_half
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import RAW
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import matched, rows_of_array
from arcgate.gates.features.rounding import rounding_of
from arcgate.variant import Gates, View


@dataclass(frozen=True, kw_only=True)
class Deinjection(StatedGate):
    """Counts rows that are not their galaxy plus their stored arc.

    Sets of arcgate are equal bit by bit. In other makers' files sums may be off by rounding (`rounding_of`): they may have been
    added in another precision, or scaled. Where controls are other galaxies, a null row stands for its pair's host.
    """

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Where arcs are stored; else every row is held against its declared arc."""
        return [f"{self.name}/{RAW}"] if facts.has_arc else []

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Row by row whether it differs, and whether planted differences are noticed in the first one."""
        facts, stored = shard.context.facts, shard.arc
        host = shard.control if facts.paired else shard.null
        if not facts.has_arc or stored is None or host is None:
            return {}
        rows, hosts = matched(shard.positive, host)
        if not len(rows):
            return {}
        galaxy, stamp, arc = host.take(hosts), shard.positive.take(rows), rows_of_array(stored, rows)
        tolerated, half, leak = None, True, shard.context.settings.leak_sizes_sky_sigma[0]
        if facts.layout != OWN_LAYOUT:
            largest = np.maximum(np.abs(galaxy.image), np.abs(stamp.image))
            tolerated = np.asarray(rounding_of(np.maximum(largest, np.abs(arc)), facts.precision), dtype=np.float32)
            # Twice what is tolerated there, where that is more: a brighter pixel that hides in the rounding is no leak to see.
            leak = max(leak, 2.0 * float(tolerated[middle_pixel(galaxy)]) / float(galaxy.sky[0, 0, 0, 0]))
            half = facts.precision != "float16"
        # Not one unit in the last place here: the sum with a brighter arc may round it away.
        planted = {Equality.PIXEL: (one_pixel_brighter(galaxy, leak) + arc[:1], leak)}
        if half:
            planted[Equality.HALF] = (rounded_to_half(galaxy) + arc[:1], 0.0)
        return compared(RAW, stamp, galaxy.image + arc, stamp.image, planted, tolerated)

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of rows that differ, of which none may."""
        facts, missing = context.facts, ""
        if not facts.has_arc:
            missing = "the light as added is not stored: store the arcs"
        elif not facts.has_null and not facts.paired:
            missing = NO_NULL_ROWS
        equal = "equal by value" if facts.layout == OWN_LAYOUT else f"equal within the rounding of {facts.precision}"
        return judged_equality(self.name, (RAW,), arrays, missing, equal)


GATE: Final = Deinjection(
    name="deinjection",
    section="identity",
    title="Stamp = galaxy + arc",
    asks="Is the stored arc exactly the light that was added?",
    failing="stamps hold something besides their galaxy and their stored arc",
    advice="Store the arc as it was added, after PSF, mask and noise, and do nothing to the stamp afterwards.",
    requires="control + stored arc = stamp",
    compares="stored stamps against their galaxies and stored arcs, pixel by pixel",
    plants="a brighter pixel; rounding to half precision",
)
