"""Coefficients of Sersic profiles against integrals and closed forms; the light itself is in test_rays_oracle."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammainc

from arcgate.lensing.profiles import sersic_b, sersic_centre, sersic_extent


@pytest.mark.parametrize("n", [0.5, 1.0, 2.5, 4.0, 8.0])
def test_sersic_holds_unit_flux_and_half_of_it_inside_the_half_light_radius(n: float) -> None:
    reff = 0.37

    def light(log_radius: float) -> float:
        radius = np.exp(log_radius)
        return float(2.0 * np.pi * radius**2 * sersic_centre(reff, n) * np.exp(-sersic_b(n) * (radius / reff) ** (1.0 / n)))

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
