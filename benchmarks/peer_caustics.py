"""caustics in its modes: its functions on batches of rows, rays once a row, or its simulator vmapped, once a band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import caustics
import numpy as np
import torch
from caustics.lenses.func import reduced_deflection_angle_external_shear, reduced_deflection_angle_sie
from caustics.light.func import brightness_sersic, k_sersic
from caustics.utils import gaussian_quadrature_grid, meshgrid
from kernels import Window, kernel
from numpy.typing import NDArray
from rows import CENTRE_PIX, Rows
from scipy.fft import next_fast_len
from scipy.special import gamma, gammaincinv
from torch import Tensor

from arcgate.imaging import DECALS

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Caustics:
    """A mode of caustics.

    `cells` (upsample_factor) and `rays` (quad_level, Gauss-Legendre) are per axis: cells a pixel on which light is convolved,
    rays a cell. `freed`: the kernel is freed of the window that sampling adds; else the effective PSF itself.
    `field_pix`: side of the square about the stamp's middle in which rays are traced. `batch`: rows at a time.
    """

    name: str
    cells: int = 1
    rays: int = 1
    half_pix: int = 20
    freed: bool = True
    field_pix: int = DECALS.size_pix
    batch: int = 4
    compiled: bool = True
    simulator: bool = False
    double: bool = False

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64 if self.double else torch.float32

    def prepare(self, rows: Rows, device: str) -> Prepared:
        return _Simulator(self, rows, device) if self.simulator else _Functions(self, rows, device)


class _Functions:
    """caustics' functions of lenses and light on (rays, rows, cells), torch's FFT for three bands at once."""

    def __init__(self, mode: Caustics, rows: Rows, device: str) -> None:
        self.mode = mode
        cells, field = mode.cells, mode.field_pix
        # An even number of cells a pixel has none at its centre; moved by half a cell, it has.
        shift = 0.0 if cells % 2 else -0.5 * DECALS.pixel_scale_arcsec / cells
        x, y = meshgrid(DECALS.pixel_scale_arcsec / cells, field * cells, dtype=mode.dtype)
        if mode.rays > 1:
            x, y, self.weight = gaussian_quadrature_grid(DECALS.pixel_scale_arcsec / cells, x, y, mode.rays)
            self.weight = self.weight.reshape(-1, 1, 1).to(device)
        else:
            self.weight = torch.ones(1, 1, 1, dtype=mode.dtype, device=device)
        # Rays of a cell first, so that memory is walked along cells.
        self.x, self.y = ((axis.reshape(-1, len(self.weight)).T[:, None, :] + shift).contiguous().to(device) for axis in (x, y))
        self.parameters = torch.from_numpy(_parameters(rows)).to(mode.dtype).to(device)[:, :, None]
        self.size = next_fast_len(cells * (field // 2 + DECALS.size_pix // 2 + mode.half_pix))
        self.kernels = torch.stack([self._spectra(row) for row in rows.fwhm]).to(device)
        self.trace: Callable[..., Tensor] = torch.compile(_cell_light, dynamic=False) if mode.compiled else _cell_light

    def _spectra(self, fwhm: Array) -> Tensor:
        """Transformed kernels of a row's bands, such that a cell at index i of the field lands on pixel (i + border) / cells."""
        mode = self.mode
        window = Window.gauss(mode.rays, 1.0 / mode.cells) if mode.freed else Window()
        made = np.zeros((len(fwhm), self.size, self.size))
        span = 2 * mode.half_pix * mode.cells + 1
        made[:, :span, :span] = [kernel(width, mode.cells, mode.half_pix, window) for width in fwhm]
        # The first pixel's centre, as an index of the field's cells.
        first = (mode.field_pix - DECALS.size_pix) // 2 * mode.cells + mode.cells // 2
        move = -(span // 2) - first
        return torch.fft.rfft2(torch.from_numpy(np.roll(made, (move, move), (1, 2))).to(mode.dtype))

    def render(self) -> Array:
        with torch.inference_mode():
            starts = range(0, self.parameters.shape[1], self.mode.batch)
            return np.concatenate([self._batch(slice(at, at + self.mode.batch)) for at in starts])

    def _batch(self, which: slice) -> Array:
        mode, parameters = self.mode, self.parameters[:, which]
        light = self.trace(parameters, self.x, self.y, self.weight)
        side = mode.field_pix * mode.cells
        spectrum = torch.fft.rfft2(light.view(-1, 1, side, side), s=(self.size, self.size))
        image = torch.fft.irfft2(spectrum * self.kernels[which], s=(self.size, self.size))
        centre = slice(0, DECALS.size_pix * mode.cells, mode.cells)
        return (image[:, :, centre, centre] * DECALS.pixel_scale_arcsec**2).cpu().numpy()


def _cell_light(parameters: Tensor, x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Mean surface brightness of each cell, shape (rows, cells)."""
    lens_x, lens_y, q, phi, theta_e, gamma1, gamma2, source_x, source_y, source_q, source_phi, n, reff, at_reff, k = parameters
    ax, ay = reduced_deflection_angle_sie(lens_x, lens_y, q, phi, theta_e, x, y)
    bx, by = reduced_deflection_angle_external_shear(lens_x, lens_y, gamma1, gamma2, x, y)
    source = source_x, source_y, source_q, source_phi, n, reff, at_reff
    return (weight * brightness_sersic(*source, x - ax - bx, y - ay - by, k)).sum(0)


class _Simulator:
    """The documented way: torch.vmap of a LensSource over parameter vectors, PSF included; it traces once a band."""

    def __init__(self, mode: Caustics, rows: Rows, device: str) -> None:
        self.mode, self.device = mode, device
        window = Window.gauss(mode.rays, 1.0 / mode.cells).within(Window.even(mode.cells, 1.0)) if mode.freed else Window()
        span = 2 * mode.half_pix * mode.cells + 1
        cosmology = caustics.FlatLambdaCDM(name="cosmology")
        cosmology.to_static()
        sie = caustics.SIE(cosmology=cosmology, name="sie", z_l=0.5, z_s=1.0)
        shear = caustics.ExternalShear(cosmology=cosmology, name="shear", z_l=0.5, z_s=1.0)
        lens = caustics.SinglePlane(cosmology=cosmology, lenses=[sie, shear], name="lens", z_l=0.5, z_s=1.0)
        source = caustics.Sersic(name="source")
        self.sim = caustics.LensSource(
            lens=lens, source=source, pixelscale=DECALS.pixel_scale_arcsec, pixels_x=DECALS.size_pix, upsample_factor=mode.cells,
            quad_level=mode.rays, psf=np.zeros((span, span)).tolist(),
        )  # fmt: skip
        self.sim.psf.to_dynamic()
        self.sim.to(device=torch.device(device), dtype=mode.dtype)
        kernels = np.stack([[kernel(width, mode.cells, mode.half_pix, window) for width in row] for row in rows.fwhm])
        # LensSource divides each PSF by its sum, which puts the light of cut-off wings into the core: taken back here.
        self.scale = kernels.sum(axis=(2, 3))[:, :, None, None] * DECALS.pixel_scale_arcsec**2
        self.vectors = self._vectors(rows, kernels).to(mode.dtype).to(device)

    def _vectors(self, rows: Rows, kernels: Array) -> Tensor:
        """Parameter vectors in the simulator's own order, shape (rows, bands, parameters)."""
        lens_x, lens_y, q, phi, theta_e, g1, g2, sx, sy, sq, sphi, n, reff, at_reff, _ = _parameters(rows)
        values = {
            "sie": {"x0": lens_x, "y0": lens_y, "q": q, "phi": phi, "Rein": theta_e},
            "shear": {"x0": lens_x, "y0": lens_y, "gamma_1": g1, "gamma_2": g2},
            "source": {"x0": sx, "y0": sy, "q": sq, "phi": sphi, "n": n, "Re": reff, "Ie": at_reff},
        }
        columns = []
        for parameter in self.sim.dynamic_params:
            if parameter.name == "psf":
                columns.append(kernels.reshape(*kernels.shape[:2], -1))
                continue
            column = values[next(iter(parameter.parents)).name][parameter.name]
            columns.append(np.broadcast_to(column[:, None, None], (*kernels.shape[:2], 1)))
        return torch.from_numpy(np.concatenate(columns, axis=2))

    def render(self) -> Array:
        with torch.inference_mode():
            flat = self.vectors.flatten(0, 1)
            images = [torch.vmap(self.sim)(flat[at : at + self.mode.batch]) for at in range(0, len(flat), self.mode.batch)]
            return torch.cat(images).unflatten(0, self.vectors.shape[:2]).cpu().numpy() * self.scale


Prepared = _Functions | _Simulator


def _parameters(rows: Rows) -> Array:
    """Columns of `_cell_light`; b_n and radius (caustics': on the major axis) mapped to the exact profile."""
    lens_x, lens_y = ((pix - CENTRE_PIX) * DECALS.pixel_scale_arcsec for pix in (rows.x_pix, rows.y_pix))
    b, k = gammaincinv(2.0 * rows.n, 0.5), np.asarray(k_sersic(rows.n))
    centre = b ** (2.0 * rows.n) / (2.0 * np.pi * rows.n * rows.reff**2 * gamma(2.0 * rows.n))
    reff = rows.reff * (k / b) ** rows.n / np.sqrt(rows.source_q)
    source = rows.source_x + lens_x, rows.source_y + lens_y, rows.source_q, rows.source_phi, rows.n, reff
    lens = lens_x, lens_y, rows.q, rows.phi, rows.theta_e, rows.gamma1, rows.gamma2
    return np.stack([*lens, *source, centre * np.exp(-k), k])
