"""Small invented data sets to train on: blobs, and blobs with a ring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from cards import write_invented_card
from composing import composed
from numpy.typing import NDArray

from arcgate.dataset import Dataset, open_dataset
from arcgate.dataset.references import REFERRING
from arcgate.dataset.schema import schema_of
from arcgate.dataset.shards import shard_path, write_shard
from arcgate.imaging import DECALS
from arcgate.learning_node import Learning
from arcgate.variant import View

SetMaker = Callable[..., Dataset]
Images = NDArray[np.float32]
_ROLES = {"positive": 1, "control": 0, "null": None}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # Several threads only get in each other's way on stamps as few as these.
    torch.set_num_threads(1)


def _rows(pair: int, split: str, roles: tuple[str, ...]) -> tuple[list[dict[str, object]], list[Images]]:
    rng = np.random.default_rng(pair)
    y, x = np.mgrid[: DECALS.size_pix, : DECALS.size_pix] - 31.5
    radius = np.hypot(x, y)
    blob = rng.uniform(0.2, 0.5) * np.exp(-radius / 3.0)
    host = (blob + 0.01 * rng.normal(size=(3, DECALS.size_pix, DECALS.size_pix))).astype(np.float32)
    ring = (0.3 * np.exp(-0.5 * (radius - rng.uniform(6, 9)) ** 2)).astype(np.float32)
    plain = {"int": 1, "float": 1.0, "text": "text"}
    common = {
        column.name: None if column.name.startswith(REFERRING) else plain[column.kind] for column in schema_of(DECALS).columns
    }
    common |= {"host_id": f"galaxy {pair}", "pair_id": pair, "split": split, "host_x_pix": 31.5, "host_y_pix": 31.5}
    kinds = {"control": "paired"}
    rows = [
        common | {"sample_id": 3 * pair + k, "role": role, "label": _ROLES[role], "control_kind": kinds.get(role)}
        for k, role in enumerate(roles)
    ]
    return rows, [host + ring if role == "positive" else host for role in roles]


def _table(rows: list[dict[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[column.name for column in schema_of(DECALS).columns])
    kinds = {column.name: "Int64" if column.nullable else "int64" for column in schema_of(DECALS).columns if column.kind == "int"}
    return table.astype(kinds)


@pytest.fixture(scope="session")
def make_set(tmp_path_factory: pytest.TempPathFactory) -> SetMaker:
    """Makes a data set of given pairs by split, cut into shards of `pairs_per_shard`."""

    def make(
        train: int = 12,
        val: int = 8,
        test: int = 0,
        *,
        pairs_per_shard: int = 100,
        roles: tuple[str, ...] = ("positive", "control", "null"),
    ) -> Dataset:
        folder = tmp_path_factory.mktemp("set")
        receipts = []
        for split, first, count in (("train", 0, train), ("val", 1000, val), ("test", 2000, test)):
            for index, start in enumerate(range(first, first + count, pairs_per_shard)):
                pairs = [_rows(pair, split, roles) for pair in range(start, min(start + pairs_per_shard, first + count))]
                image = np.stack([image for _, images in pairs for image in images])
                table = _table([row for rows, _ in pairs for row in rows])
                receipts.append(write_shard(shard_path(folder, split, index), table, image, np.zeros_like(image), DECALS))
        write_invented_card(folder, receipts)
        return open_dataset(folder)

    return make


@pytest.fixture(scope="session")
def dataset(make_set: SetMaker) -> Dataset:
    """12 pairs to train on and 8 to validate on, with null rows that must not be used."""
    return make_set()


@pytest.fixture
def view() -> View:
    return View(("stamp",), "annulus_robust", 0.625, "asinh", {"g": 0.01, "r": 0.01, "z": 0.01})


@pytest.fixture
def learning() -> Learning:
    return replace(composed("learning=pilot").learning, epochs=4, batch_size=8, lr=1e-3, seed=3)
