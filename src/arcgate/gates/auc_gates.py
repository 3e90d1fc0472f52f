"""Gates that ask whether a rule on small features can tell two arms apart, each with its canary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS
from arcgate.gates import canaries
from arcgate.gates.arms import Arms, Stamps
from arcgate.gates.canaries import Canary
from arcgate.gates.features import core_features, edge_features
from arcgate.gates.probe import Probed, Sample, TooFewHostsError, probe, stack
from arcgate.gates.result import NETWORK, RAW, GateResult, Status
from arcgate.gates.statistics import Interval
from arcgate.variant import Gates
from arcgate.views.view import Viewer

Array = NDArray[np.float64]
Extract = Callable[[Stamps, Viewer], Array]
Arm = Literal["null", "residual", "unmasked", "masked"]

NULL_AUC = 0.5


@dataclass(frozen=True)
class AucGate:
    """One gate.

    Attributes
    ----------
    name, view : str
        As in `GateResult`.
    arm : str
        The arm held against the controls.
    features : str
        Name of the extraction, shared by gates that look at the same thing.
    extract : callable
        Stamps and viewer to features (n, k).
    canaries : tuple of callable
        Each plants a leak of a given size in the null twin; the gate must hear every one.
    failing : str
        What it means when the gate fails.
    """

    name: str
    view: str
    arm: Arm
    features: str
    extract: Extract
    canaries: tuple[Canary, ...]
    failing: str


def _core_raw(stamps: Stamps, viewer: Viewer) -> Array:
    return core_features(stamps.image / stamps.sky, stamps.x, stamps.y)


def _core_viewed(stamps: Stamps, viewer: Viewer) -> Array:
    return core_features(stamps.viewed(viewer), stamps.x, stamps.y)


def _edge_raw(stamps: Stamps, viewer: Viewer) -> Array:
    return edge_features(stamps.image / stamps.sky, stamps.x, stamps.y)


def _normaliser(stamps: Stamps, viewer: Viewer) -> Array:
    centre, scale = viewer.normaliser(stamps.seen, stamps.x, stamps.y)
    return np.concatenate([centre / stamps.sky[:, :, 0, 0], np.log(scale)], axis=1).astype(np.float64)


def gates_for(normalisation: str, paired: bool) -> list[AucGate]:
    """The gates that apply to a view and a kind of control.

    The null of paired sets is judged by equality (`arcgate.gates.identity`), which is stricter; `raw` divides by
    constants, which carry nothing, so that the normaliser gates do not apply to it.
    """
    unexplained = "the core holds light that the declared PSF and arc do not explain"
    carries = "the statistics that the view divides by tell the classes apart"
    gates = [
        AucGate("residual_core", RAW, "residual", "core", _core_raw, (canaries.core_pedestal,), unexplained),
        AucGate(
            "residual_core", NETWORK, "residual", "core_viewed", _core_viewed, (canaries.core_pedestal,),
            "normalised, the core without its declared arc still differs from a control's",
        ),
        AucGate("mask_edge", RAW, "unmasked", "edge", _edge_raw, (canaries.core_step,), "the mask leaves an edge at its radius"),
    ]  # fmt: skip
    if not paired:
        differ = "galaxies chosen as hosts and as controls differ before any arc is added"
        gates += [
            AucGate("null", RAW, "null", "core", _core_raw, (canaries.core_pedestal,), differ),
            AucGate("null", NETWORK, "null", "core_viewed", _core_viewed, (canaries.core_pedestal,), differ),
        ]
    if normalisation != "raw":
        gates += [
            AucGate("normaliser_null", NETWORK, "null", "normaliser", _normaliser, (canaries.offset, canaries.spread), carries),
            AucGate(
                "normaliser_masked", NETWORK, "masked", "normaliser", _normaliser, (canaries.offset, canaries.spread),
                carries + " although no arc light is left in the core",
            ),
        ]  # fmt: skip
    return gates


@dataclass
class Collected:
    """Features of every arm and planted leak that the gates need, gathered shard by shard."""

    gates: list[AucGate]
    viewer: Viewer
    settings: Gates
    _features: dict[tuple[str, str], list[Array]] = field(default_factory=lambda: defaultdict(list))
    _tables: dict[str, list[pd.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    _excess: dict[str, list[Array]] = field(default_factory=lambda: defaultdict(list))

    def add(self, arms: Arms) -> None:
        """Extract from one shard's arms."""
        done: set[tuple[str, str]] = set()
        for gate in self.gates:
            for arm in ("control", "null", gate.arm):
                self._extract(gate, arm, getattr(arms, arm), done)
            for canary, size in product(gate.canaries, self.settings.canary_sizes_sky_sigma):
                # Gates that share features and canary share the planted stamps too.
                if (gate.features, _planted(canary, size)) not in done:
                    self._extract(gate, _planted(canary, size), canary(arms.null, size), done)
        for arm in ("control", "null", "residual"):
            self._tables[arm].append(getattr(arms, arm).table[["host_id", "pair_id"]])
        for arm, excess in arms.excess.items():
            self._excess[arm].append(excess)

    def _extract(self, gate: AucGate, arm: str, stamps: Stamps, done: set[tuple[str, str]]) -> None:
        if (gate.features, arm) not in done and len(stamps.table):
            self._features[gate.features, arm].append(gate.extract(stamps, self.viewer))
        done.add((gate.features, arm))

    def excess(self, arm: str) -> str:
        """How much light the arm's core holds beyond its host's, in words; empty for arms that hold none by construction."""
        if not self._excess[arm]:
            return ""
        mean = np.concatenate(self._excess[arm]).mean(axis=0)
        sizes = ", ".join(f"{band} {value:+.2g}" for band, value in zip(BANDS, mean, strict=True))
        return f" (mean at r < 5 px: {sizes} sky sigma a pixel)"

    def against_controls(self, gate: AucGate, arm: str) -> Sample:
        """Both classes of a comparison: an arm (or a planted leak) and the controls of the same pairs."""
        source = "null" if arm == "null" or "@" in arm else "residual"
        one = self._sample(gate.features, arm, source, 1)
        zero = self._sample(gate.features, "control", "control", 0)
        return stack(one, zero.take(np.isin(zero.pairs, one.pairs)))

    def _sample(self, features: str, arm: str, source: str, label: int) -> Sample:
        table = pd.concat(self._tables[source])
        labels = np.full(len(table), label, dtype=np.int64)
        groups = table["host_id"].to_numpy(np.str_)
        return Sample(np.concatenate(self._features[features, arm]), labels, groups, table["pair_id"].to_numpy(np.int64))


