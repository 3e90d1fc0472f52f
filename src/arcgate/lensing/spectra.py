"""From light in pixels to a convolved stamp, by way of its Fourier coefficients.

The stamp lies in a period of 128 pixels. Its light is written in cosines and sines about the stamp's middle, up to a cutoff that
may lie beyond the pixel grid's Nyquist frequency, since only the values at pixel centres are wanted in the end. A circular PSF
multiplies cosines and sines alike, so that all is real, and each step is a product of small matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from scipy.special import spherical_jn
from torch import Tensor

from arcgate.dataset.schema import STAMP_SIZE
from arcgate.lensing.quadrature import DEGREES, PixelMoments

PERIOD_PIX: Final = 128
"""Twice the stamp: an offset inside the stamp never meets its periodic image."""
MIDDLE_PIX: Final = (STAMP_SIZE - 1) / 2.0


@dataclass(frozen=True)
class Spectra:
    """Fourier coefficients of light, about the stamp's middle.

    Attributes
    ----------
    values : Tensor (..., 2, modes, 2, modes)
        Coefficient of (cos, sin)(2 pi m y / period) times (cos, sin)(2 pi l x / period). The first, [..., 0, 0, 0, 0], is the
        flux.
    """

    values: Tensor

    @property
    def modes(self) -> int:
        """Frequencies per axis, from 0."""
        return int(self.values.shape[-1])

    @property
    def flux(self) -> Tensor:
        """Light of each spectrum."""
        return self.values[..., 0, 0, 0, 0]


def frequencies(modes: int) -> np.ndarray:
    """Angular frequencies of the modes, radians a pixel."""
    return 2.0 * np.pi * np.arange(modes) / PERIOD_PIX


def spectra_of(light: PixelMoments, rows: Tensor, modes: int) -> Spectra:
    """Spectra of some sources from the moments of their pixels.

    Parameters
    ----------
    light : PixelMoments
        Of all sources.
    rows : Tensor, int64 (n,)
        The sources wanted, ascending.
    modes : int
        Frequencies per axis.

    Returns
    -------
    Spectra
        Values (n, 2, modes, 2, modes).
    """
    dtype, device = light.moments.dtype, light.moments.device
    values = torch.empty((len(rows), 2 * modes, 2 * modes), dtype=dtype, device=device)
    box = light.boxes.index_select(0, rows)
    for side in sorted(set(box.tolist())):
        wanted = torch.nonzero(box == side)[:, 0]
        row, chosen = _entries(light, rows.index_select(0, wanted))
        first = STAMP_SIZE // 2 - side // 2
        x, y = (column.index_select(0, chosen) - first for column in (light.x_pix, light.y_pix))
        # Rows of the matrix run over (y, degree in y), columns over (x, degree in x).
        degree = torch.arange(DEGREES, device=device)
        lines, columns = ((row * side + y) * DEGREES)[:, None] + degree, (x * DEGREES)[:, None] + degree
        target = (lines * (side * DEGREES))[:, :, None] + columns[:, None]
        matrix = torch.zeros(len(wanted) * (side * DEGREES) ** 2, dtype=dtype, device=device)
        matrix.scatter_(0, target.reshape(-1), light.moments.index_select(0, chosen).reshape(-1))
        waves = _pixel_waves(side, modes, dtype, device)
        matrix = matrix.reshape(len(wanted), side * DEGREES, side * DEGREES)
        values.index_copy_(0, wanted, torch.matmul(waves.T, torch.matmul(matrix, waves)))
    return Spectra(values.reshape(len(rows), 2, modes, 2, modes))


def _entries(light: PixelMoments, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Entries of some sources: the place among `rows` of each, and its index."""
    count = light.counts.index_select(0, rows)
    place = torch.arange(len(rows), device=rows.device).repeat_interleave(count)
    # An entry's index is its source's first entry, plus its number among that source's entries.
    before = (light.counts.cumsum(0) - light.counts).index_select(0, rows) - (count.cumsum(0) - count)
    return place, torch.arange(len(place), device=rows.device) + before.repeat_interleave(count)


def point_spectra(x_pix: Tensor, y_pix: Tensor, modes: int) -> Spectra:
    """Spectra of point sources of flux 1 at pixel positions (n,)."""
    k = torch.from_numpy(frequencies(modes)).to(x_pix)
    along_x, along_y = ((p[:, None] - MIDDLE_PIX) * k for p in (x_pix, y_pix))
    wave_x = torch.stack([torch.cos(along_x), torch.sin(along_x)], dim=1)
    wave_y = torch.stack([torch.cos(along_y), torch.sin(along_y)], dim=1)
    return Spectra(wave_y[:, :, :, None, None] * wave_x[:, None, None])


