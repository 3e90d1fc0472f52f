"""Rows of the Multimodal Universe's Legacy Surveys: Parquet with an image of 160 x 160 pixels a band, and a catalogue beside it.

`psf_fwhm` there is the survey's `psfsize`. `mask` is not read: it takes out surroundings of bright stars with what was not
measured, and an inverse variance of 0 says the latter. Stamps were cut a pixel off their
positions, so that galaxies are found in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import MmuHosts
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.survey.from_files import files_digest
from arcgate.survey.legacy.brick_files import of_ends
from arcgate.survey.places import Unusable
from arcgate.survey.stamp_reading import NO_FLUX, Found, Raw

MMU: Final = ("arcgate.survey.mmu", "arcgate.survey.host_files")
_BRICK: Final = re.compile(r"^(\d{4}[pm]\d{3})-\d+$")
_PIXELS: Final = ("flux", "array")
# Rows that are in memory at a time: 0.5 MB each.
_AT_ONCE: Final = 16
_NO_BAND: Final = "a row without one of the bands"


@dataclass(frozen=True)
class MmuReader:
    """Such files.

    Attributes
    ----------
    hosts : MmuHosts
    imaging : Imaging
    groups : tuple of (Path, int, int)
        File, number of a row group in it, and its rows.
    names : tuple of str
        The files' columns.
    """

    hosts: MmuHosts
    imaging: Imaging
    groups: tuple[tuple[Path, int, int], ...]
    names: tuple[str, ...]

    @classmethod
    def open(cls, hosts: MmuHosts, imaging: Imaging) -> MmuReader:
        """Find the files.

        Raises
        ------
        ArcgateError
            There are none, one cannot be read, has other columns, or lacks one that is needed.
        """
        place = Path(hosts.path)
        paths = [place] if place.is_file() else sorted(place.rglob("*.parquet"))
        # HATS catalogues keep tables about the catalogue beside it.
        paths = [path for path in paths if not path.name.startswith("_")]
        if not paths:
            raise ArcgateError(
                "no Parquet file is there", where=place, todo="set data.hosts.path to a file or folder of MMU rows"
            )
        groups: list[tuple[Path, int, int]] = []
        names: tuple[str, ...] = ()
        for path in paths:
            try:
                with pq.ParquetFile(path) as file:
                    found = tuple(file.schema_arrow.names)
                    counts = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
            except (OSError, pa.ArrowException) as error:
                raise ArcgateError(f"the file cannot be read: {error}", where=path, todo="download it again") from error
            if names and found != names:
                raise ArcgateError("files differ in their columns", where=path, todo="take files of one catalogue")
            names = found
            groups += [(path, number, count) for number, count in enumerate(counts)]
        reader = cls(hosts, imaging.in_nanomaggies, tuple(groups), names)
        lacking = [name for name in ("image", *reader._scalars) if reader._column(name) is None]
        if lacking:
            raise ArcgateError(
                f"the rows have no {', '.join(lacking)}; they have {', '.join(names)}",
                where=paths[0],
                todo="take MMU's legacysurvey rows, or a pack (hosts=pack)",
            )
        return reader

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the specification, what the files are, and the code."""
        paths = sorted({path for path, _, _ in self.groups})
        contents = {"rows": [[path.name, path.stat().st_size, of_ends(path)] for path in paths]}
        return files_digest(self.hosts, self.imaging, contents, MMU)

    @property
    def stretches(self) -> list[int]:
        """Rows of each row group."""
        return [count for _, _, count in self.groups]

    def read(self, stretch: int, rows: Sequence[int]) -> Iterator[Found]:
        """Rows of a row group, a few at a time."""
        path, group, _ = self.groups[stretch]
        wanted, begin = set(rows), 0
        columns = [name for name in map(self._column, ("image", *self._scalars, "SHAPE_R")) if name is not None]
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_AT_ONCE, row_groups=[group], columns=columns):
                    for row in range(batch.num_rows):
                        if begin + row in wanted:
                            yield self._row({name: batch.column(name)[row] for name in columns}, path)
                    begin += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise ArcgateError(f"rows cannot be read: {error}", where=path, todo="download the file again") from error

    def describe(self) -> str:
        """What it is."""
        return f"Multimodal Universe rows, {count_of(len({path for path, _, _ in self.groups}), 'file')}"

    @property
    def _scalars(self) -> list[str]:
        return ["object_id", "RA", "Dec", "EBV", *(f"FLUX_{band.upper()}" for band in self.imaging.bands)]

    def _column(self, name: str) -> str | None:
        """A column whatever the case of its letters: RA and ra, Dec and DEC are all about."""
        return next((one for one in self.names if one.lower() == name.lower()), None)

    def _row(self, row: dict[str, Any], path: Path) -> Found:
        values = {name.lower(): value.as_py() for name, value in row.items() if name.lower() != "image"}
        name = str(values["object_id"])
        bands = self.imaging.bands
        pixels = pixels_of(row[str(self._column("image"))], path)
        if lacking := [band for band in bands if band not in pixels]:
            return name, Unusable(_NO_BAND, f"no {', '.join(lacking)} among {', '.join(pixels)}")
        self._check_scale(pixels, path)
        flux = {band: float(values[f"flux_{band}"] or np.nan) for band in bands}
        if dark := [band for band in bands if not flux[band] > 0.0]:
            return name, Unusable(NO_FLUX, f"{flux[dark[0]]:.3g} nanomaggies in {dark[0]} by the catalogue")
        declared: dict[str, object] = {column: _number(values.get(column)) for column in ("ra", "dec", "ebv")}
        declared["host_reff_arcsec"] = _number(values.get("shape_r"))
        if (brick := _BRICK.match(name)) is not None:
            declared["brick"] = brick.group(1)
        for band in bands:
            declared[f"host_mag_{band}"] = ZERO_POINT - 2.5 * np.log10(flux[band])
            declared[f"psfsize_{band}"] = pixels[band]["psf_fwhm"]
        image, ivar = (np.stack([pixels[band][kind] for band in bands]) for kind in ("image", "ivar"))
        height, width = image.shape[1:]
        return Raw(name, image, ivar, ((width - 1) / 2.0, (height - 1) / 2.0), False, declared)

    def _check_scale(self, pixels: dict[str, dict[str, Any]], path: Path) -> None:
        for band in self.imaging.bands:
            scale = float(pixels[band]["scale"])
            if abs(scale / self.imaging.pixel_scale_arcsec - 1.0) > 0.01:
                raise ArcgateError(
                    f"pixels in {band} are {scale:g} arcsec, sought are {self.imaging.pixel_scale_arcsec:g}",
                    where=f"{path}; data.imaging.pixel_scale_arcsec",
                    todo="nothing is resampled: take an imaging of the rows' own scale",
                )


