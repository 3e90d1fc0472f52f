"""The scalar columns of other people's Parquet files: exactly as stored, under names without case."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from arcgate.foreign.exact_names import plain_names
from arcgate.foreign.identity import SPLIT_NAMES, SPLIT_WORDS
from arcgate.foreign.table_files import folder_split, folder_values, stem_splits
from arcgate.ground.errors import ArcgateError
from arcgate.ground.table_text import require_plain

# Whole numbers with gaps stay whole numbers.
_NULLABLE: Final = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


@dataclass(frozen=True)
class TableFile:
    """One part of a table.

    Attributes
    ----------
    path : Path
    rows : int
    columns : dict
        Name in the file of each column by its name in lower case.
    """

    path: Path
    rows: int
    columns: dict[str, str]


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of all files.

    Attributes
    ----------
    files : tuple of TableFile
        Those that have rows, in order.
    scalars : DataFrame
        Columns of simple kinds by their names in lower case, of all rows.
    passed_over : dict
        Why a column was not read, by its name.
    metadata : dict
        What the files' schemas say beside their columns: all values of each key, as text.
    notes : tuple of str
        What names of files say of splits.
    """

    files: tuple[TableFile, ...]
    scalars: pd.DataFrame
    passed_over: dict[str, str]
    metadata: dict[str, set[str]]
    notes: tuple[str, ...]

    def place(self, row: int) -> str:
        """File, and row within it, counted from 0."""
        return place_of(self.files, row)

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(file.rows for file in self.files)

    @property
    def file_of_row(self) -> np.ndarray:
        """Number of the file of each row."""
        return np.repeat(np.arange(len(self.files)), [file.rows for file in self.files])


def place_of(files: Sequence[TableFile], row: int) -> str:
    """File, and row within it, counted from 0."""
    for file in files:
        if row < file.rows:
            return f"{file.path}, row {row}"
        row -= file.rows
    raise IndexError(row)


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file, whose faults are errors in words."""
    try:
        require_plain(path)
        with pq.ParquetFile(path, pre_buffer=False) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise ArcgateError(f"not a Parquet file that can be read: {error}", where=path) from error


def read_raw(root: Path, paths: Sequence[Path], images: Collection[str]) -> RawTable:
    """Read all columns but `images`: of files, of the frame's index that was stored with them, of names of folders and files.

    Parameters
    ----------
    root : Path
        What was opened.
    paths : sequence of Path
        Parquet files; those without rows are passed over.
    images : collection of str
        Columns that hold pixels, in lower case.

    Raises
    ------
    ArcgateError
        For files that cannot be read, have different columns, or columns whose names differ by case only; if no file has rows.
    """
    files: list[TableFile] = []
    tables: list[pd.DataFrame] = []
    passed_over: dict[str, str] = {}
    metadata: dict[str, set[str]] = {}
    for path in paths:
        with opened(path) as file:
            if file.metadata.num_rows == 0:
                continue
            part = TableFile(path, file.metadata.num_rows, plain_names(file.schema_arrow.names, "columns", path))
            tables.append(_scalars(file, part, root, images, passed_over))
            for key, value in (file.schema_arrow.metadata or {}).items():
                metadata.setdefault(key.decode("utf-8", "replace").strip().lower(), set()).add(value.decode("utf-8", "replace"))
        _require_same_columns(files, part)
        files.append(part)
    if not files:
        raise ArcgateError("the table has no rows", where=root)
    tables, notes = _with_stems(tables, files, root)
    return RawTable(tuple(files), _joined(tables, files), passed_over, metadata, tuple(notes))


def _require_same_columns(files: Sequence[TableFile], part: TableFile) -> None:
    if not files or files[0].columns.keys() == part.columns.keys():
        return
    first = files[0]
    for one, other in ((first, part), (part, first)):
        if missing := [one.columns[name] for name in one.columns if name not in other.columns]:
            raise ArcgateError(f"columns {missing} of {one.path.name} are missing here", where=other.path)


def _scalars(
    file: pq.ParquetFile, part: TableFile, root: Path, images: Collection[str], passed_over: dict[str, str]
) -> pd.DataFrame:
    """Columns of one file; notes why others were not read."""
    chosen = []
    for plain, name in part.columns.items():
        kind = file.schema_arrow.field(name).type
        if plain in images:
            continue
        if pa.types.is_nested(kind):
            passed_over[name] = f"{kind} is no single value"
        else:
            chosen.append((plain, name))
    table = file.read(columns=[name for _, name in chosen])
    frame = pd.DataFrame({plain: _pandas(table.column(name)) for plain, name in chosen}, index=range(part.rows))
    frame = _with_range_index(frame, file.schema_arrow)
    return _with_folders(frame, part, root)


def _pandas(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    values: pd.Series = column.to_pandas(types_mapper=_NULLABLE.get)
    return values


def _with_range_index(frame: pd.DataFrame, schema: pa.Schema) -> pd.DataFrame:
    """With the frame's index, where pandas stored it as first, last and step instead of as a column."""
    for index in _pandas_metadata(schema).get("index_columns", []):
        if isinstance(index, dict) and index.get("kind") == "range" and index.get("name"):
            values = np.arange(index["start"], index["stop"], index["step"])
            plain = str(index["name"]).strip().lower()
            if plain not in frame and len(values) == len(frame):
                frame = frame.assign(**{plain: values})
    return frame


