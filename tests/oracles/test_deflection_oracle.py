"""Deflection against lenstronomy's power-law ellipsoid at the isothermal slope, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.Util.param_util import phi_q2_ellipticity

from arcgate.lensing.deflection import shear_deflection, sie_deflection, to_source_plane

OURS = settings(derandomize=True, deadline=None, max_examples=100)
SHEARS = st.floats(-0.2, 0.2)


def test_deflection_equals_lenstronomy_epl_with_shear_to_1e_8_arcsec() -> None:
    rng = np.random.default_rng(1)
    model = LensModel(["EPL", "SHEAR"])
    errors = []
    for _ in range(600):
        theta_e, q, phi = rng.uniform(0.3, 3.0), rng.uniform(0.2, 0.999), rng.uniform(0.0, np.pi)
        gamma1, gamma2 = rng.uniform(-0.2, 0.2, 2)
        x, y = rng.uniform(-8.0, 8.0, (2, 20))
        e1, e2 = phi_q2_ellipticity(phi, q)
        lens = [
            {"theta_E": theta_e, "gamma": 2.0, "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0},
            {"gamma1": gamma1, "gamma2": gamma2, "ra_0": 0.0, "dec_0": 0.0},
        ]
        expected = model.ray_shooting(x, y, lens)
        found = to_source_plane(x, y, theta_e, q, phi, gamma1, gamma2)
        errors.append(np.abs(np.subtract(expected, found)).max())
    assert max(errors) < 1e-8


@OURS
@given(theta_e=st.floats(0.1, 5.0), phi=st.floats(0.0, np.pi), radius=st.floats(1e-6, 20.0), angle=st.floats(0.0, 2 * np.pi))
def test_deflection_is_that_of_the_sis_at_q_1_and_tends_to_it(theta_e: float, phi: float, radius: float, angle: float) -> None:
    x, y = np.array([radius * np.cos(angle)]), np.array([radius * np.sin(angle)])
    closed = theta_e * np.array([np.cos(angle), np.sin(angle)])
    for shortfall, tolerance in ((0.0, 1e-10), (1e-17, 1e-10), (1e-15, 1e-10), (1e-12, 1e-10), (1e-8, 1e-7), (1e-4, 1e-3)):
        found = np.ravel(sie_deflection(x, y, theta_e, 1.0 - shortfall, phi))
        assert found == pytest.approx(closed, abs=tolerance * theta_e), shortfall


def test_deflection_is_finite_at_the_centre_and_along_the_axes() -> None:
    x, y = np.meshgrid([-1.0, -0.0, 0.0, 1.0], [-1.0, -0.0, 0.0, 1.0])
    for q in (1.0, 1.0 - 1e-16, 0.7, 0.2):
        for phi in (0.0, np.pi / 2, 0.3):
            alpha = np.array(sie_deflection(x, y, 1.3, q, phi))
            assert np.isfinite(alpha).all()
            assert np.all(alpha[:, (x == 0) & (y == 0)] == 0.0)


@OURS
@given(q=st.floats(0.2, 1.0), phi=st.floats(0.0, np.pi), angle=st.floats(0.0, 2 * np.pi), scale=st.floats(1e-3, 1e3))
def test_isothermal_deflection_depends_on_the_angle_alone(q: float, phi: float, angle: float, scale: float) -> None:
    x, y = np.array([np.cos(angle)]), np.array([np.sin(angle)])
    near, far = sie_deflection(x, y, 1.0, q, phi), sie_deflection(scale * x, scale * y, 1.0, q, phi)
    assert np.ravel(far) == pytest.approx(np.ravel(near), abs=1e-12)


def _jacobian(x: float, y: float, lens: tuple[float, ...], step: float = 1e-5) -> np.ndarray:
    columns = []
    for dx, dy in ((step, 0.0), (0.0, step)):
        above = to_source_plane(np.array([x + dx]), np.array([y + dy]), *lens)
        below = to_source_plane(np.array([x - dx]), np.array([y - dy]), *lens)
        columns.append(np.ravel(np.subtract(above, below)) / (2.0 * step))
    return np.array(columns).T


@OURS
@given(
    theta_e=st.floats(0.5, 2.5),
    q=st.floats(0.3, 1.0),
    phi_lens=st.floats(0.0, np.pi),
    gamma1=SHEARS,
    gamma2=SHEARS,
    radius=st.floats(0.3, 5.0),
    angle=st.floats(0.0, 2 * np.pi),
)
def test_jacobian_obeys_the_closed_form_of_an_isothermal_lens_with_shear(
    theta_e: float, q: float, phi_lens: float, gamma1: float, gamma2: float, radius: float, angle: float
) -> None:
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    found = np.linalg.det(_jacobian(x, y, (theta_e, q, phi_lens, gamma1, gamma2)))
    along, across = x * np.cos(phi_lens) + y * np.sin(phi_lens), y * np.cos(phi_lens) - x * np.sin(phi_lens)
    kappa = theta_e / (2.0 * np.sqrt(q * along**2 + across**2 / q))
    gamma, phi_gamma = np.hypot(gamma1, gamma2), 0.5 * np.arctan2(gamma2, gamma1)
    expected = 1.0 - gamma**2 - 2.0 * kappa * (1.0 - gamma * np.cos(2.0 * (angle - phi_gamma)))
    assert found == pytest.approx(expected, abs=2e-6)


def test_shear_has_no_convergence_and_the_declared_components() -> None:
    alpha = np.array(shear_deflection(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.03, -0.05))
    assert np.allclose(alpha, [[0.03, -0.05], [-0.05, -0.03]], atol=1e-16)
