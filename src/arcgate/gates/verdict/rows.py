"""Each row's light against its predictions: weighted inner products, from which every fit follows.

With host and stamp of one galaxy the injected light is their difference and carries no noise; what the comparison cannot
resolve is the renderer's accuracy. Between different galaxies the host is in the way: its light is a Gaussian process on
rings and low multipoles about its centre, with mean and covariance measured on the controls, beside the noise of the sky.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, STAMP_SIZE, ZERO_POINT
from arcgate.gates.verdict.predictions import BUG_OF, NUISANCES, predict

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]

# Share of a band's peak that a comparison of two renderings cannot resolve.
RESOLUTION: Final = 3e-3
BORDER_PIX: Final = 20.0
# Knots of the hosts' radial profiles, which are linear between them.
KNOTS_PIX: Final = (0.0, 0.7, 1.4, 2.1, 2.8, 3.6, 4.5, 5.5, 7.0, 9.0, 12.0, 16.0, 22.0, 30.0, 46.0)
_MULTIPOLES: Final = 7
_ROWS: Final = 32
_OUTLIER_SIGMA: Final = 5.0
_SHRINKAGE: Final = 0.1
_RIDGE: Final = 0.1
_MAD_TO_SIGMA: Final = 1.4826
PREDICTIONS: Final = (*NUISANCES, *BUG_OF)


@dataclass(frozen=True)
class Rows:
    """Inner products of n rows, by band; K = len(PREDICTIONS), nuisances first.

    Attributes
    ----------
    product : ndarray (n, 3, K, K)
        Of predictions with each other.
    found : ndarray (n, 3, K)
        Of predictions with the light found beyond the declared arc.
    squared : ndarray (n, 3)
        Of that light with itself: chi squared of the declared arc.
    expected : ndarray (n, 3)
        What noise alone brings to `squared`: the border's, and the declared noise of the arc's photons.
    null_found, null_squared : ndarray
        The same for controls in the place of stamps: what chance and host galaxies do. Zeros where hosts are subtracted.
    pixels : float
        Independent values behind `squared`, per row and band.
    noise, null_noise : ndarray (n, 3)
        Variance of the border (r >= 20 px) from differences of neighbouring pixels, over the declared sky's; of the light beyond
        the arc, and of controls (0 where hosts are subtracted).
    groups : ndarray of str (n,)
        Galaxy of each row.
    hosts_hide : bool
        Whether host galaxies are in the way: stamps against other galaxies.
    """

    product: Array
    found: Array
    squared: Array
    expected: Array
    null_found: Array
    null_squared: Array
    pixels: float
    noise: Array
    null_noise: Array
    groups: NDArray[np.str_]
    hosts_hide: bool


def differences(table: pd.DataFrame, light: Pixels) -> Rows:
    """Rows whose injected light is known: stored, or stamp minus the same galaxy.

    Parameters
    ----------
    table : DataFrame of n rows
        Positives: manifest and host columns.
    light : ndarray, float32 (n, 3, 64, 64)
        What was added to each galaxy.
    """
    parts = []
    for rows in _batches(len(table)):
        part, found = table.iloc[rows].reset_index(drop=True), light[rows].astype(np.float64)
        predicted = predict(part)
        arc = predicted.arc.astype(np.float64)
        border = _border(part)
        spread2 = _spread2(found - arc, border)
        noise = (spread2 - _photons(part, arc, border)) / _sky(part) ** 2
        variance = (RESOLUTION * arc.max(axis=(2, 3))) ** 2 + spread2
        scale = 1.0 / np.sqrt(np.maximum(variance, 1e-30))[:, :, None, None]
        everywhere = np.ones_like(border)
        expected = STAMP_SIZE**2 * (spread2 + _photons(part, arc, everywhere)) * scale[:, :, 0, 0] ** 2
        rest = ((found - arc) * scale).reshape(*found.shape[:2], -1)
        bands = _stacked(predicted.slopes, predicted.bugs) * scale[:, None]
        flat = np.moveaxis(bands, 1, 2).reshape(len(part), len(BANDS), len(PREDICTIONS), -1)
        product = flat @ np.swapaxes(flat, 2, 3)
        projected = (flat @ rest[..., None])[..., 0]
        parts.append((product, projected, (rest**2).sum(axis=2), expected, noise))
    product, projected, squared, expected, noise = (np.concatenate(column) for column in zip(*parts, strict=True))
    # The arc covers a few hundred pixels; beyond them both are zero.
    return Rows(
        product, projected, squared, expected, np.zeros_like(projected), np.zeros_like(squared), 300.0, noise,
        np.zeros_like(noise), table["host_id"].to_numpy(np.str_), hosts_hide=False,
    )  # fmt: skip


def between_galaxies(table: pd.DataFrame, stamps: Pixels, controls: pd.DataFrame, control_stamps: Pixels) -> Rows:
    """Rows whose hosts are unknown: stamps against other galaxies.

    Parameters
    ----------
    table, controls : DataFrame of n rows
        Positives, and as many controls in any order.
    stamps, control_stamps : ndarray, float32 (n, 3, 64, 64)
    """
    controls, control_stamps = _as_bright(table, controls, control_stamps)
    hosts = _HostModel.of(controls, control_stamps)
    parts = []
    for rows in _batches(len(table)):
        part, other = table.iloc[rows].reset_index(drop=True), controls.iloc[rows].reset_index(drop=True)
        predicted = predict(part)
        arc = predicted.arc.astype(np.float64)
        border = _border(part)
        noise = (_spread2(stamps[rows] - arc, border) - _photons(part, arc, border)) / _sky(part) ** 2
        null_noise = _spread2(control_stamps[rows].astype(np.float64), _border(other)) / _sky(other) ** 2
        null = hosts.beyond(other, control_stamps[rows])
        rest = hosts.beyond(part, stamps[rows]) - arc
        stacked = _stacked(predicted.slopes, predicted.bugs)
        everything = np.concatenate([stacked, rest[:, None], null[:, None]], axis=1)
        inner = hosts.inner(part, everything, RESOLUTION * arc.max(axis=(2, 3)))
        k = len(PREDICTIONS)
        parts.append(
            (
                inner[:, :, :k, :k],
                inner[:, :, :k, k],
                inner[:, :, k, k],
                inner[:, :, :k, k + 1],
                inner[:, :, k + 1, k + 1],
                noise,
                null_noise,
            )
        )
    product, projected, squared, null_found, null_squared, noise, null_noise = map(np.concatenate, zip(*parts, strict=True))
    return Rows(
        product, projected, squared, np.full_like(squared, STAMP_SIZE**2), null_found, null_squared, float(STAMP_SIZE**2),
        noise, null_noise, table["host_id"].to_numpy(np.str_), hosts_hide=True,
    )  # fmt: skip


def _as_bright(table: pd.DataFrame, controls: pd.DataFrame, stamps: Pixels) -> tuple[pd.DataFrame, Pixels]:
    """Controls in the order in which they are as bright as the positives' hosts, faintest beside faintest."""
    order = np.empty(len(table), dtype=np.int64)
    order[np.argsort(table["host_mag_r"].to_numpy(), kind="stable")] = np.argsort(
        controls["host_mag_r"].to_numpy(), kind="stable"
    )
    return controls.iloc[order].reset_index(drop=True), stamps[order]


