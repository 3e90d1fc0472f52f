"""What the data module refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.learning.datamodule import StampData
from arcgate.learning_node import EVERYTHING, Learning
from arcgate.variant import View


def test_a_missing_class_is_named(make_set: Callable[..., Dataset], view: View, learning: Learning) -> None:
    with pytest.raises(ArcgateError, match=r"'train' has no rows of role control"):
        StampData(make_set(roles=("positive", "null")), view, learning)


def test_a_missing_split_is_named(make_set: Callable[..., Dataset], view: View, learning: Learning) -> None:
    with pytest.raises(ArcgateError, match=r"'val' has no rows of role positive or control"):
        StampData(make_set(val=0), view, learning)


def test_batches_of_epochs(dataset: Dataset, view: View, learning: Learning) -> None:
    assert [epoch.batches for epoch in StampData(dataset, view, learning).epochs] == [3, 3, 3, 3]


# The invented arcs have an S/N of 1; half of the pairs are shown, so that it is not the number of rows that tells.
@pytest.mark.parametrize(("floor", "said"), [(0.5, True), (1.0, True), (None, False)])
def test_floors_that_every_arc_meets_are_told(
    floor: float | None, said: bool, dataset: Dataset, view: View, learning: Learning, capfd: pytest.CaptureFixture[str]
) -> None:
    sampling = replace(EVERYTHING, name="floored", positives=0.5, least={} if floor is None else {"arc_snr_injected": floor})
    StampData(dataset, view, replace(learning, sampling=sampling))
    out = capfd.readouterr().out
    for split in ("train", "val"):
        assert (f"{split}: every arc meets the floors of floored, which leave no row out and weight none" in out) is said


def test_floors_that_some_arcs_do_not_meet_are_not_called_met(
    dataset: Dataset, view: View, learning: Learning, capfd: pytest.CaptureFixture[str]
) -> None:
    sampling = replace(EVERYTHING, name="floored", least={"arc_snr_injected": 2.0}, weight_below=0.5)
    StampData(dataset, view, replace(learning, sampling=sampling))
    out = capfd.readouterr().out
    assert "(floored)" in out
    assert "meets the floors" not in out
