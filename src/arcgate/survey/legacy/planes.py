"""One image of a brick: opened with care, and stamps of it read by whichever way is cheaper.

Images of the Legacy Surveys lie compressed in the first part of a file that has no name there: they are found by what they are.
A damaged file can look sound: astropy only warns where one ends early, and reads on.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.survey.fits_file import decoding

# What a unit may be called.
UNITS: Final = {
    "image": ("nanomaggy", "nanomaggies", "nmgy"),
    "invvar": ("1/nanomaggy^2", "1/nanomaggies^2", "1/nmgy^2"),
}
ZERO_POINT: Final = 22.5
# Pixels are 32-bit integers where they are bits, and floating-point numbers elsewhere.
_INTEGERS: Final = ("maskbits", "nexp")
# Parts of a file of mask bits that are of another telescope.
_NOT_OURS: Final = "WISE"
# Reading a stamp costs as much as so many tiles by itself: 0.5 ms beside 0.12 ms for each tile that it touches.
_TILES_PER_CALL: Final = 4
_AGAIN: Final = "download it again"


class DamagedError(ArcgateError):
    """A file of a brick that is missing or cannot be trusted."""


@dataclass(frozen=True, eq=False)
class Plane:
    """An image that is open.

    Attributes
    ----------
    path : Path
    header : astropy.io.fits.Header
        Of the image as it was before compression.
    hdu : astropy image HDU
    """

    path: Path
    header: fits.Header
    hdu: Any

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), pixels."""
        height, width = self.hdu.shape
        return int(height), int(width)

    def windows(self, corners: NDArray[np.int64], side: int) -> NDArray[Any]:
        """Squares of the image.

        Parameters
        ----------
        corners : ndarray of int, shape (n, 2)
            First row and column of each; all squares lie inside, and there is one at least.
        side : int
            Pixels.

        Returns
        -------
        ndarray, shape (n, side, side)
            In the file's type, in the processor's order of bytes.
        """
        whole = whole_is_cheaper(corners, side, self.shape, self._tile)
        try:
            with decoding():
                image = self.hdu.data if whole else self.hdu.section
                parts = [np.asarray(image[row : row + side, column : column + side]) for row, column in corners.tolist()]
        # An image of a brick fits into memory, unless its header is damaged.
        except (OSError, MemoryError) as error:
            raise DamagedError(f"{self.path.name} is damaged: {error}", where=self.path, todo=_AGAIN) from error
        return np.stack(parts).astype(parts[0].dtype.newbyteorder("="), copy=False)

    @property
    def _tile(self) -> tuple[int, int]:
        shape = getattr(self.hdu, "tile_shape", self.shape)
        return int(shape[0]), int(shape[1])


def whole_is_cheaper(corners: NDArray[np.int64], side: int, shape: tuple[int, int], tile: tuple[int, int]) -> bool:
    """Whether reading an image whole takes less time than its squares one by one.

    A square costs the tiles that it touches, each of which is unpacked whole, and a fixed number of tiles beside them.
    """
    first, last = corners // np.array(tile), (corners + side - 1) // np.array(tile)
    touched = int(np.prod(last - first + 1, axis=1).sum()) + _TILES_PER_CALL * len(corners)
    return touched > math.ceil(shape[0] / tile[0]) * math.ceil(shape[1] / tile[1])


