"""A whole study in two figures: what differs among its variants and what came of it, and which scores a leak inflates."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from arcgate.figures.coordinates import COMMON, OWN, Coordinate, coordinates
from arcgate.figures.placing import apart, name_points
from arcgate.figures.style import BLACK, GREY, SMALL, SOFT, TEXT, TITLE, WIDEST_INCH, new_figure, tidy
from arcgate.figures.variants import LOOKS, Group, first_rows, folded, grouped, numbers, verdict_of, verdicts

MISSING_Y: Final = -0.13
_TOP_Y: Final = 1.03
_HEADING_Y: Final = 1.09
_WIDTH_INCH: Final = 10.0
_LETTER_INCH: Final = 0.076
_NAME_INCH: Final = 0.17
_BOX: Final = 0.37
_NAMES_FROM: Final = 0.35
_PAD: Final = 0.06
_MARKER_PIX: Final = 18.0


def parallel_coordinates(table: pd.DataFrame) -> Figure:
    """One line a variant: the factors that differ, then what the gates say and the scores.

    Parameters
    ----------
    table : DataFrame
        A row a run, as `arcgate.results` gives it: variant; safe; factors (`data.`, `view.`, ...); gates_failed,
        worst_distance; test/auroc, common/auroc, common/recall_at_fpr. What is missing is shown below the axes.

    Returns
    -------
    Figure
        Runs that differ in their seeds alone are one line, through their means, with a small mark for each. Colour, line and
        marker are the answer to *safe?*.
    """
    if table.empty:
        return _statement("This study has no variant yet.")
    groups = grouped(table)
    crossed, left_out = coordinates(table, first_rows(groups, len(table)))
    bottom = MISSING_Y - 0.07 if any(one.has_missing for one in crossed) else -0.08
    figure = new_figure(_WIDTH_INCH, 2.4 + max(3.6, _NAME_INCH * len(groups)))
    axes = figure.subplots()
    axes.set_axis_off()
    names = max(len(group.name) for group in groups) * _LETTER_INCH + 0.1
    gap = (_WIDTH_INCH - names - 0.2) / (len(crossed) - 1 + _NAMES_FROM + 2 * _BOX)
    axes.set_xlim(-2 * _BOX, len(crossed) - 1 + _NAMES_FROM + names / gap)
    axes.set_ylim(bottom, _HEADING_Y + 0.16)
    for x, one in enumerate(crossed):
        _draw_coordinate(axes, x, one, int(gap / _LETTER_INCH))
    if any(one.has_missing for one in crossed):
        axes.axhline(MISSING_Y + 0.05, color="#DDDDDD", linewidth=0.8)
        axes.text(-1.9 * _BOX, MISSING_Y, "no\nvalue", fontsize=SMALL, color=SOFT, va="center", ha="left")
    of_rows = verdicts(table)
    looks = [verdict_of(group, of_rows) for group in groups]
    for group, verdict in zip(groups, looks, strict=True):
        _draw_line(axes, crossed, group, verdict)
    _write_names(axes, crossed, groups)
    _legend(figure, looks)
    figure.suptitle(_heading(groups, len(table), left_out), fontsize=TITLE)
    return figure


def own_against_common(table: pd.DataFrame) -> Figure:
    """AUROC on each variant's own test set against that on the common one.

    Parameters
    ----------
    table : DataFrame
        A row a run, as `arcgate.results` gives it: variant, safe, test/auroc, common/auroc, and factors.

    Returns
    -------
    Figure
        Far above the diagonal a network scores well on its own test set alone: that set has a leak, or is easier. Marker and
        colour are the answer to *safe?*. Runs that differ in their seeds alone are joined and share a name.
    """
    points = np.column_stack([numbers(table, COMMON), numbers(table, OWN)]) if len(table) else np.empty((0, 2))
    known = np.isfinite(points).all(axis=1)
    if not known.any():
        return _statement("No variant of this study has both scores,\non its own and on the common test set, yet.")
    groups, looks = grouped(table), verdicts(table)
    figure = new_figure(WIDEST_INCH, 7.6)
    axes = figure.subplots()
    low, high = float(points[known].min()), float(points[known].max())
    pad = _PAD * max(high - low, 0.02)
    limits = (low - 2 * pad, high + 2 * pad)
    axes.set(xlim=limits, ylim=limits)
    axes.plot(limits, limits, color=GREY, linestyle=":", linewidth=1.3)
    axes.set_xlabel("AUROC on the common test set", fontsize=TEXT)
    axes.set_ylabel("AUROC on the own test set", fontsize=TEXT)
    tidy(axes)
    for place in np.flatnonzero(known):
        look = LOOKS[looks[place]]
        axes.plot(
            *points[place], color=look.colour, marker=look.marker, markersize=8, markeredgecolor="white", mew=0.5, linestyle=""
        )
    shown = [Group(group.name, [row for row in group.rows if known[row]]) for group in groups]
    without = [group.name for group in shown if not group.rows]
    figure.suptitle("What of the score on the own test set is left on the one that all share", fontsize=TITLE)
    if without:
        missing = textwrap.shorten(f"without both scores: {', '.join(without)}", 180, placeholder=" ...")
        axes.set_title(textwrap.fill(missing, 100), fontsize=SMALL, color=SOFT)
    _legend(figure, [look for place, look in enumerate(looks) if known[place]], diagonal=True)
    _name_groups(figure, axes, points, [group for group in shown if group.rows])
    return figure


def _name_groups(figure: Figure, axes: Axes, points: np.ndarray, groups: Sequence[Group]) -> None:
    """Join the seeds of each variant and write its name, once everything else has its place."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    means = [points[group.rows].mean(axis=0) for group in groups]
    for group, mean in zip(groups, means, strict=True):
        for row in group.rows if len(group.rows) > 1 else ():
            axes.plot(*np.array([points[row], mean]).T, color=GREY, linewidth=0.7, zorder=1.8)
    centres = axes.transData.transform(points[[row for group in groups for row in group.rows]])
    markers = np.concatenate([centres - _MARKER_PIX / 2, centres + _MARKER_PIX / 2], axis=1)
    # The lowest score first: it has the most room, and what follows goes around it.
    order = np.argsort([mean[1] for mean in means], kind="stable")
    places = [(float(means[place][0]), float(means[place][1])) for place in order]
    lost = name_points(axes, places, [groups[place].name for place in order], markers, SMALL)
    if lost:
        words = f"{lost} names found no room: see the table"
        axes.text(0.99, 0.01, words, transform=axes.transAxes, fontsize=SMALL, color=SOFT, ha="right", va="bottom")


