"""Exhibits of the gates as figures: the report and the tracking database draw the same ones."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from arcgate.figures.style import BLACK, GREY, SERIES, SMALL, TEXT, new_figure, tidy
from arcgate.gates.core.exhibit import Exhibit

WIDTH_INCH: Final = 7.2
_LINES: Final = ("-", "--", "-.", ":")
_MARKERS: Final = "os^Dv<"
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "++")
_MOST_UPRIGHT: Final = 8
_LONGEST_UPRIGHT: Final = 12
_LONGEST_UPWARD: Final = 32
_PANELS_A_ROW: Final = 3
_FEW_POINTS: Final = 24
_FEW_SERIES: Final = 4
_FEW_DECADES: Final = 300.0
_PLOT_INCH: Final = 3.6
_LEGEND_ROW_INCH: Final = 0.21

Content = Mapping[str, Any]


def is_drawn(exhibit: Exhibit) -> bool:
    """Whether an exhibit is a figure; tables are written as text."""
    return exhibit.kind != "table"


def draw_exhibit(exhibit: Exhibit) -> Figure:
    """Draw an exhibit that is not a table.

    Parameters
    ----------
    exhibit : Exhibit
        Its `content` is laid out as `Exhibit` says; None stands for a missing value.

    Returns
    -------
    Figure
        Without title and caption, which stand in text beside it. Series differ in line, marker or hatching as well as in
        colour.
    """
    draw = {"lines": _lines, "scatter": _scatter, "bars": _bars, "images": _images}[exhibit.kind]
    return draw(exhibit.content)


def _lines(content: Content) -> Figure:
    figure = new_figure(WIDTH_INCH, _PLOT_INCH + _legend_inch(content))
    axes = figure.subplots()
    crowded = len(content["series"]) > _FEW_SERIES
    for index, series in enumerate(content["series"]):
        x, y = _numbers(series["x"]), _numbers(series["y"])
        colour = SERIES[index % len(SERIES)]
        marker = _MARKERS[index % len(_MARKERS)] if len(x) <= _FEW_POINTS else None
        axes.plot(
            x,
            y,
            _LINES[(index + index // 12) % len(_LINES)],
            color=colour,
            marker=marker,
            markersize=4.5,
            linewidth=1.7,
            label=series["label"],
        )
        if "low" in series:
            axes.fill_between(
                x, _numbers(series["low"]), _numbers(series["high"]), color=colour, alpha=0.07 if crowded else 0.18, linewidth=0
            )
    return _finished(figure, axes, content)


def _scatter(content: Content) -> Figure:
    figure = new_figure(WIDTH_INCH, _PLOT_INCH + _legend_inch(content))
    axes = figure.subplots()
    for index, series in enumerate(content["series"]):
        x, y = _numbers(series["x"]), _numbers(series["y"])
        look = {"color": SERIES[index % len(SERIES)], "marker": _MARKERS[index % len(_MARKERS)], "label": series["label"]}
        if "low" in series:
            axes.errorbar(x, y, yerr=_errors(y, series), linestyle="", markersize=5, capsize=3, **look)
        else:
            axes.scatter(x, y, s=14, alpha=0.8 if len(x) < 500 else 0.4, linewidths=0, rasterized=len(x) > 2000, **look)
    return _finished(figure, axes, content)


def _finished(figure: Figure, axes: Axes, content: Content) -> Figure:
    """Scales, labels, reference lines and legend of lines and scatter."""
    for axis, scale in (("x", axes.set_xscale), ("y", axes.set_yscale)):
        if content.get(f"{axis}_log") and _any_positive(content, axis):
            scale("log")
            _label_decades(axes.xaxis if axis == "x" else axes.yaxis)
    axes.set_xlabel(content["x_label"], fontsize=TEXT)
    axes.set_ylabel(_wrapped(content["y_label"]), fontsize=TEXT)
    tidy(axes)
    _marks(axes, content.get("marks", ()))
    _legend(figure, axes)
    return figure


def _bars(content: Content) -> Figure:
    labels, series = list(content["labels"]), content["series"]
    upright = len(labels) <= _MOST_UPRIGHT and max(map(len, labels), default=0) <= _LONGEST_UPRIGHT
    figure = new_figure(
        WIDTH_INCH, (3.4 if upright else 0.8 + 0.26 * len(labels) * max(1.0, 0.6 * len(series))) + _legend_inch(content)
    )
    axes = figure.subplots()
    width = 0.8 / max(len(series), 1)
    for index, one in enumerate(series):
        values = _numbers(one["values"])
        place = np.arange(len(labels)) + (index - (len(series) - 1) / 2) * width
        errors = _errors(values, one) if "low" in one else None
        look: dict[str, Any] = {
            "color": SERIES[index % len(SERIES)],
            "hatch": _HATCHES[index % len(_HATCHES)],
            "edgecolor": "white",
            "linewidth": 0.5,
            "label": one["label"],
            "error_kw": {"ecolor": BLACK, "elinewidth": 1.1, "capsize": 2.5},
        }
        if upright:
            axes.bar(place, values, width, yerr=errors, **look)
        else:
            axes.barh(place, values, width, xerr=errors, **look)
    tidy(axes)
    if upright:
        axes.set_xticks(range(len(labels)), labels)
        axes.set_ylabel(_wrapped(content["y_label"]), fontsize=TEXT)
        _marks(axes, content.get("marks", ()))
    else:
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.set_xlabel(content["y_label"], fontsize=TEXT)
        # The values run along x here.
        _marks(axes, [{"label": mark["label"], "x": mark["y"]} for mark in content.get("marks", ()) if "y" in mark])
    _legend(figure, axes)
    return figure


def _images(content: Content) -> Figure:
    panels = content["panels"]
    columns = min(_PANELS_A_ROW, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(WIDTH_INCH if columns > 1 else WIDTH_INCH / 2, 0.3 + rows * (2.5 if columns > 1 else 3.1))
    grid = figure.subplots(rows, columns, squeeze=False)
    colours = "RdBu_r" if content.get("diverging") else "viridis"
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(grid.flat, panels, strict=False):
        values = np.array([_numbers(row) for row in panel["values"]])
        drawn = axes.imshow(
            values, origin="lower", cmap=colours, vmin=content["low"], vmax=content["high"], interpolation="nearest"
        )
        axes.set_title(panel["label"], fontsize=TEXT)
        axes.tick_params(labelsize=SMALL)
    bar = figure.colorbar(drawn, ax=grid.ravel().tolist(), shrink=0.85, pad=0.02)
    bar.set_label(content["unit"], fontsize=TEXT)
    bar.ax.tick_params(labelsize=SMALL)
    return figure


def _marks(axes: Axes, marks: Sequence[Content]) -> None:
    """Reference lines, named in the legend."""
    for index, mark in enumerate(marks):
        line = axes.axvline if "x" in mark else axes.axhline
        line(
            mark["x"] if "x" in mark else mark["y"],
            color=(BLACK, GREY)[index % 2],
            linestyle=(":", "--", "-.")[index % 3],
            linewidth=1.3,
            label=mark["label"],
        )


def _wrapped(label: str) -> str:
    """A label beside the plot, in lines that are no longer than the plot is high."""
    return textwrap.fill(label, _LONGEST_UPWARD)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        figure.legend(handles, labels, fontsize=SMALL, loc="outside lower left", ncols=_legend_columns(labels), frameon=False)


def _legend_columns(labels: Sequence[str]) -> int:
    longest = max(map(len, labels))
    return 1 if longest > 45 else 2 if longest > 22 else 3


def _legend_inch(content: Content) -> float:
    """Height of the legend, so that many series leave the plot as large as few."""
    labels = [one["label"] for one in (*content["series"], *content.get("marks", ()))]
    return _LEGEND_ROW_INCH * math.ceil(len(labels) / _legend_columns(labels)) if labels else 0.0


def _errors(values: NDArray[np.float64], series: Content) -> NDArray[np.float64]:
    """Lengths of the error bars below and above; rounding may not make them negative."""
    return np.maximum([values - _numbers(series["low"]), _numbers(series["high"]) - values], 0.0)


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    """JSON has no NaN: None stands for it."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _label_decades(axis: Axis) -> None:
    """Few labels on a logarithmic axis: powers of ten, or 1, 2 and 5 of each where there are only two or three."""
    low, high = axis.get_view_interval()
    axis.set_minor_formatter(NullFormatter())
    if high <= low * _FEW_DECADES:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _any_positive(content: Content, axis: str) -> bool:
    """Whether a logarithmic axis has anything to show; a profile of nothing but noise below zero has not."""
    return any(value is not None and value > 0 for line in content["series"] for value in line[axis])
