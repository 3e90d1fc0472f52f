from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arcgate.dataset.pairs import read_pairs
from arcgate.dataset.reader import Dataset
from arcgate.ground.errors import ArcgateError

Built = Callable[..., Dataset]


def test_pairs_are_positives_beside_their_controls_and_arcs(built: Built) -> None:
    dataset = built()
    pairs = read_pairs(dataset)
    assert len(pairs.table) == len(pairs.control_table) == 100
    assert set(pairs.table["role"]) == {"positive"}
    assert set(pairs.control_table["role"]) == {"control"}
    assert pairs.table["pair_id"].equals(pairs.control_table["pair_id"])
    assert not pairs.table["pair_id"].duplicated().any()
    assert pairs.stamp.shape == pairs.control.shape == pairs.arc.shape == (100, 3, 64, 64)
    # Paired controls are the same galaxy, and a stamp is stored as control plus arc.
    assert np.array_equal(pairs.control + pairs.arc, pairs.stamp)


def test_the_first_pairs_are_the_first_of_all(built: Built) -> None:
    dataset = built()
    few, every = read_pairs(dataset, 7), read_pairs(dataset)
    assert few.table.equals(every.table.head(7))
    assert np.array_equal(few.stamp, every.stamp[:7])


def test_pairs_of_a_split_are_of_it_alone(built: Built) -> None:
    dataset = built()
    test = read_pairs(dataset, split="test")
    assert set(test.table["split"]) == {"test"}
    assert len(test.table) == len(dataset.table(["pair_id"], split="test", roles=["positive"])) > 0


def test_other_galaxies_as_controls_are_those_of_the_pair(built: Built) -> None:
    pairs = read_pairs(built("controls=unpaired"), 20)
    assert (pairs.table["pair_id"] == pairs.control_table["pair_id"]).all()
    assert (pairs.table["host_id"] != pairs.control_table["host_id"]).all()


def test_no_pair_is_said(built: Built) -> None:
    with pytest.raises(ArcgateError, match="no pair of a positive and a control"):
        read_pairs(built(), 0)
