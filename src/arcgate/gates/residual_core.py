"""Does the core of positives, once their declared arc is taken away, still differ from that of controls?"""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.features.core_light import BEYOND_DECLARED
from arcgate.gates.features.ring_features import RingColumns, core
from arcgate.gates.features.ring_leaks import ARC_PSF, CORE_PEDESTAL, SHIFT

_LEAKS: Final = (CORE_PEDESTAL, SHIFT, ARC_PSF)

GATE: Final = AucGate(
    name="residual_core",
    comparison=WITHOUT_ARC,
    looks=(
        Look(
            RAW, RingColumns("raw", core), _LEAKS,
            "the core holds light, or lacks light, that the declared PSF and arc do not explain",
        ),
        Look(
            NETWORK, RingColumns("network", core), _LEAKS,
            "the core, after normalisation, without its declared arc, still differs from a control's",
        ),
    ),
    section="residual",
    title="Residual in the core",
    asks="Does the core hold light that the declared arc does not explain?",
    advice="Look at the profile of unexplained light: rings of both signs are a PSF of another width, one sign is a level.",
    requires="stamps without their arcs are told from controls by nothing",
    remark=BEYOND_DECLARED,
    orders_pairs=True,
    bounds_light=True,
)  # fmt: skip
