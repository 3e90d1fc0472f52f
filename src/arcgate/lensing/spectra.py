"""From light in pixels to a convolved stamp, by way of its Fourier coefficients.

The field of a frame lies in a period of twice its side. Its light is written in cosines and sines about its middle, up to a
cutoff that may lie beyond the pixel grid's Nyquist frequency, since only the values at pixel centres are wanted in the end. A
circular PSF multiplies cosines and sines alike, so that all is real, and each step is a product of small matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy.special import spherical_jn
from torch import Tensor

from arcgate.lensing import compiled_spectra
from arcgate.lensing.compiled_functions import takes
from arcgate.lensing.frame import Frame
from arcgate.lensing.quadrature import DEGREES, PixelMoments


@dataclass(frozen=True)
class Spectra:
    """Fourier coefficients of light, about the field's middle.

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


def frequencies(modes: int, period_pix: int) -> np.ndarray:
    """Angular frequencies of the modes, radians a pixel."""
    return 2.0 * np.pi * np.arange(modes) / period_pix


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
    box = light.boxes.index_select(0, rows)
    groups = [(side, torch.nonzero(box == side)[:, 0]) for side in sorted(set(box.tolist()))]
    if len(groups) == 1:
        return Spectra(_transformed(_folded(light, rows, groups[0][0]), modes, 2 * light.field_pix))
    values = light.moments.new_empty((len(rows), 2, modes, 2, modes))
    for side, wanted in groups:
        folded = _folded(light, rows.index_select(0, wanted), side)
        values.index_copy_(0, wanted, _transformed(folded, modes, 2 * light.field_pix))
    return Spectra(values)


