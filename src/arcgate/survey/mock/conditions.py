"""Observing conditions of each galaxy: place on the sky, PSF, depth, gain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy_healpix import lonlat_to_healpix
from numpy.typing import NDArray

from arcgate.hosts_node import MockHosts
from arcgate.imaging import Imaging
from arcgate.lensing.psf import Psf, fwhm_from_psfsize
from arcgate.survey.columns import HEALPIX_NSIDE
from arcgate.survey.depth import sky_from_depth
from arcgate.survey.mock.draws import Purpose, generator

_DEC_RANGE_DEG: Final = (-65.0, 32.0)
_MIN_GALACTIC_LATITUDE_DEG: Final = 18.0
# Scatter of ln psfsize about the median and its correlation between bands, which share part of the seeing.
_PSFSIZE_SCATTER: Final = 0.10
_PSFSIZE_CORRELATION: Final = 0.5
_GAIN_RANGE: Final = (7200.0, 7800.0)
_DEPTH_CORRELATION: Final = 0.5
# Scatter of ln lag1 between galaxies: coadds differ in how many exposures were resampled into them, at which sub-pixel offsets.
# Without it the mock's noise is more uniform than real noise (experiments/01-mock-against-real).
_LAG1_SCATTER: Final = 0.25
_LAG1_MAX: Final = 0.49


@dataclass(frozen=True)
class Conditions:
    """Conditions of one galaxy; by band psfsize (arcsec), Moffat beta, depth (AB), sky_sigma (nmgy per pixel), gain (e-/nmgy).

    `noise_lag1` is the correlation of the sky noise between neighbouring pixels, the same in all bands.
    """

    ra: float
    dec: float
    healpix: int
    psfsize: dict[str, float]
    beta: dict[str, float]
    depth: dict[str, float]
    sky_sigma: dict[str, float]
    gain: dict[str, float]
    noise_lag1: float

    def psf(self, band: str) -> Psf:
        """Return the Moffat of the declared exponent whose noise-equivalent area is the one that psfsize states."""
        fwhm = float(fwhm_from_psfsize(self.psfsize[band], self.beta[band]))
        return Psf("moffat", fwhm, self.beta[band])


def draw_conditions(hosts: MockHosts, imaging: Imaging, index: int) -> Conditions:
    """Conditions of the galaxy of a given index."""
    ra, dec, cell = _sky_position(generator(hosts.seed, index, Purpose.SKY_POSITION))
    rng, bands = generator(hosts.seed, index, Purpose.PSF), imaging.bands
    shift = _PSFSIZE_SCATTER * correlated(rng, _PSFSIZE_CORRELATION, len(bands))
    psfsize = {band: float(hosts.psfsize_arcsec[band] * np.exp(s)) for band, s in zip(bands, shift, strict=True)}
    beta = {band: float(rng.uniform(hosts.psf_beta_min, hosts.psf_beta_max)) for band in bands}
    rng = generator(hosts.seed, index, Purpose.DEPTH)
    shift = hosts.depth_scatter_mag * correlated(rng, _DEPTH_CORRELATION, len(bands))
    depth = {band: float(hosts.depth_mag[band] + s) for band, s in zip(bands, shift, strict=True)}
    return Conditions(
        ra=ra,
        dec=dec,
        healpix=cell,
        psfsize=psfsize,
        beta=beta,
        depth=depth,
        sky_sigma={band: float(sky_from_depth(depth[band], psfsize[band], imaging.pixel_scale_arcsec)) for band in bands},
        gain={band: float(rng.uniform(*_GAIN_RANGE)) for band in bands},
        noise_lag1=min(float(hosts.noise_lag1 * np.exp(_LAG1_SCATTER * rng.standard_normal())), _LAG1_MAX),
    )


def correlated(rng: np.random.Generator, correlation: float, n: int) -> NDArray[np.float64]:
    """Draw n standard normal numbers, one a band, with equal correlation between any two."""
    shared, own = rng.standard_normal(), rng.standard_normal(n)
    return np.asarray(np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own)


def _sky_position(rng: np.random.Generator) -> tuple[float, float, int]:
    """Draw a place uniform over the survey's declinations, away from the Galactic plane; degrees, and its HEALPix cell."""
    low, high = np.sin(np.deg2rad(_DEC_RANGE_DEG))
    while True:
        ra = float(rng.uniform(0.0, 360.0))
        dec = float(np.rad2deg(np.arcsin(rng.uniform(low, high))))
        if abs(galactic_latitude(ra, dec)) > _MIN_GALACTIC_LATITUDE_DEG:
            break
    cell = lonlat_to_healpix(ra * units.deg, dec * units.deg, HEALPIX_NSIDE, order="nested")
    return ra, dec, int(cell)


def galactic_latitude(ra_deg: float, dec_deg: float) -> float:
    """Galactic latitude of an ICRS position, degrees."""
    # astropy says where the pole is; a SkyCoord for each place would take six times as long as all else that is drawn.
    ra, dec = np.deg2rad(ra_deg), np.deg2rad(dec_deg)
    x, y, z = _galactic_pole()
    return float(np.rad2deg(np.arcsin(np.cos(dec) * (x * np.cos(ra) + y * np.sin(ra)) + z * np.sin(dec))))


@cache
def _galactic_pole() -> tuple[float, float, float]:
    """Unit vector towards the north Galactic pole, ICRS."""
    pole = SkyCoord(l=0.0 * units.deg, b=90.0 * units.deg, frame="galactic").icrs.cartesian
    return float(pole.x), float(pole.y), float(pole.z)
