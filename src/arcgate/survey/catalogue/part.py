"""One sweep's share of a parents catalogue: a Parquet file, a row group a strip of the sky, with a receipt beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from arcgate.ground.atomic import atomically, write_json
from arcgate.ground.errors import ArcgateError
from arcgate.survey.catalogue.columns import as_table, schema
from arcgate.survey.catalogue.flow import Counts, left_out, select
from arcgate.survey.catalogue.matched import MatchedSweep
from arcgate.survey.catalogue.rows import Rows
from arcgate.survey.catalogue.selection import Wanted
from arcgate.survey.catalogue.sweep_file import DOWNLOAD
from arcgate.survey.legacy.layout import Footprint

if TYPE_CHECKING:
    from arcgate.survey.catalogue.lens_list import LensList

# Bricks are named after their right ascension in tenths of a degree: three digits are a degree of it.
_STRIP_LETTERS: Final = 3
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class PartTask:
    """What a process needs to make one part.

    Attributes
    ----------
    sweep : MatchedSweep
    footprint : {'south', 'north'}
    wanted : Wanted
    path : Path
        Where the part is written, under the digest of what it follows from (`Inputs.part_key`); its folder exists.
    """

    sweep: MatchedSweep
    footprint: Footprint
    wanted: Wanted
    path: Path


@dataclass(frozen=True)
class Receipt:
    """What a finished part holds, and what was counted on the way.

    Attributes
    ----------
    bytes : int
        Size of its file.
    sha256 : str
        Checksum of its file.
    rows_read : int
        Rows of the sweep.
    counts : Counts
        Rows that each cut left.
    lenses : tuple of int
        Rows that are left after the galaxies near each list's lenses are taken away, list by list.
    strips : dict of str to int
        Rows of each strip of the sky, in the order of the file's row groups.
    spared : tuple of str
        Cuts that were not applied, since the sweep lacks what they look at.
    """

    bytes: Count
    sha256: str
    rows_read: Count
    counts: Counts
    lenses: tuple[Count, ...]
    strips: dict[str, Count]
    spared: tuple[str, ...]

    __pydantic_config__ = ConfigDict(extra="forbid")


_RECEIPT: Final = TypeAdapter(Receipt)


def receipt_of(path: Path) -> Receipt | None:
    """Receipt of a part, whose name says what it follows from; None where it has to be made, or is not what was written."""
    try:
        receipt = _RECEIPT.validate_python(json.loads(_receipt_path(path).read_text(encoding="utf-8")))
        whole = path.stat().st_size == receipt.bytes and file_digest(path) == receipt.sha256
    except (FileNotFoundError, ValidationError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    return receipt if whole else None


def make_part(task: PartTask) -> Receipt:
    """Read a sweep, select from it, and write what is left, unless that was done before.

    Memory: a piece of the sweep, and what is selected (about 300 bytes a galaxy).

    Raises
    ------
    ArcgateError
        The sweep cannot be read to its end, or the disk refuses.
    """
    found = receipt_of(task.path)
    if found is not None:
        return found
    counts, table = _selected(task)
    left: list[int] = []
    for lenses in _lens_lists(_with_digests(task.wanted.known_lenses)):
        near = lenses.near(table["ra"].to_numpy(), table["dec"].to_numpy(), task.wanted.lens_radius_arcsec)
        table = table.filter(pa.array(~near))
        left.append(table.num_rows)
    strips = _write(table, task.path)
    spared = left_out(task.wanted.selection, task.sweep.fields)
    size, sha256 = task.path.stat().st_size, file_digest(task.path)
    receipt = Receipt(size, sha256, task.sweep.sweep.rows, counts, tuple(left), strips, spared)
    write_json(_receipt_path(task.path), dataclasses.asdict(receipt))
    return receipt


def read_strip(path: Path, group: int) -> pa.Table:
    """One strip of a part, by the number of its row group.

    Raises
    ------
    ArcgateError
        The part is damaged.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
            return file.read_row_group(group)
    except (OSError, pa.ArrowException) as error:
        raise ArcgateError(
            f"what was selected from a sweep cannot be read: {error}",
            where=path,
            todo="delete the file and run again: it is made anew",
        ) from error


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _selected(task: PartTask) -> tuple[Counts, pa.Table]:
    wanted, sweep, path = task.wanted, task.sweep, task.sweep.sweep.path
    south = task.footprint == "south"
    counts, tables = Counts.none(wanted.selection), [schema(wanted.bands).empty_table()]
    for columns in sweep.pieces(wanted.looks_at()):
        rows = Rows(columns, None, len(columns["RA"]), south, wanted.selection.extinction, sweep.logical)
        chosen, more = select(rows, wanted.selection)
        counts += more
        try:
            tables += [as_table(chosen, task.footprint, wanted.bands)] if chosen.size else []
        except UnicodeDecodeError as error:
            raise ArcgateError(
                f"{path.name} is damaged: names of bricks or types that are no text", where=path, todo=DOWNLOAD
            ) from error
    return counts, pa.concat_tables(tables).combine_chunks()


def _write(table: pa.Table, path: Path) -> dict[str, int]:
    """Write rows sorted by brick and object, each strip as a row group; rows by strip."""
    table = table.sort_by([("brick", "ascending"), ("objid", "ascending"), ("release", "ascending")])
    strips: dict[str, int] = {}
    with atomically(path) as temporary, pq.ParquetWriter(temporary, table.schema, write_page_checksum=True) as writer:
        for strip, part in _by_strip(table):
            writer.write_table(part, row_group_size=part.num_rows)
            strips[strip] = part.num_rows
    return strips


def _by_strip(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Sorted rows in their strips."""
    if not table.num_rows:
        return
    names = table["brick"].to_numpy().astype(f"U{_STRIP_LETTERS}")
    bounds = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    for first, last in pairwise(bounds):
        yield str(names[first]), table.slice(first, last - first)


def _with_digests(paths: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((path, file_digest(Path(path))) for path in paths)


@lru_cache(maxsize=4)
def _lens_lists(lists: tuple[tuple[str, str], ...]) -> tuple[LensList, ...]:
    """Lists by path and digest, read once by each process as long as they stay the same, not once for each sweep."""
    if not lists:
        return ()
    # What reads tables of all kinds takes seconds to import, which a process without such lists is spared.
    from arcgate.survey.catalogue.lens_list import read_lens_list

    return tuple(read_lens_list(Path(path)) for path, _ in lists)


def _receipt_path(path: Path) -> Path:
    return path.with_suffix(".receipt.json")
