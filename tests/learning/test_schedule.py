"""How many batches epochs have: by a curriculum, by a number of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.learning.schedule import epochs_of, steps_at_ends
from arcgate.learning.stream import Blocks
from arcgate.learning_node import EVERYTHING, Curriculum, Learning, Sampling
from arcgate.variant import View
from arcgate.views.view import Viewer


@pytest.fixture
def ranked(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """12 pairs to train on; pair k has an arc of S/N k."""
    read = Dataset.table

    def table(self: Dataset, *given: object, **named: object) -> pd.DataFrame:
        found: pd.DataFrame = read(self, *given, **named)  # type: ignore[arg-type]  # passed through
        return found.assign(arc_snr_injected=found["pair_id"] * 1.0) if "arc_snr_injected" in found else found

    monkeypatch.setattr(Dataset, "table", table)
    return dataset


@pytest.fixture
def batches(ranked: Dataset, view: View, learning: Learning) -> Callable[[Sampling], tuple[list[int], Blocks]]:
    def counted(sampling: Sampling) -> tuple[list[int], Blocks]:
        blocks = Blocks(ranked, "train", Viewer(view, DECALS), sampling)
        settings = replace(learning, sampling=sampling, batch_size=2, epochs=2)
        return [epoch.batches for epoch in epochs_of(blocks, settings, by_pair=False)], blocks

    return counted


def test_a_curriculum_goes_by_the_pairs_above_a_floor(batches: Callable[[Sampling], tuple[list[int], Blocks]]) -> None:
    curriculum = Curriculum("arc_snr_injected", 0.5, 0.5)
    found, _ = batches(replace(EVERYTHING, least={"arc_snr_injected": 6.0}, curriculum=curriculum))
    assert found == [3, 6]


def test_a_curriculum_begins_with_pairs_that_take_part(batches: Callable[[Sampling], tuple[list[int], Blocks]]) -> None:
    sampling = replace(EVERYTHING, positives=0.5, curriculum=Curriculum("arc_snr_injected", 0.01, 0.5))
    found, blocks = batches(sampling)
    # Else this would not be seen: the easiest pair of the split is not shown.
    assert 11 not in set(blocks.rows["pair_id"])
    assert found == [1, blocks.rows["pair_id"].nunique()]


@pytest.mark.parametrize("steps", [None, 5])
def test_an_epoch_without_batches_is_refused(
    dataset: Dataset, view: View, learning: Learning, steps: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = Blocks(dataset, "train", Viewer(view, DECALS), EVERYTHING)
    monkeypatch.setattr("arcgate.learning.schedule.batches_of", lambda *given: [])
    with pytest.raises(ArcgateError, match="epoch 0 has no batches") as refused:
        epochs_of(blocks, replace(learning, steps=steps), by_pair=False)
    assert refused.value.where == "learning.sampling.curriculum"


@pytest.mark.parametrize(
    ("accumulate", "expected"), [(1, [6, 4]), (2, [6, 6, 6, 2]), (4, [6, 6, 6, 6, 6]), (5, [6, 6, 6, 6, 6]), (20, [6] * 10)]
)
def test_as_many_steps_as_are_asked_for(
    dataset: Dataset, view: View, learning: Learning, accumulate: int, expected: list[int]
) -> None:
    blocks = Blocks(dataset, "train", Viewer(view, DECALS), EVERYTHING)
    trainer = replace(learning.trainer, accumulate=accumulate)
    epochs = epochs_of(blocks, replace(learning, steps=10, batch_size=4, trainer=trainer), by_pair=False)
    # 24 rows are 6 batches; those that are left over at the end of an epoch make a step of their own.
    assert [epoch.batches for epoch in epochs] == expected
    assert steps_at_ends(epochs, accumulate)[-1] == 10
