"""Host galaxies in the way of an arc: a Gaussian process on rings and low multipoles, measured on controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, ZERO_POINT
from arcgate.gates.verdict.borders import MAD_TO_SIGMA, batches, polar

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]

# Knots of the hosts' radial profiles, which are linear between them.
KNOTS_PIX: Final = (0.0, 0.7, 1.4, 2.1, 2.8, 3.6, 4.5, 5.5, 7.0, 9.0, 12.0, 16.0, 22.0, 30.0, 46.0)
_MULTIPOLES: Final = 7
_OUTLIER_SIGMA: Final = 5.0
_SHRINKAGE: Final = 0.1
_RIDGE: Final = 0.1


def host_flux(table: pd.DataFrame) -> Array:
    """Flux of each host by its catalogue magnitudes, (n, 3)."""
    flux: Array = 10.0 ** (-0.4 * (table[[f"host_mag_{band}" for band in BANDS]].to_numpy(np.float64) - ZERO_POINT))
    return flux


@dataclass(frozen=True)
class HostModel:
    """Mean profile and covariance of hosts of flux 1, measured on controls.

    Attributes
    ----------
    mean : ndarray (3, knots)
    precision : ndarray (3, modes, modes)
        Inverse covariance of the amplitudes of radial knots times multipoles, for flux 1.
    """

    mean: Array
    precision: Array

    @classmethod
    def of(cls, controls: pd.DataFrame, stamps: Pixels) -> HostModel:
        """Measured on controls (n, 3, 64, 64)."""
        flux = host_flux(controls)
        amplitudes = np.empty((len(controls), len(BANDS), _MULTIPOLES * len(KNOTS_PIX)))
        for rows in batches(len(controls)):
            basis = _basis(controls.iloc[rows])
            normal = basis @ np.swapaxes(basis, 1, 2) + _RIDGE * np.eye(basis.shape[1])
            flat = stamps[rows].reshape(*stamps[rows].shape[:2], -1).astype(np.float64)
            fitted = np.linalg.solve(normal, basis @ np.swapaxes(flat, 1, 2))
            amplitudes[rows] = np.swapaxes(fitted, 1, 2) / flux[rows, :, None]
        knots = len(KNOTS_PIX)
        middle = np.median(amplitudes, axis=0)
        # A host's multipoles point anywhere: their mean is zero.
        middle[:, knots:] = 0.0
        off = amplitudes - middle
        spread = MAD_TO_SIGMA * np.median(np.abs(off), axis=0) + 1e-12
        off = np.clip(off, -_OUTLIER_SIGMA * spread, _OUTLIER_SIGMA * spread)
        precision = np.empty((len(BANDS), amplitudes.shape[2], amplitudes.shape[2]))
        for band in range(len(BANDS)):
            covariance = np.diag((off[:, band] ** 2).mean(axis=0))
            among = np.cov(off[:, band, :knots].T)
            covariance[:knots, :knots] = (1.0 - _SHRINKAGE) * among + _SHRINKAGE * np.diag(np.diag(among))
            precision[band] = np.linalg.inv(covariance)
        return cls(middle[:, :knots], precision)

    def beyond(self, table: pd.DataFrame, stamps: Pixels) -> Array:
        """Stamps without the mean host of their flux, (n, 3, 64, 64)."""
        profile = (self.mean[None] * host_flux(table)[:, :, None]) @ _radial(polar(table)[0])
        return stamps.astype(np.float64) - profile.reshape(stamps.shape)

    def inner(self, table: pd.DataFrame, images: Array, variance: Array) -> Array:
        """Inner products of each row's images (n, m, 3, 64, 64) under host and noise of variance (n, 3): (n, 3, m, m)."""
        n, m = images.shape[:2]
        out = np.empty((n, len(BANDS), m, m))
        basis, within = _basis(table), self._within(table, variance)
        for row in range(n):
            gram = basis[row] @ basis[row].T
            flat = images[row].reshape(m, len(BANDS), -1)
            across = basis[row] @ flat.reshape(m * len(BANDS), -1).T
            across = across.reshape(-1, m, len(BANDS))
            for band in range(len(BANDS)):
                hidden = across[:, :, band].T @ np.linalg.solve(gram + within(row, band), across[:, :, band])
                out[row, band] = (flat[:, band] @ flat[:, band].T - hidden) / variance[row, band]
        return out

    def factors(self, table: pd.DataFrame, variance: Array) -> tuple[Array, Array]:
        """Modes of hosts (n, modes, 4096), and what they hide (n, 3, modes, modes).

        With a = modes x image, an image's square under host and noise is (image . image - a . hidden . a) / variance.
        """
        basis, within = _basis(table), self._within(table, variance)
        hidden = np.empty((len(table), len(BANDS), basis.shape[1], basis.shape[1]))
        for row in range(len(table)):
            gram = basis[row] @ basis[row].T
            for band in range(len(BANDS)):
                hidden[row, band] = np.linalg.inv(gram + within(row, band))
        return basis, hidden

    def _within(self, table: pd.DataFrame, variance: Array) -> Callable[[int, int], Array]:
        """What is added to the Gram matrix of a row's modes, by row and band: noise over the host's own power."""
        flux = host_flux(table)
        return lambda row, band: variance[row, band] * self.precision[band] / flux[row, band] ** 2


def _radial(radius: Array) -> Array:
    """Hat functions of radius, (n, knots, 4096): 1 at their own knot, 0 at the others, linear between."""
    knots = KNOTS_PIX
    ramps = [np.clip((radius - low) / (high - low), 0.0, 1.0) for low, high in pairwise(knots)]
    rising = [np.ones_like(radius), *ramps]
    falling = [*ramps, np.zeros_like(radius)]
    return np.stack([up - down for up, down in zip(rising, falling, strict=True)], axis=1)


def _basis(table: pd.DataFrame) -> Array:
    """Radial hat functions times multipoles about each host, (n, modes, 4096): orders 0, 1, 2 and 4."""
    radius, azimuth = polar(table)
    radial = _radial(radius)
    turn = np.exp(1j * azimuth)
    waves = [part for power in (turn, turn**2, turn**4) for part in (power.real, power.imag)]
    return np.concatenate([radial, *[radial * wave[:, None] for wave in waves]], axis=1)