def pixels_of(cell: Any, path: Path) -> dict[str, dict[str, Any]]:
    """Image, inverse variance, PSF size and scale by band, of a struct of lists or a list of structs.

    Raises
    ------
    ArcgateError
        It is neither, or has other parts.
    """
    try:
        if pa.types.is_struct(cell.type):
            return {
                _band(name): _plane({kind: cell[kind].values[number] for kind in _kinds(cell)})
                for number, name in enumerate(cell["band"].as_py())
            }
        return {_band(one["band"].as_py()): _plane({kind: one[kind] for kind in _kinds(one)}) for one in cell}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ArcgateError(
            f"a cell of `image` is no list of bands with flux, ivar, psf_fwhm and scale: {cell.type} ({error})",
            where=path,
            todo="take MMU's legacysurvey rows, or a pack (hosts=pack)",
        ) from error


def _kinds(struct: Any) -> list[str]:
    there = [field.name for field in struct.type]
    return [next(name for name in _PIXELS if name in there), "ivar", "psf_fwhm", "scale"]


def _plane(cells: dict[str, Any]) -> dict[str, Any]:
    flux, *others = cells.values()
    image, ivar = _square(flux), _square(others[0])
    if image.shape != ivar.shape:
        raise ValueError(f"{image.shape} pixels, and {ivar.shape} inverse variances")
    return {"image": image, "ivar": ivar, "psf_fwhm": float(others[1].as_py()), "scale": float(others[2].as_py())}


def _square(cell: Any) -> NDArray[np.float32]:
    """A list of lists as an array."""
    rows = cell.values
    width = len(rows[0])
    return np.asarray(rows.flatten().to_numpy(zero_copy_only=False), dtype=np.float32).reshape(-1, width)


def _band(name: str) -> str:
    """`des-g` is g."""
    return re.split(r"[-_. ]", name.strip().lower())[-1]


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
