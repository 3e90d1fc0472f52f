"""Parents that come as files of stamps with inverse variances: read once to learn what is declared and how deep they are.

A reader knows a layout (`arcgate.survey.mmu`, `arcgate.survey.viewer_cutouts`); finding the galaxy and cutting whole pixels
(`arcgate.survey.stamp_reading`) and measuring (`arcgate.survey.native`) are the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from astropy import units
from astropy_healpix import lonlat_to_healpix
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.survey.columns import HEALPIX_NSIDE, PROVENANCE, declared_columns
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.from_files import FileParents
from arcgate.survey.kept import kept_table, rows_in_order
from arcgate.survey.measure import APERTURE_ARCSEC, measure_light, measure_sky
from arcgate.survey.places import Cut, Unusable, told
from arcgate.survey.stamp_reading import NO_FLUX, Found, Raw, Reader, cut_found

_WHERE: Final = ("stretch", "row")


@dataclass(frozen=True)
class StampPlace:
    """Galaxies of a stretch, as a `Place`."""

    reader: Reader
    stretch: int
    rows: tuple[int, ...]

    def cut(self) -> list[Cut | Unusable]:
        """Cut the galaxies out and measure them."""
        order = sorted(set(self.rows))
        cuts = dict(zip(order, (cut_found(self.reader, one) for one in self.reader.read(self.stretch, order)), strict=True))
        return [cuts[row] for row in self.rows]


@dataclass(frozen=True, eq=False)
class StampParents(FileParents[Reader]):
    """Galaxies of such files, as `Parents`."""

    _where: NDArray[np.int64]

    @classmethod
    def open(cls, reader: Reader, folder: Path, workers: int) -> StampParents:
        """Look at all galaxies, or find what was found before.

        Raises
        ------
        ArcgateError
            A file cannot be read, no galaxy can be used, or a PSF model cannot.
        """
        everything = kept_table(folder, lambda: _looked_at(reader, folder, workers))
        usable = everything["reason"].isna()
        texts = (everything.loc[~usable, name].tolist() for name in ("host_id", "reason", "found"))
        lost = tuple((name, Unusable(reason, found)) for name, reason, found in zip(*texts, strict=True))
        if not usable.any():
            raise ArcgateError(
                f"none of {len(everything)} galaxies can be used: {'; '.join(told(lost))}",
                where=reader.hosts.path,
                todo="take larger stamps, or other galaxies",
            )
        kept, columns = everything[usable].reset_index(drop=True), declared_columns(reader.imaging)
        where = everything[list(_WHERE)].to_numpy(np.int64)
        parents = cls(reader, kept[list(columns)].astype(columns), None, np.flatnonzero(usable), lost, where)
        return parents.with_psfs(folder, kept, reader.imaging.pixel_scale_arcsec)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each reason."""
        return tuple(told(self.lost))

    @property
    def places(self) -> NDArray[np.int64]:
        """Stretches of the files."""
        return self._where[:, 0][self.indices]

    def place(self, rows: NDArray[np.int64]) -> StampPlace:
        """Galaxies of one stretch, by catalogue row."""
        where = self._where[self.indices[rows]]
        return StampPlace(self.files, int(where[0, 0]), tuple(where[:, 1].tolist()))

    def describe(self) -> str:
        """One line for cards and dry runs."""
        return "; ".join([f"{self.files.describe()}: {len(self.catalogue):,} usable", *self.notes])


def _looked_at(reader: Reader, folder: Path, workers: int) -> pd.DataFrame:
    """A row for each galaxy: what is declared, the sky's noise, or why it cannot be used."""
    tasks = [(reader, number) for number in range(len(reader.stretches))]
    count = sum(reader.stretches)
    rows = rows_in_order(f"looking at {count:,} galaxies", count, _rows, tasks, workers, folder)
    columns = declared_columns(reader.imaging)
    sigma = {f"sky_sigma_{band}": "float64" for band in reader.imaging.bands}
    types = columns | sigma | {"reason": "str", "found": "str"} | dict.fromkeys(_WHERE, "int64")
    table = pd.DataFrame(rows, columns=list(types))
    table["healpix"] = _cells(table)
    again = table["host_id"].duplicated()
    if again.any():
        raise ArcgateError(
            f"{table['host_id'][again].iloc[0]} occurs twice", where=reader.hosts.path, todo="leave one of the two out"
        )
    return table.astype(types)


def _rows(task: tuple[Reader, int]) -> list[dict[str, object]]:
    reader, stretch = task
    rows = range(reader.stretches[stretch])
    return [
        _row(reader, found) | dict(zip(_WHERE, (stretch, row), strict=True))
        for row, found in zip(rows, reader.read(stretch, rows), strict=True)
    ]


def _row(reader: Reader, found: Found) -> dict[str, object]:
    imaging, hosts = reader.imaging, reader.hosts
    if not isinstance(found, Raw):
        return {"host_id": found[0], "reason": found[1].reason, "found": found[1].found}
    cut = cut_found(reader, found)
    if isinstance(cut, Unusable):
        return {"host_id": found.name, "reason": cut.reason, "found": cut.found}
    row: dict[str, object] = {"host_id": found.name} | dict.fromkeys(PROVENANCE)
    row |= {f"psf_beta_{band}": hosts.psf_beta[band] for band in imaging.bands if hosts.kernels is None}
    row |= found.declared
    for number, band in enumerate(imaging.bands):
        sigma = row[f"sky_sigma_{band}"] = float(str(cut.measured[f"sky_sigma_{band}"]))
        psfsize = float(str(row.get(f"psfsize_{band}", np.nan)))
        row[f"depth_{band}"] = float(depth_from_sky(sigma, psfsize, imaging.pixel_scale_arcsec))
        if f"host_mag_{band}" not in row:
            flux = _flux(cut, number, imaging)
            if not flux > 0.0:
                return {"host_id": found.name, "reason": NO_FLUX, "found": f"{flux:.3g} nanomaggies in {band}"}
            row[f"host_mag_{band}"] = ZERO_POINT - 2.5 * np.log10(flux)
    return row


def _flux(cut: Cut, number: int, imaging: Imaging) -> float:
    image = cut.image[number].astype(np.float64)
    x, y = (float(str(cut.measured[name])) for name in ("host_x_pix", "host_y_pix"))
    return measure_light(image, measure_sky(image), x, y, APERTURE_ARCSEC / imaging.pixel_scale_arcsec).flux


def _cells(table: pd.DataFrame) -> pd.Series[int]:
    """HEALPix cells of positions; null without."""
    cells = pd.Series(pd.NA, index=table.index, dtype="Int64")
    ra, dec = (pd.to_numeric(table[name]).to_numpy(np.float64) for name in ("ra", "dec"))
    known = np.isfinite(ra) & np.isfinite(dec)
    if known.any():
        cells[known] = lonlat_to_healpix(ra[known] * units.deg, dec[known] * units.deg, HEALPIX_NSIDE, order="nested")
    return cells
