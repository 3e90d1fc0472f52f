"""Parquet tables of the older layout: stamps as compressed numpy bytes in the columns stamp_npz and ctrl_stamp_npz."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.foreign.assembling import Kept, Stored, assembled
from arcgate.foreign.cells import Stamp
from arcgate.foreign.foreign_source import ForeignSource
from arcgate.foreign.left_out import LeftOut, flagged, leave_out, truth
from arcgate.foreign.raw_table import RawTable, read_raw
from arcgate.foreign.rows import Recorded, recorded, spread, unused_note
from arcgate.foreign.same_look import compare, namesakes, stored_types, type_notes
from arcgate.foreign.stamp_cells import OWN_CONTROL, STAMP, BlobStore, Content, first_shape, read_content
from arcgate.foreign.stated_imaging import imaging_of, stated_by
from arcgate.foreign.table_files import commit_notes, parquet_files, refuse_table_logs
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging

LAYOUT: Final = "stamp_npz"
IS_CONTROL: Final = "is_control"

Mask = NDArray[np.bool_]


def open_stamp_npz(path: Path, imaging: Imaging | None = None) -> ForeignSource:
    """Open a Parquet file, or a folder of them, of the older layout.

    A row with `ctrl_stamp_npz` is a pair: its stamp is the positive, and its galaxy without the arc the control. If positives
    have none, rows with `is_control` are their controls.

    Parameters
    ----------
    path : Path
        File, or folder that is searched for `*.parquet`.
    imaging : Imaging, optional
        Of the stamps; None: what the file states, else that of DECaLS.

    Returns
    -------
    ForeignSource

    Raises
    ------
    ArcgateError
        For files that cannot be read or belong to a table format, a missing column, values of the wrong kind, names that are no
        names, or one class only.
    """
    refuse_table_logs(path)
    files = parquet_files(path)
    raw = read_raw(path, files, (STAMP, OWN_CONTROL))
    _require_stamps(raw)
    is_control = truth(raw.scalars[IS_CONTROL], IS_CONTROL, raw.place) if IS_CONTROL in raw.scalars else np.zeros(raw.rows, bool)
    failed, flags = flagged(raw.scalars, raw.place)
    # Rows whose cutout failed are not asked for their galaxy: makers leave such rows empty.
    asked = np.flatnonzero(~failed)
    stated = stated_by(raw.scalars, raw.metadata, raw.place)
    bands = stated.bands or DECALS.bands if imaging is None else imaging.bands
    imaging, taken = imaging_of(*first_shape(raw.files, bands), stated, imaging)
    whole = recorded(raw.scalars.iloc[asked], lambda row: raw.place(int(asked[row])), imaging)
    namesake = asked[namesakes(pd.factorize(whole.table["host_id"])[0])]
    samples = [namesake.ravel(), asked[spread(is_control[asked])], asked[spread(~is_control[asked])]]
    content = read_content(raw.files, np.concatenate(samples), imaging)
    own = _has_own(content, is_control)
    lacking = ~content.has_own | failed if own else None
    left = leave_out(is_control, ~content.has_stamp | failed, lacking, flags)
    stayed = whole.at(np.searchsorted(asked, left.kept))
    types = _types(content, is_control)
    rows = Kept(
        recorded=stayed,
        is_control=is_control[left.kept],
        own=OWN_CONTROL if own else None,
        left=left,
        runs=_runs(raw, stayed, left),
        look=compare(namesake, _galaxies(content, own)),
        place=raw.place,
    )
    stored = Stored(
        layout=LAYOUT,
        path=path,
        digest=_digest(content, raw, stayed),
        store=BlobStore(raw.files, imaging),
        has_arc=False,
        types=frozenset().union(*types.values()),
    )
    used = {*whole.used, IS_CONTROL, STAMP, OWN_CONTROL}
    notes = [
        *commit_notes(path, files),
        *raw.notes,
        *taken,
        *_own_notes(content, rows),
        *type_notes(types),
        *unused_note("columns", [*raw.scalars], used, raw.passed_over, imaging),
    ]
    return assembled(rows, stored, notes)


def _require_stamps(raw: RawTable) -> None:
    names = raw.files[0].columns
    if STAMP not in names:
        raise ArcgateError(
            f"no column {STAMP}; the columns are {', '.join([*names.values()][:12])}",
            where=raw.files[0].path,
            todo=f"give a data set of arcgate, or a table with {STAMP} and {OWN_CONTROL} or {IS_CONTROL}",
        )


def _has_own(content: Content, is_control: Mask) -> bool:
    """Whether positives have their galaxies beside them: all of them, or those that do where no row is a control."""
    found = content.has_own[~is_control & content.has_stamp]
    return bool(found.any()) and bool(found.all() or not is_control.any())


def _galaxies(content: Content, own: bool) -> dict[int, Stamp]:
    """Sampled stamps by row, without arcs where they are stored without."""
    galaxies = {row: stamp for (row, column), stamp in content.samples.items() if column == STAMP}
    if own:
        galaxies |= {row: stamp for (row, column), stamp in content.samples.items() if column == OWN_CONTROL}
    return galaxies


def _types(content: Content, is_control: Mask) -> dict[str, set[str]]:
    """Floating-point types of the sampled stamps of positives and controls."""
    found: dict[str, set[str]] = {}
    for (row, column), stamp in content.samples.items():
        side = "controls" if column == OWN_CONTROL or is_control[row] else "positives"
        found.setdefault(side, set()).update(stored_types([stamp]))
    return found or {"positives": {"float32"}}


def _runs(raw: RawTable, rows: Recorded, left: LeftOut) -> dict[str, NDArray[np.generic]]:
    runs: dict[str, NDArray[np.generic]] = {"file": raw.file_of_row[left.kept]}
    if "split" in rows.table:
        runs["split"] = rows.table["split"].to_numpy(np.str_)
    return runs


def _own_notes(content: Content, rows: Kept) -> list[str]:
    """Say which controls of two kinds are judged."""
    if rows.own is None:
        return [f"{OWN_CONTROL} is empty on some positives and therefore not used"] if content.has_own.any() else []
    if not rows.is_control.any():
        return []
    return [f"controls that are other galaxies ({IS_CONTROL}) are not judged; give the table without {OWN_CONTROL} to judge them"]


def _digest(content: Content, raw: RawTable, rows: Recorded) -> str:
    """SHA-256 over stamps, columns as stored, and what they are taken for: a folder's name may give a split."""
    digest = content.digest
    for table in (raw.scalars, rows.identity.table):
        for name in sorted(table.columns):
            digest.update(f"column {name}".encode())
            digest.update(pd.util.hash_pandas_object(table[name].astype(str), index=False).to_numpy().tobytes())
    digest.update(repr(rows.imaging).encode())
    return digest.hexdigest()
