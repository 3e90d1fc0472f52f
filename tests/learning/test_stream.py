"""Order, coverage and memory of the batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from composing import composed
from torch import Tensor

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.learning.augmentation import augmented
from arcgate.learning.batches import Batch
from arcgate.learning.stream import LABELLED_ROLES, Blocks, ViewedBatches, batch_sizes
from arcgate.learning_node import EVERYTHING, Sampling
from arcgate.variant import View
from arcgate.views.view import Viewer

SYMMETRIES = composed("learning=pilot").learning.augmentation
STREAMED = 0  # bytes of memory allowed: every block is read from its shard


@pytest.fixture(scope="module")
def cut_set(make_set: Callable[..., Dataset]) -> Dataset:
    """10 training pairs in 4 shards."""
    return make_set(train=10, pairs_per_shard=3)


def epoch_of(
    dataset: Dataset,
    view: View,
    *,
    epoch: int | None = 0,
    seed: int = 1,
    turned: bool = False,
    sampling: Sampling = EVERYTHING,
    **options: Any,
) -> list[Batch]:
    viewer = Viewer(view, DECALS)
    blocks = {name: options.pop(name) for name in ("budget_bytes",) if name in options}
    rows = Blocks(dataset, "train", viewer, sampling, **blocks)
    batches = ViewedBatches(rows, 6, seed=seed, epoch=epoch, sampling=sampling, **options)
    if turned:
        batches.change = partial(augmented, settings=SYMMETRIES, viewer=viewer, seed=seed, epoch=epoch)
    return list(batches)


def stacked(batches: list[Batch]) -> Tensor:
    return torch.cat([batch.images for batch in batches])


def test_an_epoch_holds_every_labelled_row_once(cut_set: Dataset, view: View) -> None:
    in_order = stacked(epoch_of(cut_set, view, epoch=None))
    assert len(in_order) == 20
    for budget in ({}, {"budget_bytes": STREAMED}):
        shuffled = epoch_of(cut_set, view, **budget)
        assert [len(batch) for batch in shuffled] == [5, 5, 5, 5]
        assert sum(float(batch.labels.sum()) for batch in shuffled) == 10
        sums = [images.sum(dim=(1, 2, 3)).sort().values for images in (stacked(shuffled), in_order)]
        torch.testing.assert_close(*sums, rtol=0, atol=0)


@pytest.mark.parametrize("budget", [{}, {"budget_bytes": STREAMED}])
def test_order_and_augmentation_follow_from_seed_and_epoch_alone(cut_set: Dataset, view: View, budget: dict[str, int]) -> None:
    first = stacked(epoch_of(cut_set, view, epoch=3, turned=True, **budget))
    torch.manual_seed(1234)
    assert torch.equal(stacked(epoch_of(cut_set, view, epoch=3, turned=True, **budget)), first)
    assert not torch.equal(stacked(epoch_of(cut_set, view, epoch=4, turned=True, **budget)), first)
    assert not torch.equal(stacked(epoch_of(cut_set, view, epoch=3, seed=2, turned=True, **budget)), first)
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
    kept = ViewedBatches(Blocks(cut_set, "train", Viewer(view, DECALS), EVERYTHING), 6, seed=0, epoch=0)
    streamed = ViewedBatches(Blocks(cut_set, "train", Viewer(view, DECALS), EVERYTHING, STREAMED), 6, seed=0, epoch=0)
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
    blocks = Blocks(cut_set, "train", Viewer(view, DECALS), EVERYTHING, **budget)
    assert (len(blocks.rows), blocks.unscalable) == (18, (1, 0))
    left = list(ViewedBatches(blocks, 6, seed=1, epoch=0))
    assert [len(batch) for batch in left] == [6, 6, 6]
    assert [int(sum(batch.labels.sum() for batch in batches)) for batches in (whole, left)] == [10, 9]
    monkeypatch.setattr(Viewer, "scalable", lambda self, stamps: torch.zeros(len(stamps.image), dtype=torch.bool))
    with pytest.raises(ArcgateError, match="no pair of the split 'train' can be scaled"):
        Blocks(cut_set, "train", Viewer(view, DECALS), EVERYTHING, **budget)


@pytest.mark.parametrize("budget", [{}, {"budget_bytes": STREAMED}])
def test_members_of_a_pair_come_in_one_batch_where_that_is_asked_for(
    cut_set: Dataset, view: View, budget: dict[str, int]
) -> None:
    batches = epoch_of(cut_set, view, by_pair=True, **budget)
    assert [len(batch) for batch in batches] == [6, 6, 4, 4]
    for batch in batches:
        positive, control = batch.members()
        assert len(positive) == len(batch) // 2
        assert torch.equal(batch.pair[positive], batch.pair[control])
        assert bool((batch.labels[positive] == 1).all() and (batch.labels[control] == 0).all())


def test_an_epoch_ends_where_it_is_told_to(cut_set: Dataset, view: View) -> None:
    whole, short = epoch_of(cut_set, view), epoch_of(cut_set, view, at_most=2)
    assert len(short) == 2
    assert torch.equal(stacked(short), stacked(whole[:2]))


def test_controls_of_positives_reach_an_input_that_shows_them(cut_set: Dataset, view: View) -> None:
    (batch,) = epoch_of(cut_set, replace(view, planes=("stamp", "control")), epoch=None, budget_bytes=2**30)[:1] or [None]
    positive, control = batch.members()
    assert torch.equal(batch.images[control, :3], batch.images[control, 3:])
    assert not torch.equal(batch.images[positive, :3], batch.images[positive, 3:])


@pytest.mark.parametrize(("rows", "limit", "expected"), [(20, 6, [5, 5, 5, 5]), (65, 64, [33, 32]), (64, 64, [64]), (3, 64, [3])])
def test_batches_are_few_and_equal_within_one(rows: int, limit: int, expected: list[int]) -> None:
    assert batch_sizes(rows, limit) == expected
    assert np.sum(batch_sizes(rows, limit)) == rows
