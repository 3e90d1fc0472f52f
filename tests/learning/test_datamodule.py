"""What the data module refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.learning.datamodule import StampData
from arcgate.variant import Learning, View


def test_a_missing_class_is_named(make_set: Callable[..., Dataset], view: View, learning: Learning) -> None:
    with pytest.raises(ArcgateError, match=r"'train' has no rows of role control"):
        StampData(make_set(roles=("positive", "null")), view, learning)


def test_a_missing_split_is_named(make_set: Callable[..., Dataset], view: View, learning: Learning) -> None:
    with pytest.raises(ArcgateError, match=r"'val' has no rows of role positive or control"):
        StampData(make_set(val=0), view, learning)


def test_steps_per_epoch(dataset: Dataset, view: View, learning: Learning) -> None:
    assert StampData(dataset, view, learning).steps_per_epoch == 3
