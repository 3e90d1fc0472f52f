"""Some columns of a table in a file of any usual kind: CSV, TSV, FITS, Parquet; what is not asked for is not read."""

from __future__ import annotations

import csv
import gzip
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
import pandas as pd

from arcgate.foreign.exact_names import plain_names
from arcgate.foreign.raw_table import opened
from arcgate.ground.errors import ArcgateError
from arcgate.ground.table_text import require_bytes, require_plain, require_separated

_SEPARATED: Final = {".csv": ",", ".tsv": "\t"}
_FITS: Final = (".fits", ".fit", ".fz")
_PARQUET: Final = ".parquet"
KINDS: Final = (*_SEPARATED, *_FITS[:2], _PARQUET)
"""Endings of the files that can be read; all but Parquet also with .gz behind."""
# A unit behind a name, as catalogues write it: RA [deg], dec (J2000).
_UNIT: Final = re.compile(r"\s*[\[(].*?[\])]\s*$")


def kind_of(path: Path) -> str:
    """Ending of a file's name without .gz; a file of another kind gives what it ends in."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def is_column_file(path: Path) -> bool:
    """Whether a name is that of a table whose columns can be read."""
    return kind_of(path) in KINDS


def stored_names(path: Path) -> dict[str, str]:
    """Names in the file by the same in lower case, without blanks and units.

    Raises
    ------
    ArcgateError
        The file is of another kind, cannot be read, holds no table, or two names differ by case only.
    """
    names = _reader(path)(path, None)
    found = plain_names([str(name) for name in names], "columns", path)
    plain: dict[str, str] = {}
    for name, stored in found.items():
        plain.setdefault(_UNIT.sub("", name), stored)
    return plain


def read_columns(path: Path, wanted: Mapping[str, str]) -> pd.DataFrame:
    """Columns of a file, as stored: numbers in the machine's byte order, text without blanks at its ends.

    Parameters
    ----------
    path : Path
    wanted : mapping
        Name in the file by the name that it gets.

    Raises
    ------
    ArcgateError
        The file cannot be read.
    """
    frame = _reader(path)(path, tuple(wanted.values()))
    return pd.DataFrame({new: frame[stored] for new, stored in wanted.items()}, index=range(len(frame)))


_Read = Callable[[Path, tuple[str, ...] | None], pd.DataFrame]


def _reader(path: Path) -> _Read:
    kind = kind_of(path)
    if kind in _SEPARATED:
        return _separated
    if kind in _FITS:
        return _fits
    if kind == _PARQUET:
        return _parquet
    raise ArcgateError(
        f"a file that ends in {path.suffix or 'nothing'}; a table ends in {', '.join(KINDS)}",
        where=path,
        todo="write it as one of these",
    )


def _separated(path: Path, columns: tuple[str, ...] | None) -> pd.DataFrame:
    """Text, value by value, so that no name loses a digit; empty cells are null."""
    separator = _SEPARATED[kind_of(path)]
    try:
        require_plain(path, takes_gz=True)
        with cast("IO[str]", (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rt", encoding="utf-8-sig")) as lines:
            first = lines.readline()
            require_separated(path, separator, first)
            head = next(csv.reader(chain([first], lines), delimiter=separator), [])
        if columns is None:
            return pd.DataFrame(columns=pd.Index(head))
        frame: pd.DataFrame = pd.read_csv(
            path, sep=separator, usecols=[*dict.fromkeys(columns)], dtype=str, encoding="utf-8-sig", skipinitialspace=True
        )
    except (OSError, ValueError, EOFError, zlib.error, csv.Error) as error:
        raise ArcgateError(
            f"not a table that can be read: {error}", where=path, todo="write it again, as CSV in UTF-8 or as Parquet"
        ) from error
    return frame


def _parquet(path: Path, columns: tuple[str, ...] | None) -> pd.DataFrame:
    with opened(path) as file:
        if columns is None:
            return pd.DataFrame(columns=pd.Index(file.schema_arrow.names))
        frame: pd.DataFrame = file.read(columns=[*dict.fromkeys(columns)]).to_pandas(ignore_metadata=True)
    return frame


def _fits(path: Path, columns: tuple[str, ...] | None) -> pd.DataFrame:
    """The first binary or ASCII table."""
    # Takes a second to import, which other kinds need not wait for.
    from astropy.io import fits

    try:
        require_bytes(path)
        with _no_truncation(), fits.open(path, memmap=True) as file:
            tables = [hdu for hdu in file if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
            tables = [hdu for hdu in tables if not isinstance(hdu, fits.CompImageHDU)]
            if not tables:
                kinds = ", ".join(type(hdu).__name__ for hdu in file)
                raise ArcgateError(f"no table in this FITS file; it holds {kinds}", where=path, todo="give the file of the table")
            if columns is None:
                return pd.DataFrame(columns=pd.Index(tables[0].columns.names))
            return pd.DataFrame({name: _column(tables[0], name, path) for name in columns})
    except (OSError, TypeError, ValueError, EOFError, UserWarning, zlib.error) as error:
        raise ArcgateError(
            f"not a FITS file that can be read: {error}", where=path, todo="download it again, or write it again"
        ) from error


@contextmanager
def _no_truncation() -> Iterator[None]:
    """A file that ends early is an error: astropy only warns, and fails later with that of whatever it tried to read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*truncated.*")
        yield


def _column(table: Any, name: str, path: Path) -> pd.Series:
    """A column, null where the table says so (TNULL)."""
    values, null = _native(table.data[name], name, path), table.columns[name].null
    if null is None or values.dtype.kind not in "iu":
        return values
    return values.astype(object).where(values != null, None) if (values == null).any() else values


def _native(values: np.ndarray, name: str, path: Path) -> pd.Series:
    """In the machine's byte order; text stripped."""
    if values.ndim > 1:
        raise ArcgateError(f"column {name} holds {values.shape[1]} values a row", where=path, todo="give one value a row")
    if values.dtype.kind in "SU":
        # Not as astropy's own kind of array, which takes nothing but text.
        return pd.Series(np.char.strip(np.array(values, subok=False).astype(np.str_)).tolist(), dtype=object)
    return pd.Series(values.astype(values.dtype.newbyteorder("=")))
