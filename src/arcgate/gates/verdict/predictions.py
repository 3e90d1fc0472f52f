"""What each row's arc should look like: as declared, with one quantity moved a little, and with each known bug."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from arcgate.gates.verdict.band_orders import band_orders
from arcgate.imaging import Imaging
from arcgate.injection.arcs import LENS_COLUMNS, SOURCE_COLUMNS, Psfs, declared_psfs, source_fluxes
from arcgate.injection.inject import core_mask
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import FWHM_PER_SIGMA, MAX_BETA, Psf
from arcgate.lensing.render import WIDEST_ARCSEC, render

Array = NDArray[np.float64]
Light = NDArray[np.float32]
Change = dict[str, Array]

# Steps of the numerical derivatives.
_WIDTH_STEP, _WINGS_STEP, _RADIUS_STEP = 0.02, 0.1, 0.01
_DEGREE: Final = np.pi / 180.0

NUISANCES: Final = (
    "flux",
    "psf_width",
    "psf_wings",
    "pedestal",
    "core_pedestal",
    "shift_x",
    "shift_y",
    "rotation",
    "einstein_radius",
    "geometry",
    "magnification",
)
"""Quantities refitted: relative changes (natural logarithms), pedestals in sky sigma, shifts in pixels, rotation in radians.

