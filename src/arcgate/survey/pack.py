"""Stamp packs: real galaxies as one FITS cube per band, without catalogue, PSF or coordinates.

What a pack does not carry is measured on its pixels (centre, magnitudes, sky) or declared by the configuration (PSF, gain).
Pixels are native: stamps are cut by whole pixels and never resampled. A pixel scale up to 1 % off 0.262 arcsec is accepted (the
Dark Energy Survey has 0.263); such stamps are then labelled with 0.262, so that lengths in arcsec on them are off by that
percentage (0.4 % for the Dark Energy Survey). Depths use the true scale.

Galaxies with pixels that hold no measurement (`arcgate.dataset.missing`) in what would be cut are left out, and counted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import PackHosts
from arcgate.dataset.missing import missing_pixels
from arcgate.dataset.schema import BANDS, IMAGE_SHAPE, PIXEL_SCALE_ARCSEC, STAMP_SIZE, ZERO_POINT
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.survey.columns import as_catalogue
from arcgate.survey.cubes import Cube, CubeFile, cube_paths, open_cube, read_cube
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.measure import APERTURE_PIX, measure_centre, measure_light, measure_sky
from arcgate.survey.pack_headers import SCALE_TOLERANCE, check_headers

CENTRE_BAND = "r"
# A star of magnitude 7.5 in one pixel.
MOST_NMGY = 1e6
PLAUSIBLE_MAG = (12.0, 25.0)
PLAUSIBLE_DEPTH = (19.0, 29.0)
_MIDDLE = (STAMP_SIZE - 1) / 2.0


@dataclass
class PackSurvey:
    """A stamp pack as a `Survey`.

    Attributes
    ----------
    hosts : PackHosts
        Specification.
    digest : str
        SHA-256 over the bytes of the three files and the specification without its path.
    catalogue : pandas.DataFrame
        Measured; magnitudes are those of a 16 px aperture (`measure.APERTURE_PIX`).
    corners : ndarray, shape (n, 2)
        First row and column of each galaxy's cut in its stamp.
    places : ndarray, shape (n,)
        Place of each galaxy in the cubes.
    notes : tuple of str
        What a user should know: galaxies left out, implausible magnitudes, scales that differ by less than a percent.
    """

    hosts: PackHosts
    digest: str
    catalogue: pd.DataFrame
    corners: NDArray[np.int64]
    places: NDArray[np.int64]
    notes: tuple[str, ...]
    _cubes: list[Cube] = field(default_factory=list, repr=False)

    @classmethod
    def open(cls, hosts: PackHosts) -> PackSurvey:
        """Check a pack and measure its galaxies.

        Raises
        ------
        ArcgateError
            If a file is missing or ends early, the cubes differ in shape, stamps are smaller than 64 x 64, headers contradict
            the configuration, the pixel scale is not the survey's, a pixel is absurdly bright, a galaxy cannot be measured, or
            none is left.
        """
        folder = Path(hosts.path)
        _check_scale(hosts)
        files = _open_cubes(folder)
        notes = check_headers(files, hosts)
        cubes = [file.pixels for file in files.values()]
        measured = {index: _measured(hosts, cubes, index) for index in range(len(cubes[0]))}
        kept = {index: found for index, found in measured.items() if not isinstance(found, LeftOut)}
        left_out = [found for found in measured.values() if isinstance(found, LeftOut)]
        if not kept:
            raise ArcgateError(
                f"all {len(left_out)} galaxies have pixels that hold no measurement, the first: {left_out[0]}",
                where=folder,
                todo="repair these pixels, or cut stamps away from edges",
            )
        table = as_catalogue([row for row, _ in kept.values()])
        corners = np.array([corner for _, corner in kept.values()], dtype=np.int64)
        notes = (*notes, *_told(left_out), *implausible(table))
        return cls(hosts, _digest(hosts, folder), table, corners, np.array([*kept], dtype=np.int64), notes)

    def cutouts(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Native pixels of galaxies by catalogue row, shape (n, band, y, x), nanomaggies per pixel."""
        if not self._cubes:
            self._cubes += [open_cube(path) for path in cube_paths(Path(self.hosts.path)).values()]
        wanted = np.asarray(rows, dtype=np.int64)
        out = np.empty((len(wanted), *IMAGE_SHAPE), dtype=np.float32)
        for place, row in enumerate(wanted):
            out[place] = _cut(_stamp(self._cubes, int(self.places[row]), self.hosts), *self.corners[row])
        return out

    def only(self, rows: NDArray[np.int64]) -> PackSurvey:
        """The same survey with nothing but these galaxies, in this order. Digest and opened files are those of the whole."""
        wanted = np.asarray(rows, dtype=np.int64)
        table = self.catalogue.iloc[wanted].reset_index(drop=True)
        return replace(self, catalogue=table, corners=self.corners[wanted], places=self.places[wanted])

    def describe(self) -> str:
        """One line for reports and dry runs."""
        return f"stamp pack of {len(self.catalogue)} galaxies, pixel scale {self.hosts.pixel_scale_arcsec:g} arcsec"

    def __getstate__(self) -> dict[str, object]:
        # Memory maps do not travel to worker processes; each opens its own.
        return {**self.__dict__, "_cubes": []}


