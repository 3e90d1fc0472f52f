"""Kernels for peers that convolve on a grid: the effective PSF, freed of the window that their sampling adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from rows import moffat

from arcgate.imaging import DECALS

Array = NDArray[np.float64]

# Below this the window is not divided out: the PSF has no power there.
_LEAST_WINDOW = 0.05


@dataclass(frozen=True)
class Window:
    """What sampling does to each axis: a weighted mean over positions (pixels). No position: nothing is divided out."""

    position: tuple[float, ...] = ()
    weight: tuple[float, ...] = ()

    @classmethod
    def even(cls, points: int, width_pix: float) -> Window:
        """`points` evenly spaced ones, centred in each of as many parts of `width_pix`."""
        position = ((np.arange(points) + 0.5) / points - 0.5) * width_pix
        return cls(tuple(position), (1.0 / points,) * points)

    @classmethod
    def gauss(cls, points: int, width_pix: float) -> Window:
        """Gauss-Legendre points over `width_pix`."""
        node, weight = np.polynomial.legendre.leggauss(points)
        return cls(tuple(0.5 * width_pix * node), tuple(0.5 * weight))

    def within(self, outer: Window) -> Window:
        """Sampling by this window at each position of another."""
        position = np.add.outer(outer.position, self.position).ravel()
        weight = np.multiply.outer(outer.weight, self.weight).ravel()
        return Window(tuple(position), tuple(weight))

    def transfer(self, frequency: Array) -> Array:
        """Fourier transform at cycles a pixel."""
        if not self.position:
            return np.ones_like(frequency)
        return np.cos(2.0 * np.pi * frequency[:, None] * np.array(self.position)) @ np.array(self.weight)


def kernel(fwhm_arcsec: float, cells: int, half_pix: int, window: Window) -> Array:
    """Share of light that a cell of 1 / `cells` pixel receives, up to `half_pix` pixels away; odd size, not renormalised."""
    size = 2 * DECALS.size_pix * cells
    offset = scipy.fft.fftfreq(size, 1.0 / size) * DECALS.pixel_scale_arcsec / cells
    density = moffat(np.hypot(offset[:, None], offset[None, :]), fwhm_arcsec) * (DECALS.pixel_scale_arcsec / cells) ** 2
    transfer = window.transfer(cells * scipy.fft.fftfreq(size))
    held = transfer[:, None] * transfer[None, : size // 2 + 1]
    spectrum = scipy.fft.rfft2(density)
    freed = np.divide(spectrum, held, out=np.zeros_like(spectrum), where=np.abs(held) > _LEAST_WINDOW)
    half = half_pix * cells
    image: Array = scipy.fft.fftshift(scipy.fft.irfft2(freed, s=(size, size)))
    middle = slice(size // 2 - half, size // 2 + half + 1)
    return np.ascontiguousarray(image[middle, middle])