`geometry` scales lens and source on the sky and leaves the PSF; `magnification` scales the finished image about the host.
"""
LEVELS: Final = ("pedestal", "core_pedestal")
"""Nuisances that do not follow from the arcs."""
_BUG_OF: Final = {
    "sigma_for_fwhm": "sigma_for_fwhm",
    "psfsize_as_moffat_fwhm": "psfsize_as_moffat_fwhm",
    "double_psf": "double_psf",
    "gaussian_for_moffat": "gaussian_for_moffat",
    "angles_in_degrees": "angular_unit",
    "angles_in_radians": "angular_unit",
    "radius_in_pixels": "angular_unit",
    "radius_from_pixels": "angular_unit",
}


@lru_cache
def bug_of(bands: tuple[str, ...]) -> dict[str, str]:
    """Name of the bug of each prediction that is a bug. Several predictions may be one bug."""
    return _BUG_OF | dict.fromkeys((order.label for order in band_orders(bands)), "band_swap")


@lru_cache
def predictions_of(bands: tuple[str, ...]) -> tuple[str, ...]:
    """Names of all predictions, nuisances first."""
    return (*NUISANCES, *bug_of(bands))


@dataclass(frozen=True)
class Predictions:
    """Predicted light of n rows, nanomaggies per pixel.

    Attributes
    ----------
    arc : ndarray, float32 (n, band, y, x)
        As declared, mask included.
    slopes : ndarray, float32 (n, nuisance, band, y, x)
        Change of the light per unit of each nuisance.
    bugs : ndarray, float32 (n, bug, band, y, x)
        What each bug adds to `arc`.
    """

    arc: Light
    slopes: Light
    bugs: Light


def predict(table: pd.DataFrame, imaging: Imaging) -> Predictions:
    """Predictions for manifest rows with host_x_pix, host_y_pix and sky_sigma; reads declared columns only.

    Parameters
    ----------
    table : DataFrame of n rows
        Positives.
    imaging : Imaging
        Of their stamps.
    """
    psfs = declared_psfs(table, imaging)
    mask = core_mask(table, imaging)
    widths = [1.0, 1.0 + _WIDTH_STEP]
    variants = [
        *[[_widened(row, factor) for row in psfs] for factor in widths],
        [_winged(row, 1.0 + _WINGS_STEP) for row in psfs],
        [_widened(row, FWHM_PER_SIGMA) for row in psfs],
        _psfsize_as_fwhm(table, psfs, imaging),
        _gaussians(table, imaging),
    ]
    arc, wider, winged, sigma, naive, gaussian = _render(table, variants, imaging)
    theta = _column(table, "theta_e_arcsec")
    radius = _render_changed(table, psfs, {"theta_e_arcsec": theta * (1.0 + _RADIUS_STEP)}, imaging)
    geometry = _render_changed(table, psfs, _scaled(table, 1.0 + _RADIUS_STEP), imaging)
    dx, dy = _gradient(arc)
    x, y = _offsets(table, imaging)
    core = (np.hypot(x, y) < imaging.core_pix).astype(np.float32)
    sky = table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy(np.float32)[:, :, None, None]
    slopes = {
        "flux": arc,
        "psf_width": (wider - arc) / np.log(1.0 + _WIDTH_STEP),
        "psf_wings": (winged - arc) / np.log(1.0 + _WINGS_STEP),
        "shift_x": -dx,
        "shift_y": -dy,
        "rotation": y * dx - x * dy,
        "einstein_radius": (radius - arc) / np.log(1.0 + _RADIUS_STEP),
        "geometry": (geometry - arc) / np.log(1.0 + _RADIUS_STEP),
        "magnification": -2.0 * arc - x * dx - y * dy,
    }
    slopes = {name: light * mask for name, light in slopes.items()}
    slopes |= {"pedestal": np.broadcast_to(sky, arc.shape), "core_pedestal": sky * core}
    phi = {name: _column(table, name) for name in ("lens_phi_rad", "source_phi_rad")}
    changed = {
        "angles_in_degrees": _turned(table, phi, 1.0 / _DEGREE),
        "angles_in_radians": _turned(table, phi, _DEGREE),
        "radius_in_pixels": {"theta_e_arcsec": theta * imaging.pixel_scale_arcsec},
        # Larger rings than the renderer follows leave as little light in a stamp as the largest one that it does.
        "radius_from_pixels": {"theta_e_arcsec": np.minimum(theta / imaging.pixel_scale_arcsec, WIDEST_ARCSEC)},
    }
    bugs = {
        "sigma_for_fwhm": sigma,
        "psfsize_as_moffat_fwhm": naive,
        "gaussian_for_moffat": gaussian,
        "double_psf": _convolved_again(arc, psfs, imaging),
        **{name: _render_changed(table, psfs, change, imaging) for name, change in changed.items()},
        **{each.label: arc[:, list(each.order)] for each in band_orders(imaging.bands)},
    }
    return Predictions(
        arc=arc * mask,
        slopes=np.stack([slopes[name] for name in NUISANCES], axis=1).astype(np.float32),
        bugs=np.stack([(bugs[name] - arc) * mask for name in bug_of(imaging.bands)], axis=1).astype(np.float32),
    )


def rendered_as(table: pd.DataFrame, change: Change, imaging: Imaging) -> Light:
    """Arcs as declared but for some columns, mask included, float32 (n, band, y, x)."""
    return _render_changed(table, declared_psfs(table, imaging), change, imaging) * core_mask(table, imaging)


def _column(table: pd.DataFrame, name: str) -> Array:
    return table[name].to_numpy(np.float64)


def _scaled(table: pd.DataFrame, factor: float) -> Change:
    lengths = ("theta_e_arcsec", "source_reff_arcsec", "source_x_arcsec", "source_y_arcsec")
    return {name: _column(table, name) * factor for name in lengths}


def _turned(table: pd.DataFrame, phi: Change, factor: float) -> Change:
    """Position angles of lens, source and shear multiplied by the ratio of the units."""
    gamma1, gamma2 = _column(table, "gamma1"), _column(table, "gamma2")
    size, angle = np.hypot(gamma1, gamma2), 0.5 * np.arctan2(gamma2, gamma1)
    shear = {"gamma1": size * np.cos(2.0 * factor * angle), "gamma2": size * np.sin(2.0 * factor * angle)}
    return {name: value * factor for name, value in phi.items()} | shear


def _widened(psfs: Psfs, factor: float) -> Psfs:
    return tuple(replace(psf, fwhm_arcsec=psf.fwhm_arcsec * factor) for psf in psfs)


def _winged(psfs: Psfs, factor: float) -> Psfs:
    return tuple(psf if psf.beta is None else replace(psf, beta=min(psf.beta * factor, MAX_BETA)) for psf in psfs)


def _psfsize_as_fwhm(table: pd.DataFrame, psfs: Sequence[Psfs], imaging: Imaging) -> list[Psfs]:
    sizes = _psfsizes(table, imaging)
    return [
        tuple(replace(psf, fwhm_arcsec=float(size)) for psf, size in zip(row, line, strict=True))
        for row, line in zip(psfs, sizes, strict=True)
    ]


def _gaussians(table: pd.DataFrame, imaging: Imaging) -> list[Psfs]:
    return [tuple(Psf("gaussian", float(size)) for size in line) for line in _psfsizes(table, imaging)]


def _psfsizes(table: pd.DataFrame, imaging: Imaging) -> Array:
    return table[[f"psfsize_{band}" for band in imaging.bands]].to_numpy(np.float64)


def _render(table: pd.DataFrame, variants: Sequence[Sequence[Psfs]], imaging: Imaging) -> list[Light]:
    """One set of stamps for each choice of PSFs; rays are traced once for all of them."""
    psfs = [tuple(psf for variant in variants for psf in variant[row]) for row in range(len(table))]
    return np.split(_stamps(table, psfs, len(variants), imaging), len(variants), axis=1)


def _render_changed(table: pd.DataFrame, psfs: Sequence[Psfs], change: Change, imaging: Imaging) -> Light:
    return _stamps(table.assign(**change), psfs, 1, imaging)


def _stamps(table: pd.DataFrame, psfs: Sequence[Psfs], copies: int, imaging: Imaging) -> Light:
    lenses = Lenses.of(**{name: _column(table, column) for name, column in LENS_COLUMNS.items()})
    sources = Sersics.of(**{name: _column(table, column) for name, column in SOURCE_COLUMNS.items()})
    x, y = (torch.from_numpy(_column(table, name).copy()) for name in ("host_x_pix", "host_y_pix"))
    flux = torch.from_numpy(np.tile(source_fluxes(table, imaging), (1, copies)))
    return render(lenses, sources, flux, x, y, psfs, imaging.frame).image.numpy()


def _offsets(table: pd.DataFrame, imaging: Imaging) -> tuple[Light, Light]:
    """Offsets of each pixel from its host, pixels, each (n, 1, y, x)."""
    pixel = np.arange(imaging.size_pix, dtype=np.float64)
    shape = (len(table), 1, len(pixel), len(pixel))
    x = pixel[None, None, None, :] - _column(table, "host_x_pix")[:, None, None, None]
    y = pixel[None, None, :, None] - _column(table, "host_y_pix")[:, None, None, None]
    return np.broadcast_to(x, shape).astype(np.float32), np.broadcast_to(y, shape).astype(np.float32)


def _gradient(image: Light) -> tuple[Light, Light]:
    """Derivatives along x and y per pixel, exact for what the pixels resolve."""
    wave = 2.0j * np.pi * frequencies(image.shape[-1])
    spectrum = np.fft.fft2(image)
    along_x = np.fft.ifft2(spectrum * wave[None, :]).real
    along_y = np.fft.ifft2(spectrum * wave[:, None]).real
    return along_x.astype(np.float32), along_y.astype(np.float32)


def frequencies(size_pix: int) -> Array:
    """Frequencies of a line of pixels, 1 / px; 0 for the highest of an even number, whose sign nothing tells."""
    found = np.fft.fftfreq(size_pix).astype(np.float64)
    if size_pix % 2 == 0:
        found[size_pix // 2] = 0.0
    return found


def _convolved_again(arc: Light, psfs: Sequence[Psfs], imaging: Imaging) -> Light:
    """The arc convolved with its PSF a second time."""
    scale = imaging.pixel_scale_arcsec
    pixel = np.arange(-imaging.size_pix + 1, imaging.size_pix) * scale
    radius = np.hypot(pixel[None, :], pixel[:, None])
    kernels = np.array([[psf.density(radius) for psf in row] for row in psfs]) * scale**2
    twice: Light = fftconvolve(arc, kernels, mode="same", axes=(2, 3)).astype(np.float32)
    return twice
