"""Images against lenstronomy's solver, the closed form of the SIS, and windings of caustic and cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LensModel.Solver.lens_equation_solver import LensEquationSolver
from lenstronomy.Util.param_util import phi_q2_ellipticity
from numpy.typing import NDArray

from arcgate.lensing.angle_equation import AngleEquation
from arcgate.lensing.caustics import cut, tangential_caustic
from arcgate.lensing.images import image_counts, image_positions
from arcgate.lensing.mapping import jacobian, to_source_plane
from arcgate.lensing.models import Lenses

Array = NDArray[np.float64]
Lens = tuple[float, ...]
OURS = settings(derandomize=True, deadline=None, max_examples=30)
BETAS = st.floats(-0.8, 0.8)
SHEARS = st.floats(-0.1, 0.1)


def _rows(seed: int, count: int, flattest: float, shear: float) -> Array:
    """Columns source_x, source_y, theta_E, q, phi, gamma1, gamma2 of random rows."""
    rng = np.random.default_rng(seed)
    size, angle = rng.uniform(0.0, shear, count), rng.uniform(0.0, np.pi, count)
    lens = [rng.uniform(0.5, 2.0, count), rng.uniform(flattest, 1.0, count), rng.uniform(0.0, np.pi, count)]
    return np.array([*rng.uniform(-1.0, 1.0, (2, count)), *lens, size * np.cos(2 * angle), size * np.sin(2 * angle)])


def _miss(images: Array, beta: tuple[float, float], lens: Lens) -> float:
    x, y = torch.from_numpy(images.copy()).T
    back = torch.stack(to_source_plane(x, y, *lens), dim=1).numpy()
    return float(np.abs(back - beta).max())


@OURS
@given(
    beta_x=BETAS,
    beta_y=BETAS,
    theta_e=st.floats(0.5, 2.5),
    q=st.floats(0.2, 0.999),
    phi=st.floats(0.0, np.pi),
    gamma1=SHEARS,
    gamma2=SHEARS,
)
def test_images_map_back_to_the_source_to_1e_8_arcsec(
    beta_x: float, beta_y: float, theta_e: float, q: float, phi: float, gamma1: float, gamma2: float
) -> None:
    lens = (theta_e, q, phi, gamma1, gamma2)
    images = image_positions(beta_x, beta_y, *lens)
    assert len(images) >= 1
    assert _miss(images, (beta_x, beta_y), lens) < 1e-8


@pytest.mark.parametrize("slope", [1.4, 1.8, 2.2, 2.6])
def test_images_of_other_slopes_map_back_too(slope: float) -> None:
    for beta_x, beta_y, *lens in _rows(int(10 * slope), 1, 0.4, 0.2).T:
        images = image_positions(beta_x, beta_y, *lens, slope)
        assert _miss(images, (beta_x, beta_y), (*lens, slope)) < 1e-8


def _winding(curve: Array, beta: Array) -> int:
    """How often a curve of the source plane goes around a point."""
    seen = (curve - beta) @ [1.0, 1j]
    return round(abs(np.angle(np.roll(seen, -1) / seen).sum()) / (2.0 * np.pi))


@pytest.mark.parametrize(("flattest", "shear"), [(0.6, 0.1), (0.2, 0.3), (0.05, 0.6)])
def test_the_number_of_images_follows_from_cut_and_caustic(flattest: float, shear: float) -> None:
    # One image far out, one more within the cut, two more within the caustic: so 2 or 4, and 3 in a naked cusp.
    rows = _rows(7, 250, flattest, shear)
    expected = [1 + _winding(cut(*row[2:]), row[:2]) + 2 * _winding(tangential_caustic(*row[2:]), row[:2]) for row in rows.T]
    assert image_counts(*rows).tolist() == expected
    assert set(expected) >= ({1, 2, 4} if flattest > 0.5 else {1, 2, 3, 4})


@pytest.mark.parametrize("slope", [1.4, 1.7, 2.3])
def test_the_number_of_images_of_other_slopes_follows_from_the_caustics(slope: float) -> None:
    # Below slope 2 the radial caustic adds two, the central image among them; above it each source has an inner image.
    rows = _rows(8, 40, 0.4, 0.2)
    rows[:2] *= 0.5
    expected = []
    for row in rows.T:
        inner = 2 * _winding(cut(*row[2:], slope), row[:2]) if slope < 2.0 else 1
        expected.append(1 + inner + 2 * _winding(tangential_caustic(*row[2:], slope), row[:2]))
    assert image_counts(*rows, slope).tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("slope", [1.6, 2.0, 2.4])
def test_a_pair_of_images_is_found_however_close_to_the_caustic(slope: float) -> None:
    lens = (1.3, 0.7, 0.4, 0.06, -0.03, slope)
    # A fold, between two cusps: the source steps across it along the caustic's normal.
    curve = tangential_caustic(*lens)
    fold = curve[int(np.argmin(np.hypot(*curve.T)))]
    depths = np.array([1e-2, 1e-4, 1e-6, 1e-9]) / np.hypot(*fold)
    inside, outside = (image_counts(*np.outer(fold, 1.0 + sign * depths), *lens) for sign in (-1.0, 1.0))
    assert (inside - outside).tolist() == [2, 2, 2, 2]


def test_images_are_found_where_both_branches_of_the_angle_equation_meet() -> None:
    # There the radial component of the Jacobian changes sign. An image put close to it must be among those of its source.
    columns = (1.3, 0.6, 0.4, 0.06, -0.03, 1.6)
    angle = torch.linspace(0.05, 6.2, 20, dtype=torch.float64)
    direction = torch.stack((torch.cos(angle), torch.sin(angle)))
    low, high = torch.full_like(angle, 1e-3), torch.full_like(angle, 3.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        along = torch.einsum("in,nij,jn->n", direction, jacobian(*(middle * direction), *columns), direction)
        low, high = torch.where(along < 0.0, middle, low), torch.where(along < 0.0, high, middle)
    shares = torch.tensor([-1e-2, -1e-5, 1e-5, 1e-2], dtype=torch.float64)[:, None]
    images = (low * (1.0 + shares)).ravel() * direction.repeat(1, 4)
    equation = AngleEquation(*to_source_plane(*images, *columns), Lenses.of(*np.tile(columns, (80, 1)).T))
    rows, found_angle, found_radius = equation.images()
    found = found_radius * torch.stack((torch.cos(found_angle), torch.sin(found_angle)))
    miss = torch.hypot(*(found - images[:, rows])).numpy()
    assert max(miss[rows.numpy() == row].min() for row in range(80)) < 1e-6


def _lenstronomy_images(beta: Array, lens: Lens) -> Array:
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
    for _ in range(16):
        shear, angle = rng.choice([0.0, 0.05, 0.1]), rng.uniform(0.0, np.pi)
        lens = (
            rng.uniform(0.5, 2.5),
            rng.uniform(0.6, 0.95),
            rng.uniform(0.0, np.pi),
            shear * np.cos(2.0 * angle),
            shear * np.sin(2.0 * angle),
        )
        beta = rng.uniform(-0.4, 0.4, 2)
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


def test_counts_are_those_of_the_positions_and_independent_of_the_batch() -> None:
    rows = _rows(9, 16, 0.3, 0.3)
    counts = image_counts(*rows)
    assert counts.dtype == np.int64
    assert counts.tolist() == [len(image_positions(*row)) for row in rows.T]
    assert image_counts(*rows[:, 5:12]).tolist() == counts[5:12].tolist()


def test_a_source_right_behind_a_lens_has_a_ring_or_four_images() -> None:
    for slope in (1.6, 2.0, 2.4):
        with pytest.raises(ValueError, match=r"exactly behind a circular lens without shear: its image is a ring of radius 1\.5"):
            image_positions(0.0, 0.0, 1.5, 1.0, 0.3, 0.0, 0.0, slope)
    mixed = image_counts([0.3, 0.3, 0.3], 0.1, [1.5, 1.5, 0.0], 0.8, 0.2, 0.05, 0.0, [2.0, 1.6, 1.6])
    assert mixed.tolist() == [int(image_counts(0.3, 0.1, 1.5, 0.8, 0.2, 0.05, 0.0, slope)[0]) for slope in (2.0, 1.6)] + [1]
    assert image_counts(0.0, 0.0, 1.5, [1.0, 0.8, 1.0], 0.3, [0.0, 0.0, 0.05], 0.0).tolist() == [0, 4, 4]


def test_without_mass_there_is_one_image() -> None:
    for slope in (1.6, 2.0):
        found = image_positions(0.3, -0.2, 0.0, 0.8, 0.0, 0.1, 0.05, slope)
        assert len(found) == 1
        assert _miss(found, (0.3, -0.2), (0.0, 0.8, 0.0, 0.1, 0.05, slope)) < 1e-14
        assert image_counts([0.3, 0.0], [-0.2, 0.0], 0.0, 0.8, 0.0, [0.1, 0.0], 0.0, slope).tolist() == [1, 1]


def test_errors_name_row_and_column() -> None:
    with pytest.raises(ValueError, match=r"q of row 1 must lie in"):
        image_counts(0.1, 0.1, 1.0, [0.8, 1.1], 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"source_y of row 2 must be finite"):
        image_counts(0.1, [0.0, 0.1, np.nan], 1.0, 0.8, 0.0, 0.0, 0.0)
