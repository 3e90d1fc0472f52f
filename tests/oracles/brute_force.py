"""The truth of a stamp by brute force, in numpy and float64: closed forms, fine cells, direct convolution, nothing of the engine.

Surface brightness is integrated over cells of a third of a pixel; each is divided in four until its 3 x 3 Gauss-Legendre sum no
longer changes. Every ray's light is spread over a grid of a third of a pixel by a cubic B-spline, whose window is divided out of
the spectrum, so that where in a cell the light lies is kept. The grid is convolved linearly with the PSF's density on the same
grid, and read at pixel centres. Rows are those of the published grid v4_sota.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from scipy.special import gamma, gammaincinv

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics

Array = NDArray[np.float64]
Brightness = Callable[[Array, Array], Array]
Density = Callable[[Array], Array]
_BORDER_PIX = 16
# Cells a pixel to begin with; places a pixel of the grid that is convolved, odd, so that one lies on each pixel's centre.
_CELLS = 3
_GRID = 3
_DARK = 1e-8
_DEEPEST = 14
_NODE = np.sqrt(0.6) * np.array([-1.0, 0.0, 1.0])
_WEIGHT = np.array([5.0, 8.0, 5.0]) / 18.0


def v4_sota_rows(
    seed: int, count: int, reff: Sequence[float] = (0.1, 0.2, 0.3, 0.5), n: float = 1.0
) -> tuple[Lenses, Sersics, torch.Tensor, torch.Tensor]:
    """Random rows of the grid v4_sota: lenses, sources, and places x and y within half a pixel of the stamp's middle."""
    rng = np.random.default_rng(seed)
    shear, angle = rng.choice([0.0, 0.05, 0.1], count), rng.uniform(0.0, np.pi, count)
    ellipticity = rng.choice([0.2, 0.4, 0.6], count)
    lenses = Lenses.of(
        rng.choice(np.arange(0.5, 2.51, 0.25), count),
        rng.uniform(0.6, 0.95, count),
        rng.uniform(0.0, np.pi, count),
        shear * np.cos(2.0 * angle),
        shear * np.sin(2.0 * angle),
    )
    sources = Sersics.of(
        rng.choice(reff, count),
        n,
        (1.0 - ellipticity) / (1.0 + ellipticity),
        rng.uniform(0.0, np.pi, count),
        *rng.uniform(-0.4, 0.4, (2, count)),
    )
    x_pix, y_pix = torch.from_numpy(31.5 + rng.uniform(-0.5, 0.5, (2, count)))
    return lenses, sources, x_pix, y_pix


def lensed_brightness(lenses: Lenses, sources: Sersics, row: int) -> Brightness:
    """Light per square arcsec at arcsec from an isothermal lens (Kormann, Schneider & Bartelmann 1994), a Sersic behind it."""
    theta_e, q, phi, g1, g2 = (
        float(getattr(lenses, name)[row]) for name in ("theta_e_arcsec", "q", "phi_rad", "gamma1", "gamma2")
    )
    reff, n, source_q, source_phi, source_x, source_y = (float(column[row]) for column in vars(sources).values())
    cos, sin, eccentricity = np.cos(phi), np.sin(phi), np.sqrt(1.0 - q * q)
    source_cos, source_sin = np.cos(source_phi), np.sin(source_phi)
    b = gammaincinv(2.0 * n, 0.5)
    centre = b ** (2.0 * n) / (2.0 * np.pi * n * reff**2 * gamma(2.0 * n))

    def brightness(x: Array, y: Array) -> Array:
        along, across = x * cos + y * sin, y * cos - x * sin
        psi = np.maximum(np.sqrt((q * along) ** 2 + across**2), 1e-30)
        strength = theta_e * np.sqrt(q) / eccentricity
        alpha_along, alpha_across = (
            strength * np.arctan(eccentricity * along / psi),
            strength * np.arctanh(eccentricity * across / psi),
        )
        dx = x - (alpha_along * cos - alpha_across * sin) - (g1 * x + g2 * y) - source_x
        dy = y - (alpha_along * sin + alpha_across * cos) - (g2 * x - g1 * y) - source_y
        major, minor = dx * source_cos + dy * source_sin, dy * source_cos - dx * source_sin
        light: Array = centre * np.exp(-b * (np.sqrt(source_q * major**2 + minor**2 / source_q) / reff) ** (1.0 / n))
        return light

    return brightness


