"""Parquet tables of the older layout: stamps as compressed numpy bytes in the columns stamp_npz and ctrl_stamp_npz."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.dataset.foreign import ForeignSource, alone_note, foreign_facts, measuring_notes, require_pairs
from arcgate.dataset.pairing import arrange, pair_rows
from arcgate.dataset.recorded import schema_columns, whole_groups, with_declared_arcs
from arcgate.dataset.schema import IMAGE_SHAPE, SPLITS, STAMP_SIZE
from arcgate.errors import ArcgateError

LAYOUT = "stamp_npz"
STAMP, OWN_CONTROL, IS_CONTROL = "stamp_npz", "ctrl_stamp_npz", "is_control"
# Names by which a galaxy is known in older tables, and by which other columns differ from the schema.
HOST_NAMES = ("host_id", "galaxy_id", "object_id", "objid", "targetid", "target_id", "id")
BRICK_NAMES = ("brickname", "brick")
SPLIT_NAMES = ("split", "region_split")
_SPLIT_WORDS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_BATCH_ROWS = 128
_HWC = (STAMP_SIZE, STAMP_SIZE, 3)


def open_stamp_npz(path: Path) -> ForeignSource:
    """Open a Parquet file, or a folder of them, of the older layout.

    A row with `ctrl_stamp_npz` is a pair: its stamp is the positive, and its galaxy without the arc the control. If positives
    have none, rows with `is_control` are their controls.

    Parameters
    ----------
    path : Path
        File, or folder that is searched for `*.parquet`.

    Returns
    -------
    ForeignSource

    Raises
    ------
    ArcgateError
        For files that cannot be read, a missing column, values of the wrong kind, or one class only.
    """
    files = parquet_files(path)
    names = _columns_of(files[0])
    if STAMP not in names:
        raise ArcgateError(
            f"no column {STAMP}; the columns are {', '.join(names[:12])}",
            where=files[0],
            todo=f"give a data set of arcgate, or a table with {STAMP} and {OWN_CONTROL} or {IS_CONTROL}",
        )
    raw = _scalars(files, [name for name in names if name not in (STAMP, OWN_CONTROL)])
    digest, has_stamp, has_own = _content(files, OWN_CONTROL in names, raw)
    store = BlobStore(tuple(files), tuple(int(count) for count in raw.groupby("_file").size()))
    is_control = _is_control(raw, path)
    if (missing := np.flatnonzero(~has_stamp)).size:
        raise ArcgateError(f"{len(missing)} rows have no stamp", where=f"{store.place(int(missing[0]))}, column {STAMP}")
    scalars, notes = _translated(raw, files, path)
    own = bool(has_own[~is_control].all()) and bool((~is_control).any())
    pairs = None if own else pair_rows(is_control, scalars)
    same = pairs is None or pairs.same_galaxy
    arcs = with_declared_arcs(scalars, is_control, own)
    arranged = arrange(arcs.table, is_control, pairs)
    require_pairs(path, arranged, is_control)
    notes.append(f"each positive is compared with its own galaxy ({OWN_CONTROL})" if pairs is None else pairs.rule)
    if not own and has_own.any():
        notes.append(f"{OWN_CONTROL} is empty on some positives and therefore not used")
    if own and is_control.any():
        notes.append(
            f"controls that are other galaxies ({IS_CONTROL}) are not judged; give the table without {OWN_CONTROL} to judge them"
        )
    notes += [*alone_note(arranged), *measuring_notes(scalars, same), *arcs.notes]
    facts = foreign_facts(LAYOUT, arranged, same, has_arc=False, declared=arcs.declared)
    return ForeignSource(path, digest, facts, tuple(notes), store, arranged)


@dataclass(frozen=True)
class BlobStore:
    """Stamps in the cells of Parquet files.

    Attributes
    ----------
    files : tuple of Path
        In order.
    rows : tuple of int
        Rows of each.
    """

    files: tuple[Path, ...]
    rows: tuple[int, ...]

    def place(self, row: int) -> str:
        """File and row."""
        file, local = self._local(row)
        return f"{self.files[file]}, row {local}"

    def stamps(self, rows: NDArray[np.int64], own: NDArray[np.bool_]) -> tuple[Pixels, None]:
        """Decode stamps; only the row groups that hold them are read."""
        out = np.empty((len(rows), *IMAGE_SHAPE), dtype=np.float32)
        for column in (STAMP, OWN_CONTROL):
            wanted = np.flatnonzero(own == (column == OWN_CONTROL))
            # A control may serve several positives.
            places: dict[int, list[int]] = {}
            for position in wanted:
                places.setdefault(int(rows[position]), []).append(int(position))
            for row, blob in self._blobs(column, np.array(sorted(places), dtype=np.int64)):
                out[places[row]] = decoded(blob, f"{self.place(row)}, column {column}")
        return out, None

    def _local(self, row: int) -> tuple[int, int]:
        ends = np.cumsum(self.rows)
        file = int(np.searchsorted(ends, row, side="right"))
        return file, row - int(ends[file] - self.rows[file])

    def _blobs(self, column: str, rows: NDArray[np.int64]) -> Iterator[tuple[int, bytes | None]]:
        begin = 0
        for path, count in zip(self.files, self.rows, strict=True):
            local = rows[(rows >= begin) & (rows < begin + count)] - begin
            if len(local):
                for row, blob in _cells(path, column, local):
                    yield begin + row, blob
            begin += count


def decoded(blob: bytes | None, where: str) -> Pixels:
    """A stamp from compressed numpy bytes, (64, 64, 3) in the order g, r, z; nothing is ever unpickled.

    Raises
    ------
    ArcgateError
        For an empty cell, bytes that are no single numeric array, pickled objects, or another shape.
    """
    if blob is None:
        raise ArcgateError("the cell holds no stamp", where=where)
    try:
        loaded = np.load(io.BytesIO(blob), allow_pickle=False)
        arrays = [loaded[name] for name in loaded.files] if isinstance(loaded, np.lib.npyio.NpzFile) else [loaded]
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise unreadable(error, where) from error
    if len(arrays) != 1 or arrays[0].shape != _HWC or arrays[0].dtype.kind != "f":
        found = ", ".join(f"{array.dtype} of shape {array.shape}" for array in arrays)
        raise ArcgateError(
            f"a stamp is one float32 array of shape {_HWC}; found is {found or 'nothing'}",
            where=where,
            todo="cut or pad stamps to 64 x 64 pixels, bands g, r, z last, before the audit",
        )
    return np.moveaxis(arrays[0], -1, 0).astype(np.float32)


def unreadable(error: Exception, where: object) -> ArcgateError:
    """What to say of numpy bytes that do not load."""
    if "pickle" in str(error):
        return ArcgateError(
            "pickled Python objects, which arcgate never loads: they can run code",
            where=where,
            todo="save plain numeric arrays: np.savez(file, array.astype('float32'))",
        )
    return ArcgateError(f"cannot be read as numpy bytes: {error}", where=where, todo="write it again with np.savez_compressed")


def parquet_files(path: Path) -> list[Path]:
    """Parquet files of a path, in order; hidden ones and those that Spark sets apart (`_...`) are passed over."""
    if path.is_file():
        return [path]
    found = sorted(path.rglob("*.parquet"))
    return [file for file in found if file.is_file() and not any(part[0] in "._" for part in file.relative_to(path).parts)]


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise ArcgateError(f"not a Parquet file that can be read: {error}", where=path) from error


def _columns_of(path: Path) -> list[str]:
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def _scalars(files: list[Path], names: list[str]) -> pd.DataFrame:
    """Columns of simple kinds of all files, and `_file`, the number of each row's file."""
    tables = []
    for number, path in enumerate(files):
        with _opened(path) as file:
            fields = {field.name: field.type for field in file.schema_arrow}
            if missing := [name for name in [STAMP, *names] if name not in fields]:
                raise ArcgateError(f"columns {missing} of {files[0].name} are missing here", where=path)
            simple = [name for name in names if not pa.types.is_nested(fields[name]) and not pa.types.is_binary(fields[name])]
            table: pd.DataFrame = file.read(columns=simple).to_pandas()
            table.index = pd.RangeIndex(file.metadata.num_rows)
            tables.append(table.assign(_file=number))
    whole: pd.DataFrame = pd.concat(tables, ignore_index=True)
    return whole


