"""The tails: whether a few positives show what no control shows, which an AUC cannot see.

An area under a ROC curve moves by at most half the share of the rows that leak, so that one bright pixel in a tenth of the
positives passes every gate that is one. Here galaxies are counted instead, feature by feature and on either side, that lie beyond
the most extreme control.

Comparisons: positives without their declared arc against controls (with the photon noise of that arc, where arcs have any), and
positives without their stored arc against controls. Features: `tails_features`. Planted leaks: a bright pixel, and a pedestal, in
a small share of the null twin (`tails_judging`). Statistic: `tails_statistic`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, alike
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.result import RAW, GateResult, Status
from arcgate.gates.tails_features import Floats, Traits, planted_pixel, stored_values, traits
from arcgate.gates.tails_judging import (
    LEAKS,
    Found,
    Heard,
    Tail,
    best_of,
    found_in,
    heard_shares,
    heard_words,
    in_words,
    most_telling,
    rejected,
    seen_shares,
    table_rows,
)
from arcgate.gates.tails_statistic import PLANTED, limit, share_interval
from arcgate.variant import Gates
from arcgate.views.view import Viewer

DECLARED: Final = "tails"
STORED: Final = "tails_stored"
_LEFT: Final = {DECLARED: "declared arc taken away", STORED: "stored arc taken away"}
_UNIT: Final = f"of the positives with {LEAKS['pixel']}"
_ROWS_SHOWN: Final = 8


@dataclass
class Tails:
    """Keeps some forty numbers of each stamp, and judges positives without declared and without stored arcs.

    Attributes
    ----------
    viewer : Viewer
        Not looked through: stamps are judged as stored.
    settings : Gates
    facts : Facts
        What the data set holds.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _kept: dict[str, list[Traits]] = field(default_factory=dict)
    _planted: list[Floats] = field(default_factory=list)
    _found: dict[str, Found] = field(default_factory=dict)

    def add(self, arms: Arms) -> None:
        """Keep the features of one shard."""
        if not (self.facts.declared or self.facts.has_arc) or arms.stamp.table.empty or arms.control.table.empty:
            return
        control, of_stamps = traits(arms.control, stored_values(arms.control)), stored_values(arms.stamp)
        noisy = arms.counterpart is not arms.control
        counterpart = traits(arms.counterpart, control.stored) if noisy else control
        twin_control = counterpart
        if arms.twin_control is not arms.counterpart:
            twin_control = traits(arms.twin_control, stored_values(arms.twin_control))
        twin = counterpart if alike(arms.twin, arms.counterpart) else traits(arms.twin, stored_values(arms.twin))
        kept = {"control": control, "counterpart": counterpart, "twin": twin, "twin_control": twin_control}
        if arms.residual is not None:
            kept[DECLARED] = traits(arms.residual, of_stamps)
        if self.facts.has_arc and arms.arc is not None:
            kept[STORED] = traits(replace(arms.stamp, image=arms.stamp.image - arms.arc), of_stamps)
        for name, found in kept.items():
            self._kept.setdefault(name, []).append(found)
        self._planted.append(planted_pixel(arms.twin))

    def merge(self, other: Self) -> None:
        """Append what a later shard gave."""
        for name, kept in other._kept.items():
            self._kept.setdefault(name, []).extend(kept)
        self._planted += other._planted

    def judge(self) -> list[GateResult]:
        """A result for each comparison that the data set allows."""
        names = [name for name in (DECLARED, STORED) if name in self._kept]
        joined = {name: Traits.joined(parts) for name, parts in self._kept.items()}
        reason = self._why_not(joined)
        if reason:
            return [_result(name, None, None, "not_run", reason) for name in names or [DECLARED]]
        against = {DECLARED: joined["counterpart"], STORED: joined["control"]}
        # What was stored is the same whichever arc is taken away: it is counted once.
        self._found = {name: found_in(joined[name], against[name], with_stored=name == names[0]) for name in names}
        together = [tail for found in self._found.values() for tail in found.tails]
        alarms = iter(rejected(together))
        failing = {name: [tail for tail in found.tails if next(alarms)] for name, found in self._found.items()}
        fires = _firing(joined["twin"], joined["twin_control"])
        seen = seen_shares(joined["twin"], joined["twin_control"], np.concatenate(self._planted))
        results = []
        for name, found in self._found.items():
            needed, heard = heard_shares(seen, found, len(together))
            status: Status = "blind"
            reason = fires
            if not fires:
                status, reason = _decided(found, failing[name], needed, heard_words(heard, self.facts.imaging.bands), heard)
            results.append(_result(name, found, best_of(heard["pixel"]), status, reason))
        return results

    def exhibits(self) -> list[Exhibit]:
        """The tails with most galaxies of each comparison."""
        if not self._found:
            return []
        rows = [row for name, found in self._found.items() for row in table_rows(_LEFT[name], found, _limit(found), _ROWS_SHOWN)]
        columns = ["positives with", "feature", "side", "galaxies beyond", "share", "limit", "p", "most at"]
        caption = (
            "Galaxies of positives that lie beyond the most extreme control of another galaxy, where most of them do. "
            "p: how likely so many are if the classes are exchangeable; all features and sides together may take 1 % (Holm)."
        )
        return [
            Exhibit("tails", "What a few positives show and no control", caption, "table", {"columns": columns, "rows": rows})
        ]

    def _why_not(self, joined: dict[str, Traits]) -> str:
        """Why nothing can be compared, and what would let it; empty if it can."""
        if not (self.facts.declared or self.facts.has_arc):
            return (
                "arcs are neither declared nor stored, so that they cannot be taken away: give lens, source and PSF, or the arcs"
            )
        if not joined:
            return "a class has no rows"
        if any(len(np.unique(joined[name].hosts)) < 2 for name in ("control", "twin_control")):
            return "controls show fewer than two galaxies"
        broken = sum(int(np.count_nonzero(~np.isfinite(found.values).all(axis=(1, 2)))) for found in joined.values())
        if broken:
            return f"{broken} stamps have no measure: their sky_sigma is missing or not above zero"
        return ""


