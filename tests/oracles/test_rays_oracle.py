"""Rays of the renderer against the deflection functions, and the light that they carry against lenstronomy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from lenstronomy_terms import epl_terms, sersic_terms
from torch import Tensor

from arcgate.lensing.deflection import epl_deflection, shear_deflection, sie_deflection
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.rays import Rays, rays_of

ROWS, POINTS = 60, 40


def drawn(seed: int, isothermal: bool, index: float | None = None) -> tuple[Lenses, Sersics, Tensor, Tensor, Tensor]:
    """Lenses and sources, and for each point its row, x and y."""
    rng = np.random.default_rng(seed)
    slope = 2.0 if isothermal else rng.uniform(1.3, 2.7, ROWS)
    lenses = Lenses.of(
        rng.uniform(0.3, 3.0, ROWS),
        rng.uniform(0.2, 0.999, ROWS),
        rng.uniform(0.0, np.pi, ROWS),
        *rng.uniform(-0.2, 0.2, (2, ROWS)),
        slope,
    )
    n = rng.uniform(0.5, 6.0, ROWS) if index is None else index
    shape = rng.uniform(0.1, 1.0, ROWS), n, rng.uniform(0.2, 1.0, ROWS), rng.uniform(0.0, np.pi, ROWS)
    sources = Sersics.of(*shape, *rng.uniform(-0.6, 0.6, (2, ROWS)))
    x, y = torch.from_numpy(rng.uniform(-4.0, 4.0, (2, ROWS * POINTS)))
    return lenses, sources, torch.arange(ROWS).repeat_interleave(POINTS), x, y


def prepared(lenses: Lenses, sources: Sersics, dtype: torch.dtype = torch.float64) -> Rays:
    return rays_of(lenses, sources, light_outside=1e-4, blur_arcsec2=1.1, dtype=dtype, device=torch.device("cpu"))


@pytest.mark.parametrize("isothermal", [True, False])
def test_rays_follow_the_deflection_and_the_sources_axes(isothermal: bool) -> None:
    lenses, sources, row, x, y = drawn(1, isothermal)
    xi, eta = prepared(lenses, sources).trace(row, x, y)
    at, behind = lenses.take(row), sources.take(row)
    shape = at.theta_e_arcsec, at.q, at.phi_rad
    bend = sie_deflection(x, y, *shape) if isothermal else epl_deflection(x, y, *shape, at.slope)
    shear = shear_deflection(x, y, at.gamma1, at.gamma2)
    dx, dy = x - bend[0] - shear[0] - behind.x_arcsec, y - bend[1] - shear[1] - behind.y_arcsec
    cos, sin, root = torch.cos(behind.phi_rad), torch.sin(behind.phi_rad), torch.sqrt(behind.q)
    assert xi.numpy() == pytest.approx(((dx * cos + dy * sin) * root / behind.reff_arcsec).numpy(), abs=1e-10)
    assert eta.numpy() == pytest.approx(((dy * cos - dx * sin) / (root * behind.reff_arcsec)).numpy(), abs=1e-10)


@pytest.mark.parametrize("isothermal", [True, False])
def test_a_grid_of_nodes_is_rays_about_each_point(isothermal: bool) -> None:
    lenses, sources, row, x, y = drawn(2, isothermal)
    rays, nodes = prepared(lenses, sources), torch.tensor([-0.1, 0.0, 0.07], dtype=torch.float64)
    found = torch.stack(rays.trace(row, x, y, nodes))
    for i, dy in enumerate(nodes):
        for j, dx in enumerate(nodes):
            assert found[:, i, j].numpy() == pytest.approx(torch.stack(rays.trace(row, x + dx, y + dy)).numpy(), abs=1e-9)


@pytest.mark.parametrize(("isothermal", "index"), [(True, 1.0), (True, None), (False, 1.0), (False, None)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 2e-3)])
def test_surface_brightness_at_given_points_equals_lenstronomys(
    isothermal: bool, index: float | None, dtype: torch.dtype, tolerance: float
) -> None:
    # In float32 a ray is good to 1e-6 arcsec, and the light of the smallest and most peaked sources changes steeply.
    lenses, sources, row, x, y = drawn(3, isothermal, index)
    rays = prepared(lenses, sources, dtype)
    xi, eta = rays.trace(row, x.to(dtype), y.to(dtype))
    found = rays.light(row, xi, eta, torch.hypot(xi, eta)).double().numpy()
    model, light = LensModel(["EPL", "SHEAR"]), LightModel(["SERSIC_ELLIPSE"])
    for number in range(ROWS):
        theta_e, q, phi, g1, g2, slope = (float(column[number]) for column in vars(lenses).values())
        reff, n, source_q, source_phi, source_x, source_y = (float(column[number]) for column in vars(sources).values())
        epl = epl_terms(theta_e, q, phi, slope)
        shear = {"gamma1": g1, "gamma2": g2, "ra_0": 0.0, "dec_0": 0.0}
        mine = (row == number).numpy()
        beta = model.ray_shooting(x.numpy()[mine], y.numpy()[mine], [epl, shear])
        sersic = sersic_terms(reff, n, source_q, source_phi, source_x, source_y)
        expected = light.surface_brightness(*beta, [sersic])
        assert found[mine] == pytest.approx(expected, rel=tolerance, abs=tolerance * 1e-3 * expected.max())


def test_rays_at_the_lens_and_at_the_limits_are_finite() -> None:
    lenses = Lenses.of([1.0, 1.0, 0.0, 2.0, 1.0, 0.0], [1.0, 0.2, 0.5, 1e-3, 0.7, 0.7], 0.3, slope=[2.0, 2.0, 2.0, 2.0, 1.5, 2.6])
    sources = Sersics.of(0.01, [0.3, 1.0, 4.0, 8.0, 1.0, 1.0], 0.1)
    for dtype in (torch.float32, torch.float64):
        for kind in (lenses.slope == 2.0, lenses.slope != 2.0):
            rows = torch.nonzero(kind)[:, 0]
            rays = prepared(lenses.take(rows), sources.take(rows), dtype)
            row = torch.arange(len(rows)).repeat_interleave(4)
            x = torch.tensor([0.0, 1e-20, 0.0, -1e-12], dtype=dtype).repeat(len(rows))
            xi, eta = rays.trace(row, x, x.flip(0))
            light = rays.light(row, xi, eta, torch.hypot(xi, eta))
            assert torch.isfinite(torch.stack([xi, eta, light])).all()