def _draw_coordinate(axes: Axes, x: int, one: Coordinate, letters: int) -> None:
    """An axis with its heading: boxes for choices, a line with its ends for numbers."""
    axes.text(x, _HEADING_Y, folded(one.heading, letters - 1), fontsize=SMALL, ha="center", va="bottom", color=BLACK)
    for y, half, words in one.boxes:
        axes.fill([x - _BOX, x + _BOX, x + _BOX, x - _BOX], [y - half, y - half, y + half, y + half], color="#EEF1F4", zorder=1)
        text = folded(words, max(int(2 * _BOX * letters), 5))
        axes.text(x, y, text, fontsize=SMALL, ha="center", va="center", color=BLACK, linespacing=1.0)
    if one.ends is not None:
        axes.plot([x, x], [0.0, 1.0], color=BLACK, linewidth=0.9, zorder=2)
        for y, words, align in zip((0.0, 1.0), one.ends, ("top", "bottom"), strict=True):
            axes.text(x, y + (0.02 if y else -0.02), words, fontsize=SMALL, ha="center", va=align, color=SOFT)


def _draw_line(axes: Axes, crossed: Sequence[Coordinate], group: Group, verdict: str) -> None:
    """A variant's line; it stops before the words of a choice and goes on behind them."""
    look = LOOKS[verdict]
    heights = [_mean_height(one, group) for one in crossed]
    for x in range(len(crossed) - 1):
        ends = [x + (_BOX if crossed[x].boxes else 0.0), x + 1 - (_BOX if crossed[x + 1].boxes else 0.0)]
        axes.plot(ends, heights[x : x + 2], color=look.colour, linestyle=look.line, linewidth=1.4, alpha=0.9, zorder=3)
    for x, (one, y) in enumerate(zip(crossed, heights, strict=True)):
        if not one.boxes:
            face = look.colour if y > MISSING_Y else "white"
            axes.plot(x, y, color=look.colour, marker=look.marker, markersize=5.5, markerfacecolor=face, zorder=4)
            if len(group.rows) > 1:
                each = [_height(one, row) for row in group.rows]
                axes.plot([x] * len(each), each, color=look.colour, marker="_", markersize=8, linestyle="", zorder=3.5)


def _height(one: Coordinate, row: int) -> float:
    return MISSING_Y if math.isnan(one.heights[row]) else float(one.heights[row])


def _mean_height(one: Coordinate, group: Group) -> float:
    """Of the runs that have a value."""
    found = one.heights[group.rows]
    return MISSING_Y if np.isnan(found).all() else float(np.nanmean(found))


def _write_names(axes: Axes, crossed: Sequence[Coordinate], groups: Sequence[Group]) -> None:
    """Names at the right end, apart from each other, each with a thin line to its variant's."""
    end = len(crossed) - 1
    assert axes.figure is not None  # it is drawn in one
    bottom, top = axes.get_ylim()
    # What the plot is high, less title and legend.
    inch = axes.figure.bbox.height / axes.figure.dpi - 1.1
    wanted = [_mean_height(crossed[-1], group) for group in groups]
    places = apart(wanted, 1.02 * _NAME_INCH * (top - bottom) / inch, bottom + 0.05, _TOP_Y)
    for group, height, place in zip(groups, wanted, places, strict=True):
        axes.plot([end, end + _NAMES_FROM - 0.05], [height, place], color=GREY, linewidth=0.6, zorder=2.5)
        axes.text(end + _NAMES_FROM, place, group.name, fontsize=SMALL, va="center", ha="left", color=BLACK)


def _heading(groups: Sequence[Group], n_runs: int, left_out: Sequence[str]) -> str:
    said = f"{len(groups)} variant{'s' if len(groups) > 1 else ''}"
    if n_runs > len(groups):
        said += f", {n_runs} runs (a line: their mean; small marks: each)"
    said += "; on gates and scores up is better"
    if left_out:
        said += f"\n{len(left_out)} more factors differ: see the table"
    return said


def _legend(figure: Figure, looks: Sequence[str], diagonal: bool = False) -> None:
    counts = Counter(looks)
    handles = [
        Line2D([], [], color=one.colour, marker=one.marker, ls="" if diagonal else one.line, label=f"{name} ({counts[name]})")
        for name, one in LOOKS.items()
        if counts[name]
    ]
    if diagonal:
        handles.append(Line2D([], [], color=GREY, linestyle=":", label="equal scores"))
    asked = f"safe? (number of {'runs' if diagonal else 'variants'})"
    figure.legend(handles=handles, title=asked, fontsize=SMALL, loc="outside lower center", ncols=5, frameon=False)


def _statement(words: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = new_figure(WIDEST_INCH, 2.0)
    figure.text(0.5, 0.5, words, fontsize=TITLE, ha="center", va="center", color=BLACK)
    return figure
