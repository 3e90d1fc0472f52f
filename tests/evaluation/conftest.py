"""A small test set of noise with known lenses, and an untrained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from cards import write_invented_card
from composing import composed

from arcgate.dataset import Dataset, open_dataset
from arcgate.dataset.references import REFERRING
from arcgate.dataset.schema import schema_of
from arcgate.dataset.shards import shard_path, write_shard
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS
from arcgate.learning.module import LensFinder
from arcgate.variant import View

_ROLES = {"positive": 1, "control": 0, "null": None, "unlensed": None, "ring": None, "shuffled": None}
_JUDGED = tuple(_ROLES)[:3]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # Several threads only get in each other's way on stamps as few as these.
    torch.set_num_threads(1)


def _row(pair: int, role: str) -> dict[str, object]:
    plain = {"int": 1, "float": 1.0, "text": "text"}
    row = {column.name: None if column.name.startswith(REFERRING) else plain[column.kind] for column in schema_of(DECALS).columns}
    row |= {
        "sample_id": 3 * pair + list(_ROLES).index(role) + (0 if role in _JUDGED else 100_000),
        "pair_id": pair,
        "role": role,
        "label": _ROLES[role],
        "split": "test",
    }
    # Two pairs a galaxy, each with a place of its own, a degree from the next.
    row |= {"host_id": f"galaxy {pair // 2}", "ra": pair // 2, "dec": 0.0, "host_x_pix": 31.0, "host_y_pix": 32.0}
    lens = {"theta_e_arcsec": 0.5 + 0.25 * (pair % 9), "arc_snr": 3.0 * 2.0 ** (pair % 7), "arc_snr_injected": 2.0}
    return row | (dict.fromkeys(lens) if role == "control" else lens)


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., Dataset]:
    """Makes a test set of noise: pairs of stamps in two shards."""

    def make(
        pairs: int = 20,
        first: int = 0,
        roles: tuple[str, ...] = _JUDGED,
        flat: tuple[int, ...] = (),
        split: str | tuple[str, str] = "test",
        same: tuple[int, ...] = (),
        lit: float = 0.0,
        **columns: str | float,
    ) -> Dataset:
        folder = tmp_path / f"set-{first}-{pairs}-{len(roles)}-{split}-{lit}-{'-'.join(columns)}-{len(same)}"
        folder.mkdir()
        splits = (split, split) if isinstance(split, str) else split
        receipts = []
        for index, chosen in enumerate(np.array_split(np.arange(first, first + pairs)[::-1], 2)):
            rows = [_row(int(pair), role) for pair in chosen for role in roles]
            image = np.random.default_rng((first, index)).normal(size=(len(rows), *DECALS.shape)).astype(np.float32)
            arc = np.zeros_like(image)
            arc[[row["role"] == "positive" for row in rows], :, 20:24, 20:30] = lit
            image += arc
            image[[row["sample_id"] in flat for row in rows]] = 0.25
            # The pixels of these are the same in every set.
            image[[row["sample_id"] - 3 * first in same for row in rows]] = np.linspace(0.0, 1.0, 64, dtype=np.float32)
            kinds = {
                column.name: "Int64" if column.nullable else "int64"
                for column in schema_of(DECALS).columns
                if column.kind == "int"
            }
            floats = {column.name: "float64" for column in schema_of(DECALS).columns if column.kind == "float"}
            table = pd.DataFrame(rows, columns=[column.name for column in schema_of(DECALS).columns]).astype(kinds | floats)
            table = table.assign(split=splits[index], **columns)
            receipts.append(write_shard(shard_path(folder, splits[index], index), table, image, arc, DECALS))
        write_invented_card(folder, receipts)
        return open_dataset(folder)

    return make


@pytest.fixture
def view() -> View:
    return View(("stamp",), "annulus_robust", 0.625, "asinh", {"g": 0.01, "r": 0.01, "z": 0.01})


@pytest.fixture
def checkpoint(tmp_path: Path, view: View) -> Path:
    """Random weights, as training leaves them."""
    learning = replace(composed("learning=pilot").learning, epochs=1, batch_size=8, lr=1e-3, seed=3)
    settings = {"learning": as_plain(learning), "view": as_plain(view), "imaging": as_plain(DECALS), "data_digest": ""}
    finder = LensFinder(settings, 1)
    torch.save({"state_dict": finder.state_dict(), "hyper_parameters": dict(finder.hparams)}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"
