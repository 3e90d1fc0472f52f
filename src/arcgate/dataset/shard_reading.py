"""Reading stamp shards: page checksums on, images straight into one array."""

from __future__ import annotations

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
from arcgate.dataset.schema import COLUMN_NAMES, COLUMNS, IMAGE_BYTES, IMAGE_SHAPE, shard_schema
from arcgate.ground.errors import ArcgateError

REBUILD = "delete the shard and run again; it is rebuilt"
_NULLABLE_INTEGERS = {column.name for column in COLUMNS if column.kind == "int" and column.nullable}


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one shard.

    Attributes
    ----------
    table : DataFrame, n rows
        The scalar columns that were asked for; index 0 to n - 1.
    image : ndarray of float32, shape (n, 3, 64, 64)
        Stamps, nanomaggies per pixel.
    arc : ndarray of float32, shape (n, 3, 64, 64), or None
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
    names = _checked_names(columns)
    with _opened(path) as file:
        return _scalars(file, names, _kept(file, roles))


def read_shard(
    path: Path, columns: Sequence[str] | None = None, roles: Collection[str] | None = None, arcs: bool = True
) -> Batch:
    """Scalar columns and images of a shard.

    Parameters
    ----------
    path, columns, roles
        As in `read_table`.
    arcs : bool
        Whether to read the arcs as well.

    Returns
    -------
    Batch

    Raises
    ------
    ArcgateError
        As `read_table`.
    """
    names = _checked_names(columns)
    with _opened(path) as file:
        kept = _kept(file, roles)
        table = _scalars(file, names, kept)
        return Batch(table, _pixels(file, "image", kept), _pixels(file, "arc", kept) if arcs else None)


def _checked_names(columns: Sequence[str] | None) -> list[str]:
    names = list(COLUMN_NAMES if columns is None else columns)
    unknown = [name for name in names if name not in COLUMN_NAMES and name != ROW_DIGEST]
    if unknown:
        raise ArcgateError(f"no such columns: {unknown}", todo=f"choose from {', '.join(COLUMN_NAMES)}; images come with batches")
    return names


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
            if not file.schema_arrow.equals(shard_schema(), check_metadata=True):
                raise ArcgateError("the shard's columns are not those of this version of arcgate", where=path, todo=REBUILD)
            yield file
    except FileNotFoundError as error:
        raise ArcgateError("the shard is missing", where=path, todo="run again; it is rebuilt") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise ArcgateError(f"the shard is corrupt or truncated: {error}", where=path, todo=REBUILD) from error


def _kept(file: pq.ParquetFile, roles: Collection[str] | None) -> NDArray[np.bool_]:
    if roles is None:
        return np.ones(file.metadata.num_rows, dtype=bool)
    return np.isin(file.read(columns=["role"]).column(0).to_numpy().astype(str), sorted(roles))


def _scalars(file: pq.ParquetFile, names: list[str], kept: NDArray[np.bool_]) -> pd.DataFrame:
    arrow = file.read(columns=names).select(names)
    if not kept.all():
        arrow = arrow.filter(pa.array(kept))
    series = {name: _series(name, arrow.column(name)) for name in names}
    return pd.DataFrame(series, index=pd.RangeIndex(int(kept.sum())))


def _series(name: str, column: pa.ChunkedArray) -> pd.Series[Any]:
    mapper = {pa.int64(): pd.Int64Dtype()}.get if name in _NULLABLE_INTEGERS else None
    series: pd.Series[Any] = column.to_pandas(types_mapper=mapper)
    return series


def _pixels(file: pq.ParquetFile, name: str, kept: NDArray[np.bool_]) -> Pixels:
    """Kept images of one column, one row group in memory beside the result."""
    out = np.empty((int(kept.sum()), *IMAGE_SHAPE), dtype=np.float32)
    row = filled = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if kept[row : row + rows].any():
            for chunk in file.read_row_group(group, columns=[name]).column(0).chunks:
                block = _decoded(chunk)
                wanted = kept[row : row + len(block)]
                block = block if wanted.all() else block[wanted]
                out[filled : filled + len(block)] = block
                filled += len(block)
                row += len(wanted)
        else:
            row += rows
    return out


def _decoded(chunk: pa.FixedSizeBinaryArray) -> Pixels:
    """Images of a chunk; zero where null, whatever the file's reader left there."""
    if chunk.null_count == len(chunk):
        return np.zeros((len(chunk), *IMAGE_SHAPE), dtype=np.float32)
    data = np.frombuffer(chunk.buffers()[1], dtype="<f4", count=len(chunk) * IMAGE_BYTES // 4, offset=chunk.offset * IMAGE_BYTES)
    images = data.reshape(-1, *IMAGE_SHAPE)
    if chunk.null_count:
        images = np.where(chunk.is_null().to_numpy(zero_copy_only=False)[:, None, None, None], np.float32(0.0), images)
    return images
