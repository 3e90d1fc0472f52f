"""Unlensed galaxies and point sources against GalSim and the PSF's own density."""

from __future__ import annotations

from collections.abc import Callable

import galsim
import numpy as np
import pytest
from numpy.typing import NDArray

from arcgate.dataset.schema import PIXEL_SCALE_ARCSEC, STAMP_SIZE
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Source, convolve, point_spectrum, sersic_spectrum

Array = NDArray[np.float64]
FINE = galsim.GSParams(folding_threshold=3e-4, maxk_threshold=3e-4, kvalue_accuracy=1e-6, maximum_fft_size=16384)
PSFS = [Psf("gaussian", 1.3), Psf("gaussian", 0.95), Psf("moffat", 1.3, 3.0), Psf("moffat", 0.8, 2.5)]


def _galsim_psf(psf: Psf) -> galsim.GSObject:
    if psf.beta is None:
        return galsim.Gaussian(fwhm=psf.fwhm_arcsec, gsparams=FINE)
    return galsim.Moffat(beta=psf.beta, fwhm=psf.fwhm_arcsec, gsparams=FINE)


def _drawn(source: Source, psf: Psf, x_pix: float, y_pix: float, method: str) -> Array:
    galaxy = galsim.Sersic(n=source.n, half_light_radius=source.reff_arcsec, gsparams=FINE)
    galaxy = galaxy.shear(q=source.q, beta=source.phi_rad * galsim.radians)
    middle = (STAMP_SIZE - 1) / 2.0
    image = galsim.Convolve([galaxy, _galsim_psf(psf)], gsparams=FINE).drawImage(
        nx=STAMP_SIZE,
        ny=STAMP_SIZE,
        scale=PIXEL_SCALE_ARCSEC,
        method=method,
        offset=(x_pix - middle, y_pix - middle),
        dtype=np.float64,
    )
    return np.asarray(image.array)


@pytest.mark.parametrize("psf", PSFS, ids=str)
@pytest.mark.parametrize(
    ("source", "x_pix", "y_pix"),
    [
        (Source(0.3, 1.0, 0.7, 0.6, 0.0, 0.0), 31.5, 31.5),
        (Source(0.1, 1.0, 0.25, 2.0, 0.0, 0.0), 30.83, 33.21),
        (Source(1.0, 4.0, 0.8, 1.0, 0.0, 0.0), 31.5, 31.5),
        (Source(0.6, 4.0, 0.6, 2.5, 0.0, 0.0), 25.37, 35.91),
    ],
    ids=["disc", "thin small disc off centre", "bulge", "bulge off centre"],
)
def test_unlensed_galaxy_equals_galsim_to_0_3_percent_of_the_peak(
    source: Source, x_pix: float, y_pix: float, psf: Psf, worst_difference: Callable[[Array, Array], float]
) -> None:
    truth = _drawn(source, psf, x_pix, y_pix, "no_pixel")
    assert worst_difference(convolve(sersic_spectrum(source, x_pix, y_pix), psf), truth) < 0.003


@pytest.mark.parametrize("n", [1.0, 4.0])
@pytest.mark.parametrize("psf", PSFS, ids=str)
def test_an_atmospheric_psf_gets_the_pixel_once(n: float, psf: Psf, worst_difference: Callable[[Array, Array], float]) -> None:
    source = Source(0.5, n, 0.7, 0.4, 0.0, 0.0)
    truth = _drawn(source, psf, 30.9, 32.2, "auto")
    spectrum = sersic_spectrum(source, 30.9, 32.2)
    atmospheric = Psf(psf.profile, psf.fwhm_arcsec, psf.beta, includes_pixel=False)
    assert worst_difference(convolve(spectrum, atmospheric), truth) < 0.003
    # The pixel matters: leaving it out is off by more than the tolerance.
    assert worst_difference(convolve(spectrum, psf), truth) > 0.006


def test_a_source_offset_in_arcsec_is_a_place_in_pixels() -> None:
    psf = Psf("moffat", 1.2, 3.0)
    moved = sersic_spectrum(Source(0.4, 1.0, 0.6, 0.3, 0.5, -0.3), 30.0, 33.0)
    placed = sersic_spectrum(
        Source(0.4, 1.0, 0.6, 0.3, 0.0, 0.0), 30.0 + 0.5 / PIXEL_SCALE_ARCSEC, 33.0 - 0.3 / PIXEL_SCALE_ARCSEC
    )
    assert convolve(moved, psf) == pytest.approx(convolve(placed, psf), abs=1e-6)


@pytest.mark.parametrize("psf", [Psf("gaussian", 1.0), Psf("moffat", 1.0, 3.0), Psf("moffat", 1.0, 3.0, False)], ids=str)
@pytest.mark.parametrize(("x_pix", "y_pix"), [(32.0, 32.0), (31.5, 31.5), (30.3, 33.7)])
def test_an_impulse_stays_at_its_place(x_pix: float, y_pix: float, psf: Psf) -> None:
    image = convolve(point_spectrum(x_pix, y_pix), psf)
    # Gaussian weights about the expected place: a plain centroid of a Moffat's wings depends on where the stamp ends.
    pixel = np.arange(STAMP_SIZE)
    x, y = np.meshgrid(pixel - x_pix, pixel - y_pix)
    weight = image * np.exp(-0.5 * (x**2 + y**2) / 4.0**2)
    assert abs(np.sum(weight * x) / weight.sum()) < 1e-3
    assert abs(np.sum(weight * y) / weight.sum()) < 1e-3
    assert np.unravel_index(image.argmax(), image.shape) in {
        (int(row), int(column)) for row in (np.floor(y_pix), np.ceil(y_pix)) for column in (np.floor(x_pix), np.ceil(x_pix))
    }


@pytest.mark.parametrize(
    ("psf", "tolerance"),
    [
        (Psf("gaussian", 1.0), 1e-5),
        (Psf("moffat", 1.3, 2.5), 5e-5),
        (Psf("moffat", 1.0, 2.5), 5e-4),
        (Psf("moffat", 0.8, 2.5), 3e-3),
    ],
    ids=str,
)
def test_a_point_source_is_the_psf_sampled_at_pixel_centres(
    psf: Psf, tolerance: float, worst_difference: Callable[[Array, Array], float]
) -> None:
    pixel = np.arange(STAMP_SIZE)
    radius = PIXEL_SCALE_ARCSEC * np.hypot(pixel[None, :] - 31.3, pixel[:, None] - 32.6)
    truth = psf.density(radius) * PIXEL_SCALE_ARCSEC**2
    assert worst_difference(convolve(point_spectrum(31.3, 32.6), psf), truth) < tolerance


def test_light_that_leaves_the_stamp_is_lost_and_does_not_come_back_on_the_other_side() -> None:
    psf = Psf("moffat", 1.3, 2.5)
    image = convolve(point_spectrum(1.0, 31.5), psf)
    pixel = np.arange(STAMP_SIZE)
    truth = psf.density(PIXEL_SCALE_ARCSEC * np.hypot(pixel[None, :] - 1.0, pixel[:, None] - 31.5)) * PIXEL_SCALE_ARCSEC**2
    assert image == pytest.approx(truth, abs=1e-4 * truth.max())
    assert image.sum() == pytest.approx(truth.sum(), abs=1e-4)
    assert image.sum() < 0.9
    assert image[:, 40:].max() < 2e-4 * image.max()
