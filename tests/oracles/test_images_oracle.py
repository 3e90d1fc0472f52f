"""Image positions against lenstronomy's solver and the closed form of the SIS."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LensModel.Solver.lens_equation_solver import LensEquationSolver
from lenstronomy.Util.param_util import phi_q2_ellipticity

from arcgate.lensing.deflection import to_source_plane
from arcgate.lensing.images import image_positions

OURS = settings(derandomize=True, deadline=None, max_examples=150)


@OURS
@given(
    beta_x=st.floats(-0.8, 0.8),
    beta_y=st.floats(-0.8, 0.8),
    theta_e=st.floats(0.5, 2.5),
    q=st.floats(0.5, 1.0),
    phi=st.floats(0.0, np.pi),
    gamma1=st.floats(-0.1, 0.1),
    gamma2=st.floats(-0.1, 0.1),
)
def test_images_map_back_to_the_source_to_1e_8_arcsec(
    beta_x: float, beta_y: float, theta_e: float, q: float, phi: float, gamma1: float, gamma2: float
) -> None:
    lens = (theta_e, q, phi, gamma1, gamma2)
    images = image_positions(beta_x, beta_y, *lens)
    assert len(images) >= 1
    back = np.stack(to_source_plane(images[:, 0], images[:, 1], *lens), axis=1)
    # At the lens's centre itself the deflection has no direction: an image there carries no light.
    apart = np.hypot(*images.T) > 1e-6
    assert np.abs(back - [beta_x, beta_y])[apart].max(initial=0.0) < 1e-8


def _lenstronomy_images(beta: tuple[float, float], lens: tuple[float, ...]) -> np.ndarray:
    theta_e, q, phi, gamma1, gamma2 = lens
    e1, e2 = phi_q2_ellipticity(phi, q)
    parameters = [
        {"theta_E": theta_e, "gamma": 2.0, "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0},
        {"gamma1": gamma1, "gamma2": gamma2, "ra_0": 0.0, "dec_0": 0.0},
    ]
    solver = LensEquationSolver(LensModel(["EPL", "SHEAR"]))
    found = solver.image_position_from_source(
        *beta,
        parameters,
        min_distance=0.03 * theta_e,
        search_window=3.6 * theta_e + 1.6,
        x_center=1.1e-3,  # off the lens's centre, where lenstronomy divides by zero
        y_center=0.7e-3,
        precision_limit=1e-12,
        num_iter_max=200,
    )
    images = np.stack(found, axis=1)
    # The solver's own spurious solution at the singular centre is no image.
    return images[np.hypot(*images.T) > 1e-3]


def test_images_agree_with_lenstronomy_in_number_and_place() -> None:
    rng = np.random.default_rng(5)
    numbers = []
    for _ in range(36):
        shear, angle = rng.choice([0.0, 0.05, 0.1]), rng.uniform(0.0, np.pi)
        lens = (
            rng.uniform(0.5, 2.5),
            rng.uniform(0.6, 0.95),
            rng.uniform(0.0, np.pi),
            shear * np.cos(2.0 * angle),
            shear * np.sin(2.0 * angle),
        )
        beta = tuple(rng.uniform(-0.4, 0.4, 2))
        found, expected = image_positions(*beta, *lens), _lenstronomy_images(beta, lens)
        numbers.append(len(found))
        assert len(found) == len(expected), (beta, lens)
        distance = np.hypot(*(found[:, None, :] - expected[None, :, :]).transpose(2, 0, 1))
        assert distance.min(axis=1).max() < 1e-6
    assert {2, 4} <= set(numbers)


@pytest.mark.parametrize(("beta", "expected"), [(0.3, [1.3, -0.7]), (0.999, [1.999, -0.001]), (1.001, [2.001]), (3.0, [4.0])])
def test_sis_has_two_images_inside_its_einstein_radius_and_one_outside(beta: float, expected: list[float]) -> None:
    for direction in np.linspace(0.0, 2.0 * np.pi, 17):
        towards = np.array([np.cos(direction), np.sin(direction)])
        images = image_positions(*(beta * towards), 1.0, 1.0, 0.0, 0.0, 0.0)
        assert sorted(images @ towards) == pytest.approx(sorted(expected), abs=1e-10)
