"""The catalogue that may lie beside the cubes of a stamp pack: a row for each galaxy, in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from astropy import units
from astropy.table import Table
from astropy_healpix import lonlat_to_healpix

from arcgate.ground.errors import ArcgateError
from arcgate.ground.table_text import require_bytes, require_plain, require_separated
from arcgate.hosts_node import PackHosts
from arcgate.imaging import Imaging
from arcgate.lensing.psf import MAX_BETA
from arcgate.survey.columns import HEALPIX_NSIDE, PROVENANCE, declared_columns

# Least and largest value, and whether it may be missing.
_RANGES: Final = {
    "ra": (0.0, 360.0, True),
    "dec": (-90.0, 90.0, True),
    "ebv": (0.0, 50.0, True),
    "host_reff_arcsec": (1e-3, 600.0, True),
    "host_mag": (-5.0, 40.0, False),
    "depth": (5.0, 40.0, False),
    "psfsize": (1e-3, 100.0, False),
    "psf_beta": (1.0 + 1e-6, MAX_BETA, False),
}
NAMES: Final = ("catalogue.parquet", "catalogue.fits", "catalogue.csv")


def catalogue_path(folder: Path) -> Path | None:
    """Where a pack's catalogue lies; None where a pack has none.

    Raises
    ------
    ArcgateError
        There are several.
    """
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if len(found) > 1:
        raise ArcgateError(
            f"a pack has one catalogue, here are {', '.join(path.name for path in found)}", where=folder, todo="keep one of them"
        )
    return found[0] if found else None


def read_catalogue(path: Path, hosts: PackHosts, imaging: Imaging, count: int) -> pd.DataFrame:
    """Read a pack's catalogue.

    Parameters
    ----------
    path : Path
        Parquet, FITS or CSV with `host_id`, and for each band `host_mag_<band>` and `depth_<band>`; optional are `ra` and `dec`
        (degrees), `brick`, `footprint`, `release`, `ebv`, `host_reff_arcsec`, `psfsize_<band>` (arcsec) and `psf_beta_<band>`,
        which otherwise are the configuration's.
    hosts : PackHosts
    imaging : Imaging
    count : int
        Galaxies in the cubes.

    Returns
    -------
    DataFrame
        Columns of `arcgate.survey.columns.declared_columns`.

    Raises
    ------
    ArcgateError
        The file cannot be read, a column is missing, or misspelt, or holds what is no number of its range, a name is missing or
        occurs twice, a position has one coordinate, or there are more or fewer rows than galaxies.
    """
    found = read_table(path)
    if found.index.name is not None:
        found = found.reset_index()
    _check_spelling(found, [*declared_columns(imaging)], path)
    given: dict[str, object] = dict.fromkeys(("ra", "dec", "ebv", "host_reff_arcsec"), np.nan) | dict.fromkeys(PROVENANCE)
    for band in imaging.bands:
        given |= dict(zip((f"psfsize_{band}", f"psf_beta_{band}"), hosts.psf_of(band), strict=True))
    kernels = [f"kernel_{band}" for band in imaging.bands]
    wanted = [name for name in declared_columns(imaging) if name not in ("healpix", *kernels)]
    lacking = [name for name in wanted if name not in found and name not in given]
    if lacking:
        raise ArcgateError(
            f"the catalogue has no {', '.join(lacking)}; it has {', '.join(map(str, found))}",
            where=path,
            todo="add these columns; or take the catalogue away, and magnitudes and depths are measured on the stamps",
        )
    if len(found) != count:
        raise ArcgateError(
            f"the catalogue has {len(found)} rows, the cubes hold {count} galaxies",
            where=path,
            todo="give a row for each galaxy, in the order of the cubes",
        )
    table = pd.DataFrame({name: found[name].to_numpy() if name in found else given[name] for name in wanted})
    _check_names(table["host_id"], path)
    # Numbers of the configuration were checked there, and are missing where measured PSFs stand in.
    for name in [name for name in wanted[1:] if name in found and name not in PROVENANCE]:
        table[name] = _numbers(table[name], name, path)
    alone = table["ra"].isna() != table["dec"].isna()
    if alone.any():
        raise _wrong(
            path, "ra" if table["ra"].isna()[alone].any() else "dec", int(np.argmax(alone)), "is missing beside the other"
        )
    table["healpix"] = _cells(table)
    columns = declared_columns(imaging)
    return table.reindex(columns=list(columns)).astype(columns)


def read_table(path: Path) -> pd.DataFrame:
    """A table as it is: Parquet, CSV or FITS by its name; ArcgateError where it cannot be read."""
    try:
        if path.suffix == ".parquet":
            require_plain(path)
            return pd.read_parquet(path)
        if path.suffix == ".csv":
            require_separated(path, ",")
            return pd.read_csv(path, dtype={"host_id": "str"})
        require_bytes(path)
        table: pd.DataFrame = Table.read(path, format="fits", character_as_bytes=False).to_pandas()
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise ArcgateError(f"the pack's catalogue cannot be read: {error}", where=path, todo="write it again") from error
    return table


def _check_spelling(found: pd.DataFrame, names: list[str], path: Path) -> None:
    """A column that is not read because of its letters' case would go unnoticed where it is optional."""
    near = [str(name) for name in found if str(name).lower() in names and str(name).lower() not in found]
    if near:
        raise ArcgateError(
            f"the catalogue has {', '.join(near)}; sought is {', '.join(name.lower() for name in near)}",
            where=path,
            todo="rename these columns",
        )


