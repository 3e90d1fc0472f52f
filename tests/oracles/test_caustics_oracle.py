"""Critical curves, caustics and cuts against closed forms, identities of areas, and the vanishing of det A."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arcgate.lensing.caustics import critical_curve, cut, enclosed_area, tangential_caustic
from arcgate.lensing.images import image_positions
from arcgate.lensing.mapping import inverse_magnification

OURS = settings(derandomize=True, deadline=None, max_examples=40)
ANGLES = st.floats(0.0, np.pi)
# Chords of a polygon of k points miss about (2 pi / k)^2 / (6 q) of an ellipse: 1e-7 at q = 0.2.
FINE = 20_000


@OURS
@given(theta_e=st.floats(0.3, 3.0), q=st.floats(0.2, 1.0), phi=ANGLES)
def test_an_sies_critical_curve_encloses_pi_theta_e_squared_and_so_do_cut_and_diamond(
    theta_e: float, q: float, phi: float
) -> None:
    # With theta_E on the intermediate axis. A source has as many saddle images as curves around it: 1 for the cut, 1 for the
    # diamond. So both areas add to the integral of |det A| = 2 kappa - 1 inside the critical curve: (2 - 1) pi theta_E^2.
    lens = (theta_e, q, phi, 0.0, 0.0)
    expected = np.pi * theta_e**2
    assert enclosed_area(critical_curve(*lens, n_points=FINE)) == pytest.approx(expected, rel=1e-6)
    areas = enclosed_area(cut(*lens, n_points=FINE)) + enclosed_area(tangential_caustic(*lens, n_points=FINE))
    assert areas == pytest.approx(expected, rel=1e-6)


@OURS
@given(theta_e=st.floats(0.3, 3.0), q=st.floats(0.2, 1.0), phi=ANGLES, shear=st.floats(0.0, 0.4), angle=ANGLES)
def test_with_shear_cut_and_diamond_add_to_the_critical_area_times_1_minus_gamma_squared(
    theta_e: float, q: float, phi: float, shear: float, angle: float
) -> None:
    lens = (theta_e, q, phi, shear * np.cos(2 * angle), shear * np.sin(2 * angle))
    areas = enclosed_area(cut(*lens, n_points=FINE)) + enclosed_area(tangential_caustic(*lens, n_points=FINE))
    assert areas == pytest.approx((1.0 - shear**2) * enclosed_area(critical_curve(*lens, n_points=FINE)), rel=1e-6)


@OURS
@given(q=st.floats(0.2, 1.0), phi=ANGLES, shear=st.floats(0.0, 0.4), angle=ANGLES, slope=st.floats(1.2, 2.8))
def test_det_a_vanishes_on_the_critical_curve_and_is_positive_outside(
    q: float, phi: float, shear: float, angle: float, slope: float
) -> None:
    lens = (1.4, q, phi, shear * np.cos(2 * angle), shear * np.sin(2 * angle), slope)
    x, y = torch.from_numpy(critical_curve(*lens)).T
    assert inverse_magnification(x, y, *lens).abs().max() < 1e-9
    assert inverse_magnification(1.001 * x, 1.001 * y, *lens).min() > 0.0
    assert inverse_magnification(0.999 * x, 0.999 * y, *lens).max() < 0.0


@pytest.mark.parametrize("slope", [1.3, 1.7, 2.0])
def test_a_circular_lens_has_a_ring_a_point_and_a_circle(slope: float) -> None:
    # beta = r - theta_E (r / theta_E)^h, h = 2 - slope, is smallest at r = theta_E h^(1 / (1 - h)).
    h = 2.0 - slope
    radial = 1.4 * h ** (1.0 / (1.0 - h))
    border = 1.4 * (radial / 1.4) ** h - radial
    lens = (1.4, 1.0, 0.0, 0.0, 0.0, slope)
    assert np.hypot(*critical_curve(*lens).T) == pytest.approx(np.full(1440, 1.4), abs=1e-12)
    assert np.hypot(*tangential_caustic(*lens).T).max() < 1e-12
    assert np.hypot(*cut(*lens).T) == pytest.approx(np.full(1440, border), abs=1e-12)


def test_the_radial_caustic_tends_to_the_cut_of_the_isothermal_lens() -> None:
    lens = (1.4, 0.6, 0.3, 0.05, -0.1)
    assert cut(*lens, 2.0 - 1e-7) == pytest.approx(cut(*lens), abs=1e-4)
    assert cut(*lens) == pytest.approx(cut(1.4, 0.6, 0.3, 0.0, 0.0), abs=1e-15)


@pytest.mark.parametrize(("q", "naked"), [(0.3, True), (0.38, True), (0.41, False), (0.6, False)])
def test_a_flat_enough_lens_has_naked_cusps(q: float, naked: bool) -> None:
    # On the major axis, for q below 0.394 (Kormann, Schneider & Bartelmann 1994, section 3.2).
    reach = [np.abs(curve(1.0, q, 0.0, 0.0, 0.0)).max(axis=0) for curve in (tangential_caustic, cut)]
    assert bool((reach[0] > reach[1]).any()) == naked


@pytest.mark.parametrize("beta", [0.05, 0.5, 0.9, 1.2, 1.3, 4.0])
def test_sis_magnifies_a_point_by_2_theta_e_over_beta_inside_and_1_plus_theta_e_over_beta_outside(beta: float) -> None:
    theta_e = 1.25
    images = image_positions(0.6 * beta, -0.8 * beta, theta_e, 1.0, 0.0, 0.0, 0.0)
    x, y = torch.from_numpy(images.copy()).T
    total = float((1.0 / inverse_magnification(x, y, theta_e, 1.0, 0.0, 0.0, 0.0).abs()).sum())
    assert total == pytest.approx(2.0 * theta_e / beta if beta < theta_e else 1.0 + theta_e / beta, rel=1e-9)


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"theta_e_arcsec must be positive"):
        critical_curve(0.0, 0.8, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"slope 2\.2 has no cut"):
        cut(1.0, 0.8, 0.0, 0.0, 0.0, 2.2)
    with pytest.raises(ValueError, match=r"q of row 0 must lie in \(0, 1\]"):
        tangential_caustic(1.0, 1.2, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"shear .* of row 0 must be below 1"):
        critical_curve(1.0, 0.8, 0.0, 0.8, 0.7)
