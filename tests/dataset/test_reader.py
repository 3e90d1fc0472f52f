"""Opening, reading, verifying and describing finished data sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arcgate.dataset import Dataset, open_dataset
from arcgate.dataset.card import CARD
from arcgate.dataset.describing import describe
from arcgate.dataset.digests import row_digests
from arcgate.dataset.receipts import file_digest
from arcgate.dataset.schema import Schema, schema_of
from arcgate.dataset.shards import read_shard
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS

SetMaker = Callable[..., Path]


@pytest.fixture
def dataset(make_set: SetMaker) -> Dataset:
    return open_dataset(make_set())


def test_table_of_everything(dataset: Dataset) -> None:
    table = dataset.table()
    assert list(table) == list(schema_of(DECALS).names)
    assert table.index.tolist() == list(range(16))
    assert str(table["label"].dtype) == "Int64"


def test_table_of_a_split_and_roles(dataset: Dataset) -> None:
    table = dataset.table(["sample_id", "split"], split="test", roles=["positive"])
    assert table["sample_id"].tolist() == [20_000, 20_002]
    assert set(table["split"]) == {"test"}


def test_table_without_a_matching_row_keeps_its_columns(dataset: Dataset) -> None:
    table = dataset.table(["sample_id", "label"], split="val")
    assert len(table) == 0
    assert [str(kind) for kind in table.dtypes] == ["int64", "Int64"]


def test_one_batch_a_shard(dataset: Dataset) -> None:
    batches = list(dataset.batches(["sample_id"]))
    assert [len(batch.table) for batch in batches] == [6, 6, 4]
    assert all(batch.image.shape == (len(batch.table), 3, 64, 64) and batch.image.dtype == np.float32 for batch in batches)
    assert all(batch.arc is not None and batch.arc.shape == batch.image.shape for batch in batches)
    ids = [value for batch in batches for value in batch.table["sample_id"]]
    assert ids == dataset.table(["sample_id"])["sample_id"].tolist()


def test_images_are_the_readers_to_change(dataset: Dataset) -> None:
    batch = next(dataset.batches())
    batch.image[0] = 0.0
    assert (next(dataset.batches()).image[0] != 0).any()


def test_batches_in_a_given_order_without_arcs(dataset: Dataset) -> None:
    batches = list(dataset.batches(["sample_id"], split="train", roles=["control"], arcs=False, shard_order=[1, 0]))
    assert [batch.table["sample_id"].tolist() for batch in batches] == [[7, 9, 11], [1, 3, 5]]
    assert all(batch.arc is None for batch in batches)


def test_shards_without_a_wanted_role_are_passed_over(dataset: Dataset) -> None:
    assert list(dataset.batches(roles=["null"])) == []
    assert dataset.shards("train", roles=["null"]) == []
    assert [path.name for path in dataset.shards("train")] == ["train-00000.parquet", "train-00001.parquet"]


@pytest.mark.parametrize("choice", [{"split": "valid"}, {"roles": ["positives"]}, {"roles": "control"}])
def test_unknown_splits_and_roles_are_refused(dataset: Dataset, choice: dict[str, Any]) -> None:
    with pytest.raises(ArcgateError, match=r"no such (split|role)"):
        dataset.table(["sample_id"], **choice)
    with pytest.raises(ArcgateError, match=r"no such (split|role)"):
        next(dataset.batches(**choice))


def test_a_sound_set_verifies_and_may_be_moved(dataset: Dataset, tmp_path: Path) -> None:
    dataset.verify()
    moved = dataset.path.rename(tmp_path / "moved")
    again = open_dataset(str(moved))
    again.verify()
    assert again.data_digest == dataset.data_digest


def test_deleted_shard_is_noticed_at_opening(dataset: Dataset) -> None:
    shard = dataset.shards()[1]
    shard.unlink()
    with pytest.raises(ArcgateError, match="missing") as caught:
        open_dataset(dataset.path)
    assert shard.name in str(caught.value)


def test_changed_size_is_noticed_at_opening(dataset: Dataset) -> None:
    shard = dataset.shards()[0]
    shard.write_bytes(shard.read_bytes()[:-5])
    with pytest.raises(ArcgateError, match="its receipt says") as caught:
        open_dataset(dataset.path)
    assert shard.name in str(caught.value)


def test_flipped_byte_is_noticed_by_verify_and_by_reading(dataset: Dataset) -> None:
    shard = dataset.shards()[1]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1  # inside an image
    shard.write_bytes(content)
    again = open_dataset(dataset.path)
    with pytest.raises(ArcgateError, match="checksum") as caught:
        again.verify()
    assert shard.name in str(caught.value)
    with pytest.raises(ArcgateError, match="corrupt"):
        list(again.batches())


def test_shard_deleted_after_opening_is_noticed_by_verify(dataset: Dataset) -> None:
    dataset.shards()[2].unlink()
    with pytest.raises(ArcgateError, match="missing"):
        dataset.verify()


def test_forged_row_is_named_by_verify(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = read_shard(dataset.shards()[1]).image
    victim_row = 4

    def forged(table: object, image: np.ndarray, arc: np.ndarray, schema: Schema) -> list[bytes]:
        if np.array_equal(image, victim):
            image[victim_row, 0, 0, 0] += 1
        return row_digests(table, image, arc, schema)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr("arcgate.dataset.reader.row_digests", forged)
    with pytest.raises(ArcgateError, match=r"train-00001.parquet, sample_id 10"):
        dataset.verify()


def test_card_that_leaves_out_a_shard_is_noticed_by_verify(dataset: Dataset) -> None:
    card = json.loads((dataset.path / CARD).read_text())
    card["shards"].pop()
    (dataset.path / CARD).write_text(json.dumps(card))
    with pytest.raises(ArcgateError, match="data digest"):
        open_dataset(dataset.path).verify()


def test_checksums_are_those_of_the_files(dataset: Dataset) -> None:
    assert [receipt.sha256 for receipt in dataset.receipts] == [file_digest(path) for path in dataset.shards()]


def test_description_counts_kernels_and_images(dataset: Dataset) -> None:
    table = dataset.table(dataset.schema.names)
    third = np.arange(len(table)) % 3 == 0
    table = table.assign(kernel_declared_g=np.where(third, "a", "b"), kernel_used_r=np.where(third, "a", "c"), source_image=third)
    text = describe(dataset.path, dataset.card, dataset.receipts, table)
    assert "PSFs         3 measured kernels" in text
    assert "sources      2 images of galaxies" in text


def test_description(dataset: Dataset) -> None:
    text = dataset.describe()
    lines = {line[:13].strip(): line for line in text.splitlines() if line[0] != " "}
    assert lines["rows"].split() == ["rows", "train", "test", "all"]
    assert any(line.split() == ["positive", "6", "2", "8"] for line in text.splitlines())
    assert any(line.split() == ["all", "12", "4", "16"] for line in text.splitlines())
    assert "invented galaxies" in lines["hosts"]
    assert lines["galaxies"].split() == ["galaxies", "8"]
    assert dataset.data_digest in lines["data digest"]
    assert "in 3 shards" in lines["size"]
    assert lines["imaging"].endswith("g, r, z (reference r), 64 x 64 pixels of 0.262 arcsec")
    assert "PSFs" not in lines
    assert "sources" not in lines
    radii = dataset.table(["theta_e_arcsec"], roles=["positive"])["theta_e_arcsec"]
    assert lines["theta_E"].split()[1] == f"{radii.min():.3g}"
    ratios = dataset.table(["arc_snr_injected"], roles=["positive"])["arc_snr_injected"]
    assert f"50%: {ratios.median():.3g}" in lines["arc S/N"]
