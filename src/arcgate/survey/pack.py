"""Stamp packs: real galaxies as one FITS cube per band, with or without a catalogue.

What a pack does not declare is measured on its pixels (centre, sky; magnitudes and depths where there is no catalogue) or is
the configuration's (PSF, gain). Pixels are native: stamps are cut by whole pixels and never resampled. A pixel scale up to 1 %
off that of the imaging is accepted (0.263 arcsec of the Dark Energy Survey for the Legacy Surveys' 0.262); such stamps are then
labelled with that of the imaging, so that lengths in arcsec are off by that percentage. Depths use the true scale.

Galaxies that cannot be used are left out, and counted by reason: those with pixels that hold no measurement
(`arcgate.dataset.missing`) in what would be cut, and those that are not found or have no light where they should be. In a pack
with a catalogue they show where galaxies are cut out, in one without where all are measured, once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import PackHosts
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.survey.columns import declared_columns, measured_columns
from arcgate.survey.cubes import Cube, CubeFile, cube_paths, open_cube, positions_path, read_cube
from arcgate.survey.from_files import FileParents, files_digest
from arcgate.survey.kept import kept_table, rows_in_order
from arcgate.survey.pack_catalogue import catalogue_path, read_catalogue
from arcgate.survey.pack_headers import FLUX_TOLERANCE, SCALE_TOLERANCE, check_headers
from arcgate.survey.pack_measuring import Measured, cut_of, measure_galaxy, stamp_of
from arcgate.survey.places import Cut, Unusable, numbered_places, told

PACK: Final = ("arcgate.survey.pack", "arcgate.survey.host_files")
PLAUSIBLE_MAG = (12.0, 25.0)
PLAUSIBLE_DEPTH = (19.0, 29.0)
# So many stamps are measured in the time in which worker processes start.
_MEASURED_AT_ONCE: Final = 1000
_CORNER: Final = ("corner_y", "corner_x")


@dataclass(frozen=True, eq=False)
class PackFiles:
    """The files of a pack, checked as far as that takes no look at the galaxies.

    Attributes
    ----------
    hosts : PackHosts
    imaging : Imaging
        Of the stamps that are cut.
    count : int
        Galaxies in the cubes.
    mapped : bool
        Whether parts of the cubes can be read without the rest: not where they are compressed or scaled.
    notes : tuple of str
        What headers say that is no contradiction, but worth telling.
    catalogue : Path or None
    """

    hosts: PackHosts
    imaging: Imaging
    count: int
    mapped: bool
    notes: tuple[str, ...]
    catalogue: Path | None

    @classmethod
    def open(cls, hosts: PackHosts, imaging: Imaging) -> PackFiles:
        """Check files and headers.

        Raises
        ------
        ArcgateError
            If a file is missing or ends early, the cubes differ in shape, stamps are smaller than the imaging's, headers
            contradict the configuration, or the pixel scale is not the imaging's.
        """
        folder, hosts = Path(hosts.path), _with_factor(hosts, imaging)
        _check_scale(hosts, imaging.pixel_scale_arcsec)
        files = _open_cubes(folder, imaging)
        count = next(iter(files.values())).pixels.shape[0]
        mapped = all(file.mapped for file in files.values())
        notes = check_headers(files, hosts, imaging)
        return cls(hosts, imaging.in_nanomaggies, count, mapped, notes, catalogue_path(folder))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the bytes of the files, the specification without its path, and the code that reads them."""
        paths: dict[str, Path] = {**cube_paths(Path(self.hosts.path), self.imaging.bands)}
        beside = {"catalogue": self.catalogue, "positions": positions_path(Path(self.hosts.path))}
        paths |= {name: path for name, path in beside.items() if path is not None}
        contents = {}
        for name, path in paths.items():
            with path.open("rb") as file:
                contents[name] = hashlib.file_digest(file, "sha256").hexdigest()
        return files_digest(self.hosts, self.imaging, contents, PACK)


