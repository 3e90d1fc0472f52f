"""What the data module refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.learning.datamodule import StampData
from arcgate.learning_node import Learning
from arcgate.variant import View


def test_a_missing_class_is_named(make_set: Callable[..., Dataset], view: View, learning: Learning) -> None:
    with pytest.raises(ArcgateError, match=r"'train' has no rows of role control"):
        StampData(make_set(roles=("positive", "null")), view, learning)


def test_a_missing_split_is_named(make_set: Callable[..., Dataset], view: View, learning: Learning) -> None:
    with pytest.raises(ArcgateError, match=r"'val' has no rows of role positive or control"):
        StampData(make_set(val=0), view, learning)


def test_batches_of_epochs(dataset: Dataset, view: View, learning: Learning) -> None:
    assert [epoch.batches for epoch in StampData(dataset, view, learning).epochs] == [3, 3, 3, 3]
