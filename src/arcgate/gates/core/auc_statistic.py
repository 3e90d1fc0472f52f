"""The AUC of a rule as the statistic of a comparison: equivalence inside a margin, with leaks planted at several sizes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.context import Context
from arcgate.gates.core.evaluator import Outcome, Statement
from arcgate.gates.core.held_out_auc import HeldOut, Sample, held_out, held_out_auc
from arcgate.gates.core.permutation import pair_flip
from arcgate.gates.core.planted_leak import Leak
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.rules import Rule
from arcgate.gates.core.sensitivity import SensitivityCurve, climbed
from arcgate.ground.statistics import Interval, within_pair

Features = NDArray[Any]

NULL_AUC: Final = 0.5
_FLIPS: Final = 999


@dataclass(frozen=True, eq=False)
class Planting:
    """A leak with what was kept to plant it in the `bare` features of the null pair's subject."""

    leak: Leak
    kept: Mapping[str, Features]
    bare: Features
    transform: Callable[[Features], Features]

    def features(self, size: float) -> Features:
        """Features with the leak of a size in them."""
        return self.transform(self.leak.planted(self.kept, self.bare, size))


@dataclass(frozen=True, eq=False)
class AucStatistic:
    """AUC of a rule that is fitted on one half of the galaxies and judged on the other; see `evaluator.Statistic`.

    Attributes
    ----------
    stated : Statement
        Name, view and margin.
    subject, reference, null_subject, null_reference : Sample
        The comparison and its null pair.
    rule, components
        As in `held_out_auc`.
    leaks : sequence of Planting
    failing : str
        Reason given when a leak is shown.
    context : Context
    """

    stated: Statement
    subject: Sample
    reference: Sample
    null_subject: Sample
    null_reference: Sample
    rule: Rule
    components: bool
    leaks: Sequence[Planting]
    failing: str
    context: Context

    @cached_property
    def _held_out(self) -> HeldOut:
        return held_out(self.subject, self.reference, self.rule, self.context, self.components)

    @cached_property
    def _auc(self) -> Interval:
        return self._held_out.auc(self.context.settings.level)

    def measured(self) -> Interval:
        """AUC of the comparison."""
        return self._auc

    def alarm(self) -> str:
        """AUC of the null pair, if it would count as a leak; a comparison that is the null pair has none."""
        if self.subject.features is self.null_subject.features:
            return ""
        auc = self._null_auc(self.null_subject.features)
        return f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]" if fires(auc, self.stated.margin) else ""

    def curves(self) -> list[SensitivityCurve]:
        """Each planted leak from its largest size down to the first that goes undetected."""
        settings, regions, found = self.context.settings, self.context.regions, []
        for planting in self.leaks:
            leak = planting.leak
            climb = climbed(
                leak.sizes_for(settings),
                lambda size, planting=planting: self._null_auc(planting.features(size)),  # type: ignore[misc]
                self.stated.margin,
                settings.level,
            )
            found.append(
                SensitivityCurve(
                    self.stated.name, self.stated.view, leak.named(regions), leak.unit, climb.sizes, climb.measured,
                    climb.detected, leak.required_for(settings), leak.in_null_pair,
                )
            )  # fmt: skip
        return found

    def outcome(self, measured: Interval) -> Outcome:
        """Equivalence inside the margin shows that there is no leak; an interval above one half, that there is one."""
        margin = self.stated.margin
        if _within(measured, margin):
            return Outcome("no leak", f"the interval lies within {NULL_AUC} +- {margin:g}")
        if measured.low > NULL_AUC:
            return Outcome("leak", self.failing)
        if measured.high < NULL_AUC - margin:
            return Outcome(
                "leak",
                "the rule of one half of the galaxies is wrong on the other half: rows or groups are not what they claim",
            )
        return Outcome(
            "nothing", f"no leak is shown, but the interval reaches beyond the margin {margin:g}: more galaxies are needed"
        )

    def ordered_pairs(self) -> list[GateResult]:
        """The share of pairs of the judging half that the rule puts in the right order; none where no pair has both members."""
        held = self._held_out
        if not len(np.intersect1d(held.pair[held.labels == 1], held.pair[held.labels == 0])):
            return []
        share = within_pair(held.scores, held.labels, held.pair)
        flipped = pair_flip(held.scores, held.labels, held.pair, held.galaxy, self.context.settings.seed, _FLIPS)
        reason = (
            "share of pairs that the rule puts in the right order; no margin: a paired difference carries no noise; "
            f"p = {flipped.p_value:.2g} if the members of a pair were exchangeable"
        )
        return [
            GateResult(
                name=f"{self.stated.name}_within_pair", view=self.stated.view, role="diagnostic", value=share, null=NULL_AUC,
                n=self._auc.n, n_groups=self._auc.n_groups, status="reported", reason=reason,
            )
        ]  # fmt: skip

    def _null_auc(self, features: Features) -> Interval:
        one = replace(self.null_subject, features=features)
        return held_out_auc(one, self.null_reference, self.rule, self.context, self.components)


def fires(auc: Interval, margin: float) -> bool:
    """Whether a gate would fail on this interval for a leak: above 0.5, and not within the margin."""
    return auc.low > NULL_AUC and not _within(auc, margin)


def _within(auc: Interval, margin: float) -> bool:
    return auc.low > NULL_AUC - margin and auc.high < NULL_AUC + margin
