"""Bricks of full size for benchmarks: sky noise and round galaxies, compressed as the Legacy Surveys compress each type."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from numpy.typing import NDArray

from arcgate.survey.legacy.layout import BRICK_PIX, PIXEL_SCALE_ARCSEC, SurveyFolder

SIGMA: Final = {"g": 0.004, "r": 0.006, "z": 0.015}
FLUX: Final = {"g": 10.0, "r": 30.0, "z": 60.0}
WIDTH_PIX: Final = 2.5
_REACH: Final = 20


def write_bricks(root: Path, bricks: int, hosts_per_brick: int, seed: int = 1) -> None:
    """Write bricks with so many galaxies each, in g, r, z, with their geometry and a catalogue of parents.

    Files are named and laid out as on the survey's server; a folder that is finished already is left as it is.
    """
    done = root / "parents" / "card.json"
    if done.is_file():
        return
    rows, geometry = [], []
    for number in range(bricks):
        name, ra = f"{number:04d}p000", 10.0 + number
        geometry.append((name, ra, 0.0))
        rows.append(_write_brick(SurveyFolder(root, "south"), name, ra, hosts_per_brick, np.random.default_rng([seed, number])))
    plain = root / "survey-bricks.fits"
    Table(rows=geometry, names=("BRICKNAME", "RA", "DEC")).write(plain, overwrite=True)
    (root / "survey-bricks.fits.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    done.parent.mkdir(exist_ok=True)
    pd.concat(rows, ignore_index=True).to_parquet(done.parent / "parents.parquet")
    done.write_text(json.dumps({"digest": f"{bricks} bricks of {hosts_per_brick}, seed {seed}", "cut_flow": []}))


def _write_brick(folder: SurveyFolder, name: str, ra: float, count: int, random: np.random.Generator) -> pd.DataFrame:
    folder.brick(name).mkdir(parents=True, exist_ok=True)
    header = _header(name, ra)
    places = random.uniform(60.0, BRICK_PIX - 60.0, (count, 2))
    shape = (BRICK_PIX, BRICK_PIX)
    for band, sigma in SIGMA.items():
        image = random.normal(0.0, sigma, shape).astype(np.float32)
        for x, y in places:
            _paint(image, x, y, FLUX[band])
        ivar = (sigma**-2 * random.uniform(0.8, 1.2, shape)).astype(np.float32)
        for kind, pixels, settings in (
            ("image", image, {"quantize_level": -1e-4, "quantize_method": 2, "dither_seed": 1}),
            ("invvar", ivar, {"quantize_level": 16, "quantize_method": -1}),
        ):
            _write(folder.coadd(name, kind, band), pixels, header, "RICE_1", settings)
    bits = np.zeros(shape, dtype=np.int32)
    bits[:200] = 1
    _write(folder.coadd(name, "maskbits"), bits, header, "HCOMPRESS_1", {})
    return _rows(name, header, places)


def _header(name: str, ra: float) -> fits.Header:
    header = fits.Header({"BRICKNAM": name})
    for axis, (kind, value) in enumerate((("RA---TAN", ra), ("DEC--TAN", 0.0)), start=1):
        header[f"CTYPE{axis}"], header[f"CRVAL{axis}"], header[f"CRPIX{axis}"] = kind, value, (BRICK_PIX + 1) / 2.0
    scale = PIXEL_SCALE_ARCSEC / 3600.0
    header["CD1_1"], header["CD1_2"], header["CD2_1"], header["CD2_2"] = -scale, 0.0, 0.0, scale
    # Real headers are about this long, and are read with every image.
    for number in range(70):
        header[f"DEPVER{number:02d}"] = ("1.0", "version of something")
    return header


def _paint(image: NDArray[np.float32], x: float, y: float, flux: float) -> None:
    left, top = int(x) - _REACH, int(y) - _REACH
    rows, columns = np.ogrid[top : top + 2 * _REACH, left : left + 2 * _REACH]
    light = np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / WIDTH_PIX**2)
    image[top : top + 2 * _REACH, left : left + 2 * _REACH] += (flux / (2.0 * np.pi * WIDTH_PIX**2) * light).astype(np.float32)


def _write(path: Path, pixels: NDArray[Any], header: fits.Header, compression: str, settings: dict[str, Any]) -> None:
    hdu = fits.CompImageHDU(pixels, header, compression_type=compression, tile_shape=(100, 100), **settings)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def _rows(name: str, header: fits.Header, places: NDArray[np.float64]) -> pd.DataFrame:
    ra, dec = WCS(header).all_pix2world(places[:, 0], places[:, 1], 0)
    table = pd.DataFrame({"host_id": [f"{name}-{number}" for number in range(len(ra))], "ra": ra, "dec": dec})
    table["release"], table["brick"], table["footprint"] = np.int32(10000), name, "south"
    table["ebv"], table["shape_r"] = 0.03, 1.0
    for band, flux in FLUX.items():
        table[f"host_mag_{band}"] = 22.5 - 2.5 * np.log10(flux)
        table[f"psfsize_{band}"], table[f"depth_{band}"] = 1.3, 24.0
    return table
