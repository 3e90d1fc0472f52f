"""Does a core mask leave a step at its radius, which no real lens has?"""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import WITHOUT_WHOLE_ARC
from arcgate.gates.core.design_leaks import MASK_EDGE
from arcgate.gates.core.result import RAW
from arcgate.gates.features.core_light import BEYOND_WHOLE
from arcgate.gates.features.ring_features import RingColumns, edge_steps
from arcgate.gates.features.ring_leaks import CORE_STEP

GATE: Final = AucGate(
    name="mask_edge",
    comparison=WITHOUT_WHOLE_ARC,
    looks=(Look(RAW, RingColumns("raw", edge_steps), (CORE_STEP,), "the mask leaves an edge at its radius"),),
    section="mask_edge",
    title="Edge of the core mask",
    asks="Does the core mask leave a step at its radius?",
    advice=MASK_EDGE.advice,
    requires="stamps without their arcs are told from controls by nothing",
    cause=MASK_EDGE,
    remark=BEYOND_WHOLE,
)
