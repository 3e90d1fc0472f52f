"""Data sets with a planted defect: every shard read, changed and written again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cards import write_invented_card

from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.shards import write_shard
from arcgate.imaging import DECALS

Change = Callable[[pd.DataFrame, np.ndarray], tuple[pd.DataFrame, np.ndarray]]


@pytest.fixture
def rewritten(tmp_path: Path) -> Callable[[Dataset, Change], Dataset]:
    """Copy a data set with its rows and stamps changed; arcs stay as they are."""

    def make(dataset: Dataset, change: Change) -> Dataset:
        receipts = []
        for path, batch in zip(dataset.shards(), dataset.batches(), strict=True):
            table, image = change(batch.table.copy(), batch.image.copy())
            receipts.append(write_shard(tmp_path / path.name, table, image, batch.arc, DECALS))
        write_invented_card(tmp_path, receipts, dataset.card["data"])
        return open_dataset(tmp_path)

    return make


def first_batch(dataset: Dataset) -> StampBatch:
    """The first shard's rows."""
    return next(dataset.batches())
