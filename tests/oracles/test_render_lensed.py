"""Lensed stamps against brute force, lenstronomy's own images, and the renderer's finer settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brute_force import finely_convolved, gridded_light, lensed_brightness, v4_sota_rows, worst
from lenstronomy.Data.imaging_data import ImageData
from lenstronomy.Data.psf import PSF
from lenstronomy.ImSim.image_model import ImageModel
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from lenstronomy_terms import epl_terms, sersic_terms
from numpy.typing import NDArray

from arcgate.imaging import DECALS
from arcgate.lensing.frame import Frame
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Settings, render

Array = NDArray[np.float64]
PSFS = [Psf("moffat", 1.4, 3.0), Psf("moffat", 1.1, 3.0), Psf("gaussian", 1.2)]
FINE = Settings(error_target=1e-6, dtype=torch.float64)


def ones(count: int, bands: int) -> torch.Tensor:
    return torch.ones((count, bands), dtype=torch.float64)


def test_rendered_rows_equal_brute_force_within_the_error_target() -> None:
    lenses, sources, x_pix, y_pix = v4_sota_rows(3, 12)
    assert (sources.reff_arcsec == 0.1).sum() >= 2
    usual = render(lenses, sources, ones(12, 3), x_pix, y_pix, [PSFS] * 12, DECALS.frame)
    finer = render(lenses, sources, ones(12, 3), x_pix, y_pix, [PSFS] * 12, DECALS.frame, FINE)
    for row in range(12):
        light = gridded_light(lensed_brightness(lenses, sources, row), float(x_pix[row]), float(y_pix[row]))
        for band, psf in enumerate(PSFS):
            truth = finely_convolved(light, psf.density)
            assert worst(usual.image[row, band], truth) < 1e-3
            # Nine moments a pixel leave this much, however fine the integration.
            assert worst(finer.image[row, band], truth) < 2.5e-4
            assert float(usual.image[row, band].sum()) == pytest.approx(truth.sum(), rel=1e-3)
        assert finer.total[row].numpy() == pytest.approx(np.full(3, light.sum()), rel=1e-6)
        assert usual.total[row].numpy() == pytest.approx(np.full(3, light.sum()), rel=1e-3)


@pytest.mark.parametrize(("n", "tolerance"), [(0.5, 3e-4), (4.0, 1e-3)])
def test_other_profiles_equal_brute_force(n: float, tolerance: float) -> None:
    lenses, sources, x_pix, y_pix = v4_sota_rows(4, 2, n=n)
    found = render(lenses, sources, ones(2, 3), x_pix, y_pix, [PSFS] * 2, DECALS.frame)
    for row in range(2):
        light = gridded_light(lensed_brightness(lenses, sources, row), float(x_pix[row]), float(y_pix[row]), 1e-5)
        for band, psf in enumerate(PSFS):
            assert worst(found.image[row, band], finely_convolved(light, psf.density)) < tolerance


def test_the_default_error_target_holds_on_random_rows_of_the_grid() -> None:
    lenses, sources, x_pix, y_pix = v4_sota_rows(11, 200)
    assert (sources.reff_arcsec == 0.1).sum() > 20
    usual = render(lenses, sources, ones(200, 3), x_pix, y_pix, [PSFS] * 200, DECALS.frame)
    finer = render(lenses, sources, ones(200, 3), x_pix, y_pix, [PSFS] * 200, DECALS.frame, FINE)
    peak = finer.image.amax(dim=(2, 3))
    errors = ((usual.image - finer.image).abs().amax(dim=(2, 3)) / peak).amax(dim=1).numpy()
    assert np.quantile(errors, 0.99) < 0.001
    assert errors.max() < 0.005
    assert np.quantile((usual.total / finer.total - 1.0).abs().numpy(), 0.99) < 0.001


def lenstronomy_image(
    lenses: Lenses, sources: Sersics, row: int, x_pix: float, y_pix: float, fwhm_arcsec: float, frame: Frame = DECALS.frame
) -> Array:
    """Image by lenstronomy, nine rays a pixel and axis, convolved with a Gaussian on that grid and averaged over pixels."""
    theta_e, q, phi, g1, g2, slope = (float(column[row]) for column in vars(lenses).values())
    reff, n, source_q, source_phi, source_x, source_y = (float(column[row]) for column in vars(sources).values())
    epl = epl_terms(theta_e, q, phi, slope)
    sersic = sersic_terms(reff, n, source_q, source_phi, source_x, source_y)
    size, scale = frame.size_pix, frame.pixel_scale_arcsec
    factor = 9
    half = factor * round(12 * 0.262 / scale * fwhm_arcsec / 1.1)
    offset = np.arange(-half, half + 1) * scale / factor
    kernel = Psf("gaussian", fwhm_arcsec).density(np.hypot(offset[:, None], offset))
    data = ImageData(
        image_data=np.zeros((size, size)),
        ra_at_xy_0=-x_pix * scale,
        dec_at_xy_0=-y_pix * scale,
        transform_pix2angle=np.eye(2) * scale,
        background_rms=1.0,
        exposure_time=1.0,
    )
    model = ImageModel(
        data,
        PSF(psf_type="PIXEL", kernel_point_source=kernel / kernel.sum(), point_source_supersampling_factor=factor),
        lens_model_class=LensModel(["EPL", "SHEAR"]),
        source_model_class=LightModel(["SERSIC_ELLIPSE"]),
        kwargs_numerics={
            "supersampling_factor": factor,
            "supersampling_convolution": True,
            "supersampling_kernel_size": None,
            "point_source_supersampling_factor": factor,
        },
    )
    return np.asarray(model.image([epl, {"gamma1": g1, "gamma2": g2, "ra_0": 0.0, "dec_0": 0.0}], [sersic]))


# Lenstronomy calls NumPy's FFT in a way that NumPy 2 is about to change; only its authors can act on it.
@pytest.mark.filterwarnings("ignore:.axes. should not be .None.:DeprecationWarning")
@pytest.mark.parametrize("slope", [2.0, 1.8, 2.3])
def test_stamps_equal_lenstronomys_at_converged_sampling(slope: float) -> None:
    # Lenstronomy averages over pixels after it has convolved: its PSF is one without the pixel.
    lenses, sources, x_pix, y_pix = v4_sota_rows(5, 2, (0.3, 0.5))
    lenses = Lenses.of(*(getattr(lenses, name) for name in ("theta_e_arcsec", "q", "phi_rad", "gamma1", "gamma2")), slope)
    found = render(lenses, sources, ones(2, 1), x_pix, y_pix, [[Psf("gaussian", 1.1, None, False)]] * 2, DECALS.frame).image
    for row in range(2):
        truth = lenstronomy_image(lenses, sources, row, float(x_pix[row]), float(y_pix[row]), 1.1)
        assert worst(found[row, 0], truth) < 1e-3
        assert float(found[row, 0].sum()) == pytest.approx(truth.sum(), rel=1e-3)


# Hyper Suprime-Cam, Rubin and Euclid VIS, whose PSF its pixels undersample, with a width of their PSFs; an odd stamp of DECaLS.
@pytest.mark.filterwarnings("ignore:.axes. should not be .None.:DeprecationWarning")
@pytest.mark.parametrize(
    ("size", "scale", "fwhm"),
    [(101, 0.168, 0.6), (64, 0.2, 0.7), (200, 0.1, 0.16), (65, 0.262, 1.1)],
)
def test_stamps_of_other_surveys_equal_lenstronomys(size: int, scale: float, fwhm: float) -> None:
    frame = Frame(size, scale)
    lenses, sources, x_pix, y_pix = v4_sota_rows(6, 2, (0.3, 0.5))
    x_pix, y_pix = (place - 31.5 + (size - 1) / 2 for place in (x_pix, y_pix))
    found = render(lenses, sources, ones(2, 1), x_pix, y_pix, [[Psf("gaussian", fwhm, None, False)]] * 2, frame).image
    assert found.shape == (2, 1, size, size)
    for row in range(2):
        truth = lenstronomy_image(lenses, sources, row, float(x_pix[row]), float(y_pix[row]), fwhm, frame)
        assert worst(found[row, 0], truth) < 1e-3
        assert float(found[row, 0].sum()) == pytest.approx(truth.sum(), rel=1e-3)


def test_lensed_light_turns_with_the_configuration() -> None:
    # A quarter turn of lens, shear and source is a quarter turn of the stamp: (x, y) -> (-y, x), pixel (row, column) ->
    # (column, last - row).
    turn = np.array([0.0, np.pi / 2])
    lenses = Lenses.of(1.2, 0.7, 0.4 + turn, [0.06, -0.06], [0.03, -0.03])
    sources = Sersics.of(0.2, 1.0, 0.5, 1.0 + turn, [0.2, 0.1], [-0.1, 0.2])
    place = torch.tensor([31.5, 31.5])
    first, turned = render(lenses, sources, ones(2, 1), place, place, [PSFS[:1]] * 2, DECALS.frame, FINE).image[:, 0].numpy()
    assert turned == pytest.approx(first.T[:, ::-1], abs=1e-6 * first.max())
