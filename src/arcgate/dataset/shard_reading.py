"""Reading stamp shards: page checksums on, images straight into one array."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.dataset.digests import ROW_DIGEST, Pixels
from arcgate.dataset.schema import Column, Schema, stated_schema
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

REBUILD = "delete the shard and run again; it is rebuilt"


@dataclass(frozen=True, eq=False)
class StampBatch:
    """Rows of one shard.

    Attributes
    ----------
    table : DataFrame, n rows
        The scalar columns that were asked for; index 0 to n - 1.
    image : ndarray of float32, shape (n, band, y, x)
        Stamps, nanomaggies per pixel.
    arc : ndarray of float32, shape (n, band, y, x), or None
        Light as added, nanomaggies per pixel; None when it was not asked for.
    """

    table: pd.DataFrame
    image: Pixels
    arc: Pixels | None


def whole_pairs(table: pd.DataFrame, spoiled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows (n,) of pairs none of whose rows in the table is spoiled."""
    whole: NDArray[np.bool_] = ~table["pair_id"].isin(table.loc[spoiled, "pair_id"]).to_numpy(bool)
    return whole


def read_table(path: Path, columns: Sequence[str] | None = None, roles: Collection[str] | None = None) -> pd.DataFrame:
    """Scalar columns of a shard.

    Parameters
    ----------
    path : Path
        The shard.
    columns : sequence of str, optional
        Columns of the schema, or `row_digest`; all columns of the schema by default.
    roles : collection of str, optional
        Only rows of these roles.

    Returns
    -------
    DataFrame
        int64 (Int64 where null is allowed), float64 (NaN for null) and text, in the order asked for; index from 0.

    Raises
    ------
    ArcgateError
        For an unknown column, or a missing, truncated or corrupt shard.
    """
    with _opened(path) as (file, schema):
        return _scalars(file, schema, _checked_names(columns, schema), _kept(file, roles))


def read_shard(
    path: Path, columns: Sequence[str] | None = None, roles: Collection[str] | None = None, arcs: bool = True
) -> StampBatch:
    """Scalar columns and images of a shard.

    Parameters
    ----------
    path, columns, roles
        As in `read_table`.
    arcs : bool
        Whether to read the arcs as well.

    Returns
    -------
    StampBatch

    Raises
    ------
    ArcgateError
        As `read_table`.
    """
    with _opened(path) as (file, schema):
        kept, shape = _kept(file, roles), schema.imaging.shape
        table = _scalars(file, schema, _checked_names(columns, schema), kept)
        return StampBatch(table, _pixels(file, "image", kept, shape), _pixels(file, "arc", kept, shape) if arcs else None)


def shard_imaging(path: Path) -> Imaging:
    """Bands and pixels that a shard states for itself; errors as `read_table`."""
    with _opened(path) as (_, schema):
        return schema.imaging


def _checked_names(columns: Sequence[str] | None, schema: Schema) -> list[str]:
    names = list(schema.names if columns is None else columns)
    unknown = [name for name in names if name not in schema.names and name != ROW_DIGEST]
    if unknown:
        raise ArcgateError(f"no such columns: {unknown}", todo=f"choose from {', '.join(schema.names)}; images come with batches")
    return names


@contextmanager
def _opened(path: Path) -> Iterator[tuple[pq.ParquetFile, Schema]]:
    """An open shard and the schema that it states."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
            schema = stated_schema(file.schema_arrow)
            if schema is None:
                raise ArcgateError("the shard's columns are not those of this version of arcgate", where=path, todo=REBUILD)
            yield file, schema
    except FileNotFoundError as error:
        raise ArcgateError("the shard is missing", where=path, todo="run again; it is rebuilt") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise ArcgateError(f"the shard is corrupt or truncated: {error}", where=path, todo=REBUILD) from error


def _kept(file: pq.ParquetFile, roles: Collection[str] | None) -> NDArray[np.bool_]:
    if roles is None:
        return np.ones(file.metadata.num_rows, dtype=bool)
    return np.isin(file.read(columns=["role"]).column(0).to_numpy().astype(str), sorted(roles))


def _scalars(file: pq.ParquetFile, schema: Schema, names: list[str], kept: NDArray[np.bool_]) -> pd.DataFrame:
    arrow = file.read(columns=names).select(names)
    if not kept.all():
        arrow = arrow.filter(pa.array(kept))
    known: dict[str, Column] = {column.name: column for column in schema.columns}
    series = {name: _series(known.get(name), arrow.column(name)) for name in names}
    return pd.DataFrame(series, index=pd.RangeIndex(int(kept.sum())))


def _series(column: Column | None, values: pa.ChunkedArray) -> pd.Series[Any]:
    gaps = column is not None and column.kind == "int" and column.nullable
    series: pd.Series[Any] = values.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get if gaps else None)
    return series


def _pixels(file: pq.ParquetFile, name: str, kept: NDArray[np.bool_], shape: tuple[int, int, int]) -> Pixels:
    """Kept images of one column, one row group in memory beside the result; zero where null, whatever the file holds there.

    Most arcs are null: what is never written costs neither time nor memory.
    """
    out = np.zeros((int(kept.sum()), *shape), dtype=np.float32)
    row = filled = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if kept[row : row + rows].any():
            for chunk in file.read_row_group(group, columns=[name]).column(0).chunks:
                wanted = np.flatnonzero(kept[row : row + len(chunk)])
                _decode(chunk, wanted, out[filled : filled + len(wanted)])
                filled += len(wanted)
                row += len(chunk)
        else:
            row += rows
    return out


def _decode(chunk: pa.FixedSizeBinaryArray, wanted: NDArray[np.intp], out: Pixels) -> None:
    """Write those of the wanted images of a chunk that are not null."""
    if chunk.null_count == len(chunk):
        return
    values = math.prod(out.shape[1:])
    data = np.frombuffer(chunk.buffers()[1], dtype="<f4", count=len(chunk) * values, offset=chunk.offset * values * 4)
    images, there = data.reshape(-1, *out.shape[1:]), chunk.is_valid().to_numpy(zero_copy_only=False)
    # One by one: indexing by an array would copy them once more.
    for place in np.flatnonzero(there[wanted]):
        out[place] = images[wanted[place]]
