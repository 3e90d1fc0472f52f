"""Shards: what is written is read back, and what is damaged is noticed."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from arcgate.dataset.digests import row_digests
from arcgate.dataset.receipts import receipt_path
from arcgate.dataset.schema import IMAGE_COLUMNS, schema_of
from arcgate.dataset.shard_reading import shard_imaging
from arcgate.dataset.shards import finished, read_shard, read_table, shard_path, write_shard
from arcgate.ground import atomic
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging

RowMaker = Callable[..., tuple[pd.DataFrame, NDArray[np.float32], NDArray[np.float32]]]


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    return shard_path(tmp_path, "train", 7)


def test_round_trip_is_bit_equal(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(110)  # more than one row group
    image[3, 1, 5, 6], image[4, 0, 0, 0] = np.float32(-0.0), np.float32(1e-40)
    receipt = write_shard(shard, table, image, arc, DECALS)
    batch = read_shard(shard)
    assert batch.arc is not None
    assert batch.image.tobytes() == image.tobytes()
    assert batch.arc.tobytes() == arc.tobytes()
    pd.testing.assert_frame_equal(batch.table, table, check_dtype=False)
    assert row_digests(batch.table, batch.image, batch.arc, schema_of(DECALS)) == row_digests(
        table, image, arc, schema_of(DECALS)
    )
    assert (receipt.file, receipt.split, receipt.rows, receipt.roles) == (
        "train-00007.parquet",
        "train",
        220,
        {"control": 110, "positive": 110},
    )


def test_an_arc_of_no_light_takes_no_bytes(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(101)
    arc[table["role"] == "control"] = 0.0
    arc[:2] = 0.0  # a pair that the positive's light missed as well
    arc[3, 2, 63, 63] = np.float32(-0.0)  # zero by value, and not in every bit
    arc[200:] = 0.0  # a whole row group
    receipt = write_shard(shard, table, image, arc, DECALS)
    stored = pq.read_table(shard, columns=["arc"]).column(0)
    assert stored.is_null().to_pylist() == [not row.tobytes().strip(b"\0") for row in arc]
    light = 202 - stored.null_count
    assert receipt.bytes < (202 + light + 1) * schema_of(DECALS).image_bytes + 202 * 2000
    batch = read_shard(shard)
    assert batch.arc is not None
    assert batch.arc.tobytes() == arc.tobytes()
    assert row_digests(batch.table, batch.image, batch.arc, schema_of(DECALS)) == row_digests(
        table, image, arc, schema_of(DECALS)
    )


def test_control_plus_arc_is_the_stamp_after_reading(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(3), DECALS)
    batch = read_shard(shard, ["role"])
    assert batch.arc is not None
    positive = (batch.table["role"] == "positive").to_numpy()
    rebuilt = (batch.image[~positive] + batch.arc[positive]).astype(np.float32)
    np.testing.assert_array_equal(rebuilt, batch.image[positive])


def test_types_of_columns_read(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(2), DECALS)
    table = read_table(shard, ["label", "sample_id", "theta_e_arcsec", "healpix"])
    assert list(table) == ["label", "sample_id", "theta_e_arcsec", "healpix"]
    assert [str(kind) for kind in table.dtypes] == ["Int64", "int64", "float64", "Int64"]
    assert table["theta_e_arcsec"].isna().tolist() == [False, True, False, True]
    assert table["healpix"].isna().tolist() == [True, True, False, False]


@pytest.mark.parametrize("arcs", [True, False])
def test_roles_select_rows_and_images(shard: Path, make_rows: RowMaker, arcs: bool) -> None:
    table, image, arc = make_rows(110)
    write_shard(shard, table, image, arc, DECALS)
    batch = read_shard(shard, ["sample_id"], roles=["control"], arcs=arcs)
    wanted = (table["role"] == "control").to_numpy()
    assert batch.table["sample_id"].tolist() == table["sample_id"][wanted].tolist()
    np.testing.assert_array_equal(batch.image, image[wanted])
    assert (batch.arc is not None) == arcs


def test_row_groups_without_a_wanted_role_are_passed_over(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(205)
    late = np.arange(410) >= 404
    table.loc[late, "role"] = "null"
    write_shard(shard, table, image, arc, DECALS)
    np.testing.assert_array_equal(read_shard(shard, roles=["null"]).image, image[late])


def test_file_layout(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(110), DECALS)
    footer = pq.read_metadata(shard)
    assert [footer.row_group(group).num_rows for group in range(footer.num_row_groups)] == [200, 20]
    columns = [footer.row_group(0).column(position) for position in range(footer.num_columns)]
    assert {column.compression for column in columns} == {"UNCOMPRESSED"}
    assert not any(column.has_dictionary_page for column in columns)
    assert [column.path_in_schema for column in columns if not column.is_stats_set] == ["row_digest", *IMAGE_COLUMNS]


def test_same_rows_give_the_same_file(tmp_path: Path, make_rows: RowMaker) -> None:
    first, second = (write_shard(shard_path(tmp_path, "train", index), *make_rows(2), DECALS) for index in range(2))
    assert first.sha256 == second.sha256


def test_unknown_column_is_refused(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    with pytest.raises(ArcgateError, match=r"no such columns: \['theta_e'\]"):
        read_table(shard, ["theta_e"])


# --- rows that break the contract


@pytest.mark.parametrize("which", ["image", "arc"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_refused(shard: Path, make_rows: RowMaker, which: str, value: float) -> None:
    table, image, arc = make_rows(2)
    (image if which == "image" else arc)[2, 1, 30, 30] = value
    with pytest.raises(ArcgateError, match=f"{which} of sample_id 2 is not finite"):
        write_shard(shard, table, image, arc, DECALS)
    assert list(shard.parent.iterdir()) == []


def test_infinite_numbers_are_refused(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(2)
    table.loc[1, "host_mag_r"] = np.inf
    with pytest.raises(ArcgateError, match="host_mag_r of sample_id 1 is not finite"):
        write_shard(shard, table, image, arc, DECALS)


def test_one_split_a_shard(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(2)
    table.loc[2:, "split"] = "test"
    with pytest.raises(ArcgateError, match=r"one split, not \['test', 'train'\]"):
        write_shard(shard, table, image, arc, DECALS)


@pytest.mark.parametrize(("name", "value"), [("role", "decoy"), ("split", "valid")])
def test_unknown_roles_and_splits_are_refused(shard: Path, make_rows: RowMaker, name: str, value: str) -> None:
    table, image, arc = make_rows(1)
    table[name] = value
    with pytest.raises(ArcgateError, match=rf"unknown {name} \['{value}'\]"):
        write_shard(shard, table, image, arc, DECALS)


def test_damaged_footer_is_noticed(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    content = bytearray(shard.read_bytes())
    content[content.index(b"psfsize_z")] ^= 0x80  # no longer text
    shard.write_bytes(content)
    with pytest.raises(ArcgateError, match="corrupt or truncated"):
        read_shard(shard)


def test_pairs_are_adjacent(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(2)
    with pytest.raises(ArcgateError, match="adjacent"):
        write_shard(shard, table.iloc[[0, 2, 1, 3]], image, arc, DECALS)


def test_sample_ids_are_unique(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(2)
    table["sample_id"] = 5
    with pytest.raises(ArcgateError, match="sample_id occurs more than once"):
        write_shard(shard, table, image, arc, DECALS)


def test_a_shard_is_not_empty(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(1)
    with pytest.raises(ArcgateError, match="at least one row"):
        write_shard(shard, table.iloc[:0], image[:0], arc[:0], DECALS)


def test_full_disk_leaves_nothing_behind(shard: Path, make_rows: RowMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_flush", full)
    with pytest.raises(ArcgateError, match="No space left on device"):
        write_shard(shard, *make_rows(1), DECALS)
    assert list(shard.parent.iterdir()) == []


# --- resuming


def test_finished_returns_the_receipt(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(2)
    receipt = write_shard(shard, table, image, arc, DECALS)
    assert finished(shard) == receipt
    assert finished(shard, table["sample_id"]) == receipt
    assert json.loads(receipt_path(shard).read_text()) == dataclasses.asdict(receipt)


def test_shard_with_other_rows_than_planned_is_unfinished(shard: Path, make_rows: RowMaker) -> None:
    table, image, arc = make_rows(2)
    write_shard(shard, table, image, arc, DECALS)
    assert finished(shard, table["sample_id"].iloc[:2]) is None


def test_killed_between_shard_and_receipt_is_unfinished(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    receipt_path(shard).unlink()
    assert finished(shard) is None


def test_killed_while_rewriting_is_unfinished_unless_the_file_is_the_same(
    shard: Path, make_rows: RowMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = write_shard(shard, *make_rows(1), DECALS)
    table, image, arc = make_rows(1)

    def killed(path: Path, content: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("arcgate.dataset.shards.write_json", killed)
    # Of two attempts at one shard the second may end anywhere, and what the first has finished stays so.
    with pytest.raises(KeyboardInterrupt):
        write_shard(shard, table, image, arc, DECALS)
    assert finished(shard) == receipt
    image[0, 0, 0, 0] += 1.0
    with pytest.raises(KeyboardInterrupt):
        write_shard(shard, table, image, arc, DECALS)
    assert shard.exists()
    assert finished(shard) is None


def test_two_attempts_at_one_shard_at_once_are_one(shard: Path, make_rows: RowMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = make_rows(2)
    receipts = []
    replace = os.replace

    def overtaken(source: Path, target: Path) -> None:
        """While the first attempt gives its file the name, the second does all that there is to do."""
        monkeypatch.setattr("arcgate.ground.atomic.os.replace", replace)
        receipts.append(write_shard(shard, *rows, DECALS))
        replace(source, target)

    monkeypatch.setattr("arcgate.ground.atomic.os.replace", overtaken)
    receipts.append(write_shard(shard, *rows, DECALS))
    assert receipts[0] == receipts[1] == finished(shard)
    assert sorted(path.name for path in shard.parent.iterdir()) == sorted([shard.name, receipt_path(shard).name])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"file": "train-00007.parquet"}', "\xff"])
def test_damaged_receipt_is_unfinished(shard: Path, make_rows: RowMaker, text: str) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    receipt_path(shard).write_text(text, encoding="latin-1")
    assert finished(shard) is None


def test_receipt_without_shard_or_of_another_size_is_unfinished(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    shard.write_bytes(shard.read_bytes()[:-1])
    assert finished(shard) is None
    shard.unlink()
    assert finished(shard) is None


# --- damage


@pytest.mark.parametrize("column", ["image", "arc", "theta_e_arcsec", "host_id"])
def test_flipped_byte_in_a_page_is_noticed(shard: Path, make_rows: RowMaker, column: str) -> None:
    write_shard(shard, *make_rows(2), DECALS)
    position = pq.read_schema(shard).names.index(column)
    chunk = pq.read_metadata(shard).row_group(0).column(position)
    content = bytearray(shard.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size - 3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ArcgateError, match="corrupt or truncated") as caught:
        read_shard(shard)
    assert str(shard) in str(caught.value)
    assert "delete the shard and run again" in str(caught.value)


@pytest.mark.parametrize("keep", [0, 100, -1, -1000])
def test_truncated_shard_is_noticed(shard: Path, make_rows: RowMaker, keep: int) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    shard.write_bytes(shard.read_bytes()[:keep])
    with pytest.raises(ArcgateError, match="corrupt or truncated"):
        read_shard(shard)


def test_missing_shard_is_named(shard: Path) -> None:
    with pytest.raises(ArcgateError, match="shard is missing") as caught:
        read_table(shard)
    assert str(shard) in str(caught.value)


def test_file_with_other_columns_is_refused(shard: Path) -> None:
    pq.write_table(pa.table({schema_of(DECALS).names[0]: [1, 2]}), shard)
    with pytest.raises(ArcgateError, match="columns are not those of this version"):
        read_shard(shard)


OTHER_SCALE = json.dumps(dataclasses.asdict(replace(DECALS, pixel_scale_arcsec=0.1)), sort_keys=True)
OTHER_BANDS = json.dumps(dataclasses.asdict(replace(DECALS, bands=("g", "r", "i"))), sort_keys=True)


@pytest.mark.parametrize("stated", ["[]", "{", "{}", '{"bands": 3}', "", OTHER_BANDS])
def test_a_shard_that_states_no_imaging_or_another_is_refused(shard: Path, make_rows: RowMaker, stated: str) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    stored = pq.read_table(shard)
    assert b"arcgate.imaging" in stored.schema.metadata
    pq.write_table(stored.replace_schema_metadata(stored.schema.metadata | {b"arcgate.imaging": stated.encode()}), shard)
    with pytest.raises(ArcgateError, match="columns are not those of this version"):
        read_shard(shard)


def test_the_imaging_that_a_shard_states_is_the_one_that_counts(shard: Path, make_rows: RowMaker) -> None:
    write_shard(shard, *make_rows(1), DECALS)
    stored = pq.read_table(shard)
    pq.write_table(stored.replace_schema_metadata(stored.schema.metadata | {b"arcgate.imaging": OTHER_SCALE.encode()}), shard)
    assert shard_imaging(shard) == replace(DECALS, pixel_scale_arcsec=0.1)


@pytest.mark.parametrize("imaging", [Imaging(("vis",), "vis", 200, 0.1), Imaging(tuple("ugrizy"), "r", 33, 0.2)])
def test_shards_of_other_imaging_come_back_as_they_were(shard: Path, make_rows: RowMaker, imaging: Imaging) -> None:
    schema, rng = schema_of(imaging), np.random.default_rng(3)
    old, *_ = make_rows(3)
    kept = {name: old[name] for name in schema.names if name in old}
    new = [column for column in schema.columns if column.name not in old]
    added = {column.name: rng.uniform(1.0, 2.0, 6) if column.kind == "float" else [None, "kernel"] * 3 for column in new}
    table = pd.DataFrame(kept | added)
    image, arc = rng.normal(size=(2, 6, *imaging.shape)).astype(np.float32)
    arc[table["role"] == "control"] = 0.0
    write_shard(shard, table, image, arc, imaging)
    batch = read_shard(shard)
    assert batch.arc is not None
    assert (batch.image.tobytes(), batch.arc.tobytes()) == (image.tobytes(), arc.tobytes())
    assert list(batch.table.columns) == list(schema.names)
    assert {f"sky_sigma_{band}" for band in imaging.bands} <= set(batch.table.columns)
    assert row_digests(batch.table, batch.image, batch.arc, schema) == row_digests(table, image, arc, schema)
    with pytest.raises(ArcgateError, match=r"float32 of shape \(6, "):
        write_shard(shard, table, image[:, :, 1:, 1:], arc[:, :, 1:, 1:], imaging)
