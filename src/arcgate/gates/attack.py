"""Can a small network that is trained for it tell positives without their arcs from controls, by whatever nobody thought of?

The other gates ask for leaks of a known kind. This one is handed whole stamps, as the view shows them, and the labels; what it
finds on galaxies that it has not seen, a lens finder can find too. It takes as long as many other gates together, so that
`gates=full` alone runs it, and no pass needs it: that it was not run is said, and that it failed is a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import HOSTS, Compared, Comparison, against
from arcgate.gates.core.planted_leak import SKY, Features, Measure, Sized
from arcgate.gates.core.result import NETWORK, NOT_ATTACKED, GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.features.ring_features import viewed_core_of
from arcgate.variant import Gates

ATTACKED_PAIRS: Final = 2500
"""About so many pairs are attacked, chosen by hash: their stamps are kept as a whole, 50 kB each."""
_SIZES: Final = (0.2, 0.5)


@dataclass(frozen=True)
class AsSeen:
    """Whole stamps as the view hands them to a network."""

    of_planes: ClassVar[bool] = True

    def __call__(self, shard: Shard, stamps: Stamps) -> Features:
        """Images (n, channels, y, x)."""
        return shard.viewed(stamps)


@dataclass(frozen=True, kw_only=True)
class CoreLight(Sized):
    """Light in the core, under the view; its statistics stay as they are, which other gates look at.

    Attributes
    ----------
    one_sided : bool
        Whether only the half of the core at larger x is lit.
    """

    one_sided: bool = False

    def extract(self, shard: Shard, compared: Compared, measure: Measure, settings: Gates) -> dict[str, Features]:
        """The core with the light of each size in it, as the view hands it over: all that changes."""
        stamps = compared.null_subject
        lit = stamps.radius < shard.context.regions.core_pix
        if self.one_sided:
            lit = lit & (np.arange(stamps.imaging.size_pix) > stamps.x[:, None])[:, None, :]
        light = (stamps.sky * lit[:, None]).astype(np.float32)
        statistics = shard.normaliser(stamps)
        return {
            f"{size:g}": viewed_core_of(shard, stamps.image + np.float32(size) * light, stamps, statistics)
            for size in self.sizes_for(settings)
        }

    def planted(self, kept: Mapping[str, Features], bare: Features, size: float) -> Features:
        """Stamps with the light in their core."""
        core, out = kept[f"{size:g}"], bare.copy()
        first = (out.shape[-1] - core.shape[-1]) // 2
        out[..., first : first + core.shape[-2], first : first + core.shape[-1]] = core
        return out


def _missing(facts: Facts) -> str:
    if facts.declared or facts.has_arc or facts.has_null:
        return ""
    return "arcs are neither stored nor declared, and there are no null rows: store the arcs"


def _made(shard: Shard) -> Compared:
    """Positives without their arcs against controls, of some of the pairs."""
    facts = shard.context.facts
    light = shard.declared if facts.declared else shard.arc if facts.has_arc else None
    # Normalised by what is left, as a stamp without an arc would be: what arcs do to a view's statistics is for the gates on the
    # normaliser to judge.
    bare = None if light is None else shard.positive.with_light(-light)
    compared = HOSTS.of(shard) if bare is None else against(shard, bare, shard.counterpart)
    # What is one class stays one: by that a comparison that is its own null pair is known.
    few = {
        each: each.take(shard.context.drawn(each.pair, ATTACKED_PAIRS)) for each in dict.fromkeys(s for _, s in compared.sides())
    }
    return Compared(**{side: few[stamps] for side, stamps in compared.sides()})


DEINJECTED: Final = Comparison(
    "deinjected",
    "positives without their declared arcs (else their stored ones, else null rows) against controls, whole stamps",
    _missing,
    _made,
)


@dataclass(frozen=True, kw_only=True)
class Attack(AucGate):
    """One network."""

    def left_out(self) -> GateResult:
        """That no network was trained against the set: no gate that a pass waits for."""
        return GateResult(name=self.name, view=NETWORK, role="diagnostic", status="not_run", reason=NOT_ATTACKED)


GATE: Final = Attack(
    name="attack",
    comparison=DEINJECTED,
    looks=(
        Look(
            NETWORK,
            AsSeen(),
            (
                CoreLight("light added at r < {regions.core_pix:.3g} px of", SKY, _SIZES, symmetry="round"),
                CoreLight("light added in one half of the core of", SKY, _SIZES[-1:], one_sided=True),
            ),
            "a small network that is trained on stamps without their arcs tells those of other galaxies from controls",
            rule="network",
        ),
    ),
    section="two_sample",
    title="Attack by a small network",
    asks="Can a network be trained to tell the classes apart without arcs?",
    advice="Look at which other gates failed: they say where the leak lies; if none did, compare both classes pixel by pixel.",
    view=NETWORK,
)
