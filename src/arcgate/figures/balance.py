"""How alike the two classes are in what is known of their galaxies: a love plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.figure import Figure

from arcgate.dataset.selection_words import NEGLIGIBLE
from arcgate.figures.style import BLACK, BLUE, GREY, SMALL, TEXT, VERMILLION, new_figure, tidy

BALANCE_TITLE: Final = "Standardised mean differences of galaxies, before and after"
_WIDTH_INCH: Final = 7.2
_ROW_INCH: Final = 0.27
_BAND_COLOUR: Final = "#DCEBF5"
_LOOKS: Final = (
    ("before", VERMILLION, "D", -0.16, "positives less all galaxies that could serve"),
    ("after", BLUE, "o", 0.16, "positives less their controls"),
)


def love_plot(balance: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Differences of positives from the pool they were chosen from, and from their controls, a row a quantity.

    Parameters
    ----------
    balance : sequence of mapping
        Rows of `arcgate.injection.balance.balance`.

    Returns
    -------
    Figure or None
        With 90 % intervals; the band is `NEGLIGIBLE`. Quantities that are not known or do not vary are left out; None where none
        is left.
    """
    rows = [row for row in balance if row["before"] is not None or row["after"] is not None]
    if not rows:
        return None
    figure = new_figure(_WIDTH_INCH, 1.3 + _ROW_INCH * len(rows))
    axes = figure.subplots()
    axes.axvspan(-NEGLIGIBLE, NEGLIGIBLE, color=_BAND_COLOUR, zorder=0)
    axes.axvline(0.0, color=BLACK, linewidth=0.9)
    for when, colour, marker, shift, words in _LOOKS:
        shown = [(place, row) for place, row in enumerate(rows) if row[when] is not None]
        places = [place + shift for place, _ in shown]
        values, lows, highs = ([row[name] for _, row in shown] for name in (when, f"{when}_low", f"{when}_high"))
        axes.hlines(places, lows, highs, color=colour, linewidth=1.4)
        axes.plot(values, places, marker, color=colour, markersize=5, linestyle="none", label=words)
    axes.set_yticks(range(len(rows)), [str(row["column"]) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("difference of the means [standard deviations]", fontsize=TEXT)
    tidy(axes)
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    for place in range(1, len(rows)):
        axes.axhline(place - 0.5, color=GREY, linewidth=0.3, alpha=0.5)
    figure.legend(fontsize=SMALL, loc="outside lower center", ncols=1, frameon=False)
    return figure
