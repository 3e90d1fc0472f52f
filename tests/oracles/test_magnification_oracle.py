"""Total light behind a singular isothermal sphere against closed forms, and all light of an unlensed source."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad
from scipy.special import gamma, gammaincinv

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.rays import rays_of
from arcgate.lensing.render import Settings, render

FINE = Settings(error_target=1e-7, dtype=torch.float64)
THETA_E = 1.5


def total(lenses: Lenses, sources: Sersics, settings: Settings = FINE, x_pix: float = 31.3, y_pix: float = 31.6) -> float:
    place = torch.tensor([x_pix]), torch.tensor([y_pix])
    return float(render(lenses, sources, torch.ones(1, 1), *place, [[Psf("gaussian", 1.1)]], DECALS.frame, settings).total)


@pytest.mark.parametrize("n", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("reff", [0.02, 0.1])
def test_a_sersic_behind_a_sis_is_magnified_by_its_mean_of_2_theta_e_over_beta(n: float, reff: float) -> None:
    # <1 / beta> of exp(-b (beta / R_e)^(1/n)) is b^n Gamma(n) / (R_e Gamma(2n)). Beyond theta_E there is no light worth counting.
    expected = 2.0 * THETA_E * gammaincinv(2.0 * n, 0.5) ** n * gamma(n) / (reff * gamma(2.0 * n))
    lens, source = Lenses.of(THETA_E), Sersics.of(reff, n)
    assert total(lens, source) == pytest.approx(expected, rel=2e-6)
    assert total(lens, source, Settings()) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.2])
def test_a_gaussian_behind_a_sis_is_magnified_by_sqrt_2_pi_theta_e_over_sigma(sigma: float) -> None:
    # A Sersic profile of n = 1/2 is a Gaussian of which half lies within sigma sqrt(2 ln 2).
    source = Sersics.of(sigma * np.sqrt(2.0 * np.log(2.0)), 0.5)
    assert total(Lenses.of(THETA_E), source, Settings()) == pytest.approx(np.sqrt(2.0 * np.pi) * THETA_E / sigma, rel=1e-3)


@pytest.mark.parametrize("radius", [0.2, 1.0])
def test_a_centred_disc_behind_a_sis_is_magnified_by_4_theta_e_over_its_radius(radius: float) -> None:
    # The engine has no disc; the area of its rays that meet one is counted.
    rays = rays_of(Lenses.of(THETA_E), Sersics.of(radius), 1e-3, 1.1, torch.float64, torch.device("cpu"))
    step = 0.004
    along = torch.arange(-3.0, 3.0, step, dtype=torch.float64)
    y, x = (grid.reshape(-1) for grid in torch.meshgrid(along, along, indexing="ij"))
    xi, eta = rays.trace(torch.zeros(len(x), dtype=torch.int64), x, y)
    area = float((xi * xi + eta * eta < 1.0).sum()) * step**2
    assert area / (np.pi * radius**2) == pytest.approx(4.0 * THETA_E / radius, rel=1e-3)


@pytest.mark.parametrize("beta", [0.3, 0.8, 1.1])
def test_a_source_beside_a_sis_is_magnified_by_2_theta_e_over_beta(beta: float) -> None:
    scale = 0.03 / gammaincinv(2.0, 0.5)

    def light(angle: float, radius: float) -> float:
        at = np.sqrt(beta**2 + radius**2 + 2.0 * beta * radius * np.cos(angle))
        return float(radius * np.exp(-radius / scale) / (np.pi * scale**2) * 2.0 * THETA_E / at)

    expected = dblquad(light, 0.0, 25.0 * scale if 25.0 * scale < beta else beta, 0.0, np.pi, epsabs=1e-9, epsrel=1e-9)[0]
    # Centre at an angle, so that x and y both count.
    source = Sersics.of(0.03, 1.0, 1.0, 0.0, 0.6 * beta, -0.8 * beta)
    assert total(Lenses.of(THETA_E), source) == pytest.approx(expected, rel=1e-5)
    assert expected == pytest.approx(2.0 * THETA_E / beta, rel=0.01)


def test_outside_the_einstein_radius_a_sis_magnifies_by_1_plus_theta_e_over_beta() -> None:
    source = Sersics.of(0.002, 1.0, 1.0, 0.0, 0.0, 2.5)
    assert total(Lenses.of(THETA_E), source) == pytest.approx(1.0 + THETA_E / 2.5, rel=1e-5)


@pytest.mark.parametrize("n", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("reff", "q", "x_pix"), [(0.03, 1.0, 31.5), (0.4, 0.2, 30.9), (0.3, 0.7, 63.2)])
def test_an_unlensed_source_has_all_its_light(n: float, reff: float, q: float, x_pix: float) -> None:
    finest = Settings(error_target=1e-8, dtype=torch.float64)
    assert total(Lenses.of(0.0), Sersics.of(reff, n, q, 0.4), finest, x_pix) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("theta_e", "reff"), [(0.0, 0.001), (0.0, 0.003), (0.0, 0.01), (0.01, 0.003), (0.01, 0.01)])
def test_a_source_far_smaller_than_a_pixel_is_not_overlooked(theta_e: float, reff: float) -> None:
    for n in (0.5, 1.0, 4.0):
        for x_pix in (31.0, 31.3, 31.5):
            assert total(Lenses.of(theta_e), Sersics.of(reff, n, 1.0, 0.0, 1.0), Settings(), x_pix) == pytest.approx(
                1.0 + theta_e, abs=3e-3
            )


def test_shear_alone_magnifies_by_its_determinant() -> None:
    assert total(Lenses.of(0.0, 1.0, 0.0, 0.1, -0.05), Sersics.of(0.2, 1.0, 0.5, 0.3)) == pytest.approx(
        1.0 / (1.0 - 0.1**2 - 0.05**2), rel=1e-6
    )


@pytest.mark.parametrize("beta", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("theta_e", "reff"), [(0.5, 0.003), (1.5, 0.003), (2.5, 0.01)])
def test_the_faint_image_of_a_small_source_beside_the_lens_is_not_overlooked(theta_e: float, reff: float, beta: float) -> None:
    # Its counter-image lies within a pixel of the lens, where rays of one cell spread over a whole curve of the source plane.
    source = Sersics.of(reff, 1.0, 1.0, 0.0, 0.8 * beta * theta_e, 0.6 * beta * theta_e)
    found = total(Lenses.of(theta_e), source, Settings(), 31.5, 31.5)
    assert found == pytest.approx(2.0 / beta, rel=2.5e-3)
