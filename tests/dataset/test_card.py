"""The card: written last, refused when it cannot be trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cards import write_invented_card
from numpy.typing import NDArray

from arcgate.dataset.card import CARD, read_card, receipts_of
from arcgate.dataset.reader import open_dataset
from arcgate.dataset.schema import SCHEMA_VERSION
from arcgate.dataset.shards import shard_path, write_shard
from arcgate.dataset.source import DatasetSource
from arcgate.foreign.opening import check_unchanged, open_source
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS

RowMaker = Callable[..., tuple[pd.DataFrame, NDArray[np.float32], NDArray[np.float32]]]
SetMaker = Callable[..., Path]


def _edited(folder: Path, **changes: Any) -> Path:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))
    return folder


def test_card_says_what_is_in_the_set(make_set: SetMaker) -> None:
    card = read_card(make_set())
    assert card["counts"] == {"train": {"control": 6, "positive": 6}, "test": {"control": 2, "positive": 2}}
    assert card["data"] == {"seed": 1}
    assert card["hosts"] == "invented galaxies"
    assert card["schema_version"] == SCHEMA_VERSION
    assert len(card["data_digest"]) == 64
    assert set(card["libraries"]) == {"numpy", "scipy", "pandas", "pyarrow"}
    assert card["device"]


def test_layout_is_not_in_the_data_digest(make_set: SetMaker) -> None:
    cards = [read_card(make_set("coarse", 6, 1)), read_card(make_set("fine", 2, 3))]
    assert cards[0]["data_digest"] == cards[1]["data_digest"]
    assert cards[0]["shards"] != cards[1]["shards"]


def test_same_sample_in_two_shards_is_refused(tmp_path: Path, make_rows: RowMaker) -> None:
    receipts = [write_shard(shard_path(tmp_path, "train", index), *make_rows(1), DECALS) for index in range(2)]
    with pytest.raises(ArcgateError, match="sample_id 0 occurs more than once"):
        write_invented_card(tmp_path, receipts)
    assert not (tmp_path / CARD).exists()


def test_a_set_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match="at least one shard"):
        write_invented_card(tmp_path, [])


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_folder_without_card_is_not_finished(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArcgateError, match="not a finished data set"):
        read_card(tmp_path / name)


def test_newer_card_names_the_arcgate_that_reads_it(make_set: SetMaker) -> None:
    folder = _edited(make_set(), schema_version=SCHEMA_VERSION + 1, arcgate="9.9", shards="in another form")
    with pytest.raises(ArcgateError, match=rf"(?s)version {SCHEMA_VERSION + 1}.*version {SCHEMA_VERSION} alone.*arcgate 9\.9"):
        read_card(folder)


def test_older_card_says_how_to_rebuild(make_set: SetMaker) -> None:
    folder = _edited(make_set(), schema_version=SCHEMA_VERSION - 1)
    with pytest.raises(
        ArcgateError, match=rf"(?s)schema version {SCHEMA_VERSION - 1}.*build it anew with the command that built it"
    ):
        read_card(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema_version": "1"}', '{"schema_version": true}', '{"schema_version": 0}']
)
def test_damaged_card_is_refused(make_set: SetMaker, text: str) -> None:
    folder = make_set()
    (folder / CARD).write_text(text)
    with pytest.raises(ArcgateError, match="card is damaged"):
        read_card(folder)


def test_missing_keys_are_named(make_set: SetMaker) -> None:
    with pytest.raises(ArcgateError, match="wrong kind: hosts, counts"):
        read_card(_edited(make_set(), hosts=None, counts=3))


@pytest.mark.parametrize("shards", [[], [{}], [{"file": "../../elsewhere.parquet"}]])
def test_damaged_receipts_are_refused(make_set: SetMaker, shards: list[object]) -> None:
    folder = make_set()
    card = read_card(folder) | {"shards": shards}
    with pytest.raises(ArcgateError, match="list of shards"):
        receipts_of(folder, card)


def test_a_shard_outside_the_folder_is_refused(make_set: SetMaker) -> None:
    folder = make_set()
    card = read_card(folder)
    card["shards"][0]["file"] = "../set/train-00000.parquet"
    with pytest.raises(ArcgateError, match="list of shards"):
        receipts_of(folder, card)


def test_a_shard_that_changed_since_the_card_is_named(make_set: SetMaker) -> None:
    folder = make_set()
    source = open_source(folder)
    assert isinstance(source, DatasetSource)
    check_unchanged(source, workers=2)
    shard = source.dataset.shards()[1]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ArcgateError, match=rf"(?s)changed since the card was written.*{shard.name}"):
        check_unchanged(open_source(folder), workers=2)


@pytest.mark.parametrize("imaging", [{}, {"bands": "grz"}, {"bands": ["r"], "reference_band": "g", "size_pix": 64, "more": 1}])
def test_a_card_without_a_sound_imaging_is_damaged(make_set: SetMaker, imaging: dict[str, Any]) -> None:
    with pytest.raises(ArcgateError, match="card is damaged"):
        read_card(_edited(make_set(), imaging=imaging))


def test_a_card_of_other_imaging_than_its_shards_is_noticed(make_set: SetMaker) -> None:
    folder = make_set()
    stated = json.loads((folder / CARD).read_text())["imaging"]
    dataset = open_dataset(_edited(folder, imaging=stated | {"pixel_scale_arcsec": 0.2}))
    with pytest.raises(ArcgateError, match=r"(?s)the shard holds stamps in .*0\.262.*the card says .*0\.2\b"):
        dataset.verify()
