"""The headers of a sweep file: which of its tables is meant, where its rows lie, and whether the file is whole."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from arcgate.ground.errors import ArcgateError
from arcgate.ground.table_text import require_plain
from arcgate.survey.catalogue.matched import KEY
from arcgate.survey.catalogue.sweep_file import DOWNLOAD, SweepFile

TABLE: Final = "SWEEP"


def open_sweep(path: Path) -> SweepFile:
    """Read the headers of a sweep file, and whether the file is as long as they say.

    Parameters
    ----------
    path : Path
        A FITS file with a table that is called SWEEP, or has the columns RELEASE, BRICKID and OBJID.

    Raises
    ------
    ArcgateError
        It is no FITS file, holds no such table, or ends early.
    """
    with warnings.catch_warnings():
        # A file that ends early is told below, with the number of bytes.
        warnings.simplefilter("ignore", AstropyUserWarning)
        try:
            require_plain(path)
            with path.open("rb") as stream, fits.open(stream, memmap=False) as file:
                table = _table_of(file, path)
                found = _described(path, table)
        except (OSError, ValueError, fits.VerifyError) as error:
            raise ArcgateError(f"{path.name} is no FITS file that can be read ({error})", where=path, todo=DOWNLOAD) from error
    size, end = path.stat().st_size, found.data_at + found.size_bytes
    if size < end:
        raise ArcgateError(
            f"{path.name} ends early: {size:,} bytes, and its header states {found.rows:,} rows, which end at byte {end:,}",
            where=path,
            todo=DOWNLOAD,
        )
    return found


def _table_of(file: Any, path: Path) -> Any:
    tables = [hdu for hdu in file if isinstance(hdu, fits.BinTableHDU)]
    named = [hdu for hdu in tables if hdu.name == TABLE] or [hdu for hdu in tables if set(KEY) <= set(hdu.columns.names)]
    if not named:
        found = ", ".join(hdu.name or "a table without a name" for hdu in tables) or "no table"
        raise ArcgateError(
            f"{path.name} holds no table {TABLE}, nor one with columns {', '.join(KEY)}; found is {found}",
            where=path,
            todo="take it out of the folder, or correct its name: files there are called sweep-<corner>-<corner>.fits",
        )
    return named[0]


def _described(path: Path, table: Any) -> SweepFile:
    columns = table.columns
    scaled = {column.name for column in columns if column.bscale not in (None, "", 1) or column.bzero not in (None, "", 0)}
    dtype = columns.dtype.newbyteorder(">")
    plain = {name: found for name, found in dtype.fields.items() if not found[0].shape and name not in scaled}
    return SweepFile(
        path=path,
        rows=int(table.header["NAXIS2"]),
        row_bytes=int(table.header["NAXIS1"]),
        data_at=int(table.fileinfo()["datLoc"]),
        fields={name: (int(offset), str(kind.str)) for name, (kind, offset) in plain.items()},
        logical=frozenset(column.name for column in columns if str(column.format).strip("01") == "L"),
        datasum=_datasum(table.header),
    )


def _datasum(header: fits.Header) -> int | None:
    """As it is stated, in digits; it is of what follows the rows as well, where there is such a heap."""
    stated = str(header.get("DATASUM", "")).strip()
    return int(stated) if stated.isdecimal() and not header.get("PCOUNT", 0) else None