def _content(files: list[Path], has_own: bool, raw: pd.DataFrame) -> tuple[str, NDArray[np.bool_], NDArray[np.bool_]]:
    """Digest of stamps and columns, and which rows have a stamp and a control of their own."""
    columns = [STAMP, OWN_CONTROL] if has_own else [STAMP]
    scalars = sorted(str(name) for name in raw.columns if name != "_file")
    digest = hashlib.sha256(repr(scalars).encode())
    filled: dict[str, list[bool]] = {STAMP: [], OWN_CONTROL: []}
    for path in files:
        with _opened(path) as file:
            _check_binary(file, columns, path)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                # Row by row, so that the digest does not depend on files, row groups or batches.
                for cells in zip(*(batch.column(name) for name in columns), strict=True):
                    for name, cell in zip(columns, cells, strict=True):
                        blob = cell.as_buffer()
                        filled[name].append(blob is not None)
                        digest.update(b"none" if blob is None else len(blob).to_bytes(8, "little"))
                        digest.update(b"" if blob is None else blob)
    for name in scalars:
        digest.update(pd.util.hash_pandas_object(raw[name].astype(str), index=False).to_numpy().tobytes())
    own = filled[OWN_CONTROL] if has_own else [False] * len(raw)
    return digest.hexdigest(), np.array(filled[STAMP], dtype=bool), np.array(own, dtype=bool)


