"""Tables without pixels: where galaxies lie, what they are called lenses or not, in which split they are, and little else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts, StampPart
from arcgate.foreign.column_files import is_column_file, read_columns, stored_names
from arcgate.foreign.exact_names import Place, exact_names
from arcgate.foreign.identity import (
    BRICK_NAMES,
    HOST_NAMES,
    OBJID,
    RELEASE,
    ROW_OR_GALAXY,
    SPLIT_NAMES,
    identify,
    same_everywhere,
)
from arcgate.foreign.left_out import CHANCE
from arcgate.foreign.position_columns import (
    FOOTPRINT_NAMES,
    RELEASE_NAMES,
    conditions_in,
    is_empty,
    known_numbers,
    label_column,
    lens_flags,
    position_columns,
)
from arcgate.foreign.positions import sky_positions
from arcgate.foreign.table_files import folder_split, parquet_files, stem_splits
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.statistics import classes_differ
from arcgate.imaging import DECALS, Imaging
from arcgate.survey.positions import DEC_NAMES, RA_NAMES

LAYOUT: Final = "positions"
MOST_WITHOUT_POSITION: Final = 0.01
"""Share of rows without a position that are left out and counted; more are refused."""


@dataclass(frozen=True, eq=False)
class PositionsSource:
    """A table of positions as a source, without parts that hold pixels.

    Attributes
    ----------
    path : Path
        File or folder.
    digest : str
        SHA-256 of the columns that are read.
    facts : Facts
    notes : tuple of str
        What was taken for what, left out, and not read.
    rows : DataFrame
        role, host_id, pair_id (the row), ra, dec; where recorded split, brick, footprint, release and conditions.
    """

    path: Path
    digest: str
    facts: Facts
    notes: tuple[str, ...]
    rows: pd.DataFrame

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """Columns of all rows.

        Raises
        ------
        ArcgateError
            For a column that is not there.
        """
        if unknown := [name for name in columns if name not in self.rows]:
            raise ArcgateError(f"no such columns: {unknown}", where=self.path, todo="ask `facts.columns` first")
        return self.rows[list(columns)]

    def parts(self) -> list[StampPart]:
        """None: there are no stamps."""
        return []


def holds_positions(path: Path) -> bool:
    """Whether a file, or the first Parquet file of a folder, has columns of right ascension and declination."""
    files = parquet_files(path) if path.is_dir() else [path]
    if not files or not is_column_file(files[0]):
        return False
    stored = stored_names(files[0])
    return any(name in stored for name in RA_NAMES) and any(name in stored for name in DEC_NAMES)


def open_positions(path: Path, imaging: Imaging | None = None) -> PositionsSource:
    """Open a table of positions with labels, and splits where they are recorded.

    Parameters
    ----------
    path : Path
        CSV, TSV, FITS or Parquet file, or a folder of Parquet files.
    imaging : Imaging, optional
        Of the survey; it only names bands.

    Returns
    -------
    PositionsSource

    Raises
    ------
    ArcgateError
        For a file that cannot be read, without positions or labels, or with one class only; positions that are none, missing
        in more than 1 % of the rows, or one for all of them; values of the wrong kind; a split of another name.
    """
    files = parquet_files(path) if path.is_dir() else [path]
    if not files:
        raise ArcgateError("no Parquet file in this folder", where=path, todo="give a table of positions, or of stamps")
    read = [_read(file, path) for file in files]
    raw, rows = pd.concat([each.raw for each in read], ignore_index=True), [len(each.raw) for each in read]
    if not len(raw):
        raise ArcgateError("the table has columns and no rows", where=path, todo="give the table that has the rows")
    place = _place_in(files, rows)
    _refuse_other_columns(read, files)
    lens = lens_flags(raw[read[0].label], place) == read[0].of_lenses
    known, p, left = _with_position(raw, lens, place)
    if left:
        raw, lens, kept = raw[known].reset_index(drop=True), lens[known], np.flatnonzero(known)
        place = _kept_place(place, kept)
    _require_classes(lens, path)
    table, notes = _rows(raw, lens, read[0], place)
    facts = Facts(
        layout=LAYOUT,
        paired=False,
        has_arc=False,
        has_null=False,
        declared=False,
        columns=frozenset(name for name in map(str, table) if name != "pair_id"),
        imaging=imaging or DECALS,
        left_out_p=p,
        several_splits="split" in table and table["split"].nunique() > 1,
        positions=True,
        pixels=False,
    )
    return PositionsSource(path, _digest(table), facts, (*left, *notes, *_unused(read[0])), table)


@dataclass(frozen=True, eq=False)
class _Read:
    """Of one file: columns by the names that they have here or, of names and splits, in lower case; and where from."""

    raw: pd.DataFrame
    label: str
    of_lenses: bool
    conditions: tuple[str, ...]
    taken: dict[str, str]
    unused: tuple[str, ...]


def _read(file: Path, root: Path) -> _Read:
    stored = stored_names(file)
    try:
        ra, dec = position_columns(stored)
        label, of_lenses = label_column(stored)
    except ArcgateError as error:
        raise ArcgateError(error.what, where=file, todo=error.todo) from error
    conditions = conditions_in(stored)
    named = [name for name in (*HOST_NAMES, OBJID, ROW_OR_GALAXY, *BRICK_NAMES, RELEASE, *SPLIT_NAMES) if name in stored]
    places = {ra: stored[ra], dec: stored[dec]}
    wanted = places | {name: stored[name] for name in named} | {label: stored[label]} | conditions
    for new, names in (("footprint", FOOTPRINT_NAMES), ("release", RELEASE_NAMES)):
        if found := next((name for name in names if name in stored), None):
            wanted[new] = stored[found]
    raw = read_columns(file, wanted)
    split = folder_split(file, root) or (stem_splits([file])[0] if root.is_dir() else None)
    if split is not None and not any(name in raw for name in SPLIT_NAMES):
        raw = raw.assign(split=split)
    unused = tuple(name for name in stored.values() if name not in wanted.values())
    return _Read(raw, label, of_lenses, tuple(conditions), wanted, unused)


def _refuse_other_columns(read: Sequence[_Read], files: Sequence[Path]) -> None:
    for each, file in zip(read[1:], files[1:], strict=True):
        if each.raw.columns.tolist() != read[0].raw.columns.tolist():
            raise ArcgateError(f"columns differ from those of {files[0].name}", where=file, todo="write all files alike")


def _place_in(files: Sequence[Path], rows: Sequence[int]) -> Place:
    ends = np.cumsum(rows)

    def place(row: int) -> str:
        number = int(np.searchsorted(ends, row, side="right"))
        return f"{files[number]}, row {row - int(ends[number]) + rows[number]}"

    return place


def _kept_place(place: Place, kept: NDArray[np.int64]) -> Place:
    def at(row: int) -> str:
        return place(int(kept[row]))

    return at


def _with_position(
    raw: pd.DataFrame, lens: NDArray[np.bool_], place: Place
) -> tuple[NDArray[np.bool_], float | None, tuple[str, ...]]:
    """Rows that have a position, how likely chance leaves out so many more of one class, and a note; few may have none."""
    ra, dec = position_columns({str(name): str(name) for name in raw})
    missing = np.zeros(len(raw), dtype=bool)
    for name in (ra, dec):
        missing |= is_empty(raw[name])
    if not missing.any():
        return ~missing, None, ()
    if missing.mean() > MOST_WITHOUT_POSITION:
        raise ArcgateError(
            f"{ra} or {dec} is empty in {int(missing.sum())} of {count_of(len(raw), 'row')}",
            where=place(int(np.argmax(missing))),
            todo=f"give positions of all rows, or leave rows without one out (up to {100 * MOST_WITHOUT_POSITION:g} % are left "
            "out and counted)",
        )
    lost, every = [int((missing & one).sum()) for one in (lens, ~lens)], [int(lens.sum()), int((~lens).sum())]
    p = classes_differ(lost, every)
    note = (
        f"rows without a position are left out: {lost[0]} of {every[0]} positives and {lost[1]} of {every[1]} controls; chance "
        f"makes the classes differ that much with p = {p:.2g}"
    )
    if p < CHANCE:
        note += ". FINDING: positions are missing in one class more than chance explains"
    return ~missing, p, (note,)


def _require_classes(lens: NDArray[np.bool_], path: Path) -> None:
    if lens.all() or not lens.any():
        what = "lenses" if lens.all() else "no lenses"
        raise ArcgateError(
            f"all {len(lens)} rows are {what}: one class cannot be told from nothing", where=path, todo="give both classes"
        )


def _rows(raw: pd.DataFrame, lens: NDArray[np.bool_], read: _Read, place: Place) -> tuple[pd.DataFrame, list[str]]:
    """The columns that gates read, and what was taken for what."""
    ra_name, dec_name = position_columns({str(name): str(name) for name in raw})
    ra, dec = sky_positions(raw[ra_name], raw[dec_name], place)
    # Labels, conditions and the rest name nothing.
    naming = raw.drop(columns=[read.label, *read.conditions])
    if (at := same_everywhere(naming)) is not None:
        raise ArcgateError(
            f"all {len(raw)} rows have the position {at}: nothing can be said of where they lie on the sky",
            where=f"{place(0)}, columns {ra_name}, {dec_name}",
            todo="give each galaxy its own position: was one filled in, or are these columns of the field's centre?",
        )
    identity = identify(naming.assign(**{ra_name: ra, dec_name: dec}), place)
    rows: dict[str, object] = {
        "role": np.where(lens, "positive", "control").astype(object),
        "host_id": identity.table["host_id"],
        "pair_id": np.arange(len(raw)),
        "ra": ra,
        "dec": dec,
    }
    if "split" in identity.table:
        rows["split"] = identity.table["split"]
    brick = next((name for name in BRICK_NAMES if name in raw), None)
    for new, name in (("brick", brick), ("footprint", "footprint"), ("release", "release")):
        if name is not None and name in raw:
            rows[new] = exact_names(raw[name], name, place, None)
    rows |= {name: known_numbers(raw[name], place) for name in read.conditions}
    here = [f"{new} from {stored}" for new, stored in read.taken.items() if new != stored and new in rows]
    notes = [*identity.notes, *([f"columns are taken as others: {', '.join(here)}"] if here else [])]
    if "split" not in rows:
        notes.append(f"no split is recorded ({', '.join(SPLIT_NAMES)}): whether galaxies lie in two splits is not judged")
    return pd.DataFrame(rows, index=range(len(raw))), notes


def _unused(read: _Read) -> list[str]:
    return [f"columns that are not used: {', '.join(sorted(read.unused))}"] if read.unused else []


def _digest(table: pd.DataFrame) -> str:
    """Over all columns that are read, row by row."""
    digest = hashlib.sha256(LAYOUT.encode())
    for name in sorted(map(str, table)):
        digest.update(f"column {name}".encode())
        digest.update(pd.util.hash_pandas_object(table[name], index=False).to_numpy().tobytes())
    return digest.hexdigest()
