"""Lists of known lenses as others publish them: any table with a position on the sky, under one of the usual names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.coordinates import Angle
from astropy.io import fits
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.ground.sphere import chord_of, unit_vectors
from arcgate.ground.table_text import require_bytes, require_plain, require_separated
from arcgate.survey.positions import DEC_NAMES, RA_NAMES

Array = NDArray[np.float64]
_READ: Final = {".csv": ",", ".tsv": "\t", ".txt": None}
_KINDS: Final = ".csv, .tsv, .txt, .fits, .fits.gz, .parquet"
# Units in brackets after a name: `RA [deg]`, `DEC (J2000)`.
_BRACKETS: Final = re.compile(r"[\[(][^\])]*[\])]")


@dataclass(frozen=True, eq=False)
class LensList:
    """Positions of known lenses.

    Attributes
    ----------
    path : Path
    ra_deg, dec_deg : ndarray, shape (n,)
    """

    path: Path
    ra_deg: Array
    dec_deg: Array

    def near(self, ra_deg: Array, dec_deg: Array, radius_arcsec: float) -> NDArray[np.bool_]:
        """Whether each of some positions lies within a radius of one of the lenses; one that is no number does not."""
        from scipy.spatial import cKDTree

        near = np.zeros(len(ra_deg), dtype=bool)
        known = np.isfinite(ra_deg) & np.isfinite(dec_deg)
        if known.any():
            distance, _ = cKDTree(unit_vectors(self.ra_deg, self.dec_deg)).query(
                unit_vectors(ra_deg[known], dec_deg[known]), distance_upper_bound=chord_of(radius_arcsec)
            )
            near[known] = np.isfinite(distance)
        return near


def read_lens_list(path: Path) -> LensList:
    """Read a list of known lenses.

    Parameters
    ----------
    path : Path
        CSV, TSV, text with blanks between columns, FITS or Parquet. Positions are found under the usual names (`ra`, `RA [deg]`,
        `raj2000`, ...), in degrees; text such as `12:34:56.7` is hours for right ascensions and degrees for declinations.

    Raises
    ------
    ArcgateError
        There is no such file, it cannot be read, names no positions, or one of them is none.
    """
    if path.is_dir():
        raise ArcgateError(
            f"{path.name} is a folder, and known_lenses names files, each a list",
            where=path,
            todo=f"name each list in it: known_lenses=[{path.name}/<list>.csv,...]",
        )
    if not path.is_file():
        raise ArcgateError(f"there is no list of known lenses {path.name}", where=path, todo="correct its path (known_lenses)")
    table = _table(path)
    ra, dec = (_named(table, names, path) for names in (RA_NAMES, DEC_NAMES))
    if not len(table):
        raise ArcgateError(f"{path.name} lists no lens", where=path, todo="leave it out of known_lenses, or fill it")
    ra_deg, dec_deg = _degrees(ra, path, units.hourangle), _degrees(dec, path, units.deg)
    _check(ra, ra_deg, (-360.0, 720.0), path)
    _check(dec, dec_deg, (-90.0, 90.0), path)
    return LensList(path, ra_deg, dec_deg)


def known_lenses(paths: Sequence[str]) -> Array:
    """Positions of the lenses of several lists, shape (n, 2): right ascension, declination, degrees."""
    lists = [read_lens_list(Path(path)) for path in paths]
    return np.concatenate([np.zeros((0, 2)), *(np.stack([each.ra_deg, each.dec_deg], axis=1) for each in lists)])


def _table(path: Path) -> pd.DataFrame:
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    try:
        if suffix in (".fits", ".fits.gz", ".fit"):
            require_bytes(path)
            return _fits_table(path)
        if suffix == ".parquet":
            require_plain(path)
            return pd.DataFrame(pq.read_table(path).to_pandas())
        if suffix in _READ:
            separator = _READ[suffix]
            if separator is None:
                require_plain(path)
                return pd.read_csv(path, sep=r"\s+", comment="#", index_col=False)
            require_separated(path, separator)
            return pd.read_csv(path, sep=separator, index_col=False)
    except (OSError, ValueError, pa.ArrowException, fits.VerifyError) as error:
        raise ArcgateError(
            f"the list of known lenses {path.name} cannot be read: {error}",
            where=path,
            todo="repair it, or write it as CSV with columns ra and dec in degrees",
        ) from error
    raise ArcgateError(
        f"{path.name} ends in {path.suffix or 'nothing'}, and lists of known lenses are {_KINDS}",
        where=path,
        todo="rename it after what it is, or write it as CSV with columns ra and dec in degrees",
    )


def _fits_table(path: Path) -> pd.DataFrame:
    """Plain columns of the first table of a FITS file."""
    with path.open("rb") as stream, fits.open(stream, memmap=False) as file:
        for hdu in file:
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
                data = hdu.data
                plain = [name for name in hdu.columns.names if np.asarray(data[name]).ndim == 1]
                return pd.DataFrame({name: _native(np.asarray(data[name])) for name in plain})
    raise ValueError("it holds no table")


def _native(column: NDArray[Any]) -> NDArray[Any]:
    if column.dtype.kind in "SU":
        return column.astype(str).astype(object)
    return column.astype(column.dtype.newbyteorder("="))


def _named(table: pd.DataFrame, names: tuple[str, ...], path: Path) -> pd.Series[Any]:
    """The column that has one of some names; the first of them that is there."""
    plain = {_plain(str(column)): column for column in reversed(table.columns)}
    for name in names:
        if name in plain:
            return table[plain[name]]
    raise ArcgateError(
        f"{path.name} has no column {', '.join(names)}; it has {', '.join(map(str, table.columns[:12]))}",
        where=path,
        todo=f"name its columns of positions {names[0]}, or leave it out of known_lenses",
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", _BRACKETS.sub("", name).strip().lower()).strip("_")


def _degrees(values: pd.Series[Any], path: Path, unit: Any) -> Array:
    """Angles in degrees; NaN for what is no number. Text that is no number is read as hours or degrees, minutes, seconds."""
    numbers = np.asarray(pd.to_numeric(values, errors="coerce"), dtype=np.float64)
    text = ~np.isfinite(numbers) & values.notna().to_numpy()
    if text.any():
        try:
            numbers = numbers.copy()
            numbers[text] = np.atleast_1d(Angle(values[text].astype(str).tolist(), unit=unit).deg)
        except (ValueError, TypeError) as error:
            raise ArcgateError(
                f"{values.name} of {path.name} holds what is no angle: {error}",
                where=f"{path}, column {values.name}",
                todo="write degrees, or hours or degrees with minutes and seconds: 12:34:56.7",
            ) from error
    return numbers


def _check(values: pd.Series[Any], degrees: Array, between: tuple[float, float], path: Path) -> None:
    wrong = ~((degrees >= between[0]) & (degrees <= between[1]))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ArcgateError(
            f"{values.name} is {values.iloc[row]}, which is no place on the sky, in {int(wrong.sum())} of {len(wrong)} rows",
            where=f"{path}, row {row + 1}, column {values.name}",
            todo="give each lens a position, or take those rows out: a lens without one cannot be kept out of the parents",
        )
