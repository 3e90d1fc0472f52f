"""Sweep files of a few rows, with the columns and types of DR9's and DR10's, and survey folders of such files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from composing import composed_parents
from numpy.lib.recfunctions import repack_fields

from arcgate.survey.catalogue.spec import ParentsSpec

OPTICAL = ("G", "R", "I", "Z")
BRIGHT_RED = {"G": 1.3, "R": 6.3, "I": 12.0, "Z": 17.4, "W1": 57.5}
"""Fluxes of a galaxy that both selections take, nanomaggies: r = 20.5, g - r = 1.7, r - z = 1.1, W1 = 18.1."""


def sweep_rows(count: int, *, release: int = 10000, maskbits: type = np.int32, bands: tuple[str, ...] = OPTICAL) -> np.ndarray:
    """Rows of galaxies that pass every cut of both selections, in one brick, a minute of arc apart."""
    kinds: list[tuple[str, Any]] = [("RELEASE", ">i2"), ("BRICKID", ">i4"), ("BRICKNAME", "S8"), ("OBJID", ">i4"), ("TYPE", "S3")]
    kinds += [("RA", ">f8"), ("DEC", ">f8"), ("DCHISQ", ">f4", (5,)), ("EBV", ">f4")]
    wise = (*bands, "W1", "W2")
    for stem in ("FLUX", "FLUX_IVAR", "MW_TRANSMISSION"):
        kinds += [(f"{stem}_{band}", ">f4") for band in wise]
    kinds += [(f"NOBS_{band}", ">i2") for band in bands]
    for stem in ("FRACMASKED", "PSFSIZE", "PSFDEPTH", "GALDEPTH", "FIBERFLUX", "FIBERTOTFLUX"):
        kinds += [(f"{stem}_{band}", ">f4") for band in bands]
    kinds += [(name, ">f4") for name in ("SHAPE_R", "SHAPE_E1", "SHAPE_E2", "SERSIC", "GAIA_PHOT_G_MEAN_MAG")]
    kinds += [("GAIA_DUPLICATED_SOURCE", "?"), ("MASKBITS", np.dtype(maskbits).newbyteorder(">")), ("FITBITS", ">i2")]
    rows = np.zeros(count, dtype=kinds)
    rows["RELEASE"], rows["BRICKID"], rows["BRICKNAME"], rows["OBJID"] = release, 412345, b"1500p200", np.arange(count)
    rows["TYPE"], rows["EBV"], rows["SHAPE_R"], rows["SERSIC"] = b"DEV", 0.03, 1.2, 4.0
    rows["RA"], rows["DEC"] = 150.0 + np.arange(count) / 60.0, 20.0
    for band in wise:
        rows[f"FLUX_{band}"], rows[f"FLUX_IVAR_{band}"] = BRIGHT_RED.get(band, 100.0), 50.0
        rows[f"MW_TRANSMISSION_{band}"] = {"G": 0.9, "R": 0.93, "I": 0.95, "Z": 0.96}.get(band, 0.99)
    for band in bands:
        rows[f"NOBS_{band}"], rows[f"PSFSIZE_{band}"], rows[f"PSFDEPTH_{band}"] = 3, 1.3, 400.0
        rows[f"GALDEPTH_{band}"] = 250.0
        rows[f"FIBERFLUX_{band}"] = rows[f"FIBERTOTFLUX_{band}"] = 0.3 * BRIGHT_RED[band]
    return rows


def write_sweep(path: Path, rows: np.ndarray, *, name: str = "SWEEP", without: tuple[str, ...] = ()) -> Path:
    """Write a sweep file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [column for column in rows.dtype.names or () if column not in without]
    fits.BinTableHDU(np.rec.array(repack_fields(rows[kept])), name=name).writeto(path, overwrite=True)
    return path


def write_survey(root: Path, sweeps: Mapping[str, np.ndarray], footprint: str = "south", version: str = "10.1") -> Path:
    """Write sweeps under their names into a survey's folder; gives the folder."""
    for name, rows in sweeps.items():
        write_sweep(root / footprint / "sweep" / version / f"sweep-{name}.fits", rows)
    return root


def spec_of(root: Path, *overrides: str) -> ParentsSpec:
    """Specification of the parents of a folder, made in a folder beside it, in this process."""
    return composed_parents(f"root={root}", f"runtime.data_dir={root.parent / 'data'}", "runtime.workers=1", *overrides)
