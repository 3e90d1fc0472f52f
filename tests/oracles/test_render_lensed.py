"""Lensed stamps against lenstronomy's rays and light, closed forms, and the renderer's own converged limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from lenstronomy.Util.param_util import phi_q2_ellipticity
from numpy.typing import NDArray

from arcgate.lensing import render
from arcgate.lensing.profiles import sersic_b, sersic_centre
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Lens, Source, arc_spectrum, convolve

Array = NDArray[np.float64]
MOFFAT = Psf("moffat", 1.0, 3.0)


def _lenstronomy_brightness(lens: Lens, source: Source) -> Callable[[Array, Array], Array]:
    """Surface brightness of the lensed source by lenstronomy: EPL at slope 2 with shear, and a Sersic with its b_n mapped."""
    lenses, lights = LensModel(["EPL", "SHEAR"]), LightModel(["SERSIC_ELLIPSE"])
    e1, e2 = phi_q2_ellipticity(lens.phi_rad, lens.q)
    epl = {"theta_E": lens.theta_e_arcsec, "gamma": 2.0, "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0}
    shear = {"gamma1": lens.gamma1, "gamma2": lens.gamma2, "ra_0": 0.0, "dec_0": 0.0}
    theirs = 1.9992 * source.n - 0.3271
    s1, s2 = phi_q2_ellipticity(source.phi_rad, source.q)
    light = {
        "amp": sersic_centre(source.reff_arcsec, source.n) * np.exp(-theirs),
        "R_sersic": source.reff_arcsec * (theirs / sersic_b(source.n)) ** source.n,
        "n_sersic": source.n,
        "e1": s1,
        "e2": s2,
        "center_x": source.x_arcsec,
        "center_y": source.y_arcsec,
    }

    def brightness(x: Array, y: Array) -> Array:
        beta_x, beta_y = lenses.ray_shooting(x.ravel(), y.ravel(), [epl, shear])
        return np.reshape(lights.surface_brightness(beta_x, beta_y, [light]), x.shape)

    return brightness


@pytest.mark.parametrize("number", range(5))
def test_lensed_stamps_equal_lenstronomy_convolved_finely(
    number: int,
    rows_of_v4_sota: Callable[..., Any],
    convolve_finely: Callable[..., Array],
    worst_difference: Callable[[Array, Array], float],
) -> None:
    row = rows_of_v4_sota(3, 5, (0.1, 0.2, 0.3))[number]
    factor = 9 if row.source.reff_arcsec == 0.1 else 5
    truth = convolve_finely(_lenstronomy_brightness(row.lens, row.source), MOFFAT, row.host_x_pix, row.host_y_pix, factor)
    found = convolve(arc_spectrum(*row), MOFFAT)
    assert worst_difference(found, truth) < 0.003
    assert found.sum() == pytest.approx(truth.sum(), rel=1e-3)


@pytest.mark.parametrize("beta", [0.2, 0.5, 0.8])
def test_sis_magnifies_a_small_source_by_two_theta_e_over_beta(beta: float) -> None:
    spectrum = arc_spectrum(Lens(1.5, 1.0, 0.0, 0.0, 0.0), Source(0.03, 1.0, 1.0, 0.0, beta, 0.0), 31.5, 31.5)
    # <1 / |beta + r|> = (1 + <r^2> / (4 beta^2) + ...) / beta, with <r^2> = 6 h^2 for an exponential disc of scale h.
    spread = 6.0 * (0.03 / sersic_b(1.0)) ** 2 / (4.0 * beta**2)
    assert spectrum[0, 0].real == pytest.approx(2.0 * 1.5 / beta * (1.0 + spread), rel=3e-3)


def test_sis_magnifies_an_extended_source_as_its_average_over_the_source() -> None:
    # Inside the Einstein radius mu = 2 theta_E / beta, outside 1 + theta_E / beta; centred on the lens, a disc of scale h
    # inside theta_E has <mu> = 2 theta_E <1 / beta> = 2 theta_E / h (up to the exp(-theta_E / h) beyond).
    scale = 0.1 / sersic_b(1.0)
    spectrum = arc_spectrum(Lens(1.5, 1.0, 0.0, 0.0, 0.0), Source(0.1, 1.0, 1.0, 0.0, 0.0, 0.0), 31.3, 31.6)
    assert spectrum[0, 0].real == pytest.approx(2.0 * 1.5 / scale, rel=1e-3)


def test_total_magnification_equals_that_of_lenstronomys_image(rows_of_v4_sota: Callable[..., Any]) -> None:
    for row in rows_of_v4_sota(8, 4, (0.2, 0.3, 0.5)):
        edge = (np.arange(600) + 0.5) / 600 * 24.0 - 12.0
        x, y = np.meshgrid(edge, edge)
        total = _lenstronomy_brightness(row.lens, row.source)(x, y).sum() * (24.0 / 600) ** 2
        assert arc_spectrum(*row)[0, 0].real == pytest.approx(total, rel=1e-3)


def test_lensed_light_turns_with_the_configuration() -> None:
    # A quarter turn of lens, shear and source is a quarter turn of the stamp.
    first = convolve(arc_spectrum(Lens(1.2, 0.7, 0.4, 0.06, 0.03), Source(0.2, 1.0, 0.5, 1.0, 0.2, -0.1), 31.5, 31.5), MOFFAT)
    lens = Lens(1.2, 0.7, 0.4 + np.pi / 2, -0.06, -0.03)
    turned = convolve(arc_spectrum(lens, Source(0.2, 1.0, 0.5, 1.0 + np.pi / 2, 0.1, 0.2), 31.5, 31.5), MOFFAT)
    # (x, y) -> (-y, x): pixel (row, column) -> (column, last - row).
    assert turned == pytest.approx(first.T[:, ::-1], abs=1e-4 * first.max())


def _converged(row: Any, monkeypatch: pytest.MonkeyPatch) -> Array:
    with monkeypatch.context() as patch:
        patch.setattr(render, "_CUSP_ORDERS", ((4.0, 6), (2.5, 12), (1.2, 32)))
        patch.setattr(render, "_TOLERANCE", 2e-6)
        patch.setattr(render, "_LIGHT_OUTSIDE", 2e-6)
        return convolve(arc_spectrum(*row), MOFFAT)


def test_renderer_is_converged_on_random_rows_of_the_grid(
    rows_of_v4_sota: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, worst_difference: Callable[[Array, Array], float]
) -> None:
    rows = rows_of_v4_sota(11, 100)
    assert sum(row.source.reff_arcsec == 0.1 for row in rows) > 10
    errors = np.array([worst_difference(convolve(arc_spectrum(*row), MOFFAT), _converged(row, monkeypatch)) for row in rows])
    assert np.quantile(errors, 0.95) < 0.001
    assert errors.max() < 0.005
