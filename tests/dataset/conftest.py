"""Small invented data sets that follow the schema."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cards import write_invented_card
from numpy.typing import NDArray

from arcgate.dataset.references import REFERRING
from arcgate.dataset.schema import schema_of
from arcgate.dataset.shards import shard_path, write_shard
from arcgate.imaging import DECALS

Rows = tuple[pd.DataFrame, NDArray[np.float32], NDArray[np.float32]]
RowMaker = Callable[..., Rows]
SetMaker = Callable[..., Path]


def rows_of_pairs(n_pairs: int, first_pair: int = 0, split: str = "train") -> Rows:
    """Positives and their paired controls, adjacent; 2 n_pairs rows of random but valid values, the caller's to change."""
    table, image, arc = _rows_of_pairs(n_pairs, first_pair, split)
    return table.copy(), image.copy(), arc.copy()


@functools.cache
def _rows_of_pairs(n_pairs: int, first_pair: int, split: str) -> Rows:
    tables, images, arcs = [], [], []
    for pair in range(first_pair, first_pair + n_pairs):
        rng = np.random.default_rng(pair)
        host = rng.normal(0.1, 0.02, DECALS.shape).astype(np.float32)
        arc = rng.exponential(0.05, DECALS.shape).astype(np.float32)
        common = {column.name: _value(column.kind, column.name, rng) for column in schema_of(DECALS).columns}
        common |= {"host_id": f"galaxy é {pair}", "pair_id": pair, "split": split, "healpix": None if pair % 3 == 0 else pair}
        positive = {**common, "sample_id": 2 * pair, "role": "positive", "label": 1, "control_kind": None}
        control = {
            **common,
            "sample_id": 2 * pair + 1,
            "role": "control",
            "label": 0,
            "control_kind": "paired",
            "theta_e_arcsec": None,
        }
        tables += [positive, control]
        images += [host + arc, host]
        arcs += [arc, np.zeros_like(arc)]
    table = pd.DataFrame(tables, columns=[column.name for column in schema_of(DECALS).columns])
    for column in schema_of(DECALS).columns:
        if column.kind == "int":
            table[column.name] = table[column.name].astype("Int64" if column.nullable else "int64")
        elif column.kind == "text":
            table[column.name] = table[column.name].astype("str")
    return table, np.stack(images), np.stack(arcs)


def _value(kind: str, name: str, rng: np.random.Generator) -> object:
    """Any; rows name neither kernels nor images, of which there are none."""
    if kind == "int":
        return int(rng.integers(1, 1000))
    if kind == "float":
        return float(rng.uniform(0.5, 2.5))
    return None if name.startswith(REFERRING) else f"text of {name}"


@pytest.fixture
def make_rows() -> RowMaker:
    return rows_of_pairs


@pytest.fixture
def make_set(tmp_path: Path) -> SetMaker:
    """Writes a data set of train and test shards into a folder and returns the folder."""

    def make(name: str = "set", pairs_per_shard: int = 3, shards: int = 2) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        receipts = []
        for index in range(shards):
            train = rows_of_pairs(pairs_per_shard, first_pair=index * pairs_per_shard)
            receipts.append(write_shard(shard_path(folder, "train", index), *train, DECALS))
        receipts.append(write_shard(shard_path(folder, "test", 0), *rows_of_pairs(2, first_pair=10_000, split="test"), DECALS))
        write_invented_card(folder, receipts, {"seed": 1})
        return folder

    return make