def _batches(n: int) -> list[slice]:
    return [slice(begin, min(begin + _ROWS, n)) for begin in range(0, n, _ROWS)]


def _stacked(slopes: Pixels, bugs: Pixels) -> Array:
    return np.concatenate([slopes, bugs], axis=1).astype(np.float64)


def _sky(table: pd.DataFrame) -> Array:
    return table[[f"sky_sigma_{band}" for band in BANDS]].to_numpy(np.float64)


def _host_flux(table: pd.DataFrame) -> Array:
    """Flux of each host by its catalogue magnitudes, (n, 3)."""
    flux: Array = 10.0 ** (-0.4 * (table[[f"host_mag_{band}" for band in BANDS]].to_numpy(np.float64) - ZERO_POINT))
    return flux


def _polar(table: pd.DataFrame) -> tuple[Array, Array]:
    """Radius (pixels) and azimuth of each pixel about the host, (n, 4096) each."""
    pixel = np.arange(STAMP_SIZE, dtype=np.float64)
    x = pixel[None, None, :] - table["host_x_pix"].to_numpy(np.float64)[:, None, None]
    y = pixel[None, :, None] - table["host_y_pix"].to_numpy(np.float64)[:, None, None]
    radius, azimuth = np.hypot(x, y), np.arctan2(y, x)
    return radius.reshape(len(table), -1), azimuth.reshape(len(table), -1)


