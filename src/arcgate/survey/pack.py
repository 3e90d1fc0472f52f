"""Stamp packs: real galaxies as one FITS cube per band, without catalogue, PSF or coordinates.

What a pack does not carry is measured on its pixels (centre, magnitudes, sky) or declared by the configuration (PSF, gain).
Pixels are native: stamps are cut by whole pixels and never resampled. A pixel scale up to 1 % off 0.262 arcsec is accepted (the
Dark Energy Survey has 0.263); such stamps are then labelled with 0.262, so that lengths in arcsec on them are off by that
percentage (0.4 % for the Dark Energy Survey). Depths use the true scale.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import PackHosts
from arcgate.dataset.schema import BANDS, IMAGE_SHAPE, PIXEL_SCALE_ARCSEC, STAMP_SIZE, ZERO_POINT
from arcgate.errors import ArcgateError
from arcgate.keys import as_plain, digest_of
from arcgate.survey.columns import as_catalogue
from arcgate.survey.cubes import Cube, cube_paths, open_cube
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.measure import APERTURE_PIX, measure_centre, measure_light, measure_sky

CENTRE_BAND = "r"
_SCALE_TOLERANCE = 0.01
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
    """

    hosts: PackHosts
    digest: str
    catalogue: pd.DataFrame
    corners: NDArray[np.int64]
    _cubes: list[Cube] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, hosts: PackHosts) -> PackSurvey:
        """Check a pack and measure its galaxies.

        Raises
        ------
        ArcgateError
            If a file is missing or ends early, the cubes differ in shape, stamps are smaller than 64 x 64, pixels are not
            finite, the pixel scale is not the survey's, or a galaxy cannot be measured.
        """
        folder = Path(hosts.path)
        _check_scale(hosts)
        cubes = _open_cubes(folder)
        rows, corners = [], []
        for index in range(len(cubes[0])):
            row, corner = _measured(hosts, cubes, index)
            rows.append(row)
            corners.append(corner)
        return cls(hosts, _digest(hosts, folder), as_catalogue(rows), np.array(corners, dtype=np.int64))

    def cutouts(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Native pixels of galaxies by catalogue row, shape (n, band, y, x), nanomaggies per pixel."""
        if self._cubes is None:
            self._cubes = [open_cube(path) for path in cube_paths(Path(self.hosts.path)).values()]
        wanted = np.asarray(rows, dtype=np.int64)
        out = np.empty((len(wanted), *IMAGE_SHAPE), dtype=np.float32)
        for place, row in enumerate(wanted):
            out[place] = _cut(_stamp(self._cubes, int(row), self.hosts), *self.corners[row])
        return out

    def describe(self) -> str:
        """One line for reports and dry runs."""
        return f"stamp pack of {len(self.catalogue)} galaxies, pixel scale {self.hosts.pixel_scale_arcsec:g} arcsec"

    def __getstate__(self) -> dict[str, object]:
        # Memory maps do not travel to worker processes; each opens its own.
        return {**self.__dict__, "_cubes": None}


def _check_scale(hosts: PackHosts) -> None:
    off = hosts.pixel_scale_arcsec / PIXEL_SCALE_ARCSEC - 1.0
    if abs(off) > _SCALE_TOLERANCE:
        raise ArcgateError(
            f"the pack's pixels are {hosts.pixel_scale_arcsec:g} arcsec, {100 * off:+.1f} % off {PIXEL_SCALE_ARCSEC:g}",
            where="data.hosts.pixel_scale_arcsec",
            todo=f"stamps are not resampled: use a pack within {100 * _SCALE_TOLERANCE:g} % of {PIXEL_SCALE_ARCSEC:g} arcsec",
        )


def _open_cubes(folder: Path) -> list[Cube]:
    if not folder.is_dir():
        raise ArcgateError("no such folder", where=folder, todo="set data.hosts.path to a folder with g.fits, r.fits and z.fits")
    paths = cube_paths(folder)
    cubes = [open_cube(path) for path in paths.values()]
    shapes = {path.name: cube.shape for path, cube in zip(paths.values(), cubes, strict=True)}
    if len(set(shapes.values())) > 1:
        raise ArcgateError(
            "the cubes differ in shape: " + ", ".join(f"{name} {shape}" for name, shape in shapes.items()),
            where=folder,
            todo="the three bands hold the same galaxies in the same order and frame",
        )
    count, height, width = cubes[0].shape
    if count == 0 or min(height, width) < STAMP_SIZE:
        raise ArcgateError(
            f"{count} stamps of {height} x {width} pixels; sought is at least one of {STAMP_SIZE} x {STAMP_SIZE} or more",
            where=folder,
            todo="cut larger stamps",
        )
    return cubes


def _stamp(cubes: list[Cube], index: int, hosts: PackHosts) -> NDArray[np.float64]:
    return np.stack([np.asarray(cube[index], dtype=np.float64) for cube in cubes]) * hosts.nanomaggies_per_count


def _cut(stamp: NDArray[np.float64], row: int, column: int) -> NDArray[np.float64]:
    return stamp[:, row : row + STAMP_SIZE, column : column + STAMP_SIZE]


def _corner(centre: float, size: int) -> int:
    """First pixel of the cut that puts a centre nearest to the cut's middle, inside the stamp."""
    return int(np.clip(np.floor(centre - _MIDDLE + 0.5), 0, size - STAMP_SIZE))


def _measured(hosts: PackHosts, cubes: list[Cube], index: int) -> tuple[dict[str, object], tuple[int, int]]:
    name = f"pack-{index:04d}"
    where = f"{hosts.path}, galaxy {index} ({name})"
    stamp = _stamp(cubes, index, hosts)
    _check_finite(stamp, index, hosts)
    try:
        band = BANDS.index(CENTRE_BAND)
        x, y = measure_centre(stamp[band], measure_sky(stamp[band]))
        corner = _corner(y, stamp.shape[1]), _corner(x, stamp.shape[2])
        cut = _cut(stamp, *corner)
        x, y = x - corner[1], y - corner[0]
        row = _photometry(hosts, cut, x, y)
    except ArcgateError as error:
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


def _check_finite(stamp: NDArray[np.float64], index: int, hosts: PackHosts) -> None:
    for band, image in zip(BANDS, stamp, strict=True):
        bad = np.argwhere(~np.isfinite(image))
        if len(bad):
            raise ArcgateError(
                f"{len(bad)} pixels of galaxy {index} are not finite in {band}, the first at (y, x) = ({bad[0][0]}, {bad[0][1]})",
                where=cube_paths(Path(hosts.path))[band],
                todo="leave this galaxy out of the pack, or repair its pixels",
            )


def _digest(hosts: PackHosts, folder: Path) -> str:
    spec = as_plain(hosts)
    spec.pop("path")
    contents = {}
    for band, path in cube_paths(folder).items():
        with path.open("rb") as file:
            contents[band] = hashlib.file_digest(file, "sha256").hexdigest()
    return digest_of({"spec": spec, "files": contents})