def _folded(light: PixelMoments, rows: Tensor, side: int) -> Tensor:
    """Sums and differences of moments and their mirror images about the field's middle.

    Returns
    -------
    Tensor (2, n, 2, K, K) with K = degrees x side / 2
        (Even, odd) in x; row; (even, odd) in y; pixel from the middle and degree in y; the same in x.
    """
    if takes(light.moments.dtype, light.moments.device):
        begin, count = light.begins.index_select(0, rows), light.counts.index_select(0, rows)
        columns = (column.numpy() for column in (light.x_pix, light.y_pix, light.moments, begin, count))
        return torch.from_numpy(compiled_spectra.folded(*columns, side // 2, light.field_pix // 2))
    width, middle = side // 2 * DEGREES, light.field_pix // 2
    row, chosen = _entries(light, rows)
    x, y = (column.index_select(0, chosen) - middle for column in (light.x_pix, light.y_pix))
    left, below = (x < 0).to(torch.int64), (y < 0).to(torch.int64)
    # A pixel p and its mirror image -1 - p lie at the same distance; in the mirror, the first degree changes its sign.
    mirror = torch.ones((2, DEGREES), dtype=light.moments.dtype, device=x.device)
    mirror[1, 1] = -1.0
    sign = mirror[below][:, :, None] * mirror[left][:, None]
    degree = torch.arange(DEGREES, device=x.device)
    line = ((left * len(rows) + row) * 2 + below)[:, None] * width + torch.maximum(y, -1 - y)[:, None] * DEGREES + degree
    target = (line * width)[:, :, None] + (torch.maximum(x, -1 - x)[:, None] * DEGREES + degree)[:, None]
    flat = sign.new_zeros(4 * len(rows) * width * width)
    flat[target.reshape(-1)] = (light.moments.index_select(0, chosen) * sign).reshape(-1)
    right, mirrored = flat.reshape(2, len(rows), 2, width, width)
    by_x = torch.stack([right + mirrored, right - mirrored])
    above, mirrored = by_x.unbind(2)
    return torch.stack([above + mirrored, above - mirrored], dim=2)


def _transformed(folded: Tensor, modes: int, period_pix: int) -> Tensor:
    """Coefficients (n, 2, modes, 2, modes) from folded moments: cosines are even about the middle, sines odd."""
    count, width = folded.shape[1], folded.shape[-1]
    waves = _pixel_waves(width // DEGREES, modes, period_pix, folded.dtype, folded.device)
    by_x = folded.new_empty((count, 2, width, 2, modes))
    for parity in (0, 1):
        torch.mm(folded[parity].reshape(-1, width), waves[parity], out=by_x.view(-1, 2, modes)[:, parity])
    lines = by_x.view(count, 2, width, 2 * modes)
    values = folded.new_empty((2, count, modes, 2 * modes))
    for parity in (0, 1):
        torch.bmm(waves[parity].T.expand(count, -1, -1), lines[:, parity], out=values[parity])
    return values.view(2, count, modes, 2, modes).transpose(0, 1)


def _entries(light: PixelMoments, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Entries of some sources: the place among `rows` of each, and its index."""
    count = light.counts.index_select(0, rows)
    place = torch.arange(len(rows), device=rows.device).repeat_interleave(count)
    # An entry's index is its source's first entry, plus its number among that source's entries.
    before = light.begins.index_select(0, rows) - (count.cumsum(0) - count)
    return place, torch.arange(len(place), device=rows.device) + before.repeat_interleave(count)


def point_spectra(x_pix: Tensor, y_pix: Tensor, modes: int, frame: Frame) -> Spectra:
    """Spectra of point sources of flux 1 at pixel positions (n,)."""
    k = torch.from_numpy(frequencies(modes, frame.period_pix)).to(x_pix)
    along_x, along_y = ((p[:, None] - frame.centre_pix) * k for p in (x_pix, y_pix))
    wave_x = torch.stack([torch.cos(along_x), torch.sin(along_x)], dim=1)
    wave_y = torch.stack([torch.cos(along_y), torch.sin(along_y)], dim=1)
    return Spectra(wave_y[:, :, :, None, None] * wave_x[:, None, None])


def sampled(spectra: Tensor, transfer: Tensor, field_pix: int) -> Tensor:
    """Values at pixel centres of spectra times real, even transfer functions.

    Parameters
    ----------
    spectra : Tensor (n, bands or 1, 2, M, 2, M)
        Values of `Spectra`.
    transfer : Tensor (n, bands, M, M)
        The function at (k_y, k_x).
    field_pix : int
        Side of the frame's field.

    Returns
    -------
    Tensor (n, bands, y, x)
        The field.
    """
    count, bands, modes = transfer.shape[:3]
    cos, sin = _field_waves(modes, field_pix, transfer.dtype, transfer.device)
    # (Cosines, sines) of y, pixel from the middle in y, and modes of x, of which cosines are even about the middle and sines odd.
    lines = transfer.new_empty((2, count * bands, len(cos), 2, modes))
    for parity, wave in enumerate((cos, sin)):
        product = (spectra[:, :, parity] * transfer[:, :, :, None]).reshape(count * bands, modes, 2 * modes)
        torch.bmm(wave.expand(len(product), -1, -1), product, out=lines[parity].view(len(product), -1, 2 * modes))
    flat = lines.view(-1, 2, modes)
    quarters = [
        torch.mm(flat[:, parity], wave.T).view(2, count, bands, *2 * [len(cos)]) for parity, wave in enumerate((cos, sin))
    ]
    return _unfolded(*quarters)


def _unfolded(even: Tensor, odd: Tensor) -> Tensor:
    """Stamps (n, bands, y, x) from parts that are even and odd in x: (even or odd in y, n, bands, y, x from the middle)."""
    if takes(even.dtype, even.device):
        return torch.from_numpy(compiled_spectra.unfolded(even.numpy(), odd.numpy()))
    sides = torch.cat([(even - odd).flip(-1), even + odd], dim=-1)
    return torch.cat([(sides[0] - sides[1]).flip(-2), sides[0] + sides[1]], dim=-2)


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
def _pixel_waves(half: int, modes: int, period_pix: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrices (2, half x degrees, modes): cosines and sines of the light of a pixel right of the middle, from its moments."""
    k = frequencies(modes, period_pix)
    phase = (np.arange(half) + 0.5)[:, None] * k
    cos, sin = np.cos(phase), np.sin(phase)
    # The mean of P_d(u) e^{i k u / 2} over the pixel is i^d j_d(k / 2); light is sum (2d + 1) M_d P_d.
    weight = [(2 * d + 1) * spherical_jn(d, k / 2.0) for d in range(DEGREES)]
    waves = np.empty((2, half, DEGREES, modes))
    waves[:, :, 0] = np.stack([cos, sin]) * weight[0]
    waves[:, :, 1] = np.stack([-sin, cos]) * weight[1]
    waves[:, :, 2] = np.stack([-cos, -sin]) * weight[2]
    return torch.from_numpy(waves.reshape(2, half * DEGREES, modes)).to(dtype=dtype, device=device)


@lru_cache(maxsize=64)
def _field_waves(modes: int, field_pix: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines (field / 2, modes) at the pixel centres right of the middle."""
    phase = (np.arange(field_pix // 2) + 0.5)[:, None] * frequencies(modes, 2 * field_pix)
    # Every frequency but 0 stands for itself and its negative.
    weight = np.where(np.arange(modes) == 0, 1.0, 2.0) / (2 * field_pix)
    cos, sin = (torch.from_numpy(wave * weight).to(dtype=dtype, device=device) for wave in (np.cos(phase), np.sin(phase)))
    return cos, sin
