"""Does the annulus of positives, where arcs lie, differ from that of controls once the declared arc is taken away?"""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.features.ring_features import RingColumns, annulus, annulus_steps
from arcgate.gates.features.ring_leaks import ANNULUS_PEDESTAL, ANNULUS_PEDESTAL_SEEN

GATE: Final = AucGate(
    name="residual_annulus",
    comparison=WITHOUT_ARC,
    looks=(
        Look(
            RAW, RingColumns("raw", annulus), (ANNULUS_PEDESTAL,),
            "the annulus holds light, or lacks light, that the declared PSF and arc do not explain",
        ),
        # The level of a normalised stamp is the normaliser's: beyond the core its steps from ring to ring are looked at.
        Look(
            NETWORK, RingColumns("network", annulus_steps), (ANNULUS_PEDESTAL_SEEN,),
            "the annulus, after normalisation, without its declared arc, still differs from a control's",
        ),
    ),
    section="residual",
    title="Residual in the annulus",
    asks="Is there unexplained light where the arcs lie?",
    advice="Look at the profile of unexplained light: wings that fall with radius are the PSF's, a constant is a background.",
    requires="stamps without their arcs are told from controls by nothing",
    orders_pairs=True,
    bounds_light=True,
)  # fmt: skip
