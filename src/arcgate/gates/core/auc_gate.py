"""Gates that ask whether a rule on small features can tell two classes apart, each with the leaks that it must detect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.auc_statistic import NULL_AUC, AucStatistic, Planting
from arcgate.gates.core.comparisons import Compared, Comparison
from arcgate.gates.core.context import Context
from arcgate.gates.core.evaluator import Statement, evaluate, not_applicable, not_run
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.held_out_auc import Sample
from arcgate.gates.core.planted_leak import Leak, Measure, features_of
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.core.rules import Rule
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.words import Words, sized
from arcgate.gates.features.regions import Regions
from arcgate.variant import Gates, View
from arcgate.views.planes import removed_by

Features = NDArray[Any]

_SIDES: Final = ("subject", "reference", "null_subject", "null_reference")
_LEAK: Final = "leak"
_REMARK: Final = "remark"


def _unchanged(features: Features) -> Features:
    return features


def _always(facts: Facts, view: View) -> bool:
    return True


@dataclass(frozen=True)
class Look:
    """One way in which a gate looks at a comparison; each gives a result.

    Attributes
    ----------
    view : str
        raw (pixels as stored) or network (as the view hands them over).
    features : callable
        Features (n, ...) of a class of stamps: all that the rule sees of them.
    leaks : tuple of Leak
        The gate must detect every one; the first is the one whose sensitivity it states.
    failing : str
        What it means when the gate fails.
    name : str
        Of the result; empty for the gate's own.
    rule : {'logistic', 'ridge', 'trees', 'network'}
        That is fitted to the features; a network to features that are images (n, channels, y, x).
    components : bool
        Whether they are first projected on principal components.
    transform : callable
        What is done to features before they are fitted, with or without a leak.
    comparison : Comparison or None
        None for the gate's own.
    """

    view: str
    features: Measure
    leaks: tuple[Leak, ...]
    failing: str
    name: str = ""
    rule: Rule = "logistic"
    components: bool = False
    transform: Callable[[Features], Features] = _unchanged
    comparison: Comparison | None = None

    def __post_init__(self) -> None:
        """Refuse what would be told as something else later, or not at all."""
        if self.view not in (RAW, NETWORK):
            raise ValueError(f"a look's view is {RAW} or {NETWORK}, got {self.view!r}")
        if not isinstance(self.leaks, tuple) or not self.leaks:
            raise ValueError("leaks of a look are a tuple of one or more; a tuple of one has a comma: (PlantedLeak(...),)")
        if self.rule not in get_args(Rule):
            raise ValueError(f"a look's rule is one of {', '.join(get_args(Rule))}, got {self.rule!r}")

    def leaks_under(self, view: View) -> tuple[Leak, ...]:
        """The leaks that such an input shows: none is planted where it has been removed, since no gate could miss it there."""
        if not getattr(self.features, "of_planes", False):
            return self.leaks
        return tuple(leak for leak in self.leaks if leak.symmetry not in removed_by(view))


@dataclass(frozen=True)
class Remark:
    """More that a reason states: small numbers (n, k) of a shard, and their mean over all rows in words."""

    measure: Callable[[Shard], NDArray[np.float64] | None]
    in_words: Callable[[NDArray[np.float64], Context], str]


@dataclass(frozen=True, kw_only=True)
class AucGate(StatedGate):
    """A gate whose statistic is the AUC of a rule on held-out galaxies; what else it states is in `StatedGate`.

    Attributes
    ----------
    comparison : Comparison
        What is held against what, with the null pair in which leaks are planted.
    looks : tuple of Look
        How it looks at them.
    applies : callable
        Whether it means anything for such data and such a view.
    remark : Remark or None
        More for the reason.
    orders_pairs : bool
        Whether the share of pairs that the rule puts in the right order is reported beside the AUC of pixels as stored.
    """

    comparison: Comparison
    looks: tuple[Look, ...] = ()
    applies: Callable[[Facts, View], bool] = _always
    remark: Remark | None = None
    orders_pairs: bool = False

    def __post_init__(self) -> None:
        """Refuse a gate that would judge nothing, and say nothing."""
        if type(self).looks_at is AucGate.looks_at and not (isinstance(self.looks, tuple) and self.looks):
            raise ValueError("looks of a gate are a tuple of one or more; a tuple of one has a comma: (Look(...),)")

    def looks_at(self, settings: Gates) -> tuple[Look, ...]:
        """How it looks, with these settings."""
        return self.looks

    def words(self, result: str) -> Words:
        """See `Gate`; what a failure means, each look says."""
        failing = self.failing or "; ".join(dict.fromkeys(look.failing for look in self.looks))
        return Words(self.section, self.title, self.asks, failing, self.advice)

    def compared_words(self) -> str:
        """What is held against what."""
        return self.comparison.words

    def planted_words(self, settings: Gates, regions: Regions) -> str:
        """Each leak of its looks, with the size at which it must be detected."""
        leaks = [leak for look in self.looks_at(settings) for leak in look.leaks]
        return "; ".join(
            dict.fromkeys(f"{leak.named(regions)} {sized(leak.required_for(settings), leak.unit)}" for leak in leaks)
        )

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Every look; none where the comparison needs null rows and none are stored, since the null pair stands in for them."""
        if not self.requires or not self.applies(facts, view) or (self.comparison.optional and self.comparison.missing(facts)):
            return []
        return [f"{look.name or self.name}/{look.view}" for look in self.looks_at(settings) if look.leaks_under(view)]

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Features of each class, galaxies and pairs, and what planting needs."""
        context = shard.context
        if not self.applies(context.facts, context.viewer.view):
            return {}
        kept: dict[str, Kept] = {}
        for number, look in enumerate(self.looks_at(context.settings)):
            comparison = look.comparison or self.comparison
            if not comparison.missing(context.facts) and look.leaks_under(context.viewer.view):
                kept |= {f"{number}/{key}": value for key, value in _looked(look, comparison.of(shard), shard).items()}
        if kept and len(shard.positive) and self.remark is not None and (numbers := self.remark.measure(shard)) is not None:
            kept[_REMARK] = numbers
        return kept

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """A result a look, and how its rule orders pairs."""
        judgement = Judgement([], [], [])
        if not self.applies(context.facts, context.viewer.view):
            return judgement
        remark = self.remark.in_words(arrays[_REMARK].mean(axis=0), context) if self.remark and _REMARK in arrays else ""
        for number, look in enumerate(self.looks_at(context.settings)):
            stated = Statement(look.name or self.name, look.view, NULL_AUC, context.settings.margin, remark=remark)
            if not look.leaks_under(context.viewer.view):
                judgement.results.append(not_applicable(stated, _removed(look, context)))
                continue
            missing = (look.comparison or self.comparison).missing(context.facts)
            if missing or any(f"{number}/{side}" not in arrays for side in _SIDES):
                judgement.results.append(not_run(stated, missing or "a class has no rows"))
                continue
            part = {key.removeprefix(f"{number}/"): value for key, value in arrays.items() if key.startswith(f"{number}/")}
            statistic = _statistic(stated, look, part, context)
            found = evaluate(stated, statistic)
            judgement.results.append(found.result)
            judgement.curves.extend(found.curves)
            if self.orders_pairs and context.facts.paired and look.view == RAW and found.result.value is not None:
                judgement.results.extend(statistic.ordered_pairs())
        return judgement


def _removed(look: Look, context: Context) -> str:
    """Why a look has nothing to detect."""
    leaks = ", ".join(leak.named(context.regions) for leak in look.leaks)
    return f"the input ({' + '.join(context.viewer.view.planes)}) does not show what this looks for: {leaks}"


def _looked(look: Look, compared: Compared, shard: Shard) -> dict[str, Kept]:
    kept: dict[str, Kept] = {}
    # One array a class: by that the statistic knows a comparison that is its own null pair.
    measured = {
        stamps: features_of(look.features, shard, stamps)
        for stamps in dict.fromkeys(each for _, each in compared.sides())
        if len(stamps)
    }
    # A class without rows here, as the last pairs of a shard may have none, has none to append.
    for side, stamps in compared.sides():
        if len(stamps):
            kept |= {side: measured[stamps], f"{side}/galaxy": stamps.galaxy, f"{side}/pair": stamps.pair}
    for place, leak in enumerate(look.leaks_under(shard.context.viewer.view) if len(compared.null_subject) else ()):
        found = leak.extract(shard, compared, look.features, shard.context.settings)
        kept |= {f"{_LEAK}/{place}/{key}": value for key, value in found.items()}
    return kept


def _statistic(stated: Statement, look: Look, arrays: Arrays, context: Context) -> AucStatistic:
    # What is one array stays one.
    features = {id(array): look.transform(array) for array in {id(arrays[side]): arrays[side] for side in _SIDES}.values()}
    samples = {side: Sample(features[id(arrays[side])], arrays[f"{side}/galaxy"], arrays[f"{side}/pair"]) for side in _SIDES}
    leaks = []
    for place, leak in enumerate(look.leaks_under(context.viewer.view)):
        prefix = f"{_LEAK}/{place}/"
        kept = {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
        leaks.append(Planting(leak, kept, arrays["null_subject"], look.transform))
    return AucStatistic(
        stated, **samples, rule=look.rule, components=look.components, leaks=leaks, failing=look.failing, context=context
    )
