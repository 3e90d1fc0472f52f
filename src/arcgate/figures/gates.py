"""One row a gate: interval, margin, sensitivity and status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arcgate.figures.style import BLACK, GREEN, GREY, ORANGE, PURPLE, SMALL, TEXT, VERMILLION, new_figure
from arcgate.gates.core.result import GateResult, Status
from arcgate.gates.core.words import sized

NULL_AUC: Final = 0.5
LOOK: Final[dict[Status, tuple[str, str, str]]] = {
    "passed": (GREEN, "o", "passed"),
    "failed": (VERMILLION, "X", "FAILED"),
    "undetermined": (ORANGE, "D", "undetermined"),
    "insensitive": (PURPLE, "s", "insensitive"),
    "not_run": ("#BBBBBB", "_", "not run"),
    "not_applicable": ("#BBBBBB", "x", "not applicable"),
    "reported": (GREY, ".", "reported"),
}
"""Colour, marker and word of each status; the marker tells statuses apart without colour."""
AUC_DIAGNOSTICS: Final = ("core_published", "core_corrected", "residual_core")
"""Diagnostics, by the beginning of their names, that share the gates' axis."""
_MARGIN_COLOUR: Final = "#DCEBF5"
_ROW_INCH: Final = 0.27
_LEAST_HALF_RANGE: Final = 0.1
_PAD: Final = 0.02
# The smallest leak last: its unit may be long.
_NOTE_POSITIONS: Final = (0.02, 0.055, 0.245, 0.56, 0.672)
_NOTE_HEADINGS: Final = ("", "status", "value [interval]", "rows", "smallest leak seen")
_WIDTH_INCH: Final = 10.0
_WIDTHS: Final = (1.0, 2.75)
_OVERALL: Final = "overall"


def gate_chart(results: Sequence[GateResult]) -> Figure:
    """Chart of a battery's results: gates first, diagnostics that are an AUC greyed below.

    Parameters
    ----------
    results : sequence of GateResult
        In the order to be shown.

    Returns
    -------
    Figure
        The band is the margin inside which the whole interval must lie for a gate to pass. The column of sensitivities gives the
        smallest planted leak that the gate sees, with its unit.
    """
    diagnostics = [result for result in results if result.role == "diagnostic" and result.name.startswith(AUC_DIAGNOSTICS)]
    ordered = [*[result for result in results if result.role == "gate"], *diagnostics]
    figure = new_figure(_WIDTH_INCH, 1.1 + _ROW_INCH * max(len(ordered), 3))
    axes, notes = figure.subplots(1, 2, sharey=True, width_ratios=_WIDTHS)
    limits = _limits(ordered)
    for row, result in enumerate(ordered):
        _draw_row(axes, row, result, limits)
        _write_row(notes, row, result)
    _decorate(axes, ordered, limits)
    for position, heading in zip(_NOTE_POSITIONS, _NOTE_HEADINGS, strict=True):
        notes.text(position, -0.75, heading, fontsize=SMALL, va="bottom", weight="bold", color=BLACK)
    notes.set_axis_off()
    return figure


def _draw_row(axes: Axes, row: int, result: GateResult, limits: tuple[float, float]) -> None:
    if result.value is None or not _has_place(result):
        return
    colour, marker, _ = LOOK[result.status]
    if result.margin:
        axes.barh(row, 2 * result.margin, left=NULL_AUC - result.margin, height=0.86, color=_MARGIN_COLOUR, zorder=1)
    if result.low is not None and result.high is not None:
        axes.plot([result.low, result.high], [row, row], color=colour, linewidth=2.4, solid_capstyle="butt", zorder=3)
    if limits[0] <= result.value <= limits[1]:
        axes.plot(result.value, row, color=colour, marker=marker, markersize=7, zorder=4)
    else:
        edge, arrow = (limits[0] + _PAD / 2, "<") if result.value < limits[0] else (limits[1] - _PAD / 2, ">")
        axes.plot(edge, row, color=colour, marker=arrow, markersize=7, zorder=4)


def _has_place(result: GateResult) -> bool:
    """Whether a result has a place on an axis of AUC."""
    return result.role == "diagnostic" or result.null == NULL_AUC


def _is_share(result: GateResult) -> bool:
    """Whether a gate counts rows that must not be there at all."""
    return result.margin == 0


def _limits(results: Sequence[GateResult]) -> tuple[float, float]:
    """Range of AUC shown: all gates, and the diagnostics above 0.5; what lies beyond becomes an arrow at the edge."""
    shown = [result for result in results if _has_place(result)]
    lows = [result.low for result in shown if result.low is not None and result.role == "gate"]
    highs = [high for result in shown for high in (result.high, result.value) if high is not None and high <= 1]
    least, most = NULL_AUC - _LEAST_HALF_RANGE, NULL_AUC + _LEAST_HALF_RANGE
    return min([least, *lows]) - _PAD, max([most, *highs]) + _PAD


def _write_row(notes: Axes, row: int, result: GateResult) -> None:
    colour, marker, word = LOOK[result.status]
    notes.plot(_NOTE_POSITIONS[0], row, color=colour, marker=marker, markersize=7)
    for position, note in zip(_NOTE_POSITIONS[1:], (word, _value(result), f"{result.n:,}", _sensitivity(result)), strict=True):
        notes.text(position, row, note, fontsize=SMALL, va="center", color=_text_colour(result))
    notes.set_xlim(0.0, 1.0)


def _name(result: GateResult) -> str:
    """Gate and view, and the stratum where it is not all of them."""
    return " \u00b7 ".join(part for part in (result.name, result.view, result.stratum) if part != _OVERALL)


def _text_colour(result: GateResult) -> str:
    """Grey for what decides nothing, black otherwise."""
    return GREY if result.status in ("reported", "not_run", "not_applicable") else BLACK


def _value(result: GateResult) -> str:
    if result.value is None:
        return "-"
    if _is_share(result):
        return f"{100 * result.value:.3g} %"
    if result.low is None or result.high is None:
        return f"{result.value:.3f}"
    return f"{result.value:.3f} [{result.low:.3f}, {result.high:.3f}]"


def _sensitivity(result: GateResult) -> str:
    return "" if result.detected_sensitivity is None else sized(result.detected_sensitivity, result.sensitivity_unit)


def _decorate(axes: Axes, results: Sequence[GateResult], limits: tuple[float, float]) -> None:
    axes.axvline(NULL_AUC, color=BLACK, linewidth=0.9, zorder=2)
    axes.set_ylim(len(results) - 0.4, -0.6)
    axes.set_xlim(limits)
    axes.set_yticks(range(len(results)), [_name(result) for result in results], fontsize=SMALL)
    for label, result in zip(axes.get_yticklabels(), results, strict=True):
        label.set_color(_text_colour(result))
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.grid(True, axis="x", color="#E5E5E5", linewidth=0.6, zorder=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("AUC (0.5: no leak;\nband: margin)", fontsize=TEXT)
