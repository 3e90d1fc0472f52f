"""Rendering of one source: rays to surface brightness, to a spectrum, to a convolved stamp.

Light is integrated over cells of a third of a pixel, with sub-samples where the profile varies within a cell. The cells'
flux is carried to the frequencies of the pixel grid, the window of the cell is divided out, and the product with the
PSF's spectrum is sampled at pixel centres: surface brightness convolved with the effective PSF, times pixel area.
The product stops at the pixel grid's Nyquist frequency. A Gaussian of FWHM above 2.5 pixels has no power beyond it; a
sharp Moffat has some: an impulse is off by 0.03 % of its peak at FWHM 1.0 arcsec, 0.2 % at 0.8 and 0.75 % at 0.65 (beta
2.5), arcs by a third of that or less (docs/physics.md). Each row is computed by itself, so that no result depends on what
else is in a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.schema import PIXEL_SCALE_ARCSEC, STAMP_SIZE
from arcgate.lensing.deflection import to_source_plane
from arcgate.lensing.profiles import elliptical_radius, sersic, sersic_b, sersic_extent
from arcgate.lensing.psf import Psf

Array = NDArray[np.float64]
Spectrum = NDArray[np.complex128]
Mapping = Callable[[Array, Array], tuple[Array, Array]]

CELLS_PER_PIXEL = 3
# Light up to this many pixels outside the stamp is followed, since the PSF carries part of it inside.
BORDER_PIX = 8
FFT_SIZE = 2 * STAMP_SIZE
_GRID_PIX = STAMP_SIZE + 2 * BORDER_PIX
_CELLS = _GRID_PIX * CELLS_PER_PIXEL
# Local error of a rule relative to the brightest cell, above which the next order is taken.
_TOLERANCE = 3e-5
# (distance from the profile's cusp in cells, least order there).
_CUSP_ORDERS = ((3.0, 4), (1.5, 8), (0.8, 24))
_LIGHT_OUTSIDE = 1e-5


@dataclass(frozen=True)
class Lens:
    """SIE with external shear: arcsec, radians; a SIS at q = 1."""

    theta_e_arcsec: float
    q: float
    phi_rad: float
    gamma1: float
    gamma2: float

    def __post_init__(self) -> None:
        _require(np.isfinite(list(vars(self).values())).all(), f"lens parameters must be finite: {self}")
        _require(self.theta_e_arcsec > 0, f"theta_E must be positive, got {self.theta_e_arcsec}")
        _require(0 < self.q <= 1, f"the axis ratio of a lens lies in (0, 1], got {self.q}")
        _require(np.hypot(self.gamma1, self.gamma2) < 1, f"shear must be below 1, got ({self.gamma1}, {self.gamma2})")


@dataclass(frozen=True)
class Source:
    """Sersic source: half-light radius on the intermediate axis and centre in arcsec, angle in radians; total flux 1."""

    reff_arcsec: float
    n: float
    q: float
    phi_rad: float
    x_arcsec: float
    y_arcsec: float

    def __post_init__(self) -> None:
        _require(np.isfinite(list(vars(self).values())).all(), f"source parameters must be finite: {self}")
        _require(self.reff_arcsec > 0, f"the half-light radius must be positive, got {self.reff_arcsec}")
        _require(0 < self.q <= 1, f"the axis ratio of a source lies in (0, 1], got {self.q}")
        _require(0.3 <= self.n <= 8, f"the Sersic index lies in [0.3, 8], got {self.n}")


def _require(condition: bool | np.bool_, message: str) -> None:
    if not condition:
        raise ValueError(message)


def arc_spectrum(lens: Lens, source: Source, host_x_pix: float, host_y_pix: float) -> Spectrum:
    """Spectrum of a lensed source of unlensed flux 1.

    Parameters
    ----------
    lens, source : Lens, Source
        The source's centre is relative to the lens.
    host_x_pix, host_y_pix : float
        Place of the lens in the stamp, pixels.

    Returns
    -------
    ndarray, shape (FFT_SIZE, FFT_SIZE // 2 + 1), complex
        For `convolve`; its zero frequency is the total magnification (light inside the stamp and its border).
    """

    def trace(x: Array, y: Array) -> tuple[Array, Array]:
        beta_x, beta_y = to_source_plane(x, y, lens.theta_e_arcsec, lens.q, lens.phi_rad, lens.gamma1, lens.gamma2)
        return beta_x - source.x_arcsec, beta_y - source.y_arcsec

    def stretch(x: Array, y: Array) -> Array:
        # Singular values of the lens map are at most 1 + shear and 2 kappa + shear - 1, kappa <= theta_E / (2 sqrt(q) r).
        half = 0.75 * PIXEL_SCALE_ARCSEC
        nearest = np.maximum(np.hypot(x, y) - half, 0.25 * half)
        bound: Array = 1.0 + np.hypot(lens.gamma1, lens.gamma2) + lens.theta_e_arcsec / (np.sqrt(lens.q) * nearest)
        return bound

    return _spectrum(_integrate(trace, stretch, source, host_x_pix, host_y_pix, lensed=True))


def sersic_spectrum(source: Source, centre_x_pix: float, centre_y_pix: float) -> Spectrum:
    """Spectrum of an unlensed Sersic galaxy of flux 1, placed at a pixel position; shape as `arc_spectrum`.

    `source.x_arcsec` and `source.y_arcsec` are offsets from that position.
    """

    def trace(x: Array, y: Array) -> tuple[Array, Array]:
        return x - source.x_arcsec, y - source.y_arcsec

    return _spectrum(_integrate(trace, lambda x, y: np.ones_like(x), source, centre_x_pix, centre_y_pix, lensed=False))


def point_spectrum(x_pix: float, y_pix: float) -> Spectrum:
    """Spectrum of a point source of flux 1 at a pixel position; shape as `arc_spectrum`."""
    fy, fx = np.fft.fftfreq(FFT_SIZE), np.fft.rfftfreq(FFT_SIZE)
    spectrum: Spectrum = np.exp(-2j * np.pi * (fy[:, None] * y_pix + fx[None, :] * x_pix))
    return spectrum


def convolve(spectrum: Spectrum, psf: Psf) -> Array:
    """Light sampled at pixel centres, times pixel area.

    Parameters
    ----------
    spectrum : ndarray, complex
        From this module; spectra may be scaled and added beforehand.
    psf : Psf
        Its kernel covers all offsets inside the stamp and is normalised analytically, so that light which it carries
        out of the stamp is lost and not spread over the rest.

    Returns
    -------
    ndarray, shape (STAMP_SIZE, STAMP_SIZE)
        In the unit of the source's flux.
    """
    image = np.fft.irfft2(spectrum * _kernel_spectrum(psf), s=(FFT_SIZE, FFT_SIZE))
    return np.ascontiguousarray(image[:STAMP_SIZE, :STAMP_SIZE])


def _kernel_spectrum(psf: Psf) -> Spectrum:
    offset = np.fft.fftfreq(FFT_SIZE, 1.0 / FFT_SIZE) * PIXEL_SCALE_ARCSEC
    # The kernel is symmetric: one quadrant is evaluated and mirrored.
    half = FFT_SIZE // 2
    quadrant = psf.density(np.hypot(offset[: half + 1, None], offset[None, : half + 1]))
    index = np.minimum(np.arange(FFT_SIZE), FFT_SIZE - np.arange(FFT_SIZE))
    spectrum: Spectrum = np.fft.rfft2(quadrant[index][:, index]) * PIXEL_SCALE_ARCSEC**2
    if not psf.includes_pixel:
        spectrum *= np.sinc(np.fft.fftfreq(FFT_SIZE))[:, None] * np.sinc(np.fft.rfftfreq(FFT_SIZE))[None, :]
    return spectrum


def _integrate(
    trace: Mapping, stretch: Callable[[Array, Array], Array], source: Source, x_pix: float, y_pix: float, *, lensed: bool
) -> Array:
    """Flux of each cell of the fine grid, shape (_CELLS, _CELLS); `trace` maps arcsec from (x_pix, y_pix) to the source."""
    pixel = np.arange(_GRID_PIX) - BORDER_PIX
    x = np.broadcast_to((pixel - x_pix) * PIXEL_SCALE_ARCSEC, (_GRID_PIX, _GRID_PIX))
    y = np.broadcast_to(((pixel - y_pix) * PIXEL_SCALE_ARCSEC)[:, None], (_GRID_PIX, _GRID_PIX))
    radius = elliptical_radius(*trace(x, y), source.q, source.phi_rad)
    # 0.75 of a pixel is more than half its diagonal.
    reach = 0.75 * PIXEL_SCALE_ARCSEC * stretch(x, y) / np.sqrt(source.q)
    row, column = np.nonzero(radius - reach < source.reff_arcsec * sersic_extent(source.n, _LIGHT_OUTSIDE))

    inner = np.arange(CELLS_PER_PIXEL)
    cell_y = (row[:, None, None] * CELLS_PER_PIXEL + inner[None, :, None] + 0 * inner[None, None, :]).ravel()
    cell_x = (column[:, None, None] * CELLS_PER_PIXEL + inner[None, None, :] + 0 * inner[None, :, None]).ravel()
    size = PIXEL_SCALE_ARCSEC / CELLS_PER_PIXEL
    x = (((cell_x + 0.5) / CELLS_PER_PIXEL - 0.5 - BORDER_PIX) - x_pix) * PIXEL_SCALE_ARCSEC
    y = (((cell_y + 0.5) / CELLS_PER_PIXEL - 0.5 - BORDER_PIX) - y_pix) * PIXEL_SCALE_ARCSEC
    radius = elliptical_radius(*trace(x, y), source.q, source.phi_rad)
    brightness = sersic(radius, source.reff_arcsec, source.n)
    cells_from_lens = np.hypot(x, y) / size if lensed else np.full(x.size, np.inf)
    orders = _orders(radius, brightness, cells_from_lens, size, source)
    for order in np.unique(orders[orders > 1]):
        chosen = np.flatnonzero(orders == order)
        brightness[chosen] = _cell_means(x[chosen], y[chosen], int(order), size, trace, source)
    cells = np.zeros((_CELLS, _CELLS))
    cells[cell_y, cell_x] = brightness * size**2
    return cells


def _orders(radius: Array, brightness: Array, cells_from_lens: Array, size: float, source: Source) -> NDArray[np.int64]:
    """Order of the Gauss-Legendre rule per axis for each cell.

    One point where the midpoint rule's error h^2 / 24 (I'' + I'/R), relative to the brightest cell, is negligible; more
    as the profile's change across a cell grows; most where the cell may hold the profile's cusp or the lens's centre, where
    the deflection jumps.
    """
    if radius.size == 0:
        return np.zeros(0, dtype=np.int64)
    distance = np.maximum(radius, 0.25 * size)
    slope = size * sersic_b(source.n) / source.n / distance * (distance / source.reff_arcsec) ** (1.0 / source.n)
    slope /= np.sqrt(source.q)
    weight = brightness / brightness.max()
    order = np.where((slope**2 + slope * size / distance) / 24.0 * weight > _TOLERANCE, 2, 1)
    order = np.where(slope**4 / 4320.0 * weight > _TOLERANCE, 3, order)
    cells_from_cusp = radius / size * np.sqrt(source.q)
    for reach, least in _CUSP_ORDERS:
        at_cusp = (cells_from_cusp < reach) & (slope > 0.02)
        at_lens = cells_from_lens < reach
        order = np.where((at_cusp | at_lens) & (weight > _TOLERANCE), np.maximum(order, least), order)
    return order


def _cell_means(x: Array, y: Array, order: int, size: float, trace: Mapping, source: Source) -> Array:
    node, weight = np.polynomial.legendre.leggauss(order)
    shape = (x.size, order, order)
    fine_x = np.broadcast_to(x[:, None, None] + 0.5 * size * node[None, None, :], shape)
    fine_y = np.broadcast_to(y[:, None, None] + 0.5 * size * node[None, :, None], shape)
    radius = elliptical_radius(*trace(fine_x, fine_y), source.q, source.phi_rad)
    light = sersic(radius, source.reff_arcsec, source.n)
    means: Array = (light * (0.25 * weight[:, None] * weight[None, :])).reshape(x.size, -1).sum(axis=1)
    return means


@lru_cache(maxsize=1)
def _transform() -> tuple[Spectrum, Array, Array]:
    """Matrices from cell fluxes to the pixel grid's frequencies, the cell's window divided out."""
    position = (np.arange(_CELLS) + 0.5) / CELLS_PER_PIXEL - 0.5 - BORDER_PIX
    fy, fx = np.fft.fftfreq(FFT_SIZE), np.fft.rfftfreq(FFT_SIZE)
    along_y = np.exp(-2j * np.pi * fy[:, None] * position[None, :]) / np.sinc(fy / CELLS_PER_PIXEL)[:, None]
    phase = 2.0 * np.pi * position[:, None] * fx[None, :]
    window = np.sinc(fx / CELLS_PER_PIXEL)[None, :]
    return along_y, np.cos(phase) / window, np.sin(phase) / window


def _spectrum(cells: Array) -> Spectrum:
    along_y, cos_x, sin_x = _transform()
    rows = np.flatnonzero(cells.any(axis=1))
    if rows.size == 0:
        return np.zeros((FFT_SIZE, FFT_SIZE // 2 + 1), dtype=np.complex128)
    lit = slice(rows[0], rows[-1] + 1)
    half_done = cells[lit] @ cos_x - 1j * (cells[lit] @ sin_x)
    result: Spectrum = along_y[:, lit] @ half_done
    return result
