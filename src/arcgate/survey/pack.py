"""Stamp packs: real galaxies as one FITS cube per band, without catalogue, PSF or coordinates.

What a pack does not carry is measured on its pixels (centre, magnitudes, sky) or declared by the configuration (PSF, gain).
Pixels are native: stamps are cut by whole pixels and never resampled. A pixel scale up to 1 % off that of the imaging is accepted
(0.263 arcsec of the Dark Energy Survey for the Legacy Surveys' 0.262); such stamps are then labelled with that of the imaging, so
that lengths in arcsec on them are off by that percentage. Depths use the true scale.

Galaxies that cannot be used are left out, and counted by reason: those with pixels that hold no measurement
(`arcgate.dataset.missing`) in what would be cut, and those that are not found or have no light where they should be.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import PackHosts
from arcgate.dataset.missing import missing_pixels
from arcgate.dataset.schema import ZERO_POINT
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.imaging import Imaging
from arcgate.survey.columns import as_catalogue
from arcgate.survey.cubes import Cube, CubeFile, cube_paths, open_cube, read_cube
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.measure import APERTURE_ARCSEC, measure_centre, measure_light, measure_sky
from arcgate.survey.pack_headers import SCALE_TOLERANCE, check_headers

# A star of magnitude 7.5 in one pixel.
MOST_NMGY = 1e6
PLAUSIBLE_MAG = (12.0, 25.0)
PLAUSIBLE_DEPTH = (19.0, 29.0)
_NO_MEASUREMENT = "pixels that hold no measurement"


@dataclass
class PackSurvey:
    """A stamp pack as a `Survey`.

    Attributes
    ----------
    hosts : PackHosts
        Specification.
    imaging : Imaging
        Of the stamps that are cut.
    digest : str
        SHA-256 over the bytes of the files and the specification without its path.
    catalogue : pandas.DataFrame
        Measured; magnitudes are those of an aperture of radius `measure.APERTURE_ARCSEC`.
    corners : ndarray, shape (n, 2)
        First row and column of each galaxy's cut in its stamp.
    places : ndarray, shape (n,)
        Place of each galaxy in the cubes.
    notes : tuple of str
        What a user should know: galaxies left out, implausible magnitudes, scales that differ by less than a percent.
    left_out : dict of str to int
        How many galaxies cannot be used, by reason.
    """

    hosts: PackHosts
    imaging: Imaging
    digest: str
    catalogue: pd.DataFrame
    corners: NDArray[np.int64]
    places: NDArray[np.int64]
    notes: tuple[str, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    _cubes: list[Cube] = field(default_factory=list, repr=False)

    @classmethod
    def open(cls, hosts: PackHosts, imaging: Imaging) -> PackSurvey:
        """Check a pack and measure its galaxies.

        Raises
        ------
        ArcgateError
            If a file is missing or ends early, the cubes differ in shape, stamps are smaller than the imaging's, headers
            contradict the configuration, the pixel scale is not the imaging's, a pixel is absurdly bright, or no galaxy can be
            used.
        """
        folder = Path(hosts.path)
        _check_scale(hosts, imaging.pixel_scale_arcsec)
        files = _open_cubes(folder, imaging)
        notes = check_headers(files, hosts, imaging)
        cubes = [file.pixels for file in files.values()]
        measured = {index: _measured(hosts, imaging, cubes, index) for index in range(len(cubes[0]))}
        kept = {index: found for index, found in measured.items() if not isinstance(found, LeftOut)}
        left_out = [found for found in measured.values() if isinstance(found, LeftOut)]
        if not kept:
            raise ArcgateError(
                f"none of {len(left_out)} galaxies can be used: {'; '.join(_told(left_out))}",
                where=folder,
                todo="centre stamps on their galaxies, repair their pixels, or cut them away from edges",
            )
        table = as_catalogue([row for row, _ in kept.values()], imaging)
        corners = np.array([corner for _, corner in kept.values()], dtype=np.int64)
        notes = (*notes, *_told(left_out), *implausible(table, imaging))
        counts = dict(Counter(one.reason for one in left_out))
        places = np.array([*kept], dtype=np.int64)
        return cls(hosts, imaging, _digest(hosts, imaging, folder), table, corners, places, notes, counts)

    def cutouts(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Native pixels of galaxies by catalogue row, shape (n, band, y, x), nanomaggies per pixel."""
        if not self._cubes:
            self._cubes += [open_cube(path) for path in cube_paths(Path(self.hosts.path), self.imaging.bands).values()]
        wanted = np.asarray(rows, dtype=np.int64)
        out = np.empty((len(wanted), *self.imaging.shape), dtype=np.float32)
        for place, row in enumerate(wanted):
            out[place] = _cut(_stamp(self._cubes, int(self.places[row]), self.hosts), self.imaging.size_pix, *self.corners[row])
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


