"""A study in two figures: every variant is there with its name and verdict, and the words can be read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from apart import assert_words_apart, words_of
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from arcgate.figures.coordinates import coordinates
from arcgate.figures.placing import apart
from arcgate.figures.study import own_against_common, parallel_coordinates
from arcgate.figures.variants import LOOKS, factors, folded, grouped

SCORES = ["test/auroc", "common/auroc", "common/recall_at_fpr"]
PSFS, MASKS = ("gaussian", "moffat_naive", "moffat_converted"), (0, 3, 5, 7)
SAFE = ("passed", "failed", "undetermined", None)


def made(n: int, seeds: int = 1) -> pd.DataFrame:
    """A study of n variants; a leak lifts the score on the own test set."""
    rng = np.random.default_rng(n)
    rows = []
    for variant in range(n):
        safe, common, recall = SAFE[variant % 4], 0.72 + 0.15 * rng.random(), 0.3 + 0.4 * rng.random()
        for seed in range(seeds):
            own = common + 0.06 if safe == "passed" else 0.96 + 0.025 * rng.random()
            rows.append(
                {
                    "variant": f"variant_{variant:02d}_of_the_study" + (f",learning.seed={seed}" if seeds > 1 else ""),
                    "run_status": "FINISHED",
                    "data.psf.name": PSFS[variant % 3],
                    "data.psf.profile": PSFS[variant % 3].partition("_")[0],
                    "data.core_mask.radius_pix": MASKS[variant // 3 % 4],
                    "data.controls.name": ("paired", "unpaired")[variant // 12 % 2],
                    "learning.seed": seed,
                    "safe": safe,
                    "gates_failed": 0 if safe == "passed" else 1 + variant % 13,
                    "worst_distance": rng.random(),
                    "test/auroc": own + 0.005 * rng.random(),
                    "common/auroc": common + 0.01 * rng.random(),
                    "common/recall_at_fpr": recall,
                }
            )
    return pd.DataFrame(rows)


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [word.get_text() for word in words_of(figure)]


def lines_of(figure: Figure) -> list[Line2D]:
    return [line for line in figure.axes[0].lines if line.get_linewidth() == 1.4]


@pytest.mark.parametrize(("n", "seeds"), [(1, 1), (2, 3), (8, 1), (24, 1), (24, 3)])
def test_every_variant_has_its_name_and_no_word_lies_on_another(n: int, seeds: int) -> None:
    table = made(n, seeds)
    for draw in (parallel_coordinates, own_against_common):
        figure = draw(table)
        assert_words_apart(figure)
        shown = texts(figure)
        for variant in range(n):
            name = f"variant_{variant:02d}_of_the_study"
            assert (f"{name} \u00d7{seeds}" if seeds > 1 else name) in shown
        assert not any("found no room" in text for text in shown)


def test_verdicts_differ_in_colour_line_and_marker_and_are_counted() -> None:
    assert all(len({look[part] for look in LOOKS.values()}) == len(LOOKS) for part in (0, 1))
    assert len({LOOKS[name].line for name in ("passed", "failed", "undetermined", "no verdict")}) == 4
    table = made(8)
    figure = parallel_coordinates(table)
    assert {(to_hex(line.get_color()).upper(), line.get_linestyle()) for line in lines_of(figure)} == {
        (LOOKS[name].colour.upper(), LOOKS[name].line) for name in ("passed", "failed", "undetermined", "no verdict")
    }
    for shown in (texts(figure), texts(own_against_common(table))):
        assert {"passed (2)", "failed (2)", "undetermined (2)", "no verdict (2)"} <= set(shown)


def test_seeds_are_one_line_and_say_so_where_their_verdicts_differ() -> None:
    table = made(4, seeds=3)
    crossed, _ = coordinates(table, list(range(12)))
    assert len(lines_of(parallel_coordinates(table))) == 4 * (len(crossed) - 1)
    table.loc[1, "safe"] = "failed"
    assert "differs by seed (1)" in texts(parallel_coordinates(table))
    assert [group.rows for group in grouped(table)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_seeds_of_one_name_are_one_variant_too_and_runs_without_configuration_keep_their_names() -> None:
    table = made(2, seeds=2)
    table["variant"] = ["a", "a", "b", "c"]
    table.loc[2:, [name for name in table if str(name).startswith(("data.", "learning."))]] = np.nan
    assert [(group.name, group.rows) for group in grouped(table)] == [("a \u00d72", [0, 1]), ("b", [2]), ("c", [3])]


def test_long_names_are_shortened_where_they_stay_distinct() -> None:
    ends = [f"controls.name=unpaired,core_mask=hard_r{radius}" for radius in (5, 7)]
    beginnings = [f"{start}_controls_that_lie_in_other_cells,view=a,mask=b" for start in ("x", "y")]
    alike = [f"{'long' * 10}{middle}{'long' * 10}" for middle in "ab"]
    for names in (ends, beginnings, alike):
        short = [group.name for group in grouped(pd.DataFrame({"variant": names}))]
        assert len(set(short)) == 2
        assert max(map(len, short)) <= 26
        assert all("\u2026" in name for name in short)


def test_what_is_missing_lies_below_the_axes_and_is_named() -> None:
    table = made(6)
    table.loc[2, SCORES] = np.nan
    figure = parallel_coordinates(table)
    assert_words_apart(figure)
    assert "no\nvalue" in texts(figure)
    scatter = texts(own_against_common(table))
    assert "without both scores: variant_02_of_the_study" in scatter
    assert "variant_02_of_the_study" not in scatter
    assert "no\nvalue" not in texts(parallel_coordinates(made(6)))


@pytest.mark.parametrize("columns", [SCORES, [*SCORES, "gates_failed", "worst_distance", "safe"]])
def test_a_study_without_scores_is_drawn_as_far_as_it_is_and_says_what_is_not_there(columns: list[str]) -> None:
    for table in (made(3).drop(columns=columns), made(3).assign(**dict.fromkeys(columns))):
        figure = parallel_coordinates(table)
        assert_words_apart(figure)
        assert "variant_01_of_the_study" in texts(figure)
        assert texts(own_against_common(table)) == [
            "No variant of this study has both scores,\non its own and on the common test set, yet."
        ]


def test_a_study_without_variants_says_so() -> None:
    assert texts(parallel_coordinates(made(1)[:0])) == ["This study has no variant yet."]
    assert "both scores" in texts(own_against_common(made(1)[:0]))[0]


def test_the_factors_that_differ_come_first_and_too_many_are_counted() -> None:
    table = made(6)
    # The name of the PSF decides its profile; a seed is no factor.
    assert factors(table) == ["data.psf.name", "data.core_mask.radius_pix"]
    for place in range(8):
        table[f"learning.setting_{place}"] = np.roll(np.arange(6), place)
    figure = parallel_coordinates(table)
    assert_words_apart(figure)
    assert any("4 more factors differ: see the table" in text for text in texts(figure))


def test_both_auroc_have_one_scale_and_faults_point_down() -> None:
    table = made(8)
    crossed, _ = coordinates(table, list(range(8)))
    by_name = {one.heading: one for one in crossed}
    own, common = by_name["own AUROC"], by_name["common AUROC"]
    assert own.ends == common.ends
    drop = (table["test/auroc"] - table["common/auroc"]).to_numpy()
    np.testing.assert_allclose((own.heights - common.heights) / drop, (own.heights[0] - common.heights[0]) / drop[0])
    failed = by_name["gates failed"]
    assert failed.heights.argmax() == table["gates_failed"].argmin()
    assert failed.ends == ("8", "0")


@given(st.lists(st.floats(-1.0, 2.0), min_size=1, max_size=30), st.floats(0.001, 0.2))
def test_names_are_kept_apart_in_their_order(wanted: list[float], gap: float) -> None:
    places = apart(wanted, gap, 0.0, 1.0)
    assert min(places) >= -1e-9
    assert max(places) <= 1 + 1e-9
    least = min(gap, 1 / max(len(wanted) - 1, 1))
    ordered = [place for _, place in sorted(zip(wanted, places, strict=True))]
    assert all(later - earlier >= least - 1e-9 for earlier, later in pairwise(ordered))


def test_names_that_have_room_stay_where_they_are() -> None:
    assert apart([0.7, 0.1, 0.4], 0.1, 0.0, 1.0) == pytest.approx([0.7, 0.1, 0.4])
    assert apart([], 0.1, 0.0, 1.0) == []


def test_names_are_folded_at_their_parts() -> None:
    assert folded("moffat_naive", 8) == "moffat\n_naive"
    assert folded("core_mask.radius_pix", 10) == "core_mask.\nradius_pix"
    assert folded("normalisation", 8) == "normali-\nsation"
    assert folded("psf", 8) == "psf"
