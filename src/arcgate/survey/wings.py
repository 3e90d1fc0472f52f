"""Light of a point source beyond what its PSF model holds, as the Legacy Surveys' own model has it for DECam.

Within 5 arcsec a PSF is what PsfEx fitted; beyond, a power law in g, r and i and a Moffat in z (legacypipe's treatment of DECam,
the figures of which the surveys' documentation of DR9 and DR10 states).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.lensing.psf import Kernel

Array = NDArray[np.float64]

JOIN_ARCSEC: Final = 5.0
# Surface brightness at 1 arcsec of a point source of flux 1, per square arcsec, which falls with the square of the radius.
_POWER_LAW: Final = {"g": 4.5e-4, "r": 3.3e-4, "i": 3.3e-4}
# In z: scale radius (arcsec), exponent, share of the light.
_MOFFAT: Final = (17.65, 1.7, 0.0145)
_MOFFAT_OF_SOME: Final = (16.0, 2.3, 0.0095)
_SOME: Final = ("N20", "S8", "S10", "S18", "S21", "S27")


def decam_wing(radius_arcsec: Array, band: str, ccdname: str) -> Array:
    """Surface brightness beyond `JOIN_ARCSEC` of a point source of flux 1, per square arcsec.

    Raises
    ------
    ArcgateError
        A band of which the surveys state none.
    """
    if band in _POWER_LAW:
        return _POWER_LAW[band] / np.maximum(radius_arcsec, JOIN_ARCSEC) ** 2
    if band == "z":
        alpha, beta, share = _MOFFAT_OF_SOME if ccdname in _SOME else _MOFFAT
        peak = share * (beta - 1.0) / (math.pi * alpha**2)
        wing: Array = peak * (1.0 + (radius_arcsec / alpha) ** 2) ** -beta
        return wing
    raise ArcgateError(
        f"the wings of DECam's PSF are stated in {', '.join(_POWER_LAW)} and z, not in {band}",
        where="data.hosts.kernels.wings",
        todo="set data.hosts.kernels.wings=none",
    )


def with_decam_wings(kernel: Kernel, band: str, ccdname: str, size_pix: int, pixel_scale_arcsec: float) -> Kernel:
    """A kernel with wings out to half the diagonal of a stamp, of sum 1.

    Parameters
    ----------
    kernel : Kernel
        Of which what lies within `JOIN_ARCSEC` counts; it must reach there.
    band, ccdname : str
        Of the exposure; the name of the CCD as the survey writes it (`S21`), empty where it is not known.
    size_pix : int
        Of the stamp.
    pixel_scale_arcsec : float

    Returns
    -------
    Kernel
        What lies within `JOIN_ARCSEC` is scaled so that it and the wings hold all light.
    """
    half_diagonal = size_pix * pixel_scale_arcsec / math.sqrt(2.0)
    reach = math.ceil(half_diagonal / pixel_scale_arcsec)
    offset = np.arange(-reach, reach + 1) * pixel_scale_arcsec
    radius = np.hypot(offset[None, :], offset[:, None])
    if min(kernel.image.shape) // 2 * pixel_scale_arcsec < JOIN_ARCSEC:
        raise ValueError(f"a kernel that wings are added to reaches {JOIN_ARCSEC:g} arcsec; its shape is {kernel.image.shape}")
    inner = np.where(radius <= JOIN_ARCSEC, kernel.on(2 * reach + 1, pixel_scale_arcsec), 0.0)
    beyond = (radius > JOIN_ARCSEC) & (radius <= half_diagonal)
    wing = np.where(beyond, decam_wing(radius, band, ccdname) * pixel_scale_arcsec**2, 0.0)
    return Kernel(inner * (1.0 - wing.sum()) / inner.sum() + wing, kernel.includes_pixel)
