"""Sersic profiles against lenstronomy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lenstronomy.LightModel.light_model import LightModel
from lenstronomy.Util.param_util import phi_q2_ellipticity
from scipy.integrate import quad
from scipy.special import gammainc

from arcgate.lensing.profiles import elliptical_radius, sersic, sersic_b, sersic_centre, sersic_extent

OURS = settings(derandomize=True, deadline=None, max_examples=60)


@OURS
@given(n=st.floats(0.5, 6.0), reff=st.floats(0.05, 2.0), q=st.floats(0.25, 1.0), phi=st.floats(0.0, np.pi))
def test_sersic_equals_lenstronomy_with_its_b_n_mapped(n: float, reff: float, q: float, phi: float) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-3.0 * reff, 3.0 * reff, (2, 100))
    found = sersic(elliptical_radius(torch.from_numpy(x), torch.from_numpy(y), q, phi), reff, n).numpy()
    theirs = 1.9992 * n - 0.3271
    e1, e2 = phi_q2_ellipticity(phi, q)
    parameters = {
        "amp": sersic_centre(reff, n) * np.exp(-theirs),
        "R_sersic": reff * (theirs / sersic_b(n)) ** n,
        "n_sersic": n,
        "e1": e1,
        "e2": e2,
        "center_x": 0.0,
        "center_y": 0.0,
    }
    expected = LightModel(["SERSIC_ELLIPSE"]).surface_brightness(x, y, [parameters])
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [0.5, 1.0, 2.5, 4.0, 8.0])
def test_sersic_holds_unit_flux_and_half_of_it_inside_the_half_light_radius(n: float) -> None:
    reff = 0.37

    def light(log_radius: float) -> float:
        radius = np.exp(log_radius)
        return float(2.0 * np.pi * radius**2 * sersic(torch.tensor([radius], dtype=torch.float64), reff, n)[0])

    def enclosed(radius: float) -> float:
        return float(quad(light, np.log(reff) - 40.0, np.log(radius), limit=400, epsabs=1e-12, epsrel=1e-11)[0])

    assert enclosed(reff) == pytest.approx(0.5, abs=1e-8)
    assert enclosed(reff * sersic_extent(n, 1e-12)) == pytest.approx(1.0, abs=1e-8)
    assert 1.0 - enclosed(reff * sersic_extent(n, 1e-3)) == pytest.approx(1e-3, abs=1e-8)


def test_sersic_closed_forms() -> None:
    assert sersic_b(0.5) == pytest.approx(np.log(2.0), rel=1e-12)
    assert gammainc(2.0, sersic_b(1.0)) == pytest.approx(0.5, rel=1e-12)
    assert sersic_b(1.0) == pytest.approx(1.6783469900166608, rel=1e-12)
    # Ciotti & Bertin (1999), eq. 18.
    assert sersic_b(4.0) == pytest.approx(8 - 1 / 3 + 4 / (405 * 4) + 46 / (25515 * 16) + 131 / (1148175 * 64), rel=1e-5)
    # An exponential disc of scale h has the central brightness 1 / (2 pi h^2).
    assert sersic_centre(sersic_b(1.0), 1.0) == pytest.approx(1.0 / (2.0 * np.pi), rel=1e-12)


@OURS
@given(q=st.floats(0.1, 1.0), phi=st.floats(0.0, np.pi), semi_axis=st.floats(0.1, 3.0), angle=st.floats(0.0, 2 * np.pi))
def test_elliptical_radius_is_on_the_intermediate_axis(q: float, phi: float, semi_axis: float, angle: float) -> None:
    along, across = semi_axis / np.sqrt(q) * np.cos(angle), semi_axis * np.sqrt(q) * np.sin(angle)
    x = np.array([along * np.cos(phi) - across * np.sin(phi)])
    y = np.array([along * np.sin(phi) + across * np.cos(phi)])
    assert float(elliptical_radius(torch.from_numpy(x), torch.from_numpy(y), q, phi)[0]) == pytest.approx(semi_axis, rel=1e-12)
