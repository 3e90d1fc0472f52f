"""What a brick was observed with: PSF, depth, gain, noise, by band. The same in all of a brick but for gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.ground.draws import generator
from arcgate.imaging import ZERO_POINT
from arcgate.lensing.psf import Psf, fwhm_from_psfsize
from arcgate.survey.depth import SIGNIFICANCE, noise_equivalent_pixels
from arcgate.survey.legacy.layout import PIXEL_SCALE_ARCSEC
from arcgate.survey.mock.conditions import correlated
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.settings import MockSky

_CORRELATION: Final = 0.5
_GAIN_RANGE: Final = (7200.0, 7800.0)
# Exposures that overlap in most of a brick.
_EXPOSURES: Final = (2, 6)
_EBV_MEDIAN: Final = 0.035


@dataclass(frozen=True)
class BandConditions:
    """Conditions in one band.

    Attributes
    ----------
    psf : Psf
        The effective one, pixel included: what is painted, and what psfsize and the coadd PSF state.
    psfsize_arcsec : float
        FWHM of the Gaussian of the same noise-equivalent area.
    psf_ivar : float
        psfdepth as an inverse variance: that of a point source's flux, 1 / nanomaggies^2, where nothing is missing.
    gain : float
        Electrons a nanomaggy, where nothing is missing.
    exposures : int
    """

    psf: Psf
    psfsize_arcsec: float
    psf_ivar: float
    gain: float
    exposures: int

    @property
    def pixel_ivar(self) -> float:
        """`invvar` of a pixel, of white noise that gives the stated depth, 1 / nanomaggies^2, where nothing is missing."""
        return float(self.psf_ivar * noise_equivalent_pixels(self.psfsize_arcsec, PIXEL_SCALE_ARCSEC))


def conditions(settings: MockSky, pointing: Pointing) -> dict[str, BandConditions]:
    """Conditions of a brick by band."""
    south = pointing.footprint == "south"
    psfsizes, depths = (
        (settings.psfsize_arcsec, settings.depth_mag) if south else (settings.north_psfsize_arcsec, settings.north_depth_mag)
    )
    rng = generator(settings.seed, f"mock sky conditions {pointing.footprint}", pointing.brick.number)
    count = len(settings.bands)
    wider = settings.psfsize_scatter * correlated(rng, _CORRELATION, count)
    deeper = settings.depth_scatter_mag * correlated(rng, _CORRELATION, count)
    found: dict[str, BandConditions] = {}
    for number, band in enumerate(settings.bands):
        psfsize = float(psfsizes[band] * np.exp(wider[number]))
        beta = float(rng.uniform(settings.psf_beta_min, settings.psf_beta_max))
        faintest = 10.0 ** (0.4 * (ZERO_POINT - (depths[band] + float(deeper[number]))))
        found[band] = BandConditions(
            psf=Psf("moffat", float(fwhm_from_psfsize(psfsize, beta)), beta),
            psfsize_arcsec=psfsize,
            psf_ivar=float((SIGNIFICANCE / faintest) ** 2),
            gain=float(rng.uniform(*_GAIN_RANGE)),
            exposures=int(rng.integers(_EXPOSURES[0], _EXPOSURES[1] + 1)),
        )
    return found


def ebv_of(settings: MockSky, brick_number: int) -> float:
    """E(B-V) of a brick, magnitudes: dust does not change from one galaxy to the next."""
    rng = generator(settings.seed, "mock sky dust", brick_number)
    return float(np.clip(np.exp(rng.normal(np.log(_EBV_MEDIAN), 0.5)), 0.005, 0.15))
