"""From the features of arms and leaks to results: intervals, canaries and statuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.canaries import Canary
from arcgate.gates.comparison import Comparison, NotComparableError, Ordered, Rows, smallest_caught, strength
from arcgate.gates.extraction import Key
from arcgate.gates.features import Floats
from arcgate.gates.gate_list import Arm, AucGate
from arcgate.gates.probe import TooFewHostsError
from arcgate.gates.regions import Regions
from arcgate.gates.result import RAW, GateResult, Status
from arcgate.ground.statistics import Interval
from arcgate.variant import Gates

NULL_AUC: Final = 0.5
# What a gate sees of a null twin: its two classes, the kind of features, and the function that selects from them. The function
# itself, not its name: two lambdas share a name.
_Looks = tuple[tuple[str, str], str, Callable[[Floats, Regions], Floats]]
# Gates whose reason states the light in the core that their arm holds beyond its hosts'.
OF_CORE_LIGHT: Final = ("residual_core", "mask_edge")


@dataclass(frozen=True)
class Ladder:
    """One canary at all of its sizes, as the features of a gate see it.

    Attributes
    ----------
    gate : AucGate
    canary : Canary
    sizes : tuple of float
        Ascending.
    aucs : tuple of Interval
        Of twin and leak, size by size.
    smallest : float or None
        Smallest size that is caught in about 9 of 10 such data sets.
    least : float
        The size that must be caught.
    """

    gate: AucGate
    canary: Canary
    sizes: tuple[float, ...]
    aucs: tuple[Interval, ...]
    smallest: float | None
    least: float

    @property
    def heard(self) -> bool:
        """Whether the leak that must be caught is."""
        return self.smallest is not None and self.smallest <= self.least


@dataclass
class Judging:
    """Judges gates on gathered features; what several gates need is computed once.

    Attributes
    ----------
    features : dict
        Features (n, band, k) by kind and arm or leak.
    rows : dict
        Galaxy and pair of the rows of control, twin, twin_control, stamp and masked.
    excess : dict
        Mean core light of arms, per band, in sky sigma a pixel.
    settings : Gates
    paired : bool
        Whether pairs share a galaxy, so that their order means something.
    regions : Regions
        Of the stamps.
    """

    features: dict[Key, Floats]
    rows: dict[str, Rows]
    excess: dict[str, NDArray[np.float64]]
    settings: Gates
    paired: bool
    regions: Regions
    ladders: list[Ladder] = field(default_factory=list)
    _comparisons: dict[str, Comparison] = field(default_factory=dict)
    _twins: dict[_Looks, Interval] = field(default_factory=dict)
    _planted: dict[tuple[_Looks, Canary], tuple[Interval, ...]] = field(default_factory=dict)

    def judged(self, gate: AucGate) -> list[GateResult]:
        """A gate's result, and the share of pairs that its rule puts in the right order."""
        try:
            comparison, one, zero = self._arms(gate, gate.arm)
            comparison.check()
            auc = comparison.auc(one, zero)
            ladders = [self._ladder(gate, canary) for canary in gate.canaries]
            # A gate on the null arm judges the twin itself; there is nothing to compare it with.
            twin = None if gate.arm == "null" else self._twin(gate)
        except TooFewHostsError as error:
            return [self._result(gate, None, None, "undetermined", str(error))]
        except NotComparableError as error:
            return [self.not_run(gate, str(error))]
        self.ladders += ladders
        status, reason = self._status(gate, auc, ladders, twin)
        results = [self._result(gate, auc, ladders[0].smallest, status, reason)]
        if self.paired and gate.view == RAW and gate.arm in ("null", "residual"):
            ordered = comparison.order(one, zero)
            results += [] if ordered is None else [_within_pair(gate, auc, ordered)]
        return results

    def not_run(self, gate: AucGate, reason: str) -> GateResult:
        """The result of a gate that the data cannot feed."""
        return self._result(gate, None, None, "not_run", reason)

    def null_pair(self) -> GateResult:
        """Whether the null pair that is made of controls hears every leak planted in it, and nothing before.

        Where no null rows are stored it is all that shows what the gates can hear: controls against themselves, or, where they
        are other galaxies, one half of them against the other. Halves need raise no alarm, but need not lie inside the margin.
        """
        planted = [ladder for ladder in self.ladders if ladder.gate.arm != "null"]
        loud = {key: twin for key, twin in self._twins.items() if fires(twin, self.settings.margin)}
        deaf = [f"{ladder.canary.in_words(ladder.least)} by {ladder.gate.name}" for ladder in planted if not ladder.heard]
        made = "controls against themselves" if self.paired else "one half of the controls' galaxies against the other"
        status: Status
        if not planted:
            status, reason = "not_run", f"{made}: no gate could be judged in which a leak is planted"
        elif deaf or loud:
            alarms = [f"without any leak it reads {twin.value:.3f} [{twin.low:.3f}, {twin.high:.3f}]" for twin in loud.values()]
            status, reason = "blind", f"{made}: {'; '.join([f'missed {each}' for each in deaf] + alarms)}"
        else:
            gates = len({(ladder.gate.name, ladder.gate.view) for ladder in planted})
            status, reason = (
                "passed",
                f"{made}: {len(planted)} leaks planted for {gates} gates are heard, and nothing without them",
            )
        share = len(deaf) / len(planted) if planted else None
        n, groups = (planted[0].aucs[0].n, planted[0].aucs[0].n_groups) if planted else (0, 0)
        return GateResult(
            "null_pair", RAW, "overall", "gate", share, share, share, 0.0, None, n, groups, status, reason, null=0.0, leak_unit=""
        )

    def differences(self) -> Floats:
        """Ring means of positives without their declared arc minus those of their pair's control, (n, band, ring), sky sigma."""
        if (RAW, "residual") not in self.features:
            return np.empty((0, len(self.regions.imaging.bands), self.regions.n_rings), dtype=np.float32)
        one, zero = self.rows["stamp"], self.rows["control"]
        _, first, second = np.intersect1d(one.pairs, zero.pairs, return_indices=True)
        difference = self.features[RAW, "residual"][first] - self.features[RAW, "control"][second]
        return np.asarray(difference[:, :, : self.regions.n_rings], dtype=np.float32)

    def _arms(self, gate: AucGate, arm: Arm) -> tuple[Comparison, Floats, Floats]:
        """The rows of an arm and of the controls of the same pairs, and what the gate's rule may look at in them."""
        if arm == "null":
            return self._of_twin(gate)
        name = "masked" if arm == "masked" else "stamp"
        one, zero = self.rows[name], self.rows["control"]
        kept = np.isin(zero.pairs, one.pairs)
        if name not in self._comparisons:
            self._comparisons[name] = Comparison(one, Rows(zero.hosts[kept], zero.pairs[kept]), self.settings)
        return self._comparisons[name], self._selected(gate, arm), self._selected(gate, "control")[kept]

    def _of_twin(self, gate: AucGate) -> tuple[Comparison, Floats, Floats]:
        """The same of the gate's twin, in which leaks are planted."""
        name, control = _twin_of(gate)
        if name not in self._comparisons:
            self._comparisons[name] = Comparison(self.rows[name], self.rows[control], self.settings)
        return self._comparisons[name], self._selected(gate, name), self._selected(gate, control)

    def _selected(self, gate: AucGate, name: str) -> Floats:
        """What the gate's rule may look at in an arm or a leak."""
        return gate.select(self.features[gate.kind, name], self.regions)

    def _twin(self, gate: AucGate) -> Interval:
        """AUC of the bare twin: controls against controls."""
        key = _looks(gate)
        if key not in self._twins:
            comparison, one, zero = self._of_twin(gate)
            self._twins[key] = comparison.auc(one, zero)
        return self._twins[key]

    def _ladder(self, gate: AucGate, canary: Canary) -> Ladder:
        key, sizes = (_looks(gate), canary), canary.sizes_for(self.settings)
        if key not in self._planted:
            comparison, one, zero = self._of_twin(gate)
            comparison.check()
            leak = self._selected(gate, canary.leak)
            self._planted[key] = tuple(comparison.auc(canary.planted(one, leak, size), zero) for size in sizes)
        aucs = self._planted[key]
        strengths = [strength(auc, self.settings.margin, self.settings.level) for auc in aucs]
        return Ladder(gate, canary, sizes, aucs, smallest_caught(sizes, strengths), canary.least(self.settings))

    def _status(self, gate: AucGate, auc: Interval, ladders: list[Ladder], twin: Interval | None) -> tuple[Status, str]:
        if twin is not None and fires(twin, self.settings.margin):
            return "blind", f"the bare null twin fires: {twin.value:.3f} [{twin.low:.3f}, {twin.high:.3f}]"
        unheard = [ladder.canary.in_words(ladder.least) for ladder in ladders if not ladder.heard]
        status, reason = decide(auc, not unheard, self.settings.margin, gate.failing)
        if unheard:
            reason += f"; missed, although so large: {', '.join(unheard)}"
        caught = [ladder.canary.in_words(ladder.smallest) for ladder in ladders if ladder.smallest is not None]
        if caught:
            reason += f"; caught in 9 of 10 such sets: {', '.join(caught)}"
        return status, reason + self._excess(gate)

    def _excess(self, gate: AucGate) -> str:
        """How much light the arm's core holds beyond its host's, in words; empty for gates that do not look there."""
        if gate.name not in OF_CORE_LIGHT or gate.arm not in self.excess:
            return ""
        bands = self.regions.imaging.bands
        sizes = ", ".join(f"{band} {value:+.2g}" for band, value in zip(bands, self.excess[gate.arm], strict=True))
        return f" (mean at r < {self.regions.core_pix:.3g} px: {sizes} sky sigma a pixel)"

    def _result(self, gate: AucGate, auc: Interval | None, smallest: float | None, status: Status, reason: str) -> GateResult:
        heard = (smallest, gate.canaries[0].unit)
        return auc_result(gate.name, gate.view, auc, heard, self.settings.margin, status, reason)


