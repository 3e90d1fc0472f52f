"""Where controls are other galaxies: do the galaxies chosen as hosts look like the controls before any arc is added?

On pairs a galaxy is its own control, and `null_equal`, which is stricter, takes this gate's place.
"""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import HOSTS
from arcgate.gates.core.design_leaks import SELECTION
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.features.ring_features import RingColumns, core
from arcgate.gates.features.ring_leaks import CORE_PEDESTAL, HOST_PSF, SHIFT

_LEAKS: Final = (CORE_PEDESTAL, SHIFT, HOST_PSF)
_FAILING: Final = "galaxies chosen as hosts and as controls differ before any arc is added"

GATE: Final = AucGate(
    name="null",
    comparison=HOSTS,
    looks=(
        Look(RAW, RingColumns("raw", core), _LEAKS, _FAILING),
        Look(NETWORK, RingColumns("network", core), _LEAKS, _FAILING),
    ),
    section="identity",
    title="Null injection",
    asks="Do the galaxies chosen as hosts look like the controls before any arc is added?",
    advice=SELECTION.advice,
    requires="null rows are told from controls by nothing",
    cause=SELECTION,
    applies=lambda facts, view: not facts.paired,
    orders_pairs=True,
)