def _check_scale(hosts: PackHosts, sought: float) -> None:
    off = hosts.pixel_scale_arcsec / sought - 1.0
    if abs(off) > SCALE_TOLERANCE:
        raise ArcgateError(
            f"the pack's pixels are {hosts.pixel_scale_arcsec:g} arcsec, {100 * off:+.1f} % off {sought:g}, the imaging's",
            where="data.hosts.pixel_scale_arcsec, data.imaging.pixel_scale_arcsec",
            todo=f"nothing is resampled: use a pack within {100 * SCALE_TOLERANCE:g} % of {sought:g} arcsec, or another imaging",
        )


def _open_cubes(folder: Path, imaging: Imaging) -> dict[str, CubeFile]:
    if not folder.is_dir():
        names = ", ".join(f"{band}.fits" for band in imaging.bands)
        raise ArcgateError("no such folder", where=folder, todo=f"set data.hosts.path to a folder with {names}")
    paths, size = cube_paths(folder, imaging.bands), imaging.size_pix
    files = {band: read_cube(path) for band, path in paths.items()}
    shapes = {file.path.name: file.pixels.shape for file in files.values()}
    if len(set(shapes.values())) > 1:
        raise ArcgateError(
            "the cubes differ in shape: " + ", ".join(f"{name} {shape}" for name, shape in shapes.items()),
            where=folder,
            todo="all bands hold the same galaxies in the same order and frame",
        )
    count, height, width = next(iter(shapes.values()))
    if count == 0 or min(height, width) < size:
        raise ArcgateError(
            f"{count} stamps of {height} x {width} pixels; sought is at least one of {size} x {size} or more",
            where=folder,
            todo="cut larger stamps, or take another imaging",
        )
    return files


def _stamp(cubes: list[Cube], index: int, hosts: PackHosts) -> NDArray[np.float64]:
    return np.stack([np.asarray(cube[index], dtype=np.float64) for cube in cubes]) * hosts.nanomaggies_per_count


def _cut(stamp: NDArray[Any], size: int, row: int, column: int) -> NDArray[Any]:
    return stamp[:, row : row + size, column : column + size]


def _corner(centre: float, width: int, imaging: Imaging) -> int:
    """First pixel of the cut that puts a centre nearest to the cut's middle, inside a stamp of this width."""
    return int(np.clip(np.floor(centre - imaging.middle_pix + 0.5), 0, width - imaging.size_pix))


@dataclass(frozen=True)
class LeftOut:
    """A galaxy that cannot be used: its place in the pack, why, and what was found."""

    index: int
    reason: str
    found: str


def _told(left_out: list[LeftOut]) -> list[str]:
    """A sentence for each reason."""
    by_reason: dict[str, list[LeftOut]] = {}
    for one in left_out:
        by_reason.setdefault(one.reason, []).append(one)
    return [
        f"{'1 galaxy is' if len(some) == 1 else f'{len(some)} galaxies are'} left out for {reason} (galaxy {some[0].index}, "
        f"{some[0].found}): {', '.join(str(one.index) for one in some[:10])}{', ...' if len(some) > 10 else ''}"
        for reason, some in by_reason.items()
    ]


def _measured(
    hosts: PackHosts, imaging: Imaging, cubes: list[Cube], index: int
) -> tuple[dict[str, object], tuple[int, int]] | LeftOut:
    name = f"pack-{index:04d}"
    stamp = _stamp(cubes, index, hosts)
    missing = np.stack([missing_pixels(image) for image in stamp])
    _check_flux(np.where(missing, 0.0, stamp), index, hosts, imaging)
    try:
        band = imaging.bands.index(imaging.reference_band)
        filled = _filled(stamp[band], missing[band])
        x, y = measure_centre(filled, measure_sky(filled))
        corner = _corner(y, stamp.shape[1], imaging), _corner(x, stamp.shape[2], imaging)
        cut, absent = (_cut(pixels, imaging.size_pix, *corner) for pixels in (stamp, missing))
        lost = _left_out(hosts, imaging, index, cut, absent)
        if lost is not None:
            return lost
        x, y = x - corner[1], y - corner[0]
        row = _photometry(hosts, imaging, cut, x, y)
    except ArcgateError as error:
        whole = _left_out(hosts, imaging, index, stamp, missing)
        return LeftOut(index, "a centre or light that cannot be measured", error.what) if whole is None else whole
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


