"""Stamp packs on disk: one FITS cube (n, height, width) per band, in files g.fits, r.fits, ..."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError

Cube = NDArray[Any]

# Other names of a band's file, in the order in which they are tried; what a file is shows in its content.
_ENDINGS: Final = (".fits", ".fits.fz", ".fits.gz", ".fit")
# First bytes of files that are compressed as a whole.
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"PK\x03\x04")
_SCALED: Final = ("BSCALE", "BZERO", "BLANK")


@dataclass(frozen=True)
class CubeFile:
    """A band's cube and what its headers say.

    Attributes
    ----------
    path : Path
    pixels : ndarray, shape (n, height, width)
        In the file's unit; memory-mapped where the file allows it. Integers with BLANK in the header are floating-point numbers
        here, and blank pixels NaN.
    mapped : bool
        Whether `pixels` are those of the file, of which what is not asked for is not read.
    header : astropy.io.fits.Header
        Of the image.
    others : tuple of Header
        Of the file's other parts.
    """

    path: Path
    pixels: Cube
    mapped: bool
    header: fits.Header
    others: tuple[fits.Header, ...]


def cube_paths(folder: Path, bands: Sequence[str]) -> dict[str, Path]:
    """Paths of the cubes of a stamp pack: `g.fits`, or another name if only that is there (`g.fits.fz`, `g.fits.gz`)."""
    paths = {}
    for band in bands:
        names = [folder / f"{band}{ending}" for ending in _ENDINGS]
        paths[band] = next((path for path in names if path.is_file()), names[0])
    return paths


def open_cube(path: Path) -> Cube:
    """Pixels of one cube (see `read_cube`)."""
    return read_cube(path).pixels


def read_cube(path: Path) -> CubeFile:
    """Open one cube, memory-mapped if it is neither compressed nor scaled.

    Parameters
    ----------
    path : Path
        FITS file with one cube in any of its parts; any numeric type; plain or compressed, whatever its name says.

    Raises
    ------
    ArcgateError
        If the file is missing, is not FITS, ends early, or holds no cube or several.
    """
    if not path.is_file():
        raise ArcgateError(
            f"no file {path.name}",
            where=path.parent,
            todo="a stamp pack holds a file for each band of the imaging (g.fits, r.fits, ...), each with one cube",
        )
    with path.open("rb") as start:
        packed = start.read(4).startswith(_PACKED)
    with warnings.catch_warnings():
        # astropy only warns about a file that ends early; the check below raises, where the file is not compressed as a whole.
        warnings.filterwarnings("error" if packed else "ignore", category=AstropyUserWarning)
        try:
            number, headers, start_byte = _find(path, packed)
            if start_byte is not None:
                _check_complete(path, start_byte, headers[number])
            mapped = start_byte is not None and not any(key in headers[number] for key in _SCALED)
            pixels = np.asarray(fits.getdata(path, number, memmap=mapped))
        except (OSError, EOFError, ValueError, TypeError, fits.VerifyError, AstropyUserWarning) as error:
            raise ArcgateError(f"{path.name} is not a readable FITS file: {error}", where=path, todo="copy it again") from error
    others = tuple(header for place, header in enumerate(headers) if place != number)
    return CubeFile(path, pixels, mapped, headers[number], others)


def _find(path: Path, packed: bool) -> tuple[int, list[fits.Header], int | None]:
    """The part that holds the cube, all headers, and where the cube's bytes begin if they lie in the file as they are."""
    with fits.open(path, memmap=not packed, lazy_load_hdus=False) as file:
        headers = [hdu.header for hdu in file]
        shapes = [tuple(hdu.shape) if hdu.is_image else () for hdu in file]
        cubes = [number for number, shape in enumerate(shapes) if len(shape) == 3]
        if len(cubes) != 1:
            _refuse(path, shapes, cubes)
        number = cubes[0]
        plain = not packed and not isinstance(file[number], fits.CompImageHDU)
        start = int(file[number].fileinfo()["datLoc"]) if plain else None
    return number, headers, start


def _refuse(path: Path, shapes: list[tuple[int, ...]], cubes: list[int]) -> None:
    found = "; ".join(f"part {number}: {shape}" for number, shape in enumerate(shapes) if shape)
    raise ArcgateError(
        f"{path.name} holds {len(cubes)} cubes, sought is one cube (n, height, width); its images are {found or 'none'}",
        where=path,
        todo="write the stamps of one band as one cube",
    )


def _check_complete(path: Path, start: int, header: fits.Header) -> None:
    shape = [header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1)]
    expected = start + abs(header["BITPIX"]) // 8 * int(np.prod(shape))
    found = path.stat().st_size
    if found < expected:
        raise ArcgateError(
            f"{path.name} ends early: {expected - found} of {expected} bytes are missing",
            where=path,
            todo="copy or download the file again",
        )


def write_cubes(folder: Path, stamps: NDArray[np.float32], bands: Sequence[str]) -> None:
    """Write stamps, shape (n, band, y, x) in nanomaggies per pixel, as a cube a band, each under a temporary name first."""
    for index, (band, path) in enumerate(cube_paths(folder, bands).items()):
        temporary = path.with_name(f".{band}.{os.getpid()}.tmp")
        hdu = fits.PrimaryHDU(np.ascontiguousarray(stamps[:, index]))
        hdu.header["BUNIT"] = ("nanomaggy", "per pixel, AB zero point 22.5")
        hdu.writeto(temporary, overwrite=True)
        os.replace(temporary, path)