def _pandas_metadata(schema: pa.Schema) -> dict[str, list[object]]:
    stored = (schema.metadata or {}).get(b"pandas")
    return dict(json.loads(stored)) if stored else {}


def _with_folders(frame: pd.DataFrame, part: TableFile, root: Path) -> pd.DataFrame:
    """With what folders say; where a column says the same, both must agree."""
    said = folder_values(part.path)
    plain = folder_split(part.path, root)
    # Folders may be called train, split=train and region_split=validation in one set: all of them are the split.
    splits = [said.pop(name) for name in SPLIT_NAMES if name in said] + ([] if plain is None else [plain])
    column = next((name for name in SPLIT_NAMES if name in frame), SPLIT_NAMES[0])
    for key, value in [*said.items(), *((column, split) for split in splits)]:
        frame = _with_value(frame, part, key, value, "a folder above the file")
    return frame


def _with_stems(tables: Sequence[pd.DataFrame], files: Sequence[TableFile], root: Path) -> tuple[list[pd.DataFrame], list[str]]:
    """With the splits that the names of a folder's files say, where all do; and what was made of them.

    Where a column or a folder records splits, names of files must agree.
    """
    splits = stem_splits([file.path for file in files]) if root.is_dir() else [None] * len(files)
    recorded = any(name in table for table in tables for name in SPLIT_NAMES)
    silent = [file.path.name for file, split in zip(files, splits, strict=True) if split is None]
    if len(silent) == len(files) or (silent and recorded):
        return [*tables], []
    if silent:
        named = next(file.path.name for file, split in zip(files, splits, strict=True) if split is not None)
        return [*tables], [
            f"no split is read: the name of {named} begins with one, that of {silent[0]} does not ({len(silent)} of {len(files)} "
            "files); whether galaxies lie on two sides of a split is not judged. Name all files so, or add a column split"
        ]
    found = []
    for table, file, split in zip(tables, files, splits, strict=True):
        column = next((name for name in SPLIT_NAMES if name in table), SPLIT_NAMES[0])
        found.append(_with_value(table, file, column, split, "the file's name"))
    counts = ", ".join(f"{count} of {split}" for split, count in Counter(splits).items())
    return found, [] if recorded else [f"splits are read from the names of the files: {counts}"]


def _with_value(frame: pd.DataFrame, part: TableFile, key: str, value: str | None, who: str) -> pd.DataFrame:
    """With a value for all rows of a file; ArcgateError where a column says otherwise."""
    if key not in frame:
        return frame.assign(**{key: pd.Series([value] * part.rows, dtype=object)})
    if not frame[key].map(_comparable).eq(_comparable(value)).all():
        raise ArcgateError(
            f"{who} says {key}={value}, its column {key} says otherwise",
            where=part.path,
            todo=f"rename it, or correct the column {key}",
        )
    return frame


def _comparable(value: object) -> str:
    """A word without case or blanks, a number without zeros at its end, a split by the schema's name."""
    text = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip().lower()
    return SPLIT_WORDS.get(text, text.removesuffix(".0"))


def _joined(tables: Sequence[pd.DataFrame], files: Sequence[TableFile]) -> pd.DataFrame:
    """All rows. Columns whose type differs between files become objects: whole numbers beside floats would become floats."""
    names = dict.fromkeys(name for table in tables for name in table)
    for name in names:
        if lacking := [file for file, table in zip(files, tables, strict=True) if name not in table]:
            raise ArcgateError(
                f"{name} is known of other files, by a column, the frame's index or a folder's name, and not of this one",
                where=lacking[0].path,
                todo=f"give {name} for all files, or for none",
            )
    joined = {}
    for name in names:
        columns = [table[name] for table in tables]
        if len({str(column.dtype) for column in columns}) > 1:
            columns = [column.astype(object) for column in columns]
        joined[name] = pd.concat(columns, ignore_index=True)
    return pd.DataFrame(joined, index=range(sum(file.rows for file in files)))
