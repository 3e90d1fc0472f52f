"""Jacobian of the lens mapping against lenstronomy's Hessian, autograd, and the closed form of SIE and shear."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.Util.param_util import phi_q2_ellipticity

from arcgate.lensing.mapping import convergence, inverse_magnification, jacobian, to_source_plane

OURS = settings(derandomize=True, deadline=None, max_examples=150)
ANGLES = st.floats(0.0, 2.0 * np.pi)
SHEARS = st.floats(-0.3, 0.3)


def _t(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


@OURS
@given(
    theta_e=st.floats(0.3, 2.5),
    q=st.floats(0.2, 1.0),
    phi=ANGLES,
    gamma1=SHEARS,
    gamma2=SHEARS,
    radius=st.floats(0.2, 5.0),
    angle=ANGLES,
)
def test_det_a_has_the_closed_form_of_an_isothermal_lens_with_shear(
    theta_e: float, q: float, phi: float, gamma1: float, gamma2: float, radius: float, angle: float
) -> None:
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    along, across = radius * np.cos(angle - phi), radius * np.sin(angle - phi)
    kappa = theta_e / (2.0 * np.sqrt(q * along**2 + across**2 / q))
    gamma, phi_gamma = np.hypot(gamma1, gamma2), 0.5 * np.arctan2(gamma2, gamma1)
    expected = 1.0 - gamma**2 - 2.0 * kappa * (1.0 - gamma * np.cos(2.0 * (angle - phi_gamma)))
    found = inverse_magnification(_t(x), _t(y), theta_e, q, phi, gamma1, gamma2)
    assert float(found) == pytest.approx(expected, abs=1e-10)
    assert float(convergence(_t(x), _t(y), theta_e, q, phi)) == pytest.approx(kappa, rel=1e-12)


@pytest.mark.parametrize("slope", [1.4, 1.9, 2.0, 2.3, 2.7])
def test_jacobian_equals_lenstronomys_hessian(slope: float) -> None:
    rng = np.random.default_rng(int(10 * slope))
    model = LensModel(["EPL", "SHEAR"])
    for _ in range(40):
        theta_e, q, phi = rng.uniform(0.3, 3.0), rng.uniform(0.2, 0.999), rng.uniform(0.0, np.pi)
        gamma1, gamma2 = rng.uniform(-0.2, 0.2, 2)
        x, y = rng.uniform(-5.0, 5.0, (2, 20))
        e1, e2 = phi_q2_ellipticity(phi, q)
        epl = {"theta_E": theta_e, "gamma": slope, "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0}
        shear = {"gamma1": gamma1, "gamma2": gamma2, "ra_0": 0.0, "dec_0": 0.0}
        xx, xy, yx, yy = model.hessian(x, y, [epl, shear])
        expected = np.stack([np.stack([1.0 - xx, -xy], axis=-1), np.stack([-yx, 1.0 - yy], axis=-1)], axis=-2)
        found = jacobian(torch.from_numpy(x), torch.from_numpy(y), theta_e, q, phi, gamma1, gamma2, slope).numpy()
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-8)


@settings(OURS, max_examples=60)
@given(
    q=st.floats(0.2, 1.0),
    phi=ANGLES,
    gamma1=SHEARS,
    gamma2=SHEARS,
    radius=st.floats(0.2, 5.0),
    angle=ANGLES,
    slope=st.floats(1.2, 2.8),
)
def test_jacobian_is_the_derivative_of_the_mapping(
    q: float, phi: float, gamma1: float, gamma2: float, radius: float, angle: float, slope: float
) -> None:
    x, y = _t(radius * np.cos(angle)).requires_grad_(), _t(radius * np.sin(angle)).requires_grad_()
    lens = (1.2, q, phi, gamma1, gamma2, slope)
    beta = to_source_plane(x, y, *lens)
    expected = [[float(part) for part in torch.autograd.grad(component, (x, y), retain_graph=True)] for component in beta]
    found = jacobian(x.detach(), y.detach(), *lens)[0].numpy()
    assert found == pytest.approx(np.array(expected), rel=1e-8, abs=1e-10)


def test_rows_broadcast_and_lenses_without_mass_only_shear() -> None:
    x, y = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64), torch.full((5,), 0.3, dtype=torch.float64)
    theta_e = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    found = jacobian(x, y, theta_e, 0.7, 0.2, 0.1, 0.05)
    assert found.shape == (2, 5, 2, 2)
    assert found[0].numpy() == pytest.approx(np.broadcast_to([[0.9, -0.05], [-0.05, 1.1]], (5, 2, 2)), abs=1e-15)
    assert torch.isfinite(jacobian(_t(0.0), _t(0.0), 1.0, 0.7, 0.2, 0.1, 0.05, 2.5)).all()
