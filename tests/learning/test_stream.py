"""Order, coverage and memory of the batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.learning.stream import LABELLED_ROLES, Blocks, ViewedBatches, batch_sizes
from arcgate.variant import View
from arcgate.views.view import Viewer

STREAMED = 0  # bytes of memory allowed: every block is read from its shard


@pytest.fixture(scope="module")
def cut_set(make_set: Callable[..., Dataset]) -> Dataset:
    """10 training pairs in 4 shards."""
    return make_set(train=10, pairs_per_shard=3)


def epoch_of(
    dataset: Dataset, view: View, *, epoch: int | None = 0, seed: int = 1, augmented: bool = False, **blocks: int
) -> list[tuple[Tensor, Tensor]]:
    rows = Blocks(dataset, "train", Viewer(view, DECALS), **blocks)
    return list(ViewedBatches(rows, 6, seed=seed, epoch=None if epoch is None else lambda: epoch, augmented=augmented))


def stacked(batches: list[tuple[Tensor, Tensor]]) -> Tensor:
    return torch.cat([images for images, _ in batches])


def test_an_epoch_holds_every_labelled_row_once(cut_set: Dataset, view: View) -> None:
    in_order = stacked(epoch_of(cut_set, view, epoch=None))
    assert len(in_order) == 20
    for budget in ({}, {"budget_bytes": STREAMED}):
        shuffled = epoch_of(cut_set, view, **budget)
        assert [len(labels) for _, labels in shuffled] == [5, 5, 5, 5]
        assert sum(float(labels.sum()) for _, labels in shuffled) == 10
        sums = [images.sum(dim=(1, 2, 3)).sort().values for images in (stacked(shuffled), in_order)]
        torch.testing.assert_close(*sums, rtol=0, atol=0)


@pytest.mark.parametrize("budget", [{}, {"budget_bytes": STREAMED}])
def test_order_and_augmentation_follow_from_seed_and_epoch_alone(cut_set: Dataset, view: View, budget: dict[str, int]) -> None:
    first = stacked(epoch_of(cut_set, view, epoch=3, augmented=True, **budget))
    torch.manual_seed(1234)
    assert torch.equal(stacked(epoch_of(cut_set, view, epoch=3, augmented=True, **budget)), first)
    assert not torch.equal(stacked(epoch_of(cut_set, view, epoch=4, augmented=True, **budget)), first)
    assert not torch.equal(stacked(epoch_of(cut_set, view, epoch=3, seed=2, augmented=True, **budget)), first)
    plain = stacked(epoch_of(cut_set, view, epoch=3, **budget))
    assert not torch.equal(plain, first)
    torch.testing.assert_close(plain.sum(dim=(1, 2, 3)), first.sum(dim=(1, 2, 3)))


def test_a_set_that_fits_into_memory_does_not_depend_on_its_shards(
    make_set: Callable[..., Dataset], cut_set: Dataset, view: View
) -> None:
    whole = make_set(train=10, pairs_per_shard=100)
    assert len(whole.shards("train", LABELLED_ROLES)) == 1
    assert len(cut_set.shards("train", LABELLED_ROLES)) == 4
    for epoch in (None, 0):
        assert torch.equal(stacked(epoch_of(whole, view, epoch=epoch)), stacked(epoch_of(cut_set, view, epoch=epoch)))


def test_streaming_reads_a_shard_at_a_time_and_memory_reads_once(
    cut_set: Dataset, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = Dataset.batches

    def counted(self: Dataset, *args: object, **kwargs: object) -> object:
        for batch in original(self, *args, **kwargs):  # type: ignore[arg-type]  # passed through
            read.append(len(batch.table))
            yield batch

    monkeypatch.setattr(Dataset, "batches", counted)
    kept = ViewedBatches(Blocks(cut_set, "train", Viewer(view, DECALS)), 6, seed=0, epoch=lambda: 0)
    streamed = ViewedBatches(Blocks(cut_set, "train", Viewer(view, DECALS), STREAMED), 6, seed=0, epoch=lambda: 0)
    # Once beforehand, to count the rows that the view can scale.
    assert read == 2 * [6, 6, 6, 2]
    read.clear()
    for _ in range(2):
        list(kept)
    assert read == [6, 6, 6, 2]
    read.clear()
    next(iter(streamed))
    assert len(read) == 1
    list(streamed)
    assert sorted(read[1:]) == [2, 6, 6, 6]


@pytest.mark.parametrize("budget", [{}, {"budget_bytes": STREAMED}])
def test_pairs_that_the_view_cannot_scale_are_left_out_and_counted_by_class(
    cut_set: Dataset, view: View, monkeypatch: pytest.MonkeyPatch, budget: dict[str, int]
) -> None:
    original = Dataset.batches

    def flattened(self: Dataset, *args: object, **kwargs: object) -> object:
        for batch in original(self, *args, **kwargs):  # type: ignore[arg-type]  # passed through
            flat = ((batch.table["pair_id"] == 4) & (batch.table["label"] == 1)).to_numpy(bool)
            batch.image[flat] = 0.5
            yield batch

    whole = epoch_of(cut_set, view, **budget)
    monkeypatch.setattr(Dataset, "batches", flattened)
    blocks = Blocks(cut_set, "train", Viewer(view, DECALS), **budget)
    assert (blocks.n_rows, blocks.unscalable) == (18, (1, 0))
    left = list(ViewedBatches(blocks, 6, seed=1, epoch=lambda: 0))
    assert [len(images) for images, _ in left] == [6, 6, 6]
    assert [int(sum(labels.sum() for _, labels in batches)) for batches in (whole, left)] == [10, 9]
    monkeypatch.setattr(Viewer, "scalable", lambda self, stamps: torch.zeros(len(stamps.image), dtype=torch.bool))
    with pytest.raises(ArcgateError, match="no pair of the split 'train' can be scaled"):
        Blocks(cut_set, "train", Viewer(view, DECALS), **budget)


def test_the_epoch_is_asked_when_the_first_batch_is(cut_set: Dataset, view: View) -> None:
    epoch = 0
    batches = ViewedBatches(Blocks(cut_set, "train", Viewer(view, DECALS)), 6, seed=0, epoch=lambda: epoch)
    iterator = iter(batches)
    epoch = 7
    late = next(iterator)[0]
    assert torch.equal(late, next(iter(batches))[0])


@pytest.mark.parametrize(("rows", "limit", "expected"), [(20, 6, [5, 5, 5, 5]), (65, 64, [33, 32]), (64, 64, [64]), (3, 64, [3])])
def test_batches_are_few_and_equal_within_one(rows: int, limit: int, expected: list[int]) -> None:
    assert batch_sizes(rows, limit) == expected
    assert np.sum(batch_sizes(rows, limit)) == rows