def _check_scale(hosts: PackHosts) -> None:
    off = hosts.pixel_scale_arcsec / PIXEL_SCALE_ARCSEC - 1.0
    if abs(off) > SCALE_TOLERANCE:
        raise ArcgateError(
            f"the pack's pixels are {hosts.pixel_scale_arcsec:g} arcsec, {100 * off:+.1f} % off {PIXEL_SCALE_ARCSEC:g}",
            where="data.hosts.pixel_scale_arcsec",
            todo=f"stamps are not resampled: use a pack within {100 * SCALE_TOLERANCE:g} % of {PIXEL_SCALE_ARCSEC:g} arcsec",
        )


def _open_cubes(folder: Path) -> dict[str, CubeFile]:
    if not folder.is_dir():
        raise ArcgateError("no such folder", where=folder, todo="set data.hosts.path to a folder with g.fits, r.fits and z.fits")
    paths = cube_paths(folder)
    files = {band: read_cube(path) for band, path in paths.items()}
    shapes = {file.path.name: file.pixels.shape for file in files.values()}
    if len(set(shapes.values())) > 1:
        raise ArcgateError(
            "the cubes differ in shape: " + ", ".join(f"{name} {shape}" for name, shape in shapes.items()),
            where=folder,
            todo="the three bands hold the same galaxies in the same order and frame",
        )
    count, height, width = next(iter(shapes.values()))
    if count == 0 or min(height, width) < STAMP_SIZE:
        raise ArcgateError(
            f"{count} stamps of {height} x {width} pixels; sought is at least one of {STAMP_SIZE} x {STAMP_SIZE} or more",
            where=folder,
            todo="cut larger stamps",
        )
    return files


def _stamp(cubes: list[Cube], index: int, hosts: PackHosts) -> NDArray[np.float64]:
    return np.stack([np.asarray(cube[index], dtype=np.float64) for cube in cubes]) * hosts.nanomaggies_per_count


def _cut(stamp: NDArray[Any], row: int, column: int) -> NDArray[Any]:
    return stamp[:, row : row + STAMP_SIZE, column : column + STAMP_SIZE]


def _corner(centre: float, size: int) -> int:
    """First pixel of the cut that puts a centre nearest to the cut's middle, inside the stamp."""
    return int(np.clip(np.floor(centre - _MIDDLE + 0.5), 0, size - STAMP_SIZE))


@dataclass(frozen=True)
class LeftOut:
    """A galaxy without measurements in some pixels."""

    index: int
    band: str
    pixels: int
    value: float

    def __str__(self) -> str:
        return f"galaxy {self.index}, {self.pixels} pixels in {self.band}, such as {self.value:g} counts"


def _told(left_out: list[LeftOut]) -> list[str]:
    if not left_out:
        return []
    shown = ", ".join(str(one.index) for one in left_out[:10]) + (", ..." if len(left_out) > 10 else "")
    counted = "1 galaxy is" if len(left_out) == 1 else f"{len(left_out)} galaxies are"
    return [f"{counted} left out for pixels that hold no measurement ({left_out[0]}): {shown}"]


