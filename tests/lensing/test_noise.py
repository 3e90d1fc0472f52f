"""Photon noise and the inverse variance that goes with it."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.lensing.noise import photon_noise, updated_ivar

DRAWS = 40_000


@pytest.mark.parametrize("gain", [4.0, 250.0])
@pytest.mark.parametrize("light", [0.003, 0.2, 5.0])
def test_noise_has_mean_zero_and_the_variance_of_counted_electrons(light: float, gain: float) -> None:
    noise = photon_noise(np.random.default_rng(1), np.full(DRAWS, light), gain)
    variance = light / gain
    # Standard errors of mean and variance; a Poisson variable's fourth central moment is 3 m^2 + m.
    electrons = light * gain
    fourth = (3.0 * electrons**2 + electrons) / gain**4
    assert abs(noise.mean()) < 3.0 * np.sqrt(variance / DRAWS)
    assert abs(noise.var() - variance) < 3.0 * np.sqrt((fourth - variance**2) / DRAWS)


def test_dark_and_negative_pixels_get_no_noise_and_gains_broadcast() -> None:
    light = np.array([[0.0, -1.0, 2.0], [0.0, -0.5, 2.0]])
    noise = photon_noise(np.random.default_rng(2), light, np.array([[1.0], [100.0]]))
    assert np.all(noise[:, :2] == 0.0)
    # Counts are whole: light plus noise is a whole number of electrons.
    assert (light + noise)[:, 2] * np.array([1.0, 100.0]) == pytest.approx(
        np.round((light + noise)[:, 2] * np.array([1.0, 100.0]))
    )


@pytest.mark.parametrize("gain", [0.0, -1.0, np.nan])
def test_impossible_gains_are_refused(gain: float) -> None:
    with pytest.raises(ValueError, match="gain must be positive"):
        photon_noise(np.random.default_rng(3), np.ones(3), gain)


def test_inverse_variances_add_as_variances_do() -> None:
    ivar, light, gain = np.array([4.0, 4.0, 4.0, 0.0]), np.array([0.5, 0.0, -0.5, 0.5]), 10.0
    updated = updated_ivar(ivar, light, gain)
    assert updated[0] == pytest.approx(1.0 / (1.0 / 4.0 + 0.5 / 10.0), rel=1e-14)
    assert np.array_equal(updated[1:], [4.0, 4.0, 0.0])
