"""Deflection against lenstronomy's power-law ellipsoid, against closed forms, and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.Util.param_util import phi_q2_ellipticity
from numpy.typing import NDArray
from torch import Tensor

from arcgate.lensing.deflection import epl_deflection, shear_deflection, sie_deflection
from arcgate.lensing.mapping import power_law_deflection, to_source_plane

Array = NDArray[np.float64]
OURS = settings(derandomize=True, deadline=None, max_examples=60)
ANGLES = st.floats(0.0, 2.0 * np.pi)
SLOPES = st.one_of(st.just(2.0), st.floats(1.2, 2.8))
DRAWS = 600


def _t(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _draws(seed: int, slope: float | None) -> tuple[Array, Array, Array]:
    """Columns theta_E, q, phi, gamma1, gamma2, slope of random lenses, and rays (DRAWS, 20)."""
    rng = np.random.default_rng(seed)
    slopes = np.full(DRAWS, slope) if slope else rng.uniform(1.2, 2.8, DRAWS)
    shear = rng.uniform(-0.2, 0.2, (2, DRAWS))
    lens = [rng.uniform(0.3, 3.0, DRAWS), rng.uniform(0.2, 0.999, DRAWS), rng.uniform(0.0, np.pi, DRAWS), *shear, slopes]
    x, y = rng.uniform(-8.0, 8.0, (2, DRAWS, 20))
    return np.array(lens), x, y


def _lenstronomy(lens: Array, x: Array, y: Array) -> Array:
    model = LensModel(["EPL", "SHEAR"])
    rays = []
    for (theta_e, q, phi, gamma1, gamma2, slope), *points in zip(lens.T, x, y, strict=True):
        e1, e2 = phi_q2_ellipticity(phi, q)
        epl = {"theta_E": theta_e, "gamma": slope, "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0}
        rays.append(model.ray_shooting(*points, [epl, {"gamma1": gamma1, "gamma2": gamma2, "ra_0": 0.0, "dec_0": 0.0}]))
    return np.array(rays).transpose(1, 0, 2)


def _ours(lens: Array, x: Array, y: Array, dtype: torch.dtype) -> Array:
    columns = torch.from_numpy(lens).to(dtype)[:, :, None]
    rays = to_source_plane(torch.from_numpy(x).to(dtype), torch.from_numpy(y).to(dtype), *columns)
    return torch.stack(rays).double().numpy()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-8), (torch.float32, 1e-5)])
def test_deflection_equals_lenstronomys_isothermal_epl_with_shear(dtype: torch.dtype, tolerance: float) -> None:
    lens, x, y = _draws(1, 2.0)
    assert np.abs(_ours(lens, x, y, dtype) - _lenstronomy(lens, x, y)).max() < tolerance


def test_deflection_equals_lenstronomys_epl_of_other_slopes() -> None:
    lens, x, y = _draws(2, None)
    assert np.abs(_ours(lens, x, y, torch.float64) - _lenstronomy(lens, x, y)).max() < 1e-8


def test_epl_at_slope_2_is_the_sie() -> None:
    lens, x, y = _draws(3, 2.0)
    points = torch.from_numpy(x), torch.from_numpy(y)
    theta_e, q, phi, _, _, slope = torch.from_numpy(lens)[:, :, None]
    closed, series = sie_deflection(*points, theta_e, q, phi), epl_deflection(*points, theta_e, q, phi, slope)
    assert torch.stack(series).numpy() == pytest.approx(torch.stack(closed).numpy(), abs=1e-12)


def test_a_rays_deflection_does_not_depend_on_the_others() -> None:
    lens, x, y = _draws(4, None)
    lens[5, ::3] = 2.0
    theta_e, q, phi, _, _, slope = torch.from_numpy(lens)
    points = torch.from_numpy(x[:, 0].copy()), torch.from_numpy(y[:, 0].copy())
    whole = torch.stack(power_law_deflection(*points, theta_e, q, phi, slope))
    for count in (1, 3, 7, 50):
        columns = (column[:count] for column in (*points, theta_e, q, phi, slope))
        assert torch.equal(torch.stack(power_law_deflection(*columns)), whole[:, :count])


@OURS
@given(theta_e=st.floats(0.1, 5.0), phi=ANGLES, radius=st.floats(1e-6, 20.0), angle=ANGLES)
def test_deflection_is_that_of_the_sis_at_q_1_and_tends_to_it(theta_e: float, phi: float, radius: float, angle: float) -> None:
    direction = np.array([np.cos(angle), np.sin(angle)])
    x, y = (_t(radius * part) for part in direction)
    for shortfall, tolerance in ((0.0, 1e-10), (1e-17, 1e-10), (1e-15, 1e-10), (1e-12, 1e-10), (1e-8, 1e-7), (1e-4, 1e-3)):
        found = torch.cat(sie_deflection(x, y, theta_e, 1.0 - shortfall, phi)).numpy()
        assert found == pytest.approx(theta_e * direction, abs=tolerance * theta_e), shortfall
    # A circular lens of any slope: alpha = theta_E (theta_E / r)^(slope - 2).
    for slope in (1.5, 2.5):
        found = torch.cat(epl_deflection(x, y, theta_e, 1.0, phi, slope)).numpy()
        assert found == pytest.approx(theta_e * (theta_e / radius) ** (slope - 2.0) * direction, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_deflection_is_finite_at_and_near_the_centre_along_the_axes_and_for_needles(dtype: torch.dtype) -> None:
    steps = torch.tensor([-1.0, -1e-12, -1e-25, -0.0, 0.0, 1e-25, 1e-12, 1.0], dtype=dtype)
    x, y = torch.meshgrid(steps, steps, indexing="xy")
    for q in (1.0, 1.0 - 1e-16, 0.7, 0.2, 1e-3, 1e-5, 1e-9):
        for phi in (0.0, np.pi / 2, 0.3):
            alpha = torch.stack(sie_deflection(x, y, 1.3, q, phi))
            assert torch.isfinite(alpha).all()
            assert alpha.abs().max() < 10.0
            assert torch.all(alpha[:, (x == 0) & (y == 0)] == 0.0)
    for slope in (1.2, 2.0, 2.8):
        alpha = torch.stack(epl_deflection(x, y, 1.3, 0.7, 0.3, slope))
        assert torch.isfinite(alpha).all()
        assert torch.all(alpha[:, (x == 0) & (y == 0)] == 0.0)


def test_no_mass_does_not_deflect() -> None:
    x, y = _t(0.0, 1.0, -3.0), _t(0.0, 0.5, 2.0)
    for slope in (1.5, 2.0, 2.5):
        assert torch.all(torch.stack(power_law_deflection(x, y, 0.0, 0.7, 0.3, slope)) == 0.0)


@OURS
@given(q=st.floats(0.2, 1.0), phi=ANGLES, angle=ANGLES, scale=st.floats(1e-3, 1e3), slope=SLOPES)
def test_deflection_is_homogeneous_and_independent_of_radius_where_isothermal(
    q: float, phi: float, angle: float, scale: float, slope: float
) -> None:
    x, y = _t(np.cos(angle)), _t(np.sin(angle))
    near = torch.cat(power_law_deflection(x, y, 1.0, q, phi, slope)).numpy()
    far = torch.cat(power_law_deflection(scale * x, scale * y, 1.0, q, phi, slope)).numpy()
    assert far == pytest.approx(scale ** (2.0 - slope) * near, rel=1e-11, abs=1e-12)


@OURS
@given(q=st.floats(0.2, 1.0), phi=ANGLES, angle=ANGLES, radius=st.floats(0.2, 5.0), slope=SLOPES)
def test_deflection_is_curl_free_and_its_divergence_is_twice_the_convergence(
    q: float, phi: float, angle: float, radius: float, slope: float
) -> None:
    x, y = _t(radius * np.cos(angle)).requires_grad_(), _t(radius * np.sin(angle)).requires_grad_()
    alpha_x, alpha_y = power_law_deflection(x, y, 1.3, q, phi, slope)
    xx, xy = (float(part) for part in torch.autograd.grad(alpha_x, (x, y), retain_graph=True))
    yx, yy = (float(part) for part in torch.autograd.grad(alpha_y, (x, y)))
    along, across = radius * np.cos(angle - phi), radius * np.sin(angle - phi)
    kappa = (3.0 - slope) / 2.0 * (1.3 / np.sqrt(q * along**2 + across**2 / q)) ** (slope - 1.0)
    assert xy - yx == pytest.approx(0.0, abs=1e-10 * (1.0 + kappa))
    assert xx + yy == pytest.approx(2.0 * kappa, rel=1e-9)


@OURS
@given(q=st.floats(0.2, 1.0), phi=ANGLES, turn=ANGLES, x=st.floats(-5.0, 5.0), y=st.floats(-5.0, 5.0), slope=SLOPES)
def test_deflection_turns_and_mirrors_with_the_lens(q: float, phi: float, turn: float, x: float, y: float, slope: float) -> None:
    def rays(x: float, y: float, phi: float, gamma1: float, gamma2: float) -> Array:
        return torch.cat(to_source_plane(_t(x), _t(y), 1.2, q, phi, gamma1, gamma2, slope)).numpy()

    before = rays(x, y, phi, 0.07, -0.03)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = complex(0.07, -0.03) * np.exp(2j * turn)
    tolerance = 1e-9 * (1.0 + np.abs(before).max())
    assert rays(*(rotation @ [x, y]), phi + turn, shear.real, shear.imag) == pytest.approx(rotation @ before, abs=tolerance)
    assert rays(x, -y, -phi, 0.07, 0.03) == pytest.approx(before * [1.0, -1.0], abs=tolerance)
    assert rays(-x, -y, phi, 0.07, -0.03) == pytest.approx(-before, abs=tolerance)


def test_shear_has_no_convergence_and_the_declared_components() -> None:
    alpha = torch.stack(shear_deflection(_t(1.0, 0.0), _t(0.0, 1.0), 0.03, -0.05)).numpy()
    assert np.allclose(alpha, [[0.03, -0.05], [-0.05, -0.03]], atol=1e-16)
