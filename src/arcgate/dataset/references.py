"""A data set's own tables of PSF kernels and source images, to which its rows refer by name.

`psfs.parquet` and `sources.parquet` lie beside the shards. A name is the digest of the pixels that it stands for: two rows that
name one kernel saw the same kernel, whatever file it came from, and row digests cover the pixels. An origin is what is dealt to
splits: a PSF model, which gives kernels at many places, or a galaxy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from arcgate.ground.atomic import atomically
from arcgate.ground.errors import UnfitDataError

if TYPE_CHECKING:
    # torch takes seconds to import, which whoever reads no pixels is spared.
    from arcgate.lensing.psf import Kernel
    from arcgate.lensing.source_image import SourceImages

Pixels = NDArray[np.float32]

KERNELS_FILE: Final = "psfs.parquet"
IMAGES_FILE: Final = "sources.parquet"
KERNEL_COLUMNS: Final = {
    "name": "str",
    "band": "str",
    "height_pix": "int64",
    "width_pix": "int64",
    "pixels": "object",
    "includes_pixel": "bool",
    "centroid_x_pix": "float64",
    "centroid_y_pix": "float64",
    "psfsize_arcsec": "float64",
    "moffat_fwhm_arcsec": "float64",
    "moffat_beta": "float64",
    "origin": "str",
    "place": "int64",
    "file": "str",
}
"""Of `psfs.parquet`: pixels are float32, y before x; the centroid is where the light lies, off the central pixel; the Moffat is
the circular one that fits best, pixel included; the origin is the content of a model, which is known at several places,
and comes from a file."""
IMAGE_COLUMNS: Final = {
    "name": "str",
    "height_pix": "int64",
    "width_pix": "int64",
    "pixels": "object",
    "scale_arcsec": "float64",
    "half_light_arcsec": "float64",
    "origin": "str",
}
"""Of `sources.parquet`: pixels are float32, y before x, of sum 1, in a box about the central one that ends where the light does;
half of the light lies within the radius; the origin is a galaxy."""
IMAGE_COLUMN: Final = "source_image"
REFERRING: Final = (IMAGE_COLUMN, "kernel_")
"""How the columns begin in which rows name images and kernels."""
_NAME_DIGITS: Final = 16
_ADVICE: Final = "copy the whole folder of the data set, or delete it and run again: it is rebuilt"


@dataclass(frozen=True)
class References:
    """Where the kernels and images that rows name lie; nowhere where rows name none.

    Attributes
    ----------
    folder : Path or None
        Of the data set.
    """

    folder: Path | None = None

    def kernel(self, name: str) -> Kernel:
        """A kernel by name; the same object each time.

        Raises
        ------
        ArcgateError
            There is no such kernel, or its table cannot be read.
        """
        kernels = {} if self.folder is None else _kernels(self.folder)
        if name not in kernels:
            raise self._absent("kernel", name, KERNELS_FILE)
        return kernels[name]

    def images(self, names: Iterable[str]) -> tuple[SourceImages, NDArray[np.int64], NDArray[np.float64]]:
        """All images, which of them each name is, and its half-light radius in arcsec; errors as `kernel`."""
        wanted = list(names)
        if self.folder is None:
            raise self._absent("source image", wanted[0], IMAGES_FILE)
        bank = _images(self.folder)
        for name in wanted:
            if name not in bank.place:
                raise self._absent("source image", name, IMAGES_FILE)
        index = np.array([bank.place[name] for name in wanted], dtype=np.int64)
        return bank.sources, index, bank.half_light_arcsec[index]

    def check(self, table: pd.DataFrame) -> None:
        """Raise ArcgateError if a row names what is missing, or pixels are not those of their name.

        Parameters
        ----------
        table : DataFrame
            The columns that begin with `REFERRING`.
        """
        named = {str(name): pd.unique(table[name].dropna()) for name in table}
        for column, names in named.items():
            if column == IMAGE_COLUMN and len(names):
                self.images(names)
            elif column != IMAGE_COLUMN:
                for name in names:
                    self.kernel(name)

    def origins(self) -> dict[str, dict[str, str]]:
        """What kernels and images come from, PSF models and source galaxies: by what they are, the origin of each name."""
        found = {}
        if self.folder is not None:
            for what, file, columns in (
                ("PSF models", KERNELS_FILE, KERNEL_COLUMNS),
                ("source galaxies", IMAGES_FILE, IMAGE_COLUMNS),
            ):
                if (self.folder / file).exists():
                    table = _read(self.folder / file, columns)
                    found[what] = dict(zip(table["name"], table["origin"], strict=True))
        return found

    def _absent(self, what: str, name: str, file: str) -> UnfitDataError:
        if self.folder is None:
            return UnfitDataError(
                f"a row names the {what} {name}, but no table of them is at hand",
                where=f"{what} {name}",
                todo=f"give the folder of the data set, with its {file}",
            )
        return UnfitDataError(
            f"the data set has no {what} {name}, which a row names", where=self.folder / file, todo="rebuild the data set"
        )


NONE: Final = References()
"""Of data sets whose PSFs and sources are numbers."""


def content_name(pixels: Pixels, marks: Collection[object] = ()) -> str:
    """Name of pixels (y, x) by their content; `marks` is what else makes them what they are."""
    stated = f"{pixels.shape}{tuple(marks)}".encode()
    return hashlib.sha256(stated + np.ascontiguousarray(pixels, dtype="<f4").tobytes()).hexdigest()[:_NAME_DIGITS]


def kernel_row(
    kernel: Kernel, band: str, pixel_scale_arcsec: float, moffat: tuple[float, float], origin: str, place: int = 0, file: str = ""
) -> dict[str, object]:
    """Row of the table of kernels; `moffat` is FWHM in arcsec and exponent of the one that fits best."""
    pixels = kernel.normalised().image.astype(np.float32)
    centroid = kernel.centroid_pix
    return {
        "name": content_name(pixels, (kernel.includes_pixel,)),
        "band": band,
        "height_pix": pixels.shape[0],
        "width_pix": pixels.shape[1],
        "pixels": pixels.astype("<f4").tobytes(),
        "includes_pixel": kernel.includes_pixel,
        "centroid_x_pix": centroid[0],
        "centroid_y_pix": centroid[1],
        "psfsize_arcsec": kernel.psfsize_pix * pixel_scale_arcsec,
        "moffat_fwhm_arcsec": moffat[0],
        "moffat_beta": moffat[1],
        "origin": origin,
        "place": place,
        "file": file,
    }


def image_row(pixels: Pixels, scale_arcsec: float, half_light_arcsec: float, origin: str) -> dict[str, object]:
    """Row of the table of source images; scale and half-light radius count for its name, since they scale its arcs.

    Zeros around the light are left out, so that a name does not depend on how large other images are.
    """
    if pixels.ndim != 2 or not all(size % 2 for size in pixels.shape):
        raise ValueError(f"a source image has two axes of odd length, so that it has a central pixel; got shape {pixels.shape}")
    pixels = _boxed(pixels)
    scale_arcsec, half_light_arcsec = float(scale_arcsec), float(half_light_arcsec)
    return {
        "name": content_name(pixels, (scale_arcsec, half_light_arcsec)),
        "height_pix": pixels.shape[0],
        "width_pix": pixels.shape[1],
        "pixels": np.ascontiguousarray(pixels, dtype="<f4").tobytes(),
        "scale_arcsec": scale_arcsec,
        "half_light_arcsec": half_light_arcsec,
        "origin": origin,
    }


def write_references(folder: Path, kernels: pd.DataFrame | None, images: pd.DataFrame | None) -> References:
    """Write the tables that there are into the folder of a data set."""
    for name, table in ((KERNELS_FILE, kernels), (IMAGES_FILE, images)):
        if table is not None:
            with atomically(folder / name) as temporary:
                table.to_parquet(temporary, index=False)
    return References(folder)


def referred(table: pd.DataFrame) -> dict[str, str]:
    """Of how many measured PSFs and source images rows are, in words; nothing where PSFs and sources are numbers."""
    kernels = {name for column in table.filter(like="kernel_") for name in table[column].dropna()}
    images = table[IMAGE_COLUMN].nunique() if IMAGE_COLUMN in table else 0
    found = {"PSFs": f"{len(kernels)} measured kernels"} if kernels else {}
    return found | ({"sources": f"{images} images of galaxies"} if images else {})


def references_of(folder: Path) -> References:
    """Those of a data set; `NONE` where it has no such table."""
    return References(folder) if any((folder / name).exists() for name in (KERNELS_FILE, IMAGES_FILE)) else NONE


@dataclass(frozen=True, eq=False)
class _Bank:
    """Source images as the renderer takes them."""

    sources: SourceImages
    place: dict[str, int]
    half_light_arcsec: NDArray[np.float64]


@lru_cache(maxsize=4)
def _kernels(folder: Path) -> dict[str, Kernel]:
    from arcgate.lensing.psf import Kernel

    table = _read(folder / KERNELS_FILE, KERNEL_COLUMNS)
    kernels = {}
    with _whole(folder / KERNELS_FILE):
        for row, pixels in zip(table.to_dict("records"), _unpacked(table), strict=True):
            _check_name(folder / KERNELS_FILE, row["name"], content_name(pixels, (bool(row["includes_pixel"]),)))
            kernels[str(row["name"])] = Kernel(pixels.astype(np.float64), bool(row["includes_pixel"]))
    return kernels


@lru_cache(maxsize=4)
def _images(folder: Path) -> _Bank:
    from arcgate.lensing.source_image import SourceImages

    path = folder / IMAGES_FILE
    table = _read(path, IMAGE_COLUMNS)
    sizes = table[["scale_arcsec", "half_light_arcsec"]].to_numpy(np.float64).tolist()
    with _whole(path):
        images = _unpacked(table)
        for name, pixels, (scale, half_light) in zip(table["name"], images, sizes, strict=True):
            _check_name(path, name, content_name(pixels, (scale, half_light)))
        if table["scale_arcsec"].nunique() != 1:
            raise ValueError("it holds no source image, or some of different scales")
        sources = SourceImages.of(np.stack(_of_one_size(images)), float(table["scale_arcsec"].iloc[0]))
    place = {str(name): number for number, name in enumerate(table["name"])}
    return _Bank(sources, place, table["half_light_arcsec"].to_numpy(np.float64))


def _read(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
        return table[list(columns)].astype(columns)
    except FileNotFoundError as error:
        raise UnfitDataError(
            "the data set's rows name what this file should hold, and it is missing", where=path, todo=_ADVICE
        ) from error
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise UnfitDataError(f"the file is damaged: {error}", where=path, todo=_ADVICE) from error


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """What is no kernel or image means a damaged file."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise UnfitDataError(f"the file is damaged: {error}", where=path, todo=_ADVICE) from error


def _unpacked(table: pd.DataFrame) -> list[Pixels]:
    shapes = zip(table["pixels"], table["height_pix"], table["width_pix"], strict=True)
    return [np.frombuffer(pixels, dtype="<f4").reshape(height, width) for pixels, height, width in shapes]


def _boxed(pixels: Pixels) -> Pixels:
    """What lies in the smallest box of odd sides about the central pixel that holds all light."""
    middle_y, middle_x = (size // 2 for size in pixels.shape)
    rows, columns = np.nonzero(pixels)
    if not len(rows):
        return pixels
    y, x = int(np.abs(rows - middle_y).max()), int(np.abs(columns - middle_x).max())
    return pixels[middle_y - y : middle_y + y + 1, middle_x - x : middle_x + x + 1]


def _of_one_size(images: list[Pixels]) -> list[Pixels]:
    """With zeros around them, their central pixels in the middle of one square."""
    side = max(size for image in images for size in image.shape)
    return [np.pad(image, [((side - size) // 2,) * 2 for size in image.shape]) for image in images]


def _check_name(path: Path, stated: object, found: str) -> None:
    if stated != found:
        raise UnfitDataError(f"the pixels of {stated} are others than those that it was named for", where=path, todo=_ADVICE)
