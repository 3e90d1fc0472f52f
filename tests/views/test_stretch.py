"""The asinh stretch against numpy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.views.stretch import asinh


def test_within_a_few_units_in_the_last_place() -> None:
    rng = np.random.default_rng(5)
    x = (rng.choice([-1, 1], 200_000) * 10 ** rng.uniform(-30, 18, 200_000)).astype(np.float32)
    exact = np.arcsinh(x.astype(np.float64))
    units = np.abs(asinh(x) - exact) / np.spacing(np.abs(exact).astype(np.float32))
    assert units.max() < 6


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-45, -1e-45])
def test_zero_and_the_smallest_numbers_stay(value: float) -> None:
    x = np.array([value], dtype=np.float32)
    assert asinh(x).tobytes() == x.tobytes()


def test_odd_rising_and_of_the_same_shape() -> None:
    x = np.linspace(-5, 5, 3 * 1001, dtype=np.float32).reshape(3, 1001)
    y = asinh(x)
    assert y.shape == x.shape
    assert y.dtype == np.float32
    np.testing.assert_array_equal(asinh(-x), -y)
    assert (np.diff(y.reshape(-1)) > 0).all()


def test_strided_input_gives_the_same_bits() -> None:
    x = np.random.default_rng(1).normal(size=(40, 3, 64)).astype(np.float32)
    assert asinh(x[:, 1]).tobytes() == asinh(x)[:, 1].tobytes()
