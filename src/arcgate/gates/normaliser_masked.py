"""Does an arc outside the core change how the core looks once it is normalised?

What a normaliser that holds arc light does is judged where a network would see it: in the normalised core, from which the arc
itself is gone.
"""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import BEYOND_THE_CORE
from arcgate.gates.core.design_leaks import NORMALISATION
from arcgate.gates.core.result import NETWORK
from arcgate.gates.features.ring_features import RingColumns, core
from arcgate.gates.features.ring_leaks import CENTRE, SCALE

GATE: Final = AucGate(
    name="normaliser_masked",
    comparison=BEYOND_THE_CORE,
    looks=(
        Look(
            NETWORK, RingColumns("network_core", core), (CENTRE, SCALE),
            "the normalised core tells the classes apart although the arc is gone from it: the view's statistics hold arc light",
        ),
    ),
    section="normaliser",
    title="Normalisation with an arc outside the core",
    asks="Does an arc outside the core change how the core looks once it is normalised?",
    advice=NORMALISATION.advice,
    requires="stamps without their arcs are told from controls by nothing",
    cause=NORMALISATION,
    applies=lambda facts, view: view.normalises,
)  # fmt: skip
