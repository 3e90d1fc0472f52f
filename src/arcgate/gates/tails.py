"""Do a few positives, without their arcs, show what no control shows, which an AUC cannot see?

An area under a ROC curve moves by at most half the share of the rows that leak, so that one bright pixel in a tenth of the
positives passes every gate that is one. Here galaxies are counted instead, feature by feature and on either side, that lie beyond
the most extreme control.

Comparisons: positives without their declared arc against controls (with the photon noise of that arc, where arcs have any), and
positives without their stored arc against controls. Features: `features.extremes`. Planted leaks: a bright pixel, and a pedestal,
in a small share of the null pair (`features.tail_counts`). Statistic: `core.counting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates.core.comparisons import WITHOUT_ARC, Compared, Comparison, against
from arcgate.gates.core.context import Context
from arcgate.gates.core.counting import PLANTED, limit, share_interval
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import RAW
from arcgate.gates.core.sensitivity import SensitivityCurve
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.core.words import Words
from arcgate.gates.features.extremes import Floats, Places, Traits, extremes, planted_pixel, stored_values
from arcgate.gates.features.tail_counts import (
    LEAKS,
    Detected,
    Found,
    Tail,
    best_of,
    by_band,
    detected_shares,
    found_in,
    in_words,
    most_telling,
    rejected,
    seen_shares,
    table_rows,
)
from arcgate.ground.statistics import Interval
from arcgate.variant import Gates, View

DECLARED: Final = "tails"
STORED: Final = "tails_stored"
_NOTHING: Final = (
    "arcs are neither declared nor stored, so that they cannot be taken away: give lens, source and PSF, or the arcs"
)
_ROWS_SHOWN: Final = 8


def _without_stored(shard: Shard) -> Compared:
    assert shard.arc is not None  # `missing` asked
    return against(shard, shard.positive.without(shard.arc), shard.control)


WITHOUT_STORED: Final = Comparison(
    "without_stored_arc",
    "positives without their stored arcs against controls",
    lambda facts: "" if facts.has_arc else "no arcs are stored",
    _without_stored,
)
COMPARISONS: Final = {DECLARED: WITHOUT_ARC, STORED: WITHOUT_STORED}
_LEFT: Final = {DECLARED: "declared arc taken away", STORED: "stored arc taken away"}


@dataclass(frozen=True, kw_only=True)
class Tails(StatedGate):
    """Keeps some forty numbers of each stamp, and judges positives without declared and without stored arcs."""

    def words(self, result: str) -> Words:
        """One of its comparisons."""
        of = "stored" if result == STORED else "declared"
        asks = f"Do a few stamps without their {of} arcs show what no control shows?"
        return Words(self.section, self.title + (", stored arcs" if of == "stored" else ""), asks, self.failing, self.advice)

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Each comparison that the data set allows; where it allows none, it needs one."""
        return [f"{name}/{RAW}" for name in _possible(facts) or [DECLARED]]

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Features of each class, and of the null pair's subject those of a planted pixel."""
        kept: dict[str, Kept] = {}
        if not len(shard.positive) or not len(shard.control):
            return kept
        for name in _possible(shard.context.facts):
            compared = COMPARISONS[name].of(shard)
            for side, stamps in compared.sides():
                values, places = shard.once(_traits, stamps, _source(shard, side, stamps))
                kept |= {
                    f"{name}/{side}": values,
                    f"{name}/{side}/places": places,
                    f"{name}/{side}/host": stamps.names,
                    f"{name}/{side}/pair": stamps.pair,
                }
            kept["planted"] = shard.once(_planted_pixel, compared.null_subject)
        return kept

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """A result for each comparison that the data set allows."""
        names = [name for name in _possible(context.facts) if f"{name}/subject" in arrays]
        stated = {name: Statement(name, RAW, 0.0, limit(len(context.pairs))) for name in names or [DECLARED]}
        joined = {name: {side: _joined(arrays, f"{name}/{side}", context) for side in _SIDES} for name in names}
        if reason := _why_not(joined, context.facts):
            return Judgement([not_run(each, reason) for each in stated.values()], [], [])
        # What was stored is the same whichever arc is taken away: it is counted once.
        found = {
            name: found_in(sides["subject"], sides["reference"], with_stored=name == names[0]) for name, sides in joined.items()
        }
        together = [tail for each in found.values() for tail in each.tails]
        alarms = iter(rejected(together))
        failing = {name: [tail for tail in each.tails if next(alarms)] for name, each in found.items()}
        bare, control = joined[names[0]]["null_subject"], joined[names[0]]["null_reference"]
        alarm, seen = _alarm(bare, control), seen_shares(bare, control, arrays["planted"])
        judgement = Judgement([], _exhibits(found), [])
        for name, each in found.items():
            most = limit(len(np.unique(each.pairs)))
            needed, detected = detected_shares(seen, each, len(together))
            statistic = TailStatistic(name, each, tuple(failing[name]), needed, detected, alarm, most, context)
            evaluated = evaluate(Statement(name, RAW, 0.0, most), statistic)
            judgement.results.append(evaluated.result)
            judgement.curves.extend(evaluated.curves)
        return judgement


_SIDES: Final = ("subject", "reference", "null_subject", "null_reference")


