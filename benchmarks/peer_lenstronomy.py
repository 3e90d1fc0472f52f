"""lenstronomy in its modes: rays traced once a row and convolved for each band, or once per band as is common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from kernels import Window, kernel
from lenstronomy.Data.imaging_data import ImageData
from lenstronomy.Data.pixel_grid import PixelGrid
from lenstronomy.Data.psf import PSF
from lenstronomy.ImSim.image_model import ImageModel
from lenstronomy.ImSim.Numerics.convolution import PixelKernelConvolution, SubgridKernelConvolution
from lenstronomy.ImSim.Numerics.grid import AdaptiveGrid, RegularGrid
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from numpy.typing import NDArray
from rows import CENTRE_PIX, Rows
from scipy.ndimage import maximum_filter
from scipy.special import gamma, gammaincinv

from arcgate.imaging import DECALS

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Lenstronomy:
    """A mode of lenstronomy.

    `cells` and `rays` are per axis: cells a pixel on which light is convolved, rays a cell. `kernel`: 'pixel', the effective
    PSF sampled at pixel scale, pixel held; 'freed', the same freed of the window that sampling adds. `adaptive`: light below
    this share of the peak is not traced at all, light below 100 times it with one ray a cell (compute_mode 'adaptive').
    `binned`: lenstronomy's supersampled convolution, cells averaged to pixels; else a grid of finer pixels, of which those
    at pixel centres are kept. `core_pix`: supersampling_kernel_size.
    """

    name: str
    cells: int = 1
    rays: int = 1
    half_pix: int = 24
    freed: bool = True
    binned: bool = False
    core_pix: int | None = None
    adaptive: float | None = None
    common: bool = False

    def prepare(self, rows: Rows, device: str) -> Prepared:
        if device != "cpu":
            raise ValueError("lenstronomy runs on CPUs only")
        return _Common(self, rows) if self.common else _Once(self, rows)


class _Common:
    """ImageModel a band and row, made before the clock starts; each traces its own rays."""

    def __init__(self, mode: Lenstronomy, rows: Rows) -> None:
        self.keywords = [_keywords(rows, at) for at in range(len(rows))]
        self.models = [[self._model(mode, fwhm) for fwhm in row] for row in rows.fwhm]

    def _model(self, mode: Lenstronomy, fwhm: float) -> ImageModel:
        pixels = _grid_keywords(1)
        pixels["image_data"] = np.zeros((DECALS.size_pix, DECALS.size_pix))
        response = kernel(fwhm, 1, mode.half_pix, Window())
        psf = PSF(psf_type="PIXEL", kernel_point_source=response, kernel_point_source_normalisation=False)
        numerics = {"supersampling_factor": mode.rays, "supersampling_convolution": False}
        data, lens, light = ImageData(**pixels), LensModel(["SIE", "SHEAR"]), LightModel(["SERSIC_ELLIPSE"])
        return ImageModel(data, psf, lens, light, kwargs_numerics=numerics)

    def render(self) -> Array:
        return np.stack(
            [
                [model.image(kwargs_lens=lens, kwargs_source=light) for model in models]
                for models, (lens, light) in zip(self.models, self.keywords, strict=True)
            ]
        )


class _Once:
    """Rays once a row; lenstronomy's own grid, lens, light and convolution classes, one convolution a band and row."""

    def __init__(self, mode: Lenstronomy, rows: Rows) -> None:
        self.mode = mode
        self.keywords = [_keywords(rows, at) for at in range(len(rows))]
        self.lens, self.light = LensModel(["SIE", "SHEAR"]), LightModel(["SERSIC_ELLIPSE"])
        cells = 1 if mode.binned else mode.cells
        grid = PixelGrid(nx=DECALS.size_pix * cells, ny=DECALS.size_pix * cells, **_grid_keywords(cells))
        factor = mode.cells if mode.binned else mode.rays
        self.grid_arguments = (*grid.num_pixel_axes, grid.transform_pix2angle, *grid.radec_at_xy_0)
        self.grid = RegularGrid(*self.grid_arguments, factor)
        self.coarse = RegularGrid(*self._coarse_arguments(), 1)
        self.convolutions = [[self._convolution(fwhm) for fwhm in row] for row in rows.fwhm]

    def _coarse_arguments(self) -> tuple:
        pixels = _grid_keywords(1)
        start = pixels["ra_at_xy_0"], pixels["dec_at_xy_0"]
        return DECALS.size_pix, DECALS.size_pix, pixels["transform_pix2angle"], *start

    def _convolution(self, fwhm: float) -> PixelKernelConvolution | SubgridKernelConvolution:
        mode = self.mode
        if mode.binned:
            window = Window.even(mode.cells, 1.0)
            image = kernel(fwhm, mode.cells, mode.half_pix, window)
            made = SubgridKernelConvolution(image, mode.cells, supersampling_kernel_size=mode.core_pix)
            zeros = np.zeros((DECALS.size_pix, DECALS.size_pix)), np.zeros((DECALS.size_pix * mode.cells,) * 2)
            made.re_size_convolve(*zeros)  # transforms the kernel once, before the clock starts
            return made
        window = Window.even(mode.rays, 1.0 / mode.cells) if mode.freed else Window()
        made = PixelKernelConvolution(kernel(fwhm, mode.cells, mode.half_pix, window))
        made.convolution2d(np.zeros((DECALS.size_pix * mode.cells,) * 2))
        return made

    def render(self) -> Array:
        return np.stack([self._row(*keywords, bands) for keywords, bands in zip(self.keywords, self.convolutions, strict=True)])

    def _row(self, lens: list[dict], light: list[dict], bands: list) -> Array:
        grid = self.grid if self.mode.adaptive is None else self._adaptive_grid(lens, light)
        low, high = grid.flux_array2image_low_high(self._brightness(grid, lens, light), high_res_return=self.mode.binned)
        if self.mode.binned:
            return np.stack([band.re_size_convolve(low, high) for band in bands]) * DECALS.pixel_scale_arcsec**2
        keep = slice(None, None, self.mode.cells)
        return np.stack([band.convolution2d(low)[keep, keep] for band in bands]) * DECALS.pixel_scale_arcsec**2

    def _brightness(self, grid: RegularGrid | AdaptiveGrid, lens: list[dict], light: list[dict]) -> Array:
        beta_x, beta_y = self.lens.ray_shooting(*grid.coordinates_evaluate, lens)
        return self.light.surface_brightness(beta_x, beta_y, light)

    def _adaptive_grid(self, lens: list[dict], light: list[dict]) -> AdaptiveGrid:
        """One ray a pixel says where there is light; its neighbours count as lit, since an image may be smaller than a pixel."""
        seen = self._brightness(self.coarse, lens, light).reshape(DECALS.size_pix, DECALS.size_pix)
        seen = maximum_filter(seen, 3) / seen.max()
        cells = self.mode.cells
        traced, finely = (
            np.repeat(np.repeat(mask, cells, 0), cells, 1)
            for mask in (seen > self.mode.adaptive, seen > 100 * self.mode.adaptive)
        )
        return AdaptiveGrid(*self.grid_arguments, finely, self.mode.rays, traced.ravel())


