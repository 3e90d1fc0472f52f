"""Writing stamp shards: one Parquet file and its receipt, both atomic, the receipt last."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.dataset.digests import ROW_DIGEST, CanonicalColumn, Pixels, Table, canonical_columns, check_pixels, digest_canonical
from arcgate.dataset.receipts import Receipt, file_digest, finished, ids_digest, receipt_path
from arcgate.dataset.schema import ROLES, SCHEMA_VERSION, SPLITS, Schema, schema_of
from arcgate.dataset.shard_reading import StampBatch, read_shard, read_table
from arcgate.ground.atomic import atomically, write_json
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

__all__ = ["Receipt", "StampBatch", "begun", "finished", "read_shard", "read_table", "shard_path", "write_shard"]

ROW_GROUP = 200


def shard_path(folder: Path, split: str, index: int) -> Path:
    """File of a shard: `<split>-<index>.parquet` in the data set's folder."""
    return folder / f"{split}-{index:05d}.parquet"


def begun(folder: Path) -> bool:
    """Whether a data set's folder holds a shard."""
    return any(folder.glob("*-*.parquet"))


def write_shard(path: Path, table: Table, image: Pixels, arc: Pixels, imaging: Imaging) -> Receipt:
    """Write one finished shard.

    Parameters
    ----------
    path : Path
        File to write; its folder must exist. An earlier shard of that name is replaced.
    table : DataFrame or mapping of arrays, n rows
        All columns of the schema. One split; members of a pair adjacent.
    image, arc : ndarray of float32, shape (n, band, y, x)
        Stamp, and the light as added to it (0 on controls, and then stored as null), nanomaggies per pixel.
    imaging : Imaging
        Bands and pixels; the shard states them.

    Returns
    -------
    Receipt

    Raises
    ------
    ArcgateError
        For rows that break the contract (naming the sample_id), or a disk that refuses.
    """
    schema = schema_of(imaging)
    columns = canonical_columns(table, schema)
    named = {item.column.name: item for item in columns}
    _check_rows(named)
    _check_finite(columns, {"image": image, "arc": arc}, schema)
    arrow = _arrow_table(columns, digest_canonical(columns, image, arc, schema), image, arc, schema)
    with atomically(path) as temporary:
        _write_parquet(arrow, temporary, schema)
        receipt = _receipt(path, temporary, named)
        # An old receipt must not vouch for another file. That of the same file stays: of two attempts at one shard the second
        # changes nothing, wherever it ends.
        if finished(path) != receipt:
            receipt_path(path).unlink(missing_ok=True)
    write_json(receipt_path(path), dataclasses.asdict(receipt))
    return receipt


def _check_rows(columns: dict[str, CanonicalColumn]) -> None:
    ids = columns["sample_id"].values
    if len(ids) == 0:
        raise ArcgateError("a shard needs at least one row")
    if len(np.unique(ids)) != len(ids):
        raise ArcgateError("a sample_id occurs more than once in the shard", where="column sample_id")
    for name, known in (("role", ROLES), ("split", SPLITS)):
        strangers = sorted(set(columns[name].values) - set(known))
        if strangers:
            raise ArcgateError(f"unknown {name} {strangers}; the known ones are {list(known)}", where=f"column {name}")
    splits = sorted(set(columns["split"].values))
    if len(splits) != 1:
        raise ArcgateError(f"a shard holds one split, not {splits}", where="column split")
    pairs = columns["pair_id"].values
    if 1 + np.count_nonzero(pairs[1:] != pairs[:-1]) != len(np.unique(pairs)):
        raise ArcgateError(
            "members of a pair must be adjacent", where="column pair_id", todo="order the rows by pair before writing"
        )


def _check_finite(columns: Sequence[CanonicalColumn], pixels: dict[str, Pixels], schema: Schema) -> None:
    ids = columns[0].values
    finite = {item.column.name: np.isfinite(item.values) for item in columns if item.column.kind == "float"}
    for name, block in pixels.items():
        check_pixels(name, block, len(ids), schema)
        finite[name] = np.isfinite(block).all(axis=(1, 2, 3))
    for name, good in finite.items():
        if not good.all():
            first = ids[np.argmin(good)]
            raise ArcgateError(
                f"{name} of sample_id {first} is not finite",
                where=f"column {name}",
                todo="leave this host out of the survey, or repair its cutout",
            )


def _arrow_table(
    columns: Sequence[CanonicalColumn], digests: list[bytes], image: Pixels, arc: Pixels, schema: Schema
) -> pa.Table:
    field = schema.arrow.field
    arrays = [pa.array(item.values, type=field(item.column.name).type, mask=item.null) for item in columns]
    arrays.append(pa.array(digests, type=field(ROW_DIGEST).type))
    arrays += [_fixed_size(image, None), _fixed_size(arc, _dark(arc))]
    return pa.Table.from_arrays(arrays, schema=schema.arrow)


def _dark(arc: Pixels) -> NDArray[np.bool_]:
    """Rows whose arc is zero in every bit: controls and null rows, half of the bytes of a data set if they were written out."""
    bits = np.ascontiguousarray(arc).view(np.uint32).reshape(len(arc), -1)
    return np.asarray(~bits.any(axis=1), dtype=np.bool_)


def _fixed_size(block: Pixels, null: NDArray[np.bool_] | None) -> pa.FixedSizeBinaryArray:
    data = pa.py_buffer(np.ascontiguousarray(block, dtype="<f4"))
    valid = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(block[0].nbytes), len(block), [valid, data])


def _write_parquet(arrow: pa.Table, path: Path, schema: Schema) -> None:
    pq.write_table(
        arrow,
        path,
        row_group_size=ROW_GROUP,
        compression="none",
        use_dictionary=False,
        write_statistics=list(schema.names),  # the smallest and largest image of a row group would only fill the footer
        write_page_checksum=True,
    )


def _receipt(path: Path, written: Path, columns: dict[str, CanonicalColumn]) -> Receipt:
    ids = [int(value) for value in columns["sample_id"].values]
    return Receipt(
        file=path.name,
        split=str(columns["split"].values[0]),
        rows=len(ids),
        bytes=written.stat().st_size,
        sha256=file_digest(written),
        ids_digest=ids_digest(ids),
        first_sample_id=ids[0],
        roles=dict(sorted(Counter(map(str, columns["role"].values)).items())),
        schema_version=SCHEMA_VERSION,
    )
