"""Host galaxies in the way of an arc: a Gaussian process on rings and low multipoles, measured on controls."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.verdict.borders import MAD_TO_SIGMA, batches, polar
from arcgate.imaging import ZERO_POINT, Imaging

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]

# Knots of the hosts' radial profiles, which are linear between them. They are pixels: as fine as a stamp samples its galaxy,
# whatever its scale. Larger stamps have further ones, each so many times as far out as the one before.
_KNOTS_PIX: Final = (0.0, 0.7, 1.4, 2.1, 2.8, 3.6, 4.5, 5.5, 7.0, 9.0, 12.0, 16.0, 22.0, 30.0, 46.0)
_FURTHER: Final = 1.5
_MULTIPOLES: Final = 7
_OUTLIER_SIGMA: Final = 5.0
_SHRINKAGE: Final = 0.1
_RIDGE: Final = 0.1


def host_flux(table: pd.DataFrame, imaging: Imaging) -> Array:
    """Flux of each host by its catalogue magnitudes, (n, band)."""
    flux: Array = 10.0 ** (-0.4 * (table[[f"host_mag_{band}" for band in imaging.bands]].to_numpy(np.float64) - ZERO_POINT))
    return flux


def knots_pix(imaging: Imaging) -> tuple[float, ...]:
    """Knots out to the first that no pixel of a stamp lies beyond, but for galaxies beside its middle."""
    corner, knots = imaging.middle_pix * math.sqrt(2.0), list(_KNOTS_PIX)
    while knots[-1] < corner:
        knots.append(_FURTHER * knots[-1])
    return tuple(knots[: bisect_left(knots, corner) + 1])


@dataclass(frozen=True)
class HostModel:
    """Mean profile and covariance of hosts of flux 1, measured on controls.

    Attributes
    ----------
    imaging : Imaging
        Of the stamps.
    mean : ndarray (band, knots)
    precision : ndarray (band, modes, modes)
        Inverse covariance of the amplitudes of radial knots times multipoles, for flux 1.
    """

    imaging: Imaging
    mean: Array
    precision: Array

    @classmethod
    def of(cls, controls: pd.DataFrame, stamps: Pixels, imaging: Imaging) -> HostModel:
        """Measured on controls (n, band, y, x)."""
        flux, bands, knots = host_flux(controls, imaging), len(imaging.bands), len(knots_pix(imaging))
        amplitudes = np.empty((len(controls), bands, _MULTIPOLES * knots))
        for rows in batches(len(controls), imaging):
            basis = _basis(controls.iloc[rows], imaging)
            normal = basis @ np.swapaxes(basis, 1, 2) + _RIDGE * np.eye(basis.shape[1])
            flat = stamps[rows].reshape(*stamps[rows].shape[:2], -1).astype(np.float64)
            fitted = np.linalg.solve(normal, basis @ np.swapaxes(flat, 1, 2))
            amplitudes[rows] = np.swapaxes(fitted, 1, 2) / flux[rows, :, None]
        middle = np.median(amplitudes, axis=0)
        # A host's multipoles point anywhere: their mean is zero.
        middle[:, knots:] = 0.0
        off = amplitudes - middle
        spread = MAD_TO_SIGMA * np.median(np.abs(off), axis=0) + 1e-12
        off = np.clip(off, -_OUTLIER_SIGMA * spread, _OUTLIER_SIGMA * spread)
        precision = np.empty((bands, amplitudes.shape[2], amplitudes.shape[2]))
        for band in range(bands):
            covariance = np.diag((off[:, band] ** 2).mean(axis=0))
            among = np.cov(off[:, band, :knots].T)
            covariance[:knots, :knots] = (1.0 - _SHRINKAGE) * among + _SHRINKAGE * np.diag(np.diag(among))
            precision[band] = np.linalg.inv(covariance)
        return cls(imaging, middle[:, :knots], precision)

    def beyond(self, table: pd.DataFrame, stamps: Pixels) -> Array:
        """Stamps without the mean host of their flux, (n, band, y, x)."""
        radial = _radial(polar(table, self.imaging)[0], knots_pix(self.imaging))
        profile = (self.mean[None] * host_flux(table, self.imaging)[:, :, None]) @ radial
        return stamps.astype(np.float64) - profile.reshape(stamps.shape)

    def inner(self, table: pd.DataFrame, images: Array, variance: Array) -> Array:
        """Inner products of each row's images (n, m, band, y, x) under host and noise of variance (n, band): (n, band, m, m)."""
        n, m, bands = images.shape[:3]
        out = np.empty((n, bands, m, m))
        basis, within = _basis(table, self.imaging), self._within(table, variance)
        for row in range(n):
            gram = basis[row] @ basis[row].T
            flat = images[row].reshape(m, bands, -1)
            across = basis[row] @ flat.reshape(m * bands, -1).T
            across = across.reshape(-1, m, bands)
            for band in range(bands):
                hidden = across[:, :, band].T @ np.linalg.solve(gram + within(row, band), across[:, :, band])
                out[row, band] = (flat[:, band] @ flat[:, band].T - hidden) / variance[row, band]
        return out

    def factors(self, table: pd.DataFrame, variance: Array) -> tuple[Array, Array]:
        """Modes of hosts (n, modes, pixels), and what they hide (n, band, modes, modes).

        With a = modes x image, an image's square under host and noise is (image . image - a . hidden . a) / variance.
        """
        basis, within = _basis(table, self.imaging), self._within(table, variance)
        hidden = np.empty((len(table), len(self.imaging.bands), basis.shape[1], basis.shape[1]))
        for row in range(len(table)):
            gram = basis[row] @ basis[row].T
            for band in range(len(self.imaging.bands)):
                hidden[row, band] = np.linalg.inv(gram + within(row, band))
        return basis, hidden

    def _within(self, table: pd.DataFrame, variance: Array) -> Callable[[int, int], Array]:
        """What is added to the Gram matrix of a row's modes, by row and band: noise over the host's own power."""
        flux = host_flux(table, self.imaging)
        return lambda row, band: variance[row, band] * self.precision[band] / flux[row, band] ** 2


def _radial(radius: Array, knots: tuple[float, ...]) -> Array:
    """Hat functions of radius, (n, knots, pixels): 1 at their own knot, 0 at the others, linear between."""
    ramps = [np.clip((radius - low) / (high - low), 0.0, 1.0) for low, high in pairwise(knots)]
    rising = [np.ones_like(radius), *ramps]
    falling = [*ramps, np.zeros_like(radius)]
    return np.stack([up - down for up, down in zip(rising, falling, strict=True)], axis=1)


def _basis(table: pd.DataFrame, imaging: Imaging) -> Array:
    """Radial hat functions times multipoles about each host, (n, modes, pixels): orders 0, 1, 2 and 4."""
    radius, azimuth = polar(table, imaging)
    radial = _radial(radius, knots_pix(imaging))
    turn = np.exp(1j * azimuth)
    waves = [part for power in (turn, turn**2, turn**4) for part in (power.real, power.imag)]
    return np.concatenate([radial, *[radial * wave[:, None] for wave in waves]], axis=1)
