"""Stamp packs on disk: one FITS cube (n, height, width) per band, in files g.fits, r.fits and z.fits."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS
from arcgate.errors import ArcgateError

Cube = NDArray[Any]


def cube_paths(folder: Path) -> dict[str, Path]:
    """Paths of the three cubes of a stamp pack."""
    return {band: folder / f"{band}.fits" for band in BANDS}


def open_cube(path: Path) -> Cube:
    """Memory-map one cube.

    Parameters
    ----------
    path : Path
        FITS file whose primary image is a cube; any numeric type.

    Returns
    -------
    ndarray, shape (n, height, width)
        Backed by the file, in the file's unit and byte order.

    Raises
    ------
    ArcgateError
        If the file is missing, is not FITS, ends early or holds no cube.
    """
    if not path.is_file():
        raise ArcgateError(
            f"no file {path.name}", where=path.parent, todo="a stamp pack holds g.fits, r.fits and z.fits, one cube per band"
        )
    with warnings.catch_warnings():
        # astropy only warns about a file that ends early; the check below raises.
        warnings.simplefilter("ignore", AstropyUserWarning)
        try:
            with fits.open(path, memmap=True) as file:
                header, place = file[0].header, file[0].fileinfo()
        except (OSError, fits.VerifyError) as error:
            raise ArcgateError(f"{path.name} is not a readable FITS file: {error}", where=path, todo="copy it again") from error
        _check_complete(path, place["datLoc"], header)
        data = fits.getdata(path, 0, memmap=True) if "BSCALE" not in header else fits.getdata(path, 0)
    return np.asarray(data)


def _check_complete(path: Path, start: int, header: fits.Header) -> None:
    shape = [header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1)]
    if len(shape) != 3:
        raise ArcgateError(
            f"the image of {path.name} has shape {tuple(shape)}, sought is a cube (n, height, width)",
            where=path,
            todo="write the stamps of one band as one cube",
        )
    expected = start + abs(header["BITPIX"]) // 8 * int(np.prod(shape))
    found = path.stat().st_size
    if found < expected:
        raise ArcgateError(
            f"{path.name} ends early: {expected - found} of {expected} bytes are missing",
            where=path,
            todo="copy or download the file again",
        )


def write_cubes(folder: Path, stamps: NDArray[np.float32]) -> None:
    """Write stamps, shape (n, band, y, x) in nanomaggies per pixel, as three cubes, each under a temporary name first."""
    for index, (band, path) in enumerate(cube_paths(folder).items()):
        temporary = path.with_name(f".{band}.{os.getpid()}.tmp")
        hdu = fits.PrimaryHDU(np.ascontiguousarray(stamps[:, index]))
        hdu.header["BUNIT"] = ("nanomaggy", "per pixel, AB zero point 22.5")
        hdu.writeto(temporary, overwrite=True)
        os.replace(temporary, path)