def sampled(spectra: Tensor, transfer: Tensor) -> Tensor:
    """Values at pixel centres of spectra times real, even transfer functions.

    Parameters
    ----------
    spectra : Tensor (n, bands or 1, 2, M, 2, M)
        Values of `Spectra`.
    transfer : Tensor (n, bands, M, 2, M)
        The function at (k_y, k_x), twice: for the cosines and for the sines of x.

    Returns
    -------
    Tensor (n, bands, y, x)
    """
    count, bands, modes = transfer.shape[:3]
    product = (spectra * transfer[:, :, None]).flatten(4)
    half = STAMP_SIZE // 2
    cos, sin = _stamp_waves(modes, product.dtype, product.device)
    # Cosines are even about the stamp's middle and sines odd: right of it is their sum, left of it, mirrored, their difference.
    even, odd = torch.matmul(cos, product[:, :, 0]), torch.matmul(sin, product[:, :, 1])
    lines = product.new_empty((count, bands, 2, half, 2, modes))
    torch.sub(even, odd, out=lines[:, :, 0].flatten(3))
    torch.add(even, odd, out=lines[:, :, 1].flatten(3))
    even, odd = torch.matmul(lines[..., 0, :], cos.T), torch.matmul(lines[..., 1, :], sin.T)
    left, right = even - odd, even + odd
    image = product.new_empty((count, bands, STAMP_SIZE, STAMP_SIZE))
    image[:, :, half:, half:] = right[:, :, 1]
    image[:, :, half:, :half] = left[:, :, 1].flip(3)
    image[:, :, :half, half:] = right[:, :, 0].flip(2)
    image[:, :, :half, :half] = left[:, :, 0].flip(2, 3)
    return image


def times_complex(spectra: Tensor, plus: Tensor, minus: Tensor) -> Tensor:
    """Spectra (..., 2, M, 2, M) times a transfer function without symmetry.

    Parameters
    ----------
    plus, minus : Tensor, complex (..., M, M)
        The function at (k_y, k_x) and at (-k_y, k_x), sum of kernel times exp(-i k r).
    """
    cc, cs, sc, ss = spectra[..., 0, :, 0, :], spectra[..., 0, :, 1, :], spectra[..., 1, :, 0, :], spectra[..., 1, :, 1, :]
    up = torch.complex(cc - ss, -(sc + cs)) * plus
    down = torch.complex(cc + ss, sc - cs) * minus
    return joined_halves(up, down)


def joined_halves(up: Tensor, down: Tensor) -> Tensor:
    """Real coefficients (..., 2, M, 2, M) from the complex spectrum at (k_y, k_x) and (-k_y, k_x)."""
    cosine = torch.stack([(up.real + down.real) / 2, (-up.imag - down.imag) / 2], dim=-2)
    sine = torch.stack([(down.imag - up.imag) / 2, (down.real - up.real) / 2], dim=-2)
    return torch.stack([cosine, sine], dim=-4)


@lru_cache(maxsize=64)
def _pixel_waves(side: int, modes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrix (side x degrees, 2 modes): coefficients of the light of a pixel from its Legendre moments."""
    k = frequencies(modes)
    pixel = np.arange(side) - 0.5 * (side - 1)
    phase = pixel[:, None] * k
    cos, sin = np.cos(phase), np.sin(phase)
    # The mean of P_d(u) e^{i k u / 2} over the pixel is i^d j_d(k / 2); light is sum (2d + 1) M_d P_d.
    weight = [(2 * d + 1) * spherical_jn(d, k / 2.0) for d in range(DEGREES)]
    waves = np.empty((side, DEGREES, 2, modes))
    waves[:, 0] = np.stack([cos, sin], axis=1) * weight[0]
    waves[:, 1] = np.stack([-sin, cos], axis=1) * weight[1]
    waves[:, 2] = np.stack([-cos, -sin], axis=1) * weight[2]
    return torch.from_numpy(waves.reshape(side * DEGREES, 2 * modes)).to(dtype=dtype, device=device)


@lru_cache(maxsize=64)
def _stamp_waves(modes: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines (STAMP_SIZE / 2, modes) at the pixel centres right of the middle."""
    phase = (np.arange(STAMP_SIZE // 2) + 0.5)[:, None] * frequencies(modes)
    # Every frequency but 0 stands for itself and its negative.
    weight = np.where(np.arange(modes) == 0, 1.0, 2.0) / PERIOD_PIX
    cos, sin = (torch.from_numpy(wave * weight).to(dtype=dtype, device=device) for wave in (np.cos(phase), np.sin(phase)))
    return cos, sin