def gridded_light(brightness: Brightness, x_pix: float, y_pix: float, precision: float = 1e-6) -> Array:
    """Light of the stamp and 16 pixels around it, (y, x), on a grid of a third of a pixel; its sum is the flux.

    `brightness` takes arcsec from (x_pix, y_pix); `precision` is a share of the brightest pixel's light, for each cell.
    """
    size = DECALS.size_pix + 2 * _BORDER_PIX
    along = (np.arange(size * _CELLS) + 0.5) / _CELLS - 0.5 - _BORDER_PIX
    x, y = (along - x_pix) * DECALS.pixel_scale_arcsec, (along - y_pix) * DECALS.pixel_scale_arcsec
    sampled = brightness(x[None, :], y[:, None])
    tolerance = precision * sampled.reshape(size, _CELLS, size, _CELLS).mean(axis=(1, 3)).max() * DECALS.pixel_scale_arcsec**2
    row, column = np.nonzero(_grown(sampled > _DARK * sampled.max()))
    half = 0.5 * DECALS.pixel_scale_arcsec / _CELLS
    grid = np.zeros((size * _GRID) ** 2)
    rays = _rays(brightness, x[column], y[row], half)
    for depth in range(_DEEPEST + 1):
        step = 0.5 * half
        corners = [(a * step, b * step) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
        finer = [_rays(brightness, rays[0][4] + dx, rays[1][4] + dy, step) for dx, dy in corners]
        poor = np.abs(sum(quarter[2].sum(axis=0) for quarter in finer) - rays[2].sum(axis=0)) > tolerance
        for quarter in finer:
            good = quarter[:, :, ~poor if depth < _DEEPEST else slice(None)].reshape(3, -1)
            _spread(grid, size, good[0] / DECALS.pixel_scale_arcsec + x_pix, good[1] / DECALS.pixel_scale_arcsec + y_pix, good[2])
        if depth == _DEEPEST or not poor.any():
            break
        rays, half = np.concatenate([quarter[:, :, poor] for quarter in finer], axis=2), step
    return grid.reshape(size * _GRID, size * _GRID)


def _rays(brightness: Brightness, x: Array, y: Array, half: float) -> Array:
    """x, y and flux of 3 x 3 Gauss-Legendre rays, shape (3, 9, cells); the fifth is the cell's centre."""
    ray_x = x + (half * np.tile(_NODE, 3))[:, None]
    ray_y = y + (half * np.repeat(_NODE, 3))[:, None]
    weight = np.tile(_WEIGHT, 3) * np.repeat(_WEIGHT, 3) * (2.0 * half) ** 2
    return np.stack([ray_x, ray_y, brightness(ray_x, ray_y) * weight[:, None]])


def _spread(grid: Array, size: int, x_pix: Array, y_pix: Array, flux: Array) -> None:
    """Add point-like light to the grid, each over the 4 x 4 nearest places by a cubic B-spline."""
    side = size * _GRID
    shares = []
    for place in (x_pix, y_pix):
        position = (place + _BORDER_PIX + 0.5) * _GRID - 0.5
        first = np.floor(position).astype(np.int64)
        t = position - first
        s = 1.0 - t
        weights = (s**3 / 6.0, (4.0 - 6.0 * t**2 + 3.0 * t**3) / 6.0, (4.0 - 6.0 * s**2 + 3.0 * s**3) / 6.0, t**3 / 6.0)
        shares.append([(np.clip(first + step - 1, 0, side - 1), weight) for step, weight in enumerate(weights)])
    for column, weight_x in shares[0]:
        for row, weight_y in shares[1]:
            grid += np.bincount(row * side + column, weights=flux * weight_x * weight_y, minlength=len(grid))


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    height, width = mask.shape
    return np.any([padded[a : a + height, b : b + width] for a in range(3) for b in range(3)], axis=0)


def finely_convolved(light: Array, density: Density) -> Array:
    """Stamp (64, 64) from `gridded_light` and the density of the PSF per square arcsec at a radius in arcsec."""
    size = 2 * len(light)
    window = np.sinc(scipy.fft.fftfreq(size)) ** 4
    offset = scipy.fft.fftfreq(size, 1.0 / size) * DECALS.pixel_scale_arcsec / _GRID
    kernel = density(np.hypot(offset[:, None], offset[None, :])) * DECALS.pixel_scale_arcsec**2
    spectrum = scipy.fft.rfft2(light, (size, size)) * scipy.fft.rfft2(kernel)
    spectrum /= window[:, None] * window[None, : spectrum.shape[1]]
    centre = slice(_BORDER_PIX * _GRID + _GRID // 2, (_BORDER_PIX + DECALS.size_pix) * _GRID, _GRID)
    return np.asarray(scipy.fft.irfft2(spectrum, (size, size))[centre, centre])


def worst(found: Array | torch.Tensor, truth: Array | torch.Tensor) -> float:
    """Largest difference between two images in units of the true peak."""
    expected = np.asarray(truth)
    return float(np.abs(np.asarray(found) - expected).max() / expected.max())
