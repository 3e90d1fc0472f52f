"""What a brick has beside its images: its tractor catalogue and its coadd PSF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from arcgate.survey.legacy.layout import BRICK_PIX, PIXEL_SCALE_ARCSEC, SurveyFolder
from arcgate.survey.mock.sky.catalogue import Observed
from arcgate.survey.mock.sky.coadd_files import CoaddWriter
from arcgate.survey.mock.sky.conditions import BandConditions

Array = NDArray[np.float64]

_KERNEL_PIX: Final = 63


def tractor_file(folder: SurveyFolder, brick: str) -> Path:
    """Catalogue of one brick, from which sweeps are made."""
    return folder.checksums(brick).with_name(f"tractor-{brick}.fits")


def write_tractor(writer: CoaddWriter, rows: NDArray[np.void], x: Array, y: Array, observed: Observed) -> None:
    """The brick's own catalogue: columns of the sweeps in lower case, and what only it has."""
    more = {"brick_primary": np.ones(len(rows), dtype=bool), "bx": x.astype(np.float32), "by": y.astype(np.float32)}
    column, row = (np.clip(np.rint(np.nan_to_num(at)), 0, BRICK_PIX - 1).astype(np.int64) for at in (x, y))
    for number, band in enumerate(observed.conditions):
        masked = observed.saturated[number][row, column]
        more[f"ngood_{band}"] = np.where(masked, 0, observed.exposures[number][row, column]).astype(np.int16)
    table = np.empty(len(rows), dtype=[*_lower(rows.dtype), *((name, values.dtype, ()) for name, values in more.items())])
    for name in rows.dtype.names or ():
        table[name.lower()] = rows[name]
    for name, values in more.items():
        table[name] = values
    path = tractor_file(writer.folder, writer.pointing.brick.name)
    writer.keep_table(path, fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(table)]))


def _lower(dtype: np.dtype[np.void]) -> list[tuple[str, np.dtype[Any], tuple[int, ...]]]:
    fields: Mapping[str, Any] = dtype.fields or {}
    return [(name.lower(), fields[name][0].base, fields[name][0].shape) for name in dtype.names or ()]


def write_coadd_psf(writer: CoaddWriter, observed: dict[str, BandConditions]) -> None:
    """The PSF at the brick's centre, as the cutout service delivers it: an image a band, of sum 1."""
    brick, hdus = writer.pointing.brick, []
    for number, (band, one) in enumerate(observed.items()):
        kernel = one.psf.on(_KERNEL_PIX, PIXEL_SCALE_ARCSEC)
        image = (kernel / kernel.sum()).astype(np.float32)
        hdu = fits.PrimaryHDU(image) if number == 0 else fits.ImageHDU(image)
        if number == 0:
            hdu.header["BANDS"] = "".join(observed)
            for place, each in enumerate(observed):
                hdu.header[f"BAND{place}"] = each
        hdu.header["BAND"] = band
        hdus.append(hdu)
    folder = writer.folder.root / writer.folder.footprint / "coadd-psf" / brick.name[:3]
    writer.keep_table(folder / f"copsf_{brick.ra:.4f}_{brick.dec:.4f}.fits", fits.HDUList(hdus))
