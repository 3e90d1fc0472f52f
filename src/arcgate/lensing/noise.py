"""Photon noise of light, and the inverse variance that goes with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def photon_noise(rng: np.random.Generator, light: Array, gain: Array | float) -> Array:
    """Noise that counting the electrons of `light` adds: Poisson, with variance max(light, 0) / gain.

    Parameters
    ----------
    rng : numpy.random.Generator
    light : ndarray
        Expected light, nanomaggies per pixel. Where it is not positive there is no noise.
    gain : ndarray or float
        Electrons a nanomaggy; broadcasts against `light`.

    Returns
    -------
    ndarray
        Of mean zero, nanomaggies per pixel.

    Raises
    ------
    ValueError
        A gain that is not positive.
    """
    if not np.all(np.asarray(gain) > 0):
        raise ValueError(f"gain must be positive, got {np.min(gain)}")
    expected = np.maximum(light, 0.0)
    noise: Array = rng.poisson(expected * gain) / gain - expected
    return noise


def updated_ivar(ivar: Array | float, light: Array, gain: Array | float) -> Array:
    """Inverse variance of pixels after light was added: 1 / ivar' = 1 / ivar + max(light, 0) / gain; 0 stays 0."""
    variance_ratio = 1.0 + np.asarray(ivar) * np.maximum(light, 0.0) / gain
    updated: Array = np.asarray(ivar) / variance_ratio
    return updated
