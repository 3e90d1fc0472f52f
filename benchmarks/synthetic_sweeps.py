"""Sweep files with all of DR10's columns, in which about as many rows pass as in the survey: the right bytes, no physics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from arcgate.survey.catalogue.datasum import DataSum

BANDS = ("G", "R", "I", "Z")
WISE = ("W1", "W2", "W3", "W4")
ROWS_AT_ONCE = 100_000
# Point sources, and of the others those as bright and red as parents: 2 million of 2.8 billion rows of DR10 pass.
POINT_SOURCES, BRIGHT_AND_RED = 0.45, 0.0013
GAIA = ("PHOT_G_MEAN_MAG", "PHOT_G_MEAN_FLUX_OVER_ERROR", "PHOT_BP_MEAN_MAG", "PHOT_BP_MEAN_FLUX_OVER_ERROR")
GAIA += ("PHOT_RP_MEAN_MAG", "PHOT_RP_MEAN_FLUX_OVER_ERROR", "ASTROMETRIC_EXCESS_NOISE")


def columns() -> np.dtype:
    """A row of DR10's sweeps (data model of DR10, legacysurvey.org/dr10/files)."""
    kinds: list[tuple] = [("RELEASE", ">i2"), ("BRICKID", ">i4"), ("BRICKNAME", "S8"), ("OBJID", ">i4"), ("TYPE", "S3")]
    kinds += [("RA", ">f8"), ("DEC", ">f8"), ("RA_IVAR", ">f4"), ("DEC_IVAR", ">f4"), ("DCHISQ", ">f4", (5,)), ("EBV", ">f4")]
    for stem in ("FLUX", "FLUX_IVAR", "MW_TRANSMISSION"):
        kinds += [(f"{stem}_{band}", ">f4") for band in (*BANDS, *WISE)]
    kinds += [(f"NOBS_{band}", ">i2") for band in (*BANDS, *WISE)]
    for stem in ("RCHISQ", "FRACFLUX"):
        kinds += [(f"{stem}_{band}", ">f4") for band in (*BANDS, *WISE)]
    for stem, kind in (("FRACMASKED", ">f4"), ("FRACIN", ">f4"), ("ANYMASK", ">i2"), ("ALLMASK", ">i2")):
        kinds += [(f"{stem}_{band}", kind) for band in BANDS]
    kinds += [("WISEMASK_W1", "u1"), ("WISEMASK_W2", "u1")]
    for stem in ("PSFSIZE", "PSFDEPTH", "GALDEPTH"):
        kinds += [(f"{stem}_{band}", ">f4") for band in BANDS]
    kinds += [("PSFDEPTH_W1", ">f4"), ("PSFDEPTH_W2", ">f4"), ("WISE_COADD_ID", "S8")]
    kinds += [(f"SHAPE_{name}{end}", ">f4") for name in ("R", "E1", "E2") for end in ("", "_IVAR")]
    kinds += [(f"{stem}_{band}", ">f4") for stem in ("FIBERFLUX", "FIBERTOTFLUX") for band in BANDS]
    kinds += [("REF_CAT", "S2"), ("REF_ID", ">i8"), ("REF_EPOCH", ">f4"), *((f"GAIA_{name}", ">f4") for name in GAIA)]
    kinds += [("GAIA_DUPLICATED_SOURCE", "?"), ("GAIA_PHOT_BP_RP_EXCESS_FACTOR", ">f4")]
    kinds += [("GAIA_ASTROMETRIC_SIGMA5D_MAX", ">f4"), ("GAIA_ASTROMETRIC_PARAMS_SOLVED", "u1")]
    kinds += [(f"{name}{end}", ">f4") for name in ("PARALLAX", "PMRA", "PMDEC") for end in ("", "_IVAR")]
    return np.dtype([*kinds, ("MASKBITS", ">i4"), ("FITBITS", ">i2"), ("SERSIC", ">f4"), ("SERSIC_IVAR", ">f4")])


def write(folder: Path, rows: int, files: int) -> list[Path]:
    """Write files with so many rows together."""
    folder.mkdir(parents=True)
    each = [rows // files + (number < rows % files) for number in range(files)]
    return [_write_file(folder, number, count) for number, count in enumerate(each)]


def _write_file(folder: Path, number: int, count: int) -> Path:
    path = folder / f"sweep-{5 * number:03d}p000-{5 * number + 5:03d}p005.fits"
    dtype = columns()
    header = fits.BinTableHDU(np.rec.array(np.zeros(1, dtype=dtype)), name="SWEEP").header
    # As the survey's files, with a checksum of the rows, which is known at the end: its card is written again then.
    header["NAXIS2"], header["DATASUM"] = count, "0"
    written, found = 0, DataSum()
    with path.open("wb") as stream:
        stream.write(fits.PrimaryHDU().header.tostring().encode())
        stream.write(header.tostring().encode())
        for first in range(0, count, ROWS_AT_ONCE):
            piece = _rows(dtype, number, first, min(ROWS_AT_ONCE, count - first))
            found.add(memoryview(piece.tobytes()))
            written += stream.write(piece.tobytes())
        stream.write(b"\0" * (-written % 2880))
        header["DATASUM"] = str(found.value)
        stream.seek(len(fits.PrimaryHDU().header.tostring()))
        stream.write(header.tostring().encode())
    return path


def _rows(dtype: np.dtype, number: int, first: int, count: int) -> np.ndarray:
    rng = np.random.default_rng([number, first])
    rows = np.zeros(count, dtype=dtype)
    rows["RELEASE"], rows["OBJID"] = 10000, first + np.arange(count)
    rows["RA"], rows["DEC"] = 5.0 * number + rng.uniform(0, 5, count), rng.uniform(0, 5, count)
    bricks = np.floor(rows["RA"] * 4).astype(int) * 20 + np.floor(rows["DEC"] * 4).astype(int)
    rows["BRICKID"] = bricks
    rows["BRICKNAME"] = [f"{brick // 20 * 5 // 2:04d}p{brick % 20 * 5 // 2:03d}".encode() for brick in bricks]
    rows["TYPE"] = np.where(rng.random(count) < POINT_SOURCES, b"PSF", rng.choice([b"REX", b"EXP", b"DEV", b"SER"], count))
    rows["EBV"], rows["SHAPE_R"], rows["SERSIC"] = 0.03, 1.2, 4.0
    faint = rng.lognormal(-1.0, 1.0, count)
    bright = rng.random(count) < BRIGHT_AND_RED
    for band, flux in {"G": 1.5, "R": 6.0, "I": 11.0, "Z": 16.0, "W1": 50.0}.items():
        rows[f"FLUX_{band}"] = np.where(bright, flux, faint)
    for band in (*BANDS, *WISE):
        rows[f"MW_TRANSMISSION_{band}"], rows[f"FLUX_IVAR_{band}"], rows[f"NOBS_{band}"] = 0.95, 100.0, 4
    for band in BANDS:
        rows[f"PSFSIZE_{band}"], rows[f"PSFDEPTH_{band}"], rows[f"GALDEPTH_{band}"] = 1.3, 400.0, 250.0
        rows[f"FIBERFLUX_{band}"] = rows[f"FIBERTOTFLUX_{band}"] = 0.3 * rows[f"FLUX_{band}"]
    rows["MASKBITS"] = np.where(rng.random(count) < 0.05, 2, 0)
    return rows
