"""Measurements against known light."""

from __future__ import annotations

import lighting
import numpy as np
import pytest

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.lensing.psf import Psf
from arcgate.survey.measure import APERTURE_ARCSEC, measure_centre, measure_light, measure_sky
from arcgate.survey.mock.noise import sky_noise

PSF = Psf("moffat", 1.0, 3.0)


def galaxy(x: float, y: float, n: float = 1.0, reff: float = 0.6, q: float = 0.6) -> np.ndarray:
    return lighting.galaxy(reff, n, q, 0.5, x, y, PSF)


@pytest.mark.parametrize(("x", "y"), [(31.5, 31.5), (31.05, 31.93), (33.3, 28.7)])
@pytest.mark.parametrize("n", [1.0, 4.0])
def test_centre_is_exact_to_a_twentieth_of_a_pixel(x: float, y: float, n: float) -> None:
    image = 30.0 * galaxy(x, y, n) + sky_noise(np.random.default_rng(1), 0.004, 0.1, DECALS.size_pix)
    found = measure_centre(image, measure_sky(image))
    assert np.hypot(found[0] - x, found[1] - y) < 0.05


def test_centre_is_that_of_the_peak_nearest_to_the_middle() -> None:
    image = (
        10.0 * galaxy(31.2, 31.8) + 40.0 * galaxy(48.0, 45.0) + sky_noise(np.random.default_rng(1), 0.004, 0.1, DECALS.size_pix)
    )
    x, y = measure_centre(image, measure_sky(image))
    assert np.hypot(x - 31.2, y - 31.8) < 0.05


def test_centre_without_a_galaxy_is_an_error() -> None:
    image = sky_noise(np.random.default_rng(1), 0.004, 0.1, DECALS.size_pix)
    with pytest.raises(ArcgateError, match="no peak above 5 sigma"):
        measure_centre(image, measure_sky(image))


def test_total_flux_of_a_compact_galaxy() -> None:
    image = 30.0 * galaxy(31.3, 31.6) + sky_noise(np.random.default_rng(1), 0.004, 0.1, DECALS.size_pix)
    light = measure_light(image, measure_sky(image), 31.3, 31.6, APERTURE_ARCSEC / DECALS.pixel_scale_arcsec)
    # The Moffat of exponent 3 keeps 1.5 % of its light outside the aperture and the sky's annulus takes some more.
    assert light.flux == pytest.approx(30.0, rel=0.03)


def test_half_light_radius_and_concentration_of_a_gaussian() -> None:
    sigma = 3.0
    radius = np.hypot(*(np.indices((64, 64)) - 31.5))
    image = 100.0 * np.exp(-0.5 * (radius / sigma) ** 2) / (2.0 * np.pi * sigma**2) + sky_noise(
        np.random.default_rng(1), 1e-4, 0.1, DECALS.size_pix
    )
    light = measure_light(image, measure_sky(image), 31.5, 31.5, APERTURE_ARCSEC / DECALS.pixel_scale_arcsec)
    assert light.half_light_pix == pytest.approx(sigma * np.sqrt(2.0 * np.log(2.0)), rel=0.01)
    # r_p = sigma sqrt(-2 ln(1 - p)).
    assert light.concentration == pytest.approx(2.5 * np.log10(np.log(0.2) / np.log(0.8)), rel=0.02)


def test_a_neighbour_hardly_changes_the_flux() -> None:
    noise = sky_noise(np.random.default_rng(1), 0.004, 0.1, DECALS.size_pix)
    alone, crowded = 30.0 * galaxy(31.3, 31.6) + noise, 30.0 * galaxy(31.3, 31.6) + 15.0 * galaxy(42.0, 35.0, reff=0.3) + noise
    fluxes = [
        measure_light(image, measure_sky(image), 31.3, 31.6, APERTURE_ARCSEC / DECALS.pixel_scale_arcsec).flux
        for image in (alone, crowded)
    ]
    assert fluxes[1] == pytest.approx(fluxes[0], rel=0.02)


@pytest.mark.parametrize("lag1", [0.0, 0.1, 0.25])
def test_sky_of_pure_noise(lag1: float) -> None:
    rng = np.random.default_rng(5)
    skies = [measure_sky(0.01 + sky_noise(rng, 0.004, lag1, DECALS.size_pix)) for _ in range(60)]
    assert np.mean([sky.level for sky in skies]) == pytest.approx(0.01, abs=3e-5)
    assert np.mean([sky.sigma for sky in skies]) == pytest.approx(0.004, rel=0.02)
    assert np.mean([sky.lag1 for sky in skies]) == pytest.approx(lag1, abs=0.025)


def test_sky_ignores_the_galaxy_and_its_neighbours() -> None:
    rng = np.random.default_rng(5)
    objects = 10.0 * galaxy(31.2, 31.8) + 5.0 * galaxy(10.0, 12.0)
    skies = [measure_sky(objects + sky_noise(rng, 0.004, 0.1, DECALS.size_pix)) for _ in range(20)]
    assert np.mean([sky.sigma for sky in skies]) == pytest.approx(0.004, rel=0.02)


def test_a_stamp_without_sky_is_an_error() -> None:
    with pytest.raises(ArcgateError, match="source-free sky pixels"):
        measure_sky(np.random.default_rng(1).normal(size=(12, 12)))
