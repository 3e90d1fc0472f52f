from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arcgate.ground.errors import ArcgateError
from arcgate.tracking.comparing import NOT_SHOWN, seeds_together, shown_differences

SCORE = "common/auroc"


def _table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


@pytest.fixture
def seeded() -> pd.DataFrame:
    """Two set-ups with two seeds each, one with one seed, one without a score."""
    table = _table(
        variant=["none learning.seed=0", "none learning.seed=1", "mask learning.seed=0", "mask learning.seed=1", "wide", "begun"],
        **{
            "data.core_mask.name": ["none", "none", "hard", "hard", "tanh", "tanh"],
            "learning.seed": [0.0, 1.0, 0.0, 1.0, 0.0, 2.0],
        },
    )
    value = np.array([0.80, 0.84, 0.70, 0.71, 0.78, np.nan])
    return table.assign(**{SCORE: value, f"{SCORE}/low": value - 0.02, f"{SCORE}/high": value + 0.02})


def test_variants_that_differ_in_a_seed_become_one_row_with_the_whole_range_of_their_intervals(seeded: pd.DataFrame) -> None:
    together = seeds_together(seeded, SCORE)
    assert list(together.index) == ["none", "mask", "wide"]
    assert together["seeds"].tolist() == [2, 2, 1]
    none = together.loc["none"]
    assert [none["value"], none["low"], none["high"]] == pytest.approx([0.82, 0.78, 0.86])
    assert none["scatter"] == pytest.approx(0.04 / np.sqrt(2))
    assert np.isnan(together["scatter"]["wide"])


def test_a_difference_is_shown_only_where_the_whole_ranges_lie_apart(seeded: pd.DataFrame) -> None:
    shown = shown_differences(seeds_together(seeded, SCORE))
    assert shown.loc["none", "mask"] == "higher"
    assert shown.loc["mask", "none"] == "lower"
    assert (shown.loc["none", "wide"], shown.loc["wide", "none"]) == (NOT_SHOWN, NOT_SHOWN)
    assert [shown.loc[name, name] for name in shown.index] == ["", "", ""]


def test_ranges_that_touch_are_not_shown_to_differ() -> None:
    ends = {SCORE: [0.5, 0.75], f"{SCORE}/low": [0.4, 0.625], f"{SCORE}/high": [0.625, 0.8]}
    shown = shown_differences(seeds_together(_table(variant=["a", "b"], **{"data.n_pairs": [1.0, 2.0]}, **ends), SCORE))
    assert shown.loc["a", "b"] == NOT_SHOWN


def test_set_ups_whose_names_differ_in_a_seed_alone_keep_them(seeded: pd.DataFrame) -> None:
    """A name is no proof of a setting: what was set by a file is not in it."""
    seeded.loc[2:3, "variant"] = ["none learning.seed=2", "none learning.seed=3"]
    assert list(seeds_together(seeded, SCORE).index) == ["none", "none learning.seed=2", "wide"]


def test_one_set_up_with_several_seeds_is_one_row(seeded: pd.DataFrame) -> None:
    together = seeds_together(seeded.iloc[:2].drop(columns="data.core_mask.name"), SCORE)
    assert together["seeds"].tolist() == [2]


def test_a_score_without_an_interval_is_refused_with_those_that_have_one(seeded: pd.DataFrame) -> None:
    with pytest.raises(ArcgateError, match=r"no column 'common/recall/low'[\s\S]*full=True[\s\S]*: common/auroc"):
        seeds_together(seeded.assign(**{"common/recall": 0.5}), "common/recall")
    with pytest.raises(ArcgateError, match="no column 'deploy/auroc'"):
        seeds_together(seeded, "deploy/auroc")