@dataclass(frozen=True)
class TailStatistic:
    """The share of galaxies that the worst tail sets apart; see `evaluator.Statistic`.

    Attributes
    ----------
    name : str
    found : Found
        All tails.
    failing : tuple of Tail
        Those that chance does not account for.
    needed : int or None
        Galaxies that must lie beyond the controls to show a leak; None if no number of them shows.
    detected : Detected
        Smallest leaking shares, leak by leak and band by band.
    bare : str
        What the bare null pair shows.
    most : float
        Share that may be set apart.
    context : Context
    """

    name: str
    found: Found
    failing: tuple[Tail, ...]
    needed: int | None
    detected: Detected
    bare: str
    most: float
    context: Context

    def measured(self) -> Interval:
        """The share, with its one-sided limits."""
        beyond, galaxies = self.found.worst.galaxies, self.found.sizes.positives
        return Interval(beyond / galaxies, *share_interval(beyond, galaxies), self.found.n, self.found.n_groups)

    def alarm(self) -> str:
        """What the bare null pair shows."""
        return self.bare

    def curves(self) -> list[SensitivityCurve]:
        """The share of leaking galaxies that is detected: in closed form, so that one size says all."""
        required, bands, curves = PLANTED * self.most, self.context.facts.imaging.bands, []
        for leak, shares in self.detected.items():
            best = best_of(shares)
            words = f"{LEAKS[leak]} {by_band(shares, bands)} in"
            curves.append(SensitivityCurve(self.name, RAW, words, _UNIT, (), (), best, required))
        return curves

    def outcome(self, measured: Interval) -> Outcome:
        """What the tails show."""
        if self.failing:
            more = f", and {len(self.failing) - 1} more such tails" if len(self.failing) > 1 else ""
            telling = in_words(most_telling(self.failing), self.found)
            return Outcome("leak", f"positives show what no control shows: {telling}{more}")
        shown, galaxies = f"most lie beyond in {in_words(self.found.worst, self.found)}", self.found.sizes.positives
        if self.needed is None or self.needed > PLANTED * self.most * galaxies:
            count = (
                "no number of them shows"
                if self.needed is None
                else f"{self.needed} of them must lie beyond the controls to show"
            )
            return Outcome("nothing", f"{galaxies} galaxies are too few: {count} a leak; {shown}", final=True)
        limits = f"(limit {100 * self.most:.2g} %); {shown}"
        if measured.high < self.most:
            return Outcome("no leak", f"no feature sets more than {100 * measured.high:.2g} % of the positives apart {limits}")
        return Outcome("nothing", f"up to {100 * measured.high:.2g} % of the positives may be set apart {limits}")


_UNIT: Final = "of the positives"


def _possible(facts: Facts) -> list[str]:
    return [name for name, comparison in COMPARISONS.items() if not comparison.missing(facts)]


def _source(shard: Shard, side: str, stamps: Stamps) -> Stamps:
    """The stamps whose stored values count: as they were stored, before an arc was taken away or noise was added."""
    if side == "subject":
        return shard.positive
    return shard.control if stamps is shard.counterpart else stamps


def _traits(shard: Shard, stamps: Stamps, stored: Stamps) -> tuple[Floats, Places]:
    return extremes(stamps, shard.once(_stored, stored), shard.context.regions)


def _stored(shard: Shard, stamps: Stamps) -> Floats:
    return stored_values(stamps)


def _planted_pixel(shard: Shard, stamps: Stamps) -> Floats:
    return planted_pixel(stamps)


def _joined(arrays: Arrays, key: str, context: Context) -> Traits:
    return Traits(arrays[f"{key}/host"], arrays[f"{key}/pair"], arrays[key], arrays[f"{key}/places"], context.facts.imaging)


def _why_not(joined: Mapping[str, Mapping[str, Traits]], facts: Facts) -> str:
    """Why nothing can be compared, and what would let it; empty if it can."""
    if not _possible(facts):
        return _NOTHING
    if not joined:
        return "a class has no rows"
    controls = [sides[side] for sides in joined.values() for side in ("reference", "null_reference")]
    if any(len(np.unique(found.hosts)) < 2 for found in controls):
        return "controls show fewer than two galaxies"
    broken = {
        id(found.values): int(np.count_nonzero(~np.isfinite(found.values).all(axis=(1, 2))))
        for sides in joined.values()
        for found in sides.values()
    }
    if total := sum(broken.values()):
        return f"{total} stamps have no measure: their sky_sigma is missing or not above zero"
    return ""


def _alarm(bare: Traits, control: Traits) -> str:
    """What the bare null pair shows, in words; empty if it is silent."""
    found = found_in(bare, control, with_stored=True)
    firing = [tail for tail, alarm in zip(found.tails, rejected(found.tails), strict=True) if alarm]
    return in_words(most_telling(firing), found) if firing else ""


def _exhibits(found: Mapping[str, Found]) -> list[Exhibit]:
    """The tails with most galaxies of each comparison."""
    rows = [
        row
        for name, each in found.items()
        for row in table_rows(_LEFT[name], each, limit(len(np.unique(each.pairs))), _ROWS_SHOWN)
    ]
    columns = ["positives with", "feature", "side", "galaxies beyond", "share", "limit", "p", "most at"]
    caption = (
        "Galaxies of positives that lie beyond the most extreme control of another galaxy, where most of them do. "
        "p: how likely so many are if the classes are exchangeable; all features and sides together may take 1 % (Holm)."
    )
    return [Exhibit("tails", "What a few positives show and no control", caption, "table", {"columns": columns, "rows": rows})]


GATE: Final = Tails(
    name="tails",
    section="residual",
    title="Tails",
    failing="a few positives hold what no control holds",
    advice="Open the pairs that the reason names, at the place where most of them lie.",
    requires="what a few rows alone hold tells nothing",
    compares="positives without their declared, and without their stored arcs, against the most extreme controls",
    plants="a pixel of 20 sky sigma, and a pedestal of 3, in 1.5 times the share that may go unseen",
)