def _left_out(
    hosts: PackHosts, imaging: Imaging, index: int, stamp: NDArray[np.float64], missing: NDArray[np.bool_]
) -> LeftOut | None:
    for band, image, mask in zip(imaging.bands, stamp, missing, strict=True):
        if mask.any():
            value = float(image[mask][0]) / hosts.nanomaggies_per_count
            return LeftOut(index, _NO_MEASUREMENT, f"{int(mask.sum())} pixels in {band}, such as {value:g} counts")
    return None


def _photometry(hosts: PackHosts, imaging: Imaging, cut: NDArray[np.float64], x: float, y: float) -> dict[str, object]:
    row: dict[str, object] = {}
    aperture = APERTURE_ARCSEC / imaging.pixel_scale_arcsec
    for band, image in zip(imaging.bands, cut, strict=True):
        sky = measure_sky(image)
        flux = measure_light(image, sky, x, y, aperture).flux
        if flux <= 0.0 or sky.sigma <= 0.0:
            raise ArcgateError(
                f"flux {flux:g} nanomaggies within {aperture:g} px, sky sigma {sky.sigma:g} in {band}: both must be positive",
                todo="leave this galaxy out of the pack",
            )
        psfsize = hosts.psfsize_arcsec[band]
        row |= {
            f"host_mag_{band}": ZERO_POINT - 2.5 * np.log10(flux),
            f"psfsize_{band}": psfsize,
            f"psf_beta_{band}": hosts.psf_beta[band],
            f"depth_{band}": float(depth_from_sky(sky.sigma, psfsize, hosts.pixel_scale_arcsec)),
            f"sky_sigma_{band}": sky.sigma,
            f"gain_{band}": hosts.gain[band],
            f"ivar_{band}": 1.0 / sky.sigma**2,
        }
    return row


def _check_flux(stamp: NDArray[np.float64], index: int, hosts: PackHosts, imaging: Imaging) -> None:
    """A damaged file can have a sound header and sound first rows, and then any number."""
    for band, image in zip(imaging.bands, stamp, strict=True):
        y, x = np.unravel_index(np.argmax(np.abs(image)), image.shape)
        if abs(image[y, x]) > MOST_NMGY:
            raise ArcgateError(
                f"a pixel of galaxy {index} holds {image[y, x]:.3g} nanomaggies in {band}, at (y, x) = ({y}, {x})",
                where=cube_paths(Path(hosts.path), imaging.bands)[band],
                todo="copy the file again: it is damaged; or correct data.hosts.nanomaggies_per_count",
            )


def implausible(table: pd.DataFrame, imaging: Imaging) -> list[str]:
    """Tell of medians of magnitudes and depths that no survey of galaxies has: most often a wrong zero point."""
    notes = []
    for band in imaging.bands:
        for name, (low, high) in (("host_mag", PLAUSIBLE_MAG), ("depth", PLAUSIBLE_DEPTH)):
            median = float(table[f"{name}_{band}"].median())
            if not low <= median <= high:
                what = "magnitude of the galaxies" if name == "host_mag" else "depth"
                notes.append(
                    f"implausible: the median {what} in {band} is {median:.1f}, expected is {low:g} to {high:g}; "
                    "is data.hosts.nanomaggies_per_count right?"
                )
    return notes


def _digest(hosts: PackHosts, imaging: Imaging, folder: Path) -> str:
    spec = as_plain(hosts)
    spec.pop("path")
    contents = {}
    for band, path in cube_paths(folder, imaging.bands).items():
        with path.open("rb") as file:
            contents[band] = hashlib.file_digest(file, "sha256").hexdigest()
    return digest_of({"spec": spec, "imaging": as_plain(imaging), "files": contents})