def _firing(twin: Traits, control: Traits) -> str:
    """What the bare null twin shows, in words; empty if it is silent."""
    found = found_in(twin, control, with_stored=True)
    firing = [tail for tail, alarm in zip(found.tails, rejected(found.tails), strict=True) if alarm]
    return f"the bare null twin fires: {in_words(most_telling(firing), found)}" if firing else ""


def _limit(found: Found) -> float:
    return limit(len(np.unique(found.pairs)))


def _decided(found: Found, failing: list[Tail], needed: int | None, catches: str, heard: Heard) -> tuple[Status, str]:
    """Status and reason of a comparison whose null twin is silent; `catches` says what is heard."""
    galaxies, most = found.sizes.positives, _limit(found)
    high = share_interval(found.worst.galaxies, galaxies)[1]
    if failing:
        more = f", and {len(failing) - 1} more such tails" if len(failing) > 1 else ""
        return "failed", f"positives show what no control shows: {in_words(most_telling(failing), found)}{more}{catches}"
    shown = f"most lie beyond in {in_words(found.worst, found)}"
    if needed is None or needed > PLANTED * most * galaxies:
        count = "no number of them shows" if needed is None else f"{needed} of them must lie beyond the controls to show"
        return "undetermined", f"{galaxies} galaxies are too few: {count} a leak; {shown}{catches}"
    best = {leak: best_of(shares) for leak, shares in heard.items()}
    unheard = [LEAKS[leak] for leak, share in best.items() if share is None or share > PLANTED * most]
    if unheard:
        return "blind", f"missed in {100 * PLANTED * most:.2g} % of the positives: {', '.join(unheard)}; {shown}{catches}"
    if high < most:
        return (
            "passed",
            f"no feature sets more than {100 * high:.2g} % of the positives apart (limit {100 * most:.2g} %); {shown}{catches}",
        )
    return (
        "undetermined",
        f"up to {100 * high:.2g} % of the positives may be set apart (limit {100 * most:.2g} %); {shown}{catches}",
    )


def _result(name: str, found: Found | None, heard: float | None, status: Status, reason: str) -> GateResult:
    value, low, high, most, n, groups = None, None, None, None, 0, 0
    if found is not None:
        beyond, galaxies = found.worst.galaxies, found.sizes.positives
        value, (low, high), most = beyond / galaxies, share_interval(beyond, galaxies), _limit(found)
        n, groups = found.n, found.n_groups
    return GateResult(
        name, RAW, "overall", "gate", value, low, high, most, heard, n, groups, status, reason, null=0.0, leak_unit=_UNIT
    )