def _measured(hosts: PackHosts, cubes: list[Cube], index: int) -> tuple[dict[str, object], tuple[int, int]] | LeftOut:
    name = f"pack-{index:04d}"
    where = f"{hosts.path}, galaxy {index} ({name})"
    stamp = _stamp(cubes, index, hosts)
    missing = np.stack([missing_pixels(image) for image in stamp])
    _check_flux(np.where(missing, 0.0, stamp), index, hosts)
    try:
        band = BANDS.index(CENTRE_BAND)
        filled = _filled(stamp[band], missing[band])
        x, y = measure_centre(filled, measure_sky(filled))
        corner = _corner(y, stamp.shape[1]), _corner(x, stamp.shape[2])
        lost = _left_out(hosts, index, _cut(stamp, *corner), _cut(missing, *corner))
        if lost is not None:
            return lost
        x, y = x - corner[1], y - corner[0]
        row = _photometry(hosts, _cut(stamp, *corner), x, y)
    except ArcgateError as error:
        whole = _left_out(hosts, index, stamp, missing)
        if whole is not None:
            return whole
        raise ArcgateError(error.what, where=where, todo=error.todo) from error
    row |= {
        "host_id": name,
        "ra": np.nan,
        "dec": np.nan,
        "healpix": None,
        "ebv": np.nan,
        "host_x_pix": x,
        "host_y_pix": y,
        "provenance": f"stamp pack, galaxy {index}, cut from row {corner[0]}, column {corner[1]}",
    }
    return row, corner


def _filled(image: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The image with the median of what was measured where nothing was, to find the galaxy by."""
    if missing.all():
        raise ArcgateError("no pixel holds a measurement")
    return np.where(missing, np.median(image[~missing]), image)


def _left_out(hosts: PackHosts, index: int, stamp: NDArray[np.float64], missing: NDArray[np.bool_]) -> LeftOut | None:
    for band, image, mask in zip(BANDS, stamp, missing, strict=True):
        if mask.any():
            return LeftOut(index, band, int(mask.sum()), float(image[mask][0]) / hosts.nanomaggies_per_count)
    return None


def _photometry(hosts: PackHosts, cut: NDArray[np.float64], x: float, y: float) -> dict[str, object]:
    row: dict[str, object] = {}
    for band, image in zip(BANDS, cut, strict=True):
        sky = measure_sky(image)
        flux = measure_light(image, sky, x, y).flux
        if flux <= 0.0 or sky.sigma <= 0.0:
            raise ArcgateError(
                f"flux {flux:g} nanomaggies within {APERTURE_PIX:g} px, sky sigma {sky.sigma:g} in {band}: both must be positive",
                todo="leave this galaxy out of the pack",
            )
        psfsize = getattr(hosts.psfsize_arcsec, band)
        row |= {
            f"host_mag_{band}": ZERO_POINT - 2.5 * np.log10(flux),
            f"psfsize_{band}": psfsize,
            f"psf_beta_{band}": getattr(hosts.psf_beta, band),
            f"depth_{band}": float(depth_from_sky(sky.sigma, psfsize, hosts.pixel_scale_arcsec)),
            f"sky_sigma_{band}": sky.sigma,
            f"gain_{band}": getattr(hosts.gain, band),
            f"ivar_{band}": 1.0 / sky.sigma**2,
        }
    return row


def _check_flux(stamp: NDArray[np.float64], index: int, hosts: PackHosts) -> None:
    """A damaged file can have a sound header and sound first rows, and then any number."""
    for band, image in zip(BANDS, stamp, strict=True):
        y, x = np.unravel_index(np.argmax(np.abs(image)), image.shape)
        if abs(image[y, x]) > MOST_NMGY:
            raise ArcgateError(
                f"a pixel of galaxy {index} holds {image[y, x]:.3g} nanomaggies in {band}, at (y, x) = ({y}, {x})",
                where=cube_paths(Path(hosts.path))[band],
                todo="copy the file again: it is damaged; or correct data.hosts.nanomaggies_per_count",
            )


def implausible(table: pd.DataFrame) -> list[str]:
    """Tell of medians of magnitudes and depths that no survey of galaxies has: most often a wrong zero point."""
    notes = []
    for band in BANDS:
        for name, (low, high) in (("host_mag", PLAUSIBLE_MAG), ("depth", PLAUSIBLE_DEPTH)):
            median = float(table[f"{name}_{band}"].median())
            if not low <= median <= high:
                what = "magnitude of the galaxies" if name == "host_mag" else "depth"
                notes.append(
                    f"implausible: the median {what} in {band} is {median:.1f}, expected is {low:g} to {high:g}; "
                    "is data.hosts.nanomaggies_per_count right?"
                )
    return notes


def _digest(hosts: PackHosts, folder: Path) -> str:
    spec = as_plain(hosts)
    spec.pop("path")
    contents = {}
    for band, path in cube_paths(folder).items():
        with path.open("rb") as file:
            contents[band] = hashlib.file_digest(file, "sha256").hexdigest()
    return digest_of({"spec": spec, "files": contents})