def _border(table: pd.DataFrame) -> NDArray[np.bool_]:
    return _polar(table)[0] >= BORDER_PIX


def _spread2(image: Array, border: NDArray[np.bool_]) -> Array:
    """Variance of the noise at the border, (n, 3), from differences of neighbours along x, which smooth light leaves alone.

    The scaled median absolute difference: galaxies beside the host do not count. Noise that is correlated between neighbours
    counts less; stamps and controls have the same.
    """
    out = np.empty(image.shape[:2])
    both = border.reshape(-1, STAMP_SIZE, STAMP_SIZE)
    both = both[:, :, 1:] & both[:, :, :-1]
    steps = np.abs(np.diff(image, axis=3))
    for row, inside in enumerate(both):
        out[row] = (_MAD_TO_SIGMA * np.median(steps[row][:, inside], axis=1)) ** 2 / 2.0
    return out


def _photons(table: pd.DataFrame, arc: Array, region: NDArray[np.bool_]) -> Array:
    """Mean variance in a region (n, 4096) that the declared noise of the arc's photons brings, (n, 3)."""
    with_noise = (table["arc_noise"] == "poisson").to_numpy(np.float64)[:, None]
    if not with_noise.any():
        # Tables of other makers then need no gain.
        return np.zeros(arc.shape[:2])
    gain = table[[f"gain_{band}" for band in BANDS]].to_numpy(np.float64)
    light = np.maximum(arc.reshape(*arc.shape[:2], -1), 0.0)
    inside = region[:, None]
    variance: Array = with_noise * (light * inside).sum(axis=2) / inside.sum(axis=2) / gain
    return variance


@dataclass(frozen=True)
class _HostModel:
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
    def of(cls, controls: pd.DataFrame, stamps: Pixels) -> _HostModel:
        flux = _host_flux(controls)
        amplitudes = np.empty((len(controls), len(BANDS), _MULTIPOLES * len(KNOTS_PIX)))
        for rows in _batches(len(controls)):
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
        spread = 1.4826 * np.median(np.abs(off), axis=0) + 1e-12
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
        profile = (self.mean[None] * _host_flux(table)[:, :, None]) @ _radial(_polar(table)[0])
        return stamps.astype(np.float64) - profile.reshape(stamps.shape)

    def inner(self, table: pd.DataFrame, images: Array, resolution: Array) -> Array:
        """Inner products of each row's images (n, m, 3, 64, 64) under host and sky: (n, 3, m, m)."""
        basis, flux, sky2 = _basis(table), _host_flux(table), _sky(table) ** 2
        n, m = images.shape[:2]
        out = np.empty((n, len(BANDS), m, m))
        for row in range(n):
            gram = basis[row] @ basis[row].T
            flat = images[row].reshape(m, len(BANDS), -1)
            across = basis[row] @ flat.reshape(m * len(BANDS), -1).T
            across = across.reshape(-1, m, len(BANDS))
            for band in range(len(BANDS)):
                variance = sky2[row, band] + resolution[row, band] ** 2
                within = gram + variance * self.precision[band] / flux[row, band] ** 2
                hidden = across[:, :, band].T @ np.linalg.solve(within, across[:, :, band])
                out[row, band] = (flat[:, band] @ flat[:, band].T - hidden) / variance
        return out


def _radial(radius: Array) -> Array:
    """Hat functions of radius, (n, knots, 4096): 1 at their own knot, 0 at the others, linear between."""
    knots = KNOTS_PIX
    ramps = [np.clip((radius - low) / (high - low), 0.0, 1.0) for low, high in pairwise(knots)]
    rising = [np.ones_like(radius), *ramps]
    falling = [*ramps, np.zeros_like(radius)]
    return np.stack([up - down for up, down in zip(rising, falling, strict=True)], axis=1)


def _basis(table: pd.DataFrame) -> Array:
    """Radial hat functions times multipoles about each host, (n, modes, 4096): orders 0, 1, 2 and 4."""
    radius, azimuth = _polar(table)
    radial = _radial(radius)
    turn = np.exp(1j * azimuth)
    waves = [part for power in (turn, turn**2, turn**4) for part in (power.real, power.imag)]
    return np.concatenate([radial, *[radial * wave[:, None] for wave in waves]], axis=1)
