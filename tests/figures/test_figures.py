from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from apart import assert_words_apart
from astropy.visualization import make_lupton_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from arcgate.evaluation.calibration import reliability
from arcgate.evaluation.metrics import operating_point
from arcgate.figures import (
    caption_of,
    completeness,
    contact_sheet,
    core_difference,
    gate_chart,
    pair_title,
    roc,
    save,
    spread_over,
)
from arcgate.figures.reliability import reliability_chart
from arcgate.figures.stamps import BAND_WEIGHT, OFFSET, SOFTENING, colour, shown_bands
from arcgate.gates.core.result import Evidence, GateResult
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging

MakeGate = Callable[..., GateResult]


def _texts(figure: Figure) -> str:
    return "\n".join(artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text))


def _drawn(figure: Figure, tmp_path: Path) -> bytes:
    return save(figure, tmp_path / "figures" / "figure.png").read_bytes()


def test_saving_leaves_one_file(tmp_path: Path) -> None:
    assert _drawn(core_difference(np.zeros((3, 64, 64)), 1, DECALS), tmp_path).startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["figure.png"]


def test_a_caption_makes_the_file_higher_and_leaves_the_figure_as_it_is(tmp_path: Path) -> None:
    assert caption_of("mask_r5", "0123456789abcdef") == "mask_r5, data 0123456789ab"
    figure = core_difference(np.zeros((3, 64, 64)), 1, DECALS)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    plain, one, more = (
        imread(save(figure, tmp_path / f"{lines}.png", caption))
        for lines, caption in enumerate(("", "mask_r5", "controls.name=unpaired," * 20))
    )
    assert plain.shape[1] == one.shape[1] == more.shape[1]
    line = one.shape[0] - plain.shape[0]
    assert 20 < line < 50
    assert more.shape[0] - plain.shape[0] > 2 * line
    # The figure lies below, as it was; what is written above it reaches neither edge.
    np.testing.assert_allclose(more[-plain.shape[0] :], plain, atol=1 / 255)
    above = more[: -plain.shape[0]]
    assert above.min() < 0.5
    assert above[:, :4].min() == above[:, -4:].min() == above[:2].min() == 1.0
    assert "controls" not in _texts(figure)


def test_colour_composite_puts_z_in_red_and_g_in_blue() -> None:
    image = np.zeros((3, 2, 2))
    image[2, 0, 0] = image[0, 1, 1] = 0.3
    rgb = colour(image, DECALS)
    assert rgb.shape == (2, 2, 3)
    assert rgb[0, 0].argmax() == 0
    assert rgb[1, 1].argmax() == 2
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    assert np.isfinite(colour(np.full((3, 2, 2), -1.0), DECALS)).all()


@pytest.mark.parametrize("brightest", [0.05, 50.0])
def test_the_stretch_is_that_of_lupton_and_cores_keep_their_colour(brightest: float) -> None:
    rng = np.random.default_rng(3)
    image = rng.uniform(0.0, brightest, (3, 20, 20))
    red, green, blue = (image[band] * BAND_WEIGHT[band] + OFFSET for band in (2, 1, 0))
    # astropy's softening is Q / stretch and its slope 0.1 / arcsinh(0.1 Q); the viewer's are SOFTENING and 1 / sqrt(SOFTENING).
    q = 10 * np.sinh(0.1 * np.sqrt(SOFTENING))
    oracle = make_lupton_rgb(red, green, blue, minimum=0.0, Q=q, stretch=q / SOFTENING)
    found = colour(image, DECALS)
    # The oracle cuts to whole steps of 8 bits.
    np.testing.assert_allclose(255 * found, oracle, atol=1.01)
    shares = found / found.sum(axis=-1, keepdims=True)
    light = np.stack([red, green, blue], axis=-1)
    np.testing.assert_allclose(shares, light / light.sum(axis=-1, keepdims=True), rtol=1e-12)
    assert (found.max() == 1.0) == (brightest > 1.0)


def test_a_contact_sheet_names_the_colours_and_has_a_bar_that_fits() -> None:
    for imaging, words, bar in (
        (DECALS, "red: z, green: r, blue: g", "5\u2033"),
        (Imaging(("vis",), "vis", 64, 0.1), "grey: vis", "2\u2033"),
        (Imaging(("g", "r"), "r", 64, 0.5), "red: r, green: r, blue: g", "10\u2033"),
    ):
        stamps = np.zeros((1, *imaging.shape))
        text = _texts(contact_sheet(stamps, stamps, stamps, ["one"], imaging))
        assert f"{words}; one stretch for all" in text
        assert f"\n{bar}\n" in text


def test_pairs_are_spread_over_the_range() -> None:
    values = np.array([2.5, np.nan, 0.5, 1.0, 1.5, 2.0])
    assert values[spread_over(values, 3)].tolist() == [0.5, 1.5, 2.5]
    assert len(spread_over(values, 100)) == 5
    assert len(spread_over(np.array([np.nan]), 3)) == 0


