"""PSFs and psfsize against GalSim and closed forms."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from arcgate.lensing.psf import Psf, fwhm_from_psfsize, moffat_psfsize

OURS = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.mark.parametrize(("fwhm", "beta"), [(0.7, 2.1), (1.0, 2.5), (1.3, 3.0), (1.3, 3.5), (1.1, 5.0)])
def test_moffat_psfsize_is_that_of_galsims_noise_equivalent_area(fwhm: float, beta: float) -> None:
    scale = fwhm / 20.0
    image = galsim.Moffat(beta=beta, fwhm=fwhm).drawImage(nx=801, ny=801, scale=scale, method="no_pixel").array.astype(np.float64)
    area_pix = 1.0 / np.sum(image**2)
    psfsize = 2.0 * np.sqrt(2.0 * np.log(2.0)) * np.sqrt(area_pix / (4.0 * np.pi)) * scale
    assert moffat_psfsize(fwhm, beta) == pytest.approx(psfsize, rel=1e-5)


@OURS
@given(psfsize=st.floats(0.5, 3.0), beta=st.floats(1.5, 8.0))
def test_fwhm_from_psfsize_agrees_with_the_closed_form_and_inverts(psfsize: float, beta: float) -> None:
    fwhm = float(fwhm_from_psfsize(psfsize, beta))
    alpha = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / beta) - 1.0))
    assert alpha == pytest.approx(2.0 * (beta - 1.0) * psfsize / (2.0 * np.sqrt(2.0 * np.log(2.0)) * np.sqrt(2.0 * beta - 1.0)))
    assert moffat_psfsize(fwhm, beta) == pytest.approx(psfsize, rel=1e-12)


def test_psfsize_of_a_gaussian_is_its_fwhm_and_a_moffats_tends_to_it() -> None:
    # N_eff = 4 pi sigma^2 for a Gaussian, by numerical integration of its density.
    psf = Psf("gaussian", 1.2)
    power = quad(lambda r: 2.0 * np.pi * r * float(psf.density(np.array([r]))[0]) ** 2, 0.0, 10.0)[0]
    assert 2.0 * np.sqrt(2.0 * np.log(2.0)) * np.sqrt(1.0 / power / (4.0 * np.pi)) == pytest.approx(1.2, rel=1e-8)
    assert moffat_psfsize(1.0, 1e4) == pytest.approx(1.0, rel=1e-3)


def test_psfsize_exceeds_the_fwhm_by_the_share_measured_on_real_psfs() -> None:
    # 1.28 to 1.58 for fitted beta of 2.1 to 3.5.
    ratios = moffat_psfsize(1.0, np.linspace(2.1, 3.5, 15))
    assert np.all(np.diff(ratios) < 0.0)
    assert np.all((ratios > 1.22) & (ratios < 1.58))


@pytest.mark.parametrize(("beta", "radius"), [(2.1, 0.5), (3.0, 1.3), (3.5, 6.0)])
def test_moffat_encircled_energy(beta: float, radius: float) -> None:
    psf = Psf("moffat", 1.3, beta)
    alpha = 1.3 / (2.0 * np.sqrt(2.0 ** (1.0 / beta) - 1.0))
    found = quad(lambda r: 2.0 * np.pi * r * float(psf.density(np.array([r]))[0]), 0.0, radius)[0]
    assert found == pytest.approx(1.0 - (1.0 + (radius / alpha) ** 2) ** (1.0 - beta), rel=1e-8)


@pytest.mark.parametrize("psf", [Psf("gaussian", 1.3), Psf("moffat", 1.3, 3.0)])
def test_half_of_the_peak_is_reached_at_half_the_fwhm(psf: Psf) -> None:
    peak, half = psf.density(np.array([0.0, 0.65]))
    assert half / peak == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize(("profile", "beta"), [("gaussian", None), ("moffat", 2.5), ("moffat", 4.0)])
def test_density_equals_galsims(profile: str, beta: float | None) -> None:
    psf = Psf(profile, 1.1, beta)  # type: ignore[arg-type]  # a parametrised literal
    theirs = galsim.Gaussian(fwhm=1.1) if beta is None else galsim.Moffat(beta=beta, fwhm=1.1)
    for radius in (0.0, 0.4, 2.0):
        assert psf.density(np.array([radius]))[0] == pytest.approx(theirs.xValue(radius, 0.0), rel=1e-6)
