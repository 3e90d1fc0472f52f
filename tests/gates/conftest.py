"""Data sets with a planted defect, every shard read, changed and written again; and small sets as the gates on rings see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cards import write_invented_card
from composing import Compose
from judging import Results, shards_in
from ring_gates import AllKept, all_kept, results
from threadpoolctl import threadpool_limits

from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.shards import write_shard
from arcgate.gates.core.shard import Shard
from arcgate.imaging import DECALS

Change = Callable[[pd.DataFrame, np.ndarray], tuple[pd.DataFrame, np.ndarray]]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the battery judges: on a busy machine several threads are slower for matrices this small."""
    with threadpool_limits(1):
        yield


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


@pytest.fixture(scope="module")
def ring_shards(small: Compose, built: Callable[..., Dataset]) -> Callable[..., list[Shard]]:
    """The shards of a variant, read once."""
    return cache(lambda *overrides: shards_in(built(*overrides), small(*overrides)))


@pytest.fixture(scope="module")
def ring_kept(ring_shards: Callable[..., list[Shard]]) -> Callable[..., AllKept]:
    """What every gate on rings keeps of a variant, measured once."""
    return cache(lambda *overrides: all_kept(ring_shards(*overrides)))


@pytest.fixture(scope="module")
def ring_judged(ring_shards: Callable[..., list[Shard]], ring_kept: Callable[..., AllKept]) -> Callable[..., Results]:
    """Their results by name and view, judged once."""
    return cache(lambda *overrides: results(ring_kept(*overrides), ring_shards(*overrides)[0].context))
