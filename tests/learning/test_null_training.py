"""Trained on controls alone, a network tells nothing apart; with light planted in one half it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from composing import composed

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.ground.statistics import Interval
from arcgate.learning.null_training import NullPairs, null_labels, null_pairs, null_training
from arcgate.learning_node import Learning
from arcgate.variant import View


@pytest.fixture(scope="module")
def galaxies(make_set: Callable[..., Dataset]) -> Dataset:
    return make_set(48, 20, 60)


def test_labels_follow_the_galaxy_and_the_seed() -> None:
    names = [f"galaxy {number}" for number in range(400)]
    label = null_labels(names, 1)
    assert null_labels(names[::-1], 1).tolist() == label[::-1].tolist()
    assert null_labels(["galaxy 7"] * 3, 1).tolist() == [label[7]] * 3
    assert 160 < label.sum() < 240
    assert 120 < int((label == null_labels(names, 2)).sum()) < 280


def test_null_pairs_are_controls_and_nothing_else(galaxies: Dataset) -> None:
    nulls, columns = null_pairs(galaxies, 1), ["sample_id", "host_id", "role", "label"]
    table = nulls.table(columns, "train")
    assert sorted(table["sample_id"]) == sorted(galaxies.table(columns, "train", ("control",))["sample_id"])
    assert (table["role"] == "positive").tolist() == (table["label"] == 1).tolist()
    assert table["label"].tolist() == null_labels(table["host_id"].tolist(), 1).tolist()
    parts = [nulls.table(columns, "train", (role,)) for role in ("positive", "control")]
    assert [set(part["label"]) for part in parts] == [{1}, {0}]
    assert sum(map(len, parts)) == len(table) == 48


def test_null_rows_stand_against_the_controls_of_their_pairs(make_set: Callable[..., Dataset]) -> None:
    galaxies, columns = make_set(4, 4, 4), ["sample_id", "pair_id", "role", "label"]
    nulls = null_pairs(galaxies)
    table = nulls.table(columns, "train")
    assert sorted(table["sample_id"]) == sorted(galaxies.table(columns, "train", ("control", "null"))["sample_id"])
    assert table.groupby("pair_id")["label"].sum().tolist() == [1, 1, 1, 1]
    of_one = table.loc[table["role"] == "positive", "sample_id"]
    assert sorted(of_one) == sorted(galaxies.table(columns, "train", ("null",))["sample_id"])
    assert nulls.card["counts"]["test"] == {"positive": 4, "control": 4}
    [batch] = nulls.batches(["sample_id", "label"], "train")
    assert batch.table["sample_id"].tolist() == table["sample_id"].tolist()
    assert batch.table["label"].tolist() == table["label"].tolist()


def test_controls_without_a_null_row_take_no_part(galaxies: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Dataset.table
    some = set(galaxies.table(["pair_id"], "train", ("null",))["pair_id"].tolist()[:5])

    def fewer(self: Dataset, *given: Any) -> pd.DataFrame:
        table = read(self, *given)
        return table[(table["role"] != "null") | table["pair_id"].isin(some)].reset_index(drop=True)

    monkeypatch.setattr(Dataset, "table", fewer)
    left = NullPairs(galaxies.path, galaxies.card, galaxies.receipts, None, 0.0).table(["pair_id", "label"], "train")
    assert set(left["pair_id"]) == some
    assert left["label"].sum() == len(left) - left["label"].sum() == 5


def test_light_is_planted_in_the_cores_of_label_1_alone(galaxies: Dataset) -> None:
    [bare], [lit] = (list(null_pairs(galaxies, 1, size).batches(["label"], "test")) for size in (0.0, 0.5))
    [stored] = galaxies.batches(["label"], "test", ("control",))
    assert np.array_equal(bare.image, stored.image)
    added = lit.image - bare.image
    label = lit.table["label"].to_numpy()
    assert not added[label == 0].any()
    # The sky's standard deviation is 1 in these stamps.
    assert added[label == 1][:, :, 31, 31] == pytest.approx(0.5, abs=1e-6)
    assert not added[label == 1][:, :, 31, 31 + 6].any()
    assert null_pairs(galaxies, 1).data_digest != null_pairs(galaxies, 1, 0.5).data_digest != galaxies.data_digest


@pytest.mark.parametrize("drawn", [True, False])
def test_the_network_of_a_variant_finds_nothing_without_light_and_finds_light(
    galaxies: Dataset, view: View, learning: Learning, tmp_path: Path, drawn: bool
) -> None:
    def reached(size: float) -> Interval:
        folder, longer = tmp_path / f"{size}", replace(learning, epochs=3)
        found = null_training(galaxies, view, longer, folder=folder, threads=1, drawn=drawn, pedestal_sky_sigma=size)
        assert (found.n, found.n_groups) == ((60, 60) if drawn else (120, 60))
        return found

    nothing = reached(0.0)
    assert nothing.low < 0.5 < nothing.high if drawn else nothing.low == nothing.value == nothing.high == 0.5
    assert reached(1.0).low > 0.5


@pytest.mark.parametrize("size", [-0.1, float("nan")])
def test_light_that_cannot_be_planted_is_refused(galaxies: Dataset, size: float) -> None:
    with pytest.raises(ArcgateError, match="cannot be planted"):
        null_pairs(galaxies, 1, size)


def test_a_split_without_two_galaxies_a_class_is_refused(dataset: Dataset) -> None:
    with pytest.raises(ArcgateError, match="the split 'test' has 0 galaxies"):
        null_pairs(dataset, 1)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("learning/sampling=visible_arcs", "the sampling 'visible_arcs'"),
        ("learning/sampling=easy_to_hard", "the sampling 'easy_to_hard'"),
        ("learning/objective=contrastive", "the objective contrastive"),
        ("view/input=residual", "the input residual"),
    ],
)
def test_what_looks_at_arcs_or_pairs_is_refused(galaxies: Dataset, tmp_path: Path, override: str, says: str) -> None:
    spec = composed(override)
    with pytest.raises(ArcgateError, match=says):
        null_training(galaxies, spec.view, spec.learning, folder=tmp_path, threads=1)