@pytest.mark.parametrize("n", [1, 5, 12])
def test_a_contact_sheet_shows_each_pair_with_its_title(n: int, tmp_path: Path) -> None:
    stamps = np.random.default_rng(0).normal(0.0, 0.01, (n, 3, 64, 64)).astype(np.float32)
    figure = contact_sheet(stamps, stamps, stamps, [pair_title(0.5 + index, 10.0) for index in range(n)], DECALS)
    assert len(figure.findobj(lambda artist: type(artist).__name__ == "AxesImage")) == 3 * n
    assert [f"{0.5 + index:.2f}\u2033,  S/N = 10" in _texts(figure) for index in range(n)] == [True] * n
    assert_words_apart(figure)
    if n == 1:
        _drawn(figure, tmp_path)


def test_a_contact_sheet_needs_as_many_of_each() -> None:
    with pytest.raises(ArcgateError, match="2 stamps, 2 controls, 2 arcs, 1 titles"):
        contact_sheet(np.zeros((2, 3, 64, 64)), np.zeros((2, 3, 64, 64)), np.zeros((2, 3, 64, 64)), ["one"], DECALS)


def test_the_difference_map_states_core_and_outskirts() -> None:
    y, x = np.indices((64, 64)) - 31.5
    difference = np.full((3, 64, 64), 1e-4)
    difference[:, np.hypot(x, y) < 5] = 0.02
    text = _texts(core_difference(difference, 1234, DECALS))
    assert "1,234 pairs" in text
    assert "r\n2.00e-02 at r < 5 px\n1.00e-04" in text
    assert "nanomaggies per pixel" in text


@pytest.mark.parametrize("bands", [("vis",), ("g", "r"), ("u", "g", "r", "i", "z", "y")])
def test_stamps_of_any_bands_and_size_are_drawn(bands: tuple[str, ...], tmp_path: Path) -> None:
    imaging = Imaging(bands, bands[0], 101, 0.168)
    stamps = np.random.default_rng(0).normal(0.0, 0.01, (2, *imaging.shape)).astype(np.float32)
    _drawn(contact_sheet(stamps, stamps, stamps, ["one", "two"], imaging), tmp_path)
    difference = core_difference(stamps[0], 3, imaging)
    _drawn(difference, tmp_path)
    text = _texts(difference)
    assert all(f"{band}\n" in text for band in bands)
    assert "at r < 7.8 px" in text
    assert "at r \u2265 31.6 px" in text


def test_one_band_is_grey_and_of_many_three_are_shown() -> None:
    one = np.full((1, 2, 2), 0.1)
    rgb = colour(one, Imaging(("vis",), "vis", 200, 0.1))
    assert rgb.shape == (2, 2, 3)
    assert (rgb[..., 0] == rgb[..., 1]).all()
    assert (rgb[..., 0] == rgb[..., 2]).all()
    six = ("u", "g", "r", "i", "z", "y")
    assert shown_bands(Imaging(six, "r", 64, 0.2)) == (0, 2, 5)
    assert shown_bands(Imaging(six, "y", 64, 0.2)) == (0, 3, 5)
    assert shown_bands(Imaging(("g", "r"), "r", 64, 0.2)) == (0, 1, 1)
    # The same light on a square arcsec, in pixels of a quarter of the area.
    coarse, fine = (Imaging(("g", "r", "z"), "r", 64, scale) for scale in (0.262, 0.131))
    image = np.full((3, 1, 1), 0.02)
    assert colour(image / 4, fine) == pytest.approx(colour(image, coarse))


def test_roc_treats_ties_as_one_threshold() -> None:
    table = pd.DataFrame({"logit": [3.0, 2.0, 2.0, 1.0], "label": [1, 0, 1, 0]})
    curve = roc({"own test": table}, 0.5).axes[0].lines[0]
    assert np.asarray(curve.get_xdata()).tolist() == [0, 0, 0.5, 1]
    assert np.asarray(curve.get_ydata()).tolist() == [0, 0.5, 1, 1]
    assert curve.get_label() == "own test: AUROC 0.875"