Prepared = _Common | _Once


def _grid_keywords(cells: int) -> dict:
    """Square grid of `cells` a pixel and axis, every `cells`-th at a pixel's centre."""
    start = -CENTRE_PIX * DECALS.pixel_scale_arcsec
    return {"ra_at_xy_0": start, "dec_at_xy_0": start, "transform_pix2angle": np.eye(2) * DECALS.pixel_scale_arcsec / cells}


def _keywords(rows: Rows, at: int) -> tuple[list[dict], list[dict]]:
    """Lens and light of a row; lenstronomy's b_n is approximate, so that radius and amplitude are mapped to the exact profile."""
    lens_x, lens_y = ((pix[at] - CENTRE_PIX) * DECALS.pixel_scale_arcsec for pix in (rows.x_pix, rows.y_pix))
    e1, e2 = _ellipticity(rows.q[at], rows.phi[at])
    sie = {"theta_E": rows.theta_e[at], "e1": e1, "e2": e2, "center_x": lens_x, "center_y": lens_y}
    shear = {"gamma1": rows.gamma1[at], "gamma2": rows.gamma2[at], "ra_0": lens_x, "dec_0": lens_y}
    n, reff = rows.n[at], rows.reff[at]
    exact, approximate = gammaincinv(2.0 * n, 0.5), 1.9992 * n - 0.3271
    centre = exact ** (2.0 * n) / (2.0 * np.pi * n * reff**2 * gamma(2.0 * n))
    e1, e2 = _ellipticity(rows.source_q[at], rows.source_phi[at])
    light = {
        "amp": centre * np.exp(-approximate),
        "R_sersic": reff * (approximate / exact) ** n,
        "n_sersic": n,
        "e1": e1,
        "e2": e2,
    }
    light |= {"center_x": rows.source_x[at] + lens_x, "center_y": rows.source_y[at] + lens_y}
    return [sie, shear], [light]


def _ellipticity(q: float, phi: float) -> tuple[float, float]:
    modulus = (1.0 - q) / (1.0 + q)
    return modulus * np.cos(2.0 * phi), modulus * np.sin(2.0 * phi)
