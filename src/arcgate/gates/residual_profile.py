"""Where does light lie that no declared arc explains? A figure of its radial profile; it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.context import Context
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import matched
from arcgate.gates.features.residual_profile import residual_profile
from arcgate.gates.features.ring_features import ring_features


@dataclass(frozen=True, kw_only=True)
class ResidualProfile(StatedGate):
    """Differences of ring means between positives without their declared arcs and the controls of their pairs."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Differences (n, band, ring), sky sigma."""
        if WITHOUT_ARC.missing(shard.context.facts):
            return {}
        compared, rings = WITHOUT_ARC.of(shard), shard.context.regions.n_rings
        first, second = matched(compared.subject, compared.reference)
        one, zero = (shard.once(ring_features, stamps, "raw") for stamps in (compared.subject, compared.reference))
        return {"difference": np.asarray((one[first] - zero[second])[:, :, :rings], dtype=np.float32)}

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The figure."""
        return Judgement([], residual_profile(arrays["difference"], context.regions) if arrays else [], [])


GATE: Final = ResidualProfile(
    name="residual_profile",
    section="residual",
    title="Profile of unexplained light",
    compares="positives without their declared arcs against the controls of their pairs",
)
