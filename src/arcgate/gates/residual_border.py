"""Does the border of positives, which hardly any arc reaches, differ from that of controls, in light or in noise?"""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.features.ring_features import RingColumns, border, border_steps
from arcgate.gates.features.ring_leaks import EXTRA_NOISE, FRAME_PEDESTAL, OFFSET

GATE: Final = AucGate(
    name="residual_border",
    comparison=WITHOUT_ARC,
    looks=(
        Look(
            RAW, RingColumns("raw", border), (OFFSET, FRAME_PEDESTAL, EXTRA_NOISE),
            "the border holds light, or lacks light, that the declared PSF and arc do not explain, or other noise",
        ),
        Look(
            NETWORK, RingColumns("network", border_steps), (FRAME_PEDESTAL,),
            "the border, after normalisation, without its declared arc, still differs from a control's",
        ),
    ),
    section="residual",
    title="Residual at the border",
    asks="Is there unexplained light far from the galaxy?",
    advice="Compare background and noise of stamps and controls: no arc reaches that far.",
    requires="stamps without their arcs are told from controls by nothing",
    orders_pairs=True,
    bounds_light=True,
)  # fmt: skip
