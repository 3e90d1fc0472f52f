"""The three measures of a shift on galaxies whose place is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.gates.published.shifts import centroid, gradient_shift, phase_correlation, shifted

N = 6
SCALE = 0.262


@pytest.fixture
def galaxies(helpers):
    """Moffats about known centres, and the same on noise."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(29.5, 33.5, (2, N))
    clean = helpers.moffat(x, y)
    return x, y, clean, (20 * clean + rng.normal(0, 0.004, clean.shape)).astype(np.float32)


def test_the_centroid_finds_the_place_on_both_axes(galaxies):
    x, y, clean, _ = galaxies
    found = centroid(clean, x - 0.8, y + 0.3, SCALE)
    assert found[:, 0] == pytest.approx(0.8, abs=1e-2)
    assert found[:, 1] == pytest.approx(-0.3, abs=1e-2)
    assert centroid(clean, x, y, SCALE) == pytest.approx(np.zeros((N, 2)), abs=2e-3)


def test_where_there_is_no_galaxy_there_is_no_centroid():
    x = np.full(N, 31.5)
    assert np.isnan(centroid(np.zeros((N, 64, 64)), x, x, SCALE)).all()
    assert np.isnan(centroid(-np.ones((N, 64, 64)), x, x, SCALE)).all()


def test_a_planted_shift_is_that_of_the_closed_form(galaxies, helpers):
    x, y, clean, _ = galaxies
    # A Moffat's wings wrap around the border, and there alone.
    inner = (slice(None), slice(8, -8), slice(8, -8))
    assert shifted(clean, 0.37)[inner] == pytest.approx(helpers.moffat(x + 0.37, y)[inner], abs=2e-4 * clean.max())
    assert shifted(clean, 3.0) == pytest.approx(np.roll(clean, 3, axis=2), abs=1e-12)


def test_phase_correlation_sees_whole_pixels_with_their_sign(galaxies):
    *_, noisy = galaxies
    moved = np.roll(noisy, (3, -2), axis=(1, 2))
    assert phase_correlation(moved, noisy) == pytest.approx(np.tile([-2.0, 3.0], (N, 1)))


def test_phase_correlation_sees_no_parts_of_pixels_and_the_others_are_not(galaxies):
    x, y, _, noisy = galaxies
    moved = shifted(noisy, 0.3)
    assert (phase_correlation(moved, noisy) == 0).all()
    assert centroid(moved, x, y, SCALE)[:, 0] - centroid(noisy, x, y, SCALE)[:, 0] == pytest.approx(0.3, abs=0.02)
    found = gradient_shift(moved, noisy, x, y, SCALE)
    assert found[:, 0] == pytest.approx(0.3, abs=0.03)
    assert found[:, 1] == pytest.approx(0.0, abs=0.01)


def test_gradients_keep_their_axes_apart(galaxies, helpers):
    x, y, clean, _ = galaxies
    found = gradient_shift(helpers.moffat(x + 0.05, y - 0.1), clean, x, y, SCALE)
    assert found == pytest.approx(np.tile([0.05, -0.1], (N, 1)), rel=0.01)


def test_a_stamp_without_gradients_has_no_shift():
    x = np.full(N, 31.5)
    assert np.isnan(gradient_shift(np.ones((N, 64, 64)), np.ones((N, 64, 64)), x, x, SCALE)).all()