def _check_binary(file: pq.ParquetFile, columns: list[str], path: Path) -> None:
    for name in columns:
        kind = file.schema_arrow.field(name).type
        if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            raise ArcgateError(f"column {name} holds {kind}; numpy bytes (binary) were expected", where=path)


def _is_control(raw: pd.DataFrame, path: Path) -> NDArray[np.bool_]:
    if IS_CONTROL not in raw:
        return np.zeros(len(raw), dtype=bool)
    values = raw[IS_CONTROL]
    strangers = values[~values.isin([0, 1])]
    if len(strangers):
        raise ArcgateError(
            f"{IS_CONTROL} is {strangers.iloc[0]!s} in {len(strangers)} rows; it is true or false",
            where=f"{path}, row {strangers.index[0]}",
            todo="write 1 for controls and 0 for positives",
        )
    return values.astype(bool).to_numpy()


def _translated(raw: pd.DataFrame, files: list[Path], path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Recorded columns under the schema's names, and notes on what is missing and what is not known."""
    out = schema_columns(raw, path)
    known = {*out, IS_CONTROL, "_file"}
    notes = []
    host = next((name for name in HOST_NAMES if name in raw), None)
    if host is None:
        out["host_id"] = pd.Series([f"row {row}" for row in range(len(raw))], dtype=object)
        notes.append(
            f"no column names the galaxy (one of {', '.join(HOST_NAMES)}): each row counts as a galaxy of its own. If galaxies "
            "repeat, intervals are too narrow and galaxies on two sides of a split go unnoticed"
        )
    else:
        empty = raw[host].isna().to_numpy()
        if empty.any():
            raise ArcgateError(
                f"{host} is empty in {int(empty.sum())} rows",
                where=f"{path}, row {int(np.argmax(empty))}",
                todo="name the galaxy of each row, or leave the column out",
            )
        out["host_id"] = raw[host].astype(str)
        notes.append(f"galaxies are told apart by the column {host}")
    brick = next((name for name in BRICK_NAMES if name in raw), None)
    if brick is not None:
        out["provenance"] = "brick " + raw[brick].astype(str)
    if "pair_id" in raw:
        out["pair_id"] = raw["pair_id"]
    split = _split(raw, files, path)
    if split is not None:
        out["split"] = split
    known |= {name for name in (host, brick, "pair_id", *SPLIT_NAMES) if name is not None}
    if unknown := sorted(str(name) for name in raw.columns if name not in known):
        notes.append(f"columns that arcgate does not know, and does not use: {', '.join(unknown)}")
    return whole_groups(pd.DataFrame(out)), notes


def _split(raw: pd.DataFrame, files: list[Path], path: Path) -> pd.Series | None:
    """Split of each row, from a column or from folders named after splits; None where neither says."""
    name = next((name for name in SPLIT_NAMES if name in raw), None)
    if name is not None:
        words = raw[name].astype(str)
        split = words.str.lower().map(_SPLIT_WORDS)
        if split.isna().any():
            raise ArcgateError(
                f"{name} is {words[split.isna()].iloc[0]!r}; splits are {', '.join(SPLITS)}",
                where=f"{path}, row {int(np.argmax(split.isna()))}",
            )
        return split
    folders = [_SPLIT_WORDS.get(file.parent.name.lower().split("=")[-1]) for file in files]
    if any(folder is None for folder in folders):
        return None
    return raw["_file"].map(dict(enumerate(folders)))


def _cells(path: Path, column: str, rows: NDArray[np.int64]) -> Iterator[tuple[int, bytes | None]]:
    """Chosen cells of one file, ascending; in memory are a few rows at a time."""
    chosen = set(rows.tolist())
    with _opened(path) as file:
        begin = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if ((rows >= begin) & (rows < begin + count)).any():
                row = begin
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group], columns=[column]):
                    for cell in batch.column(0):
                        if row in chosen:
                            yield row, cell.as_py()
                        row += 1
            begin += count
