"""Reading the stamps of a table: chosen rows, and once all of them for the digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.foreign.cells import Stamp, cell_bytes, is_image_type, shape_of, stamp_of
from arcgate.foreign.raw_table import TableFile, opened, place_of
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

STAMP, OWN_CONTROL = "stamp_npz", "ctrl_stamp_npz"
_BATCH_ROWS: Final = 128


@dataclass(frozen=True)
class BlobStore:
    """Stamps in the cells of Parquet files.

    Attributes
    ----------
    files : tuple of TableFile
        In order.
    imaging : Imaging
        Of the stamps.
    """

    files: tuple[TableFile, ...]
    imaging: Imaging

    def place(self, row: int) -> str:
        """File and row."""
        return place_of(self.files, row)

    def stamps(self, rows: NDArray[np.int64], own: NDArray[np.bool_]) -> tuple[Pixels, None]:
        """Decode stamps; only the row groups that hold them are read."""
        out = np.empty((len(rows), *self.imaging.shape), dtype=np.float32)
        for column in (STAMP, OWN_CONTROL):
            wanted = np.flatnonzero(own == (column == OWN_CONTROL))
            # A control may serve several positives.
            places: dict[int, list[int]] = {}
            for position in wanted:
                places.setdefault(int(rows[position]), []).append(int(position))
            for row, cell in self._cells(column, np.array(sorted(places), dtype=np.int64)):
                out[places[row]] = stamp_of(cell, self.imaging, f"{self.place(row)}, column {column}")
        return out, None

    def _cells(self, column: str, rows: NDArray[np.int64]) -> Iterator[tuple[int, pa.Scalar]]:
        begin = 0
        for file in self.files:
            local = rows[(rows >= begin) & (rows < begin + file.rows)] - begin
            if len(local):
                for row, cell in _chosen(file.path, file.columns[column], local):
                    yield begin + row, cell
            begin += file.rows


@dataclass(frozen=True, eq=False)
class Content:
    """What one pass over all stamps gives.

    Attributes
    ----------
    digest : hashlib hash
        Of the stamps, row by row, so that it does not depend on files, row groups or batches; the caller's to continue.
    has_stamp, has_own : ndarray of bool, shape (n,)
        Which rows have a stamp, and a control of their own.
    samples : dict
        Stamps of the chosen rows by (row, column), in the type in which they were written.
    """

    digest: hashlib._Hash
    has_stamp: NDArray[np.bool_]
    has_own: NDArray[np.bool_]
    samples: dict[tuple[int, str], Stamp]


def first_shape(files: tuple[TableFile, ...], bands: Sequence[str]) -> tuple[tuple[int, ...] | None, str]:
    """Shape of the first stamp and its place; None where no row has a stamp.

    Parameters
    ----------
    files : tuple of TableFile
    bands : sequence of str
        Each may be an array of its own.
    """
    row = 0
    for part in files:
        with opened(part.path) as file:
            _check_types(file, part, [STAMP])
            for batch in file.iter_batches(batch_size=1, columns=[part.columns[STAMP]]):
                if cell_bytes(batch.column(0)[0]) is not None:
                    where = f"{place_of(files, row)}, column {STAMP}"
                    return shape_of(batch.column(0)[0], bands, where), where
                row += 1
    return None, f"{files[0].path}, column {STAMP}"


def read_content(files: tuple[TableFile, ...], chosen: NDArray[np.int64], imaging: Imaging) -> Content:
    """Read every cell once.

    Parameters
    ----------
    files : tuple of TableFile
    chosen : ndarray of int
        Rows whose stamps are wanted.
    imaging : Imaging
        Of the stamps.

    Raises
    ------
    ArcgateError
        For a file or a chosen stamp that cannot be read, or a column that cannot hold stamps.
    """
    columns = [name for name in (STAMP, OWN_CONTROL) if name in files[0].columns]
    digest = hashlib.sha256(repr(columns).encode())
    filled: dict[str, list[bool]] = {STAMP: [], OWN_CONTROL: []}
    samples: dict[tuple[int, str], Stamp] = {}
    wanted = set(chosen.tolist())
    row = 0
    for part in files:
        with opened(part.path) as file:
            _check_types(file, part, columns)
            names = [part.columns[name] for name in columns]
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names):
                for cells in zip(*(batch.column(name) for name in names), strict=True):
                    for column, cell in zip(columns, cells, strict=True):
                        content = cell_bytes(cell)
                        filled[column].append(content is not None)
                        digest.update(b"none" if content is None else len(content).to_bytes(8, "little"))
                        digest.update(b"" if content is None else content)
                        if content is not None and row in wanted:
                            samples[row, column] = stamp_of(cell, imaging, f"{place_of(files, row)}, column {column}")
                    row += 1
    own = filled[OWN_CONTROL] or [False] * row
    return Content(digest, np.array(filled[STAMP], dtype=bool), np.array(own, dtype=bool), samples)


def _check_types(file: pq.ParquetFile, part: TableFile, columns: list[str]) -> None:
    for name in columns:
        kind = file.schema_arrow.field(part.columns[name]).type
        if not is_image_type(kind):
            raise ArcgateError(
                f"column {part.columns[name]} holds {kind}; expected are numpy bytes (binary), or lists of floating-point values",
                where=part.path,
            )


def _chosen(path: Path, column: str, rows: NDArray[np.int64]) -> Iterator[tuple[int, pa.Scalar]]:
    """Chosen cells of one file, ascending; in memory are a few rows at a time."""
    chosen = set(rows.tolist())
    with opened(path) as file:
        begin = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if ((rows >= begin) & (rows < begin + count)).any():
                row = begin
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group], columns=[column]):
                    for cell in batch.column(0):
                        if row in chosen:
                            yield row, cell
                        row += 1
            begin += count
