"""How the set was chosen: a section of the report, from the card of the data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from arcgate.dataset.card import selection_on
from arcgate.dataset.selection_words import selection_words
from arcgate.dataset.source import DatasetSource, Source
from arcgate.figures.balance import BALANCE_TITLE, love_plot
from arcgate.gate_report.svg import inline_svg

_NAMES: Final = {
    "entry": "What may enter",
    "refused": "Arcs that the rules refused",
    "unmatched": "Without a control within the calipers",
    "balance": "Balance",
    "lost": "Galaxies that could not be used",
    "cores": "Cores",
}
_GALAXIES: Final = {
    "parents": "Parents: galaxies that could serve",
    "may carry arcs": "of which may carry arcs",
    "positives": "Chosen to carry arcs",
    "controls": "Chosen as controls",
}


@dataclass(frozen=True)
class Choice:
    """What the section shows: phrases by what they are about, the flow of cuts, shares by resolvability, the love plot."""

    said: tuple[tuple[str, str], ...]
    flow: tuple[tuple[str, str, str], ...]
    resolved: tuple[tuple[str, str, str], ...]
    plot: Markup | None


def choice_of(source: Source) -> Choice | None:
    """The section for a data set; None where nothing is recorded of how it was chosen."""
    selection = selection_on(source.dataset.card) if isinstance(source, DatasetSource) else None
    return None if selection is None else choice(selection)


def choice(selection: Mapping[str, Any]) -> Choice:
    """The section for what a card says."""
    words = selection_words(selection)
    drawn = love_plot(selection["balance"])
    return Choice(
        said=tuple((title, words[name]) for name, title in _NAMES.items() if name in words),
        flow=_flow(selection),
        resolved=tuple(
            (row["theta_e_over_psf"], f"{100 * row['before']:.1f} %", f"{100 * row['after']:.1f} %")
            for row in selection["resolvability"]
        ),
        plot=None if drawn is None else inline_svg(drawn, "x-balance", BALANCE_TITLE),
    )


def _flow(selection: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Each cut, what it left, and which share of what was there before."""
    steps = [(str(step["cut"]), int(step["left"])) for step in selection["cut_flow"]]
    lines, before = [], None
    for cut, left in steps:
        lines.append((cut, f"{left:,}", "" if not before else f"{100 * left / before:.1f} %"))
        before = left
    return (*lines, *((title, f"{selection['galaxies'][name]:,}", "") for name, title in _GALAXIES.items()))