def _check_names(names: pd.Series[str], path: Path) -> None:
    if pd.api.types.is_float_dtype(names):
        raise ArcgateError("host_id is a floating-point number", where=path, todo="name each galaxy by an integer or by text")
    missing = names.isna() | (names.astype("str").str.strip() == "")
    if missing.any():
        raise _wrong(path, "host_id", int(np.argmax(missing)), "is missing")
    again = names.astype("str").duplicated()
    if again.any():
        row = int(np.argmax(again))
        raise _wrong(path, "host_id", row, f"is {names.iloc[row]}, which occurs before")


def _numbers(values: pd.Series[float], name: str, path: Path) -> pd.Series[float]:
    """A column of numbers in its range; what may be missing is NaN where it is."""
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_any_real_numeric_dtype(values.infer_objects()):
        numbers = pd.to_numeric(values.astype("str"), errors="coerce").astype("float64")
        numbers[values.isna()] = np.nan
    else:
        numbers = values.astype("float64")
    low, high, may_lack = _RANGES.get(name.rsplit("_", 1)[0] if name not in _RANGES else name, (-np.inf, np.inf, False))
    bad = ~(np.isfinite(numbers) & (numbers >= low) & (numbers <= high)) & ~(values.isna() & may_lack)
    if bad.any():
        row = int(np.argmax(bad))
        sought = "a finite number" if np.isinf(low) else f"a number from {low:g} to {high:g}"
        raise _wrong(path, name, row, f"is {values.iloc[row]}, sought is {sought}" + (", or nothing" if may_lack else ""))
    return numbers


def _wrong(path: Path, name: str, row: int, what: str) -> ArcgateError:
    return ArcgateError(f"{name} of row {row} {what}", where=f"{path}, column {name}", todo="correct the catalogue")


def _cells(table: pd.DataFrame) -> pd.Series[int]:
    cells = pd.Series(pd.NA, index=table.index, dtype="Int64")
    known = table["ra"].notna() & table["dec"].notna()
    if known.any():
        ra, dec = (table.loc[known, name].to_numpy() * units.deg for name in ("ra", "dec"))
        cells[known] = lonlat_to_healpix(ra, dec, HEALPIX_NSIDE, order="nested")
    return cells