def test_roc_marks_the_false_positive_rate_at_the_recall_that_is_stated() -> None:
    rng = np.random.default_rng(5)
    label = np.repeat([0, 1], 60)
    table = pd.DataFrame({"logit": np.round(label + rng.normal(0.0, 0.7, 120), 1), "label": label, "host_id": np.arange(120)})
    for fpr in (0.05, 0.1, 0.33):
        figure = roc({"own test": table}, fpr)
        (point,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
        stated = operating_point(table["logit"].to_numpy(), label, fpr).recall
        assert (np.asarray(point.get_xdata()).tolist(), np.asarray(point.get_ydata()).tolist()) == (
            [fpr],
            [pytest.approx(stated)],
        )
        assert f"false-positive rate of {100 * fpr:g} %" in _texts(figure)


def test_legends_cover_no_data() -> None:
    label = np.repeat([0, 1], 50)
    own = pd.DataFrame({"label": label, "logit": label + np.linspace(0, 1.5, 100), "logit_core_masked": label * 0.0})
    rows = [(by, 0.5, 1.0, 40, 0.5, 0.4, 0.6) for by in ("theta_e_arcsec", "arc_snr")]
    table = pd.DataFrame(rows, columns=["by", "bin_low", "bin_high", "n", "completeness", "low", "high"])
    sets = ("own test set", "common test set")
    for figure in (roc(dict.fromkeys(sets, own), 0.1), completeness(dict.fromkeys(sets, table), 0.1)):
        assert_words_apart(figure)
        (legend,) = figure.legends
        assert not any(axes.get_legend() for axes in figure.axes)
        assert not any(legend.get_window_extent().overlaps(axes.bbox) for axes in figure.axes)


def test_roc_shows_each_set_with_and_without_the_mask(tmp_path: Path) -> None:
    label = np.repeat([0, 1], 50)
    own = pd.DataFrame({"label": label, "logit": label + np.linspace(0, 1.5, 100), "logit_core_masked": label * 0.0})
    figure = roc({"own test": own, "common test": own.drop(columns="logit_core_masked")}, 0.1)
    text = _texts(figure)
    assert "own test, core masked: AUROC 0.500" in text
    assert "common test: AUROC 1.000" in text
    assert "common test, core masked" not in text
    _drawn(figure, tmp_path)


def test_completeness_labels_bins_and_counts(tmp_path: Path) -> None:
    rows = [
        ("theta_e_arcsec", 0.5, 1.0, 40, 0.5, 0.4, 0.6),
        ("theta_e_arcsec", 2.0, np.inf, 10, 1.0, 0.8, 1.0),
        ("arc_snr", 0.0, 5.0, 50, 0.6, 0.5, 0.7),
    ]
    table = pd.DataFrame(rows, columns=["by", "bin_low", "bin_high", "n", "completeness", "low", "high"])
    figure = completeness({"own test": table, "common test": table[table["n"] != 10]}, 0.01)
    _drawn(figure, tmp_path)
    text = _texts(figure)
    assert "0.5\u20131\nn = 40, 40" in text
    assert "\u2265 2\nn = 10, 0" in text
    assert "Einstein radius [arcsec]" in text
    assert "at a false-positive rate of 1 %" in text


def test_reliability_lies_on_the_diagonal_where_probabilities_are_what_they_claim(tmp_path: Path) -> None:
    probability = np.repeat([0.05, 0.25, 0.75, 1.0 - 1e-9], 100)
    label = np.concatenate([np.repeat([1, 0], [hits, 100 - hits]) for hits in (5, 25, 75, 100)])
    table = reliability(np.log(probability / (1.0 - probability)), label, 0.9)
    figure = reliability_chart({"own test set": table, "common test set": table})
    _drawn(figure, tmp_path)
    assert_words_apart(figure)
    points = figure.axes[0].containers[0].lines[0]
    predicted, found = (np.asarray(part, dtype=np.float64) for part in (points.get_xdata(), points.get_ydata()))
    np.testing.assert_allclose(predicted, found, atol=1e-6)
    assert not figure.legends[0].get_window_extent().overlaps(figure.axes[0].bbox)


@pytest.mark.parametrize("bands", [("g", "r", "z"), ("vis",), ("u", "g", "r", "i", "z", "y")])
def test_the_words_of_the_difference_map_do_not_run_into_each_other(bands: tuple[str, ...]) -> None:
    imaging = Imaging(bands, bands[0], 64, 0.262)
    figure = core_difference(np.random.default_rng(0).normal(0.0, 1e-3, imaging.shape), 3, imaging)
    assert "published box, 10 x 10 px" in _texts(figure)
    assert_words_apart(figure)


def test_the_gate_chart_has_a_row_a_result_and_the_smallest_leak_it_detects(evidence: Evidence, tmp_path: Path) -> None:
    figure = gate_chart(evidence.results)
    _drawn(figure, tmp_path)
    text = _texts(figure)
    for result in evidence.results:
        assert result.key.removesuffix("/overall").replace("/", " \u00b7 ") in text
    assert "0.02 sky sigma a pixel" in text
    assert "FAILED" in text
    assert "0 %" in text
    assert "0.610 [0.580, 0.640]" in text


def test_the_columns_beside_the_gates_do_not_run_into_each_other(make_gate: MakeGate) -> None:
    long = [
        make_gate(f"gate_{unit}", sensitivity_unit=unit, n=20_000) for unit in ("sky sigma a pixel", "of the galaxies once more")
    ]
    figure = gate_chart([*long, make_gate("wide", value=0.123, low=0.111, high=0.999, status="undetermined")])
    figure.draw_without_rendering()
    rows: dict[float, list[Bbox]] = {}
    for text in figure.axes[1].texts:
        rows.setdefault(text.get_position()[1], []).append(text.get_window_extent())
    assert len(rows) == 4  # headings and three gates
    for boxes in rows.values():
        ordered = sorted((box for box in boxes if box.width), key=lambda box: box.x0)
        assert len(ordered) == 4
        assert ordered[-1].x1 <= figure.bbox.width
        assert all(one.x1 < other.x0 for one, other in pairwise(ordered))
