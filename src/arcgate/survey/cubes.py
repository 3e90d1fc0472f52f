"""Stamp packs on disk: one FITS cube (n, height, width) per band, in files g.fits, r.fits, ...

Or one image a band and the places of galaxies in it, `positions.csv`: windows around them are the cube then.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from arcgate.ground.errors import ArcgateError
from arcgate.ground.table_text import require_separated
from arcgate.survey.fits_file import decoding

Cube = NDArray[Any]

# Other names of a band's file, in the order in which they are tried; what a file is shows in its content.
_ENDINGS: Final = (".fits", ".fits.fz", ".fits.gz", ".fit")
# First bytes of files that are compressed as a whole.
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"PK\x03\x04")
_SCALED: Final = ("BSCALE", "BZERO", "BLANK")
POSITIONS: Final = "positions.csv"
# Positions that are nearer to each other are of one galaxy.
_SAME_PIX: Final = 3.0
_AXES: Final = ("x_pix", "y_pix")
# Windows are so much larger than stamps on each side, so that a galaxy may lie beside its position.
_MARGIN_PIX: Final = 4


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


def positions_path(folder: Path) -> Path | None:
    """File of the galaxies' places, where bands are single images."""
    path = folder / POSITIONS
    return path if path.is_file() else None


def open_cube(path: Path, size_pix: int) -> Cube:
    """Pixels of one cube (see `read_cube`)."""
    return read_cube(path, size_pix).pixels


def read_cube(path: Path, size_pix: int) -> CubeFile:
    """Open one cube, memory-mapped if it is neither compressed nor scaled.

    Parameters
    ----------
    path : Path
        FITS file with one cube in any of its parts, or one image where `positions.csv` lies beside it; any numeric type; plain or
        compressed, whatever its name says.
    size_pix : int
        Side of the stamps that will be cut: windows around positions are a little larger.

    Raises
    ------
    ArcgateError
        If the file is missing, is not FITS, ends early, or holds no cube or several; if positions are no numbers.
    """
    places = positions_path(path.parent)
    file = _read(path, 3 if places is None else 2)
    if places is None:
        return file
    return replace(file, pixels=_windows(file.pixels, _positions(places), size_pix + 2 * _MARGIN_PIX), mapped=False)


def _positions(path: Path) -> NDArray[np.float64]:
    """Places (x, y) of galaxies, pixels, 0-based."""
    try:
        require_separated(path, ",")
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ArcgateError(
            f"{path.name} cannot be read: {error}", where=path, todo="write CSV with the columns x_pix and y_pix"
        ) from error
    lacking = [name for name in _AXES if name not in table]
    if lacking:
        raise ArcgateError(
            f"{path.name} has no column {', '.join(lacking)}; it has {', '.join(map(str, table))}",
            where=path,
            todo="give the places of galaxies in pixels of the images, 0-based, as x_pix and y_pix",
        )
    places = table[list(_AXES)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    if not np.isfinite(places).all():
        row = int(np.argmin(np.isfinite(places).all(axis=1)))
        raise ArcgateError("a position is no number", where=f"{path}, row {row}", todo="correct it, or leave the galaxy out")
    if twice := sorted(cKDTree(places).query_pairs(_SAME_PIX)):
        one, other = twice[0]
        raise ArcgateError(
            f"{len(twice)} pairs of positions are {_SAME_PIX:g} pixels apart or less, such as rows {one} and {other}: "
            "one galaxy under two names could lie on both sides of a split",
            where=path,
            todo="leave one of each out",
        )
    return np.asarray(places)


def _windows(image: Cube, places: NDArray[np.float64], side: int) -> Cube:
    """Squares of an image around places, (n, side, side); NaN beyond its edges."""
    corner = np.floor(places - (side - 1) / 2.0 + 0.5).astype(np.int64)
    windows = np.full((len(places), side, side), np.nan, dtype=np.float64)
    height, width = image.shape
    for window, (left, bottom) in zip(windows, corner.tolist(), strict=True):
        rows, columns = (slice(max(low, 0), min(low + side, end)) for low, end in ((bottom, height), (left, width)))
        if rows.start < rows.stop and columns.start < columns.stop:
            part = image[rows, columns]
            window[rows.start - bottom : rows.stop - bottom, columns.start - left : columns.stop - left] = part
    return windows


def _read(path: Path, axes: int) -> CubeFile:
    """The file's only array of so many axes."""
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
            number, headers, start_byte = _find(path, packed, axes)
            if start_byte is not None:
                _check_complete(path, start_byte, headers[number])
            mapped = start_byte is not None and not any(key in headers[number] for key in _SCALED)
            with decoding():
                pixels = np.asarray(fits.getdata(path, number, memmap=mapped))
        except (OSError, EOFError, ValueError, TypeError, fits.VerifyError, AstropyUserWarning) as error:
            raise ArcgateError(f"{path.name} is not a readable FITS file: {error}", where=path, todo="copy it again") from error
    others = tuple(header for place, header in enumerate(headers) if place != number)
    return CubeFile(path, pixels, mapped, headers[number], others)


def _find(path: Path, packed: bool, axes: int) -> tuple[int, list[fits.Header], int | None]:
    """The part that holds the cube, all headers, and where the cube's bytes begin if they lie in the file as they are."""
    with fits.open(path, memmap=not packed, lazy_load_hdus=False) as file:
        headers = [hdu.header for hdu in file]
        shapes = [tuple(hdu.shape) if hdu.is_image else () for hdu in file]
        cubes = [number for number, shape in enumerate(shapes) if len(shape) == axes]
        if len(cubes) != 1:
            _refuse(path, shapes, cubes, axes)
        number = cubes[0]
        plain = not packed and not isinstance(file[number], fits.CompImageHDU)
        start = int(file[number].fileinfo()["datLoc"]) if plain else None
    return number, headers, start


def _refuse(path: Path, shapes: list[tuple[int, ...]], cubes: list[int], axes: int) -> None:
    found = "; ".join(f"part {number}: {shape}" for number, shape in enumerate(shapes) if shape)
    if axes == 2:
        raise ArcgateError(
            f"{path.name} holds {len(cubes)} images, sought is one (height, width), since {POSITIONS} lies beside it; there are "
            f"{found or 'none'}",
            where=path,
            todo=f"write the image of one band, or take {POSITIONS} away where bands are cubes of stamps",
        )
    raise ArcgateError(
        f"{path.name} holds {len(cubes)} cubes, sought is one cube (n, height, width); its images are {found or 'none'}",
        where=path,
        todo=f"write the stamps of one band as one cube, or add {POSITIONS} with the places of galaxies in one image",
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