def _twin_of(gate: AucGate) -> tuple[str, str]:
    """Two classes between which only chance differs. Where the arm is made of controls, these are their own twin."""
    return ("control", "control") if gate.arm == "masked" else ("twin", "twin_control")


def _looks(gate: AucGate) -> _Looks:
    return _twin_of(gate), gate.kind, gate.select


def auc_result(
    name: str, view: str, auc: Interval | None, heard: tuple[float | None, str], margin: float, status: Status, reason: str
) -> GateResult:
    """The result of a gate whose value is an AUC; `heard` is the smallest leak that it catches, with its unit."""
    value, low, high = (auc.value, auc.low, auc.high) if auc else (None, None, None)
    n, groups = (auc.n, auc.n_groups) if auc else (0, 0)
    smallest, unit = heard
    return GateResult(
        name,
        view,
        "overall",
        "gate",
        value,
        low,
        high,
        margin,
        smallest,
        n,
        groups,
        status,
        reason,
        null=NULL_AUC,
        leak_unit=unit,
    )


def decide(auc: Interval, heard: bool, margin: float, failing: str) -> tuple[Status, str]:
    """Status of an AUC gate: equivalence inside the margin passes, provided that its canaries sang.

    Parameters
    ----------
    auc : Interval
        Of the arm against the controls.
    heard : bool
        Whether every canary was caught at the size that must be heard.
    margin : float
        Declared beforehand.
    failing : str
        Reason given when the gate fails.
    """
    if _within(auc, margin):
        if not heard:
            return "blind", "passing would mean nothing"
        return "passed", f"the interval lies within {NULL_AUC} +- {margin:g}"
    if auc.low > NULL_AUC:
        return "failed", failing
    if auc.high < NULL_AUC - margin:
        return "failed", "the rule of one half of the galaxies is wrong on the other half: rows or groups are not what they claim"
    if not heard:
        return "blind", f"nothing is shown either way: the interval reaches beyond the margin {margin:g}"
    return "undetermined", f"no leak is shown, but the interval reaches beyond the margin {margin:g}: more galaxies are needed"


def fires(auc: Interval, margin: float) -> bool:
    """Whether a gate would fail on this interval for a leak: above 0.5, and not within the margin."""
    return auc.low > NULL_AUC and not _within(auc, margin)


def _within(auc: Interval, margin: float) -> bool:
    return auc.low > NULL_AUC - margin and auc.high < NULL_AUC + margin


def _within_pair(gate: AucGate, auc: Interval, ordered: Ordered) -> GateResult:
    reason = (
        "share of pairs that the rule puts in the right order; no margin: a paired difference carries no noise; "
        f"p = {ordered.p_value:.2g} if the members of a pair were exchangeable"
    )
    name = f"{gate.name}_within_pair"
    share, n, groups = ordered.share, auc.n, auc.n_groups
    return GateResult(
        name,
        gate.view,
        "overall",
        "diagnostic",
        share,
        None,
        None,
        None,
        None,
        n,
        groups,
        "reported",
        reason,
        null=NULL_AUC,
        leak_unit="",
    )