def _planted(canary: Canary, size: float) -> str:
    return f"{canary.__name__}@{size:g}"


def judge(gate: AucGate, collected: Collected, paired: bool) -> list[GateResult]:
    """Judge a gate: its arm against the controls, its bare twin, its canary; within-pair accuracy beside it on pairs."""
    settings = collected.settings
    try:
        probed = probe(collected.against_controls(gate, gate.arm), settings, paired)
        # A gate on the null arm judges the twin itself; there is nothing to compare it with.
        twin = probed if gate.arm == "null" else probe(collected.against_controls(gate, "null"), settings, paired)
        smallest = _smallest_leak(gate, collected, paired)
    except TooFewHostsError as error:
        return [_result(gate, None, None, settings, "undetermined", str(error))]
    except ValueError as error:
        return [_result(gate, None, None, settings, "not_run", str(error))]
    twin_sings = gate.arm != "null" and twin.auc.low > NULL_AUC
    if twin_sings:
        status: Status = "blind"
        reason = f"the bare null twin fires: {twin.auc.value:.3f} [{twin.auc.low:.3f}, {twin.auc.high:.3f}]"
    else:
        status, reason = decide(probed.auc, smallest, settings.margin, gate.failing)
    reason += collected.excess(gate.arm)
    results = [_result(gate, probed.auc, smallest, settings, status, reason)]
    if probed.within_pair is not None and gate.arm == "residual":
        results.append(_within_pair(gate, probed))
    return results


def decide(auc: Interval, smallest: float | None, margin: float, failing: str) -> tuple[Status, str]:
    """Status of an AUC gate: equivalence inside the margin passes, provided that its canary sang.

    Parameters
    ----------
    auc : Interval
        Of the arm against the controls.
    smallest : float or None
        Smallest planted leak that fired; None if none did.
    margin : float
        Declared beforehand.
    failing : str
        Reason given when the gate fails.
    """
    if _within(auc, margin):
        if smallest is None:
            return "blind", "no planted leak fired, so that passing would mean nothing"
        return "passed", f"the interval lies within {NULL_AUC} +- {margin:g}"
    if auc.low > NULL_AUC:
        return "failed", failing
    if auc.high < NULL_AUC - margin:
        return "failed", "the rule of one half of the galaxies is wrong on the other half: rows or groups are not what they claim"
    if smallest is None:
        return "blind", "no planted leak fired"
    return "undetermined", f"no leak is shown, but the interval reaches beyond the margin {margin:g}: more galaxies are needed"


def _within(auc: Interval, margin: float) -> bool:
    return auc.low > NULL_AUC - margin and auc.high < NULL_AUC + margin


def _smallest_leak(gate: AucGate, collected: Collected, paired: bool) -> float | None:
    """Smallest planted size that the gate fails, together with every larger one; of several canaries the largest.

    The lower end of its interval lies above 0.5 and the interval reaches beyond the margin: on pairs, whose intervals are
    narrow, a leak can be seen long before it would be failed. None if some canary is not heard at any size.
    """
    heard = [_smallest_heard(gate, canary, collected, paired) for canary in gate.canaries]
    sizes = [size for size in heard if size is not None]
    return max(sizes) if len(sizes) == len(heard) else None


def _smallest_heard(gate: AucGate, canary: Canary, collected: Collected, paired: bool) -> float | None:
    settings, smallest = collected.settings, None
    for size in sorted(settings.canary_sizes_sky_sigma, reverse=True):
        auc = probe(collected.against_controls(gate, _planted(canary, size)), settings, paired).auc
        if auc.low <= NULL_AUC or _within(auc, settings.margin):
            break
        smallest = size
    return smallest


def _result(
    gate: AucGate, auc: Interval | None, smallest: float | None, settings: Gates, status: Status, reason: str
) -> GateResult:
    value, low, high = (auc.value, auc.low, auc.high) if auc else (None, None, None)
    n, groups = (auc.n, auc.n_groups) if auc else (0, 0)
    return GateResult(
        gate.name, gate.view, "overall", "gate", value, low, high, settings.margin, smallest, n, groups, status, reason
    )


def _within_pair(gate: AucGate, probed: Probed) -> GateResult:
    reason = "share of pairs that the rule puts in the right order; no margin: a paired difference carries no noise"
    auc = probed.auc
    name = f"{gate.name}_within_pair"
    return GateResult(
        name,
        gate.view,
        "overall",
        "diagnostic",
        probed.within_pair,
        None,
        None,
        None,
        None,
        auc.n,
        auc.n_groups,
        "reported",
        reason,
    )
