"""The PSF of a Legacy Surveys coadd at one place: a kernel a band, as the surveys' cutout service delivers it.

The kernels are in the frame and at the pixel scale of the coadd, so that they apply to its stamps as they are; they are the
average of the PSFs of the exposures that were stacked there, pixel included.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from arcgate.ground.errors import ArcgateError
from arcgate.lensing.psf import Kernel
from arcgate.survey.fits_file import read_hdus

_WHAT = "a coadd PSF: one square image of odd size a band, with the keyword BAND"


def read_coadd_psf(path: Path) -> dict[str, Kernel]:
    """Read a coadd PSF file.

    Parameters
    ----------
    path : Path
        FITS file with one image a band, each named by the keyword BAND (`copsf_*.fits`).

    Returns
    -------
    dict of str to Kernel
        By band, in the file's order; sum 1. The light's centroid may lie off the central pixel (`Kernel.centroid_pix`).

    Raises
    ------
    ArcgateError
        If the file cannot be read, an image has no band or the band of another one, a promised band is missing, or an image is no
        PSF kernel (even size, NaN, sum not positive).
    """
    hdus = read_hdus(path, _WHAT)
    kernels: dict[str, Kernel] = {}
    for number, hdu in enumerate(hdus):
        if hdu.data is None:
            continue
        band = str(hdu.header.get("BAND", "")).strip()
        if not band or band in kernels:
            found = f"the band {band} a second time" if band else "no keyword BAND"
            raise ArcgateError(
                f"image {number} of {path.name} has {found}; sought is {_WHAT}", where=path, todo="download it again"
            )
        try:
            kernels[band] = Kernel(np.asarray(hdu.data, dtype=np.float64)).normalised()
        except ValueError as error:
            raise ArcgateError(
                f"the {band} image of {path.name} is no PSF: {error}",
                where=path,
                todo="download it again, or leave this place out",
            ) from error
    promised = str(hdus[0].header.get("BANDS", "".join(kernels))).strip()
    missing = [band for band in promised if band not in kernels]
    if missing or not kernels:
        raise ArcgateError(
            f"{path.name} holds no PSF in {', '.join(missing) or 'any band'}; sought is {_WHAT}",
            where=path,
            todo="download it again",
        )
    return kernels
