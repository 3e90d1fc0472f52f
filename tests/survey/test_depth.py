"""Depth and sky noise."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.imaging import DECALS
from arcgate.lensing.psf import Psf, fwhm_from_psfsize
from arcgate.survey.depth import depth_from_sky, noise_equivalent_pixels, sky_from_depth


def test_sky_is_the_inverse_of_depth() -> None:
    assert sky_from_depth(
        depth_from_sky(0.0042, 1.3, DECALS.pixel_scale_arcsec), 1.3, DECALS.pixel_scale_arcsec
    ) == pytest.approx(0.0042, rel=1e-12)


@pytest.mark.parametrize("beta", [2.1, 3.0, 4.5])
def test_noise_equivalent_area_is_that_of_the_moffat_which_the_mock_uses(beta: float) -> None:
    # 1 / sum P^2 of the PSF itself, summed on a fine grid over a wide plane.
    step = 0.2
    offset = np.arange(-150.0, 150.0 + step, step) * 0.262
    psf = Psf("moffat", float(fwhm_from_psfsize(1.3, beta)), beta)
    density = psf.density(np.hypot(offset[:, None], offset[None, :])) * 0.262**2
    assert 1.0 / (np.sum(density**2) * step**2) == pytest.approx(
        float(noise_equivalent_pixels(1.3, DECALS.pixel_scale_arcsec)), rel=2e-3
    )


def test_depth_is_the_magnitude_of_five_sigma_of_an_optimal_fit() -> None:
    depth = float(depth_from_sky(0.004, 1.2, DECALS.pixel_scale_arcsec))
    flux = 10.0 ** (0.4 * (22.5 - depth))
    assert flux / (0.004 * np.sqrt(float(noise_equivalent_pixels(1.2, DECALS.pixel_scale_arcsec)))) == pytest.approx(5.0)
