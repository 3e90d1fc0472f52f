"""Light on a brick's images against closed forms and GalSim."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

from arcgate.lensing.psf import Psf, fwhm_from_psfsize
from arcgate.survey.depth import noise_equivalent_pixels
from arcgate.survey.legacy.layout import PIXEL_SCALE_ARCSEC
from arcgate.survey.mock.population import Profile
from arcgate.survey.mock.sky.brick import placed
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.geometry import brick_holding
from arcgate.survey.mock.sky.objects import SkyObject
from arcgate.survey.mock.sky.painting import Painted, galaxy_ivar_share, paint
from arcgate.survey.mock.sky.wcs import BrickWcs

PSFS = [Psf("moffat", float(fwhm_from_psfsize(size, beta)), beta) for size, beta in ((1.4, 2.6), (1.0, 3.5))]
FLUX = np.array([12.0, 40.0])
# So low that frames hold all light that is compared.
SIGMA = np.array([1e-3, 1e-3])
SIDE = 400


def painted(*objects: Painted, sigma: np.ndarray = SIGMA) -> np.ndarray:
    image = np.zeros((2, SIDE, SIDE), dtype=np.float32)
    paint(image, objects, PSFS, sigma)
    return image.astype(np.float64)


def of_galsim(light: galsim.GSObject, psf: Psf, x: float, y: float) -> np.ndarray:
    """Surface brightness at pixel centres times pixel area."""
    moffat = galsim.Moffat(beta=psf.beta, fwhm=psf.fwhm_arcsec)
    both = moffat if light is None else galsim.Convolve(light, moffat, gsparams=galsim.GSParams(maximum_fft_size=16384))
    offset = galsim.PositionD(x - (SIDE - 1) / 2.0, y - (SIDE - 1) / 2.0)
    return both.drawImage(nx=SIDE, ny=SIDE, scale=PIXEL_SCALE_ARCSEC, method="no_pixel", offset=offset, dtype=float).array


@pytest.mark.parametrize("shape", [Profile(1.1, 4.0, 0.6, 0.7), Profile(0.5, 1.0, 0.8, 2.5), Profile(0.3, 1.0, 1.0, 0.0)])
def test_a_galaxy_is_galsims(shape):
    x, y = 187.37, 211.81
    image = painted(Painted(x, y, FLUX, shape))
    light = galsim.Sersic(shape.n, half_light_radius=shape.reff_arcsec).shear(q=shape.q, beta=shape.phi_rad * galsim.radians)
    for plane, flux, psf in zip(image, FLUX, PSFS, strict=True):
        sought = flux * of_galsim(light, psf, x, y)
        # What the renderer promises of a pixel, in units of the peak; and what is cut at the frame's edge.
        assert np.abs(plane - sought).max() < 1e-3 * sought.max() + 1e-4
        near = np.hypot(np.arange(SIDE)[None, :] - x, np.arange(SIDE)[:, None] - y) < 20
        assert abs(plane[near].sum() / sought[near].sum() - 1.0) < 1e-3


def test_a_star_is_the_psf_at_pixel_centres():
    x, y = 200.2, 150.9
    image = painted(Painted(x, y, FLUX, None))
    for plane, flux, psf, sigma in zip(image, FLUX, PSFS, SIGMA, strict=True):
        sought = flux * of_galsim(None, psf, x, y)
        assert np.abs(plane - sought).max() < 0.05 * sigma + 1e-6 * flux
        assert plane.sum() / flux > 0.97
        # Noise-equivalent area of what is painted: what psfsize states.
        size = 2.3548 * np.sqrt((flux**2 / (plane**2).sum()) / (4.0 * np.pi)) * PIXEL_SCALE_ARCSEC
        assert abs(size - {2.6: 1.4, 3.5: 1.0}[psf.beta]) < 0.005


@pytest.mark.parametrize("shape", [Profile(0.8, 2.0, 0.7, 1.0), None])
@pytest.mark.parametrize(("x", "y"), [(-3.3, 100.2), (395.1, 399.4), (10.0, -20.7), (-300.0, 50.0)])
def test_light_over_the_edge_is_cut_and_nothing_else(shape, x, y):
    sigma = np.array([0.02, 0.02])
    larger = np.zeros((2, 3 * SIDE, 3 * SIDE), dtype=np.float32)
    paint(larger, [Painted(SIDE + x, SIDE + y, FLUX, shape)], PSFS, sigma)
    image = painted(Painted(x, y, FLUX, shape), sigma=sigma)
    assert np.abs(image - larger[:, SIDE : 2 * SIDE, SIDE : 2 * SIDE]).max() < 1e-5
    assert (image.max() > 0) == (x > -100)


@pytest.mark.parametrize(("flux", "shape"), [(4.0, Profile(0.8, 4.0, 0.7, 0.4)), (150.0, Profile(2.5, 4.0, 0.7, 0.4))])
def test_light_is_faint_where_a_frame_ends(flux, shape):
    image = painted(Painted(200.0, 200.0, np.full(2, flux), shape), sigma=np.array([4e-3, 4e-3]))
    lit = np.flatnonzero(image[0, 200] != 0)
    assert 64 <= len(lit) <= SIDE
    edge = max(np.abs(image[:, lit[0]]).max(), np.abs(image[:, :, lit[0]]).max())
    assert edge < 0.1 * 4e-3
    assert len(lit) == {4.0: 64, 150.0: 256}[flux]


def test_galaxy_depth_is_that_of_a_disc():
    for psf in PSFS:
        disc = of_galsim(galsim.Exponential(half_light_radius=0.45), psf, 199.5, 199.5)
        assert abs(galaxy_ivar_share(psf, 0.45) / (disc**2).sum() - 1.0) < 2e-3
    point = 1.0 / noise_equivalent_pixels(1.0, PIXEL_SCALE_ARCSEC)
    assert galaxy_ivar_share(PSFS[1], 0.45) < point


@pytest.mark.parametrize("dec", [0.0, -64.0, 31.0])
def test_position_angles_run_from_north_through_east(dec):
    brick = brick_holding(150.0, dec)
    wcs = BrickWcs.of(brick)
    ra, dec = (float(value[0]) for value in wcs.sky(np.array([3400.0]), np.array([200.0])))
    position_angle = np.deg2rad(30.0)
    one = SkyObject(brick, 0, "field", "EXP", ra, dec, {"r": 1.0}, {"r": 1.0}, Profile(1.5, 1.0, 0.3, position_angle))
    (there,) = placed([one], Pointing("south", brick), ("r",))
    image = np.zeros((1, SIDE, SIDE), dtype=np.float32)
    local = Painted(200.0, 200.0, there.flux, there.profile)
    paint(image, [local], PSFS[:1], SIGMA[:1])
    # Along the major axis as second moments have it, a step on the image and on astropy's sky.
    offset = np.arange(SIDE) - 200.0
    image *= np.hypot(offset[None, :], offset[:, None]) < 25
    xx, yy = (image[0] * offset[None, :] ** 2).sum(), (image[0] * offset[:, None] ** 2).sum()
    xy = (image[0] * offset[None, :] * offset[:, None]).sum()
    major = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    turned = (major - there.profile.phi_rad + np.pi / 2) % np.pi - np.pi / 2
    assert abs(turned) < 2e-3
    step = SkyCoord(*wcs.sky(np.array([3400.0 + 5.0 * np.cos(major)]), np.array([200.0 + 5.0 * np.sin(major)])), unit="deg")
    found = SkyCoord(ra * units.deg, dec * units.deg).position_angle(step).rad[0]
    assert abs(np.angle(np.exp(2j * (found - position_angle)))) / 2.0 < 1e-3