@contextmanager
def open_plane(path: Path, kind: str, brick: str) -> Iterator[Plane]:
    """Open an image of a brick.

    Parameters
    ----------
    path : Path
        Its file.
    kind : str
        What it shows, as `arcgate.survey.legacy.layout` names it.
    brick : str
        Name of the brick.

    Raises
    ------
    DamagedError
        The file is missing, ends early or late, is not compressed although its name says so, holds no such image, or several, or
        is of another brick.
    ArcgateError
        It is in another unit.
    """
    if not path.is_file():
        raise missing(path, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error", AstropyUserWarning)
        # A header may break rules of FITS that nothing here depends on.
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        # astropy leaves a file open that it cannot read: this one is closed in any case.
        with path.open("rb") as stream:
            with _as_damage(path):
                file = fits.open(stream, memmap=True, lazy_load_hdus=False)
            with file:
                with _as_damage(path):
                    _check_length(path, file)
                    hdu = _find(path, file, kind)
                    plane = Plane(path, hdu.header, hdu)
                    _check_header(plane, kind, brick)
                yield plane


@contextmanager
def _as_damage(path: Path) -> Iterator[None]:
    """What astropy raises where a header lacks words that it needs, or holds what is no header: some of it at the first look."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError, AstropyWarning, fits.VerifyError) as error:
        raise DamagedError(f"{path.name} is not a sound FITS file: {error}", where=path, todo=_AGAIN) from error


def missing(path: Path, kind: str) -> DamagedError:
    """The error for a file that is not there: what was sought, and what there is beside it."""
    beside = ", ".join(sorted(one.name for one in path.parent.glob(f"*-{kind}*")))
    found = f"there is {beside}" if beside else f"there is no {kind}" if path.parent.is_dir() else "there is no such folder"
    return DamagedError(
        f"sought is {path.name}; {found}",
        where=path.parent,
        todo="download the brick's files, take bands that it has (imaging), or leave such bricks out: "
        "data.hosts.missing_bricks=leave_out",
    )


def _check_length(path: Path, file: fits.HDUList) -> None:
    """Against where the last part ends by its header."""
    info = file[-1].fileinfo()
    expected, found = int(info["datLoc"]) + int(info["datSpan"]), path.stat().st_size
    if found != expected:
        raise DamagedError(
            f"{path.name} has {found} bytes, its headers speak of {expected}", where=path, todo=f"{_AGAIN}: no text conversion"
        )


def _find(path: Path, file: fits.HDUList, kind: str) -> Any:
    """The one part with an image of this kind."""
    whole = kind in _INTEGERS
    images = [hdu for hdu in file if hdu.is_image and len(hdu.shape) == 2 and (hdu.header["BITPIX"] > 0) == whole]
    images = [hdu for hdu in images if _NOT_OURS not in str(hdu.name).upper()]
    named = [hdu for hdu in images if str(hdu.header.get("IMTYPE", "")).strip().lower() == kind]
    images = named or images
    if kind in _INTEGERS:
        # Bits of other telescopes follow in parts without a name of their own, in some releases.
        images = images[:1]
    if len(images) != 1:
        found = "; ".join(f"part {number}: {hdu.shape} {hdu.name}".rstrip() for number, hdu in enumerate(file) if hdu.shape)
        raise DamagedError(
            f"{path.name} holds {len(images)} images of the kind {kind}, sought is one; its parts are {found or 'empty'}",
            where=path,
            todo=_AGAIN,
        )
    if path.name.endswith(".fz") and not isinstance(images[0], fits.CompImageHDU):
        raise DamagedError(
            f"{path.name} is compressed by its name, and its image is not",
            where=path,
            todo=f"{_AGAIN}, as the survey compresses it",
        )
    return images[0]


def _check_header(plane: Plane, kind: str, brick: str) -> None:
    header, path = plane.header, plane.path
    said = str(header.get("BRICKNAM", header.get("BRICK", brick))).strip()
    if said != brick:
        raise DamagedError(f"{path.name} is of brick {said}, sought is {brick}", where=path, todo=_AGAIN)
    of = str(header.get("IMTYPE", header.get("IMAGETYP", kind))).strip().lower()
    if of != kind:
        raise DamagedError(f"{path.name} shows {of}, sought is {kind}", where=path, todo=_AGAIN)
    check_unit(header, kind, path)


def check_unit(header: fits.Header, kind: str, path: Path) -> None:
    """Refuse an image in other units than the survey's, as far as its header states them.

    Parameters
    ----------
    header : astropy.io.fits.Header
    kind : str
        What it shows: `image`, `invvar` and others.
    path : Path
        Its file.

    Raises
    ------
    ArcgateError
        BUNIT is another than nanomaggies, or MAGZERO than 22.5.
    """
    if kind in UNITS:
        unit = str(header.get("BUNIT", UNITS[kind][0])).strip()
        if unit.lower().replace(" ", "") not in UNITS[kind]:
            raise ArcgateError(f"{path.name} has BUNIT {unit!r}, sought is {UNITS[kind][0]}", where=path, todo=_foreign())
    zero = header.get("MAGZERO", ZERO_POINT)
    if kind == "image" and (not isinstance(zero, int | float) or abs(zero - ZERO_POINT) > 1e-6):
        raise ArcgateError(f"{path.name} has MAGZERO {zero}, sought is {ZERO_POINT:g}", where=path, todo=_foreign())


def _foreign() -> str:
    return "take the survey's own files, in nanomaggies; other units are read from packs (hosts=pack)"


def check_shape(plane: Plane, shape: tuple[int, int]) -> None:
    """Refuse an image that has not as many pixels as the brick's first."""
    if plane.shape != shape:
        raise DamagedError(
            f"{plane.path.name} has {plane.shape} pixels, the brick's first image {shape}", where=plane.path, todo=_AGAIN
        )
