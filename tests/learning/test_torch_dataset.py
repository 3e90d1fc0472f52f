"""The data set for torch: the rows of the shards, with or without a view, whatever the order in which they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import arcgate
from arcgate.dataset import Dataset
from arcgate.imaging import DECALS
from arcgate.variant import View
from arcgate.views.arrays import ArrayViewer


@pytest.fixture(scope="module")
def cut_set(make_set: Callable[..., Dataset]) -> Dataset:
    """10 training pairs in 4 shards."""
    return make_set(train=10, pairs_per_shard=3)


def test_rows_are_those_of_the_shards(cut_set: Dataset) -> None:
    rows = arcgate.StampDataset(cut_set.path, "train")
    batches = list(cut_set.batches(["sample_id", "label"], "train", ("positive", "control"), arcs=False))
    ids, images = (np.concatenate(part) for part in zip(*((b.table["sample_id"], b.image) for b in batches), strict=True))
    assert len(rows) == 20
    for number in (0, 19, 7, 3, 12, -1):
        row = rows[number]
        assert row["sample_id"] == ids[number]
        assert torch.equal(row["image"], torch.from_numpy(images[number]))
    with pytest.raises(IndexError):
        rows[20]


def test_a_view_and_a_transform_are_applied_and_torchs_loader_takes_it(cut_set: Dataset, view: View) -> None:
    rows = arcgate.StampDataset(cut_set.path, "train", view, transform=lambda image: -image)
    loaded = list(DataLoader(rows, batch_size=6))
    assert [len(batch["label"]) for batch in loaded] == [6, 6, 6, 2]
    (first, *_) = cut_set.batches(None, "train", ("positive", "control"), arcs=False)
    x, y = (first.table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
    np.testing.assert_array_equal(loaded[0]["image"].numpy(), -ArrayViewer(view, DECALS)(first.image, x, y))
    assert loaded[0]["label"].tolist() == first.table["label"].tolist()
