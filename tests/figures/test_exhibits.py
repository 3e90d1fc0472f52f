from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from apart import assert_words_apart
from matplotlib.figure import Figure
from matplotlib.text import Text

from arcgate.figures import draw_exhibit, refit_chart, save
from arcgate.figures.refit import marker_words
from arcgate.gates.core.exhibit import Exhibit, Kind
from arcgate.gates.core.result import RefitParameter

XY = {"x_label": "radius [pixel]", "y_label": "light", "x_log": True, "y_log": False}
SERIES = {"label": "r", "x": [1.0, 2.0, 3.0], "y": [0.1, None, 0.3]}
INTERVAL = {"low": [0.0, None, 0.2], "high": [0.2, None, 0.35]}
MARKS = [{"label": "mask", "x": 2.0}, {"label": "none", "y": 0.0}]


def _texts(figure: Figure) -> str:
    return "\n".join(artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text))


def _drawn(kind: Kind, content: dict) -> Figure:
    return draw_exhibit(Exhibit("name", "title", "caption", kind, content))


@pytest.mark.parametrize("kind", ["lines", "scatter"])
@pytest.mark.parametrize("interval", [{}, INTERVAL])
def test_series_are_drawn_with_scales_labels_and_marks(kind: Kind, interval: dict, tmp_path: Path) -> None:
    figure = _drawn(kind, XY | {"series": [SERIES | interval], "marks": MARKS})
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    text = _texts(figure)
    assert all(part in text for part in ("radius [pixel]", "light", "mask", "none"))
    assert save(figure, tmp_path / "a.png").stat().st_size > 1000


def test_a_missing_value_is_a_gap() -> None:
    (axes,) = _drawn("lines", XY | {"series": [SERIES], "marks": []}).axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.1, np.nan, 0.3])


def test_many_or_long_labels_lay_the_bars_down_with_their_marks() -> None:
    content = {"y_label": "bits", "series": [{"label": "here", "values": [1.0, 2.0], "low": [0.5, 1.0], "high": [1.5, 2.5]}]}
    marks = [{"label": "all", "y": 1.5}]
    (upright,) = _drawn("bars", content | {"labels": ["g", "r"], "marks": marks}).axes
    (lying,) = _drawn("bars", content | {"labels": ["g", "a very long label"], "marks": marks}).axes
    assert [bar.get_height() for bar in upright.patches] == [1.0, 2.0]
    assert [bar.get_width() for bar in lying.patches] == [1.0, 2.0]
    assert upright.get_ylabel() == lying.get_xlabel() == "bits"
    assert list(lying.lines[-1].get_xdata()) == [1.5, 1.5]


def test_images_share_one_scale_and_start_at_the_bottom() -> None:
    panels = [{"label": band, "values": [[0.0, 1.0], [None, 2.0]]} for band in "grzy"]
    figure = _drawn("images", {"unit": "sky sigma", "low": -1.0, "high": 2.0, "diverging": True, "panels": panels})
    images = [image for axes in figure.axes for image in axes.images]
    assert len(images) == 4
    assert {image.get_clim() for image in images} == {(-1.0, 2.0)}
    assert images[0].origin == "lower"
    assert "sky sigma" in _texts(figure)


def test_the_refit_is_drawn_in_margins_with_its_figures() -> None:
    rows = [
        RefitParameter("psf_width", "r", 2.35, 2.3, 2.4, 1.0, 0.03, "ratio"),
        RefitParameter("flux", "all", 1.01, 1.0, 1.02, 1.0, 0.02, "x"),
    ]
    figure = refit_chart(rows)
    (axes,) = figure.axes
    assert "2.35 [2.3, 2.4] ratio" in _texts(figure)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["width of the PSF, r", "flux, all bands"]
    positions = [float(np.asarray(line.get_xdata()).item()) for line in axes.lines if line.get_marker() not in ("None", None, "")]
    # The first is 45 margins away: an arrow at the edge. The second half a margin.
    assert positions == pytest.approx([5.0, 0.5])


def test_the_markers_of_the_refit_are_those_of_its_bands() -> None:
    def rows(*bands: str) -> list[RefitParameter]:
        return [RefitParameter("flux", band, 0.0, -0.01, 0.01, 0.0, 0.02, "ratio - 1") for band in bands]

    assert marker_words(rows("g", "r", "z", "all")) == "Triangles are g, circles r, squares z, diamonds all bands"
    assert marker_words(rows("all", "vis")) == "Triangles are vis, diamonds all bands"
    figure = refit_chart(rows(*"ugrizy"))
    assert len({line.get_marker() for line in figure.axes[0].lines} - {"None"}) == 6


def test_the_words_of_the_drawings_do_not_run_into_each_other_and_are_not_cut_off() -> None:
    units = ("ratio - 1", "sky sigma", "ln ratio of beta")
    measured = [
        RefitParameter("geometry", "all", -0.012345, -0.023456, -0.000123, 0.0, 0.02, unit)
        if unit == "sky sigma"
        else RefitParameter("psf_wings", band, sign * 0.5, sign * 0.5, sign * 0.5, 0.0, 0.02, unit)
        for unit in units
        for band, sign in (("g", -1), ("r", 1))
    ]
    assert_words_apart(refit_chart(measured))
    long = {
        **XY,
        "y_label": "brightness-weighted radius of the arc, long words [arcsec]",
        "series": [SERIES],
        "marks": MARKS,
    }
    assert_words_apart(_drawn("lines", long))
    places = ["the annulus at 8 to 20 px", "the core", "the whole stamp"]
    bars = {"label": "stamps without their declared arcs", "values": [1.0, 2.0, 3.0]}
    assert_words_apart(_drawn("bars", {"labels": places, "y_label": "bits", "series": [bars], "marks": []}))


def test_a_logarithmic_axis_without_positive_values_becomes_linear(tmp_path: Path) -> None:
    below = {"label": "noise", "x": [1.0, 2.0], "y": [-0.1, 0.0]}
    figure = _drawn("lines", {**XY, "y_log": True, "series": [below], "marks": []})
    assert figure.axes[0].get_yscale() == "linear"
    assert save(figure, tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(("sizes", "labels"), [((0.02, 0.1, 0.5), ["0.02", "0.05", "0.1", "0.2", "0.5"]), ((1e-3, 1e3), None)])
def test_logarithmic_axes_have_few_labels_that_do_not_run_into_each_other(
    sizes: tuple[float, ...], labels: list[str] | None
) -> None:
    line = {"label": "core", "x": list(sizes), "y": [0.5] * len(sizes)}
    figure = _drawn("lines", XY | {"series": [line], "marks": []})
    figure.draw_without_rendering()
    axis = figure.axes[0].xaxis
    low, high = axis.get_view_interval()
    shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert not any(label.get_text() for label in axis.get_minorticklabels())
    if labels:
        assert [tick.label1.get_text() for tick in shown] == labels
    boxes = sorted((tick.label1.get_window_extent() for tick in shown), key=lambda box: box.x0)
    assert len(boxes) > 2
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
