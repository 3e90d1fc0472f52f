"""Where a place on the sky lies in an image, from the image's header."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.survey.pack_headers import SCALE_TOLERANCE

Array = NDArray[np.float64]


def coordinates(header: fits.Header, path: Path, pixel_scale_arcsec: float) -> WCS:
    """The image's coordinates.

    Parameters
    ----------
    header : astropy.io.fits.Header
        With a celestial projection, by CD or by PC and CDELT.
    path : Path
        For messages.
    pixel_scale_arcsec : float
        That of the imaging, which the image's must be within a percent.

    Raises
    ------
    ArcgateError
        There is none, pixels are of another size, or the image is mirrored or turned from north up and east left.
    """
    with warnings.catch_warnings():
        # Dates and units that astropy puts right touch no coordinate.
        warnings.simplefilter("ignore", FITSFixedWarning)
        wcs = WCS(header)
    if not wcs.has_celestial:
        raise ArcgateError(
            f"{path.name} has no coordinates on the sky", where=path, todo="take files with CTYPE1 and CTYPE2 in their headers"
        )
    matrix = np.asarray(wcs.celestial.pixel_scale_matrix)
    scale = 3600.0 * math.sqrt(abs(float(np.linalg.det(matrix))))
    if abs(scale / pixel_scale_arcsec - 1.0) > SCALE_TOLERANCE:
        raise ArcgateError(
            f"pixels of {path.name} are {scale:.4f} arcsec, sought are {pixel_scale_arcsec:g}",
            where=f"{path}; data.imaging.pixel_scale_arcsec",
            todo="nothing is resampled: take an imaging of the survey's own scale",
        )
    if not (matrix[0, 0] < 0 < matrix[1, 1] and max(abs(matrix[0, 1]), abs(matrix[1, 0])) < 0.01 * abs(matrix[1, 1])):
        raise ArcgateError(
            f"{path.name} is not north up and east left: CD is {matrix.tolist()}", where=path, todo="take the survey's own coadds"
        )
    return wcs.celestial


def places_in(wcs: WCS, ra: Array, dec: Array) -> tuple[Array, Array]:
    """Pixels (x, y), 0-based, of places on the sky, degrees; NaN where a place is no number or lies behind the projection."""
    known = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90.0)
    x, y = np.full((2, len(ra)), np.nan)
    if known.any():
        x[known], y[known] = wcs.all_world2pix(ra[known], dec[known], 0)
    return x, y