@dataclass(frozen=True, eq=False)
class PackPlace:
    """Galaxies of a pack, as a `Place`; `table` holds what was measured of them already, `indices` their places in the cubes."""

    hosts: PackHosts
    imaging: Imaging
    indices: tuple[int, ...]
    table: pd.DataFrame | None

    def cut(self) -> list[Cut | Unusable]:
        """Cut the galaxies out; those that were not measured before are measured now."""
        cubes = [
            open_cube(path, self.imaging.size_pix) for path in cube_paths(Path(self.hosts.path), self.imaging.bands).values()
        ]
        if self.table is None:
            return [self._found(cubes, index) for index in self.indices]
        names = list(measured_columns(self.imaging))
        corners = self.table[list(_CORNER)].to_numpy(np.int64).tolist()
        return [
            Cut(self._image(cubes, index, (row, column)), {str(name): value for name, value in measured.items()})
            for index, (row, column), measured in zip(self.indices, corners, self.table[names].to_dict("records"), strict=True)
        ]

    def _found(self, cubes: Sequence[Cube], index: int) -> Cut | Unusable:
        found = measure_galaxy(self.hosts, self.imaging, cubes, index)
        if isinstance(found, Unusable):
            return found
        return Cut(self._image(cubes, index, found.corner), found.columns(self.hosts, index))

    def _image(self, cubes: Sequence[Cube], index: int, corner: tuple[int, int]) -> NDArray[np.float32]:
        return np.asarray(cut_of(stamp_of(cubes, index, self.hosts), self.imaging.size_pix, corner), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class PackParents(FileParents[PackFiles]):
    """A stamp pack as `Parents`; indices are places in the cubes.

    Where it has no catalogue, magnitudes are those of an aperture of radius `measure.APERTURE_ARCSEC`.
    """

    _measured: pd.DataFrame | None

    @classmethod
    def open(cls, files: PackFiles, folder: Path, workers: int) -> PackParents:
        """Read a pack's catalogue; where it has none, measure its galaxies, or find what was measured before.

        Parameters
        ----------
        files : PackFiles
        folder : Path
            Where the pack's artifacts are kept.
        workers : int
            Processes that measure; no value depends on it.

        Raises
        ------
        ArcgateError
            The catalogue is unusable, or no galaxy can be used.
        """
        hosts, imaging = files.hosts, files.imaging
        if files.catalogue is not None:
            table = read_catalogue(files.catalogue, hosts, imaging, files.count)
            return cls(files, table, None, np.arange(files.count, dtype=np.int64), (), None).with_psfs(folder)
        everything = kept_table(folder, lambda: _measured(files, folder, workers))
        usable = everything["reason"].isna()
        lost = tuple(
            (f"galaxy {row.index_in_pack}", Unusable(str(row.reason), str(row.found))) for row in everything[~usable].itertuples()
        )
        if not usable.any():
            raise ArcgateError(
                f"none of {len(lost)} galaxies can be used: {'; '.join(told(lost))}",
                where=hosts.path,
                todo="centre stamps on their galaxies, repair their pixels, or cut them away from edges",
            )
        kept, columns = everything[usable].reset_index(drop=True), declared_columns(imaging)
        indices = kept["index_in_pack"].to_numpy(np.int64)
        parents = cls(files, kept[list(columns)].astype(columns), None, indices, lost, everything)
        return parents.with_psfs(folder, kept, hosts.pixel_scale_arcsec)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know: galaxies left out, implausible magnitudes, scales that differ by less than a percent."""
        return (*self.files.notes, *told(self.lost), *implausible(self.catalogue, self.imaging))

    @property
    def places(self) -> NDArray[np.int64]:
        """Stretches of the cubes, so that several processes can work on files of which they can read parts."""
        whole = np.zeros(self.files.count, dtype=np.int64)
        return (numbered_places(self.files.count, self.imaging) if self.files.mapped else whole)[self.indices]

    def place(self, rows: NDArray[np.int64]) -> PackPlace:
        """Galaxies by catalogue row."""
        indices = self.indices[rows]
        measured = None if self._measured is None else self._measured.iloc[indices]
        return PackPlace(self.files.hosts, self.imaging, tuple(indices.tolist()), measured)

    def describe(self) -> str:
        """One line for cards and dry runs."""
        galaxies = count_of(len(self.catalogue), "galaxy")
        return f"stamp pack of {galaxies}, pixel scale {self.files.hosts.pixel_scale_arcsec:g} arcsec"


def _with_factor(hosts: PackHosts, imaging: Imaging) -> PackHosts:
    """With the factor from counts to nanomaggies, which the imaging's zero point gives where the hosts do not."""
    factor, stated = hosts.nanomaggies_per_count, imaging.nanomaggies_per_count
    if factor is not None and imaging.zero_point != ZERO_POINT and abs(factor / stated - 1.0) > FLUX_TOLERANCE:
        raise ArcgateError(
            f"a zero point of {imaging.zero_point:g} means {stated:.4g} nanomaggies per count, the hosts' say {factor:.4g}",
            where="data.imaging.zero_point, data.hosts.nanomaggies_per_count",
            todo="state it once: data.hosts.nanomaggies_per_count=null takes the imaging's",
        )
    return replace(hosts, nanomaggies_per_count=stated if factor is None else factor)


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
    files = {band: read_cube(path, size) for band, path in paths.items()}
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


def _measured(files: PackFiles, folder: Path, workers: int) -> pd.DataFrame:
    """A row for each galaxy of the cubes: what would be declared and what is measured, or the reason why it cannot be used."""
    count, hosts, imaging = files.count, files.hosts, files.imaging
    at_once = _MEASURED_AT_ONCE if files.mapped else count
    stretches = [(hosts, imaging, range(start, min(start + at_once, count))) for start in range(0, count, at_once)]
    rows = rows_in_order(f"measuring {count_of(count, 'galaxy')} of the pack", count, _rows, stretches, workers, folder)
    columns = declared_columns(imaging) | measured_columns(imaging)
    extra = ["index_in_pack", "reason", "found", *_CORNER]
    table = pd.DataFrame(rows, columns=[*columns, *extra])
    types = columns | {"index_in_pack": "int64", "reason": "str", "found": "str"} | dict.fromkeys(_CORNER, "Int64")
    return table.astype(types)


def _rows(part: tuple[PackHosts, Imaging, range]) -> list[dict[str, object]]:
    hosts, imaging, indices = part
    cubes = [open_cube(path, imaging.size_pix) for path in cube_paths(Path(hosts.path), imaging.bands).values()]
    return [_row(hosts, imaging, cubes, index) for index in indices]


def _row(hosts: PackHosts, imaging: Imaging, cubes: Sequence[Cube], index: int) -> dict[str, object]:
    found = measure_galaxy(hosts, imaging, cubes, index)
    row: dict[str, object] = {"index_in_pack": index, "host_id": f"pack-{index:04d}"}
    if isinstance(found, Measured):
        row |= found.declared(hosts) | found.columns(hosts, index) | dict(zip(_CORNER, found.corner, strict=True))
    else:
        row |= {"reason": found.reason, "found": found.found}
    for band in imaging.bands:
        row |= dict(zip((f"psfsize_{band}", f"psf_beta_{band}"), hosts.psf_of(band), strict=True))
    return row


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
