"""What each row's arc should look like: as declared, with one quantity moved a little, and with each known bug."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from arcgate.dataset.references import NONE, References
from arcgate.gates.verdict.band_orders import band_orders
from arcgate.imaging import Imaging
from arcgate.injection.arcs import Psfs, declared_psfs, lensed, source_fluxes
from arcgate.injection.inject import core_mask
from arcgate.lensing.psf import FWHM_PER_SIGMA, MAX_BETA, Kernel, Psf, fwhm_from_psfsize
from arcgate.lensing.render import WIDEST_ARCSEC

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
"""RefitParameters that do not follow from the arcs."""
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


def predict(table: pd.DataFrame, imaging: Imaging, references: References = NONE) -> Predictions:
    """Predictions for manifest rows with host_x_pix, host_y_pix and sky_sigma; reads declared columns only.

    Parameters
    ----------
    table : DataFrame of n rows
        Positives.
    imaging : Imaging
        Of their stamps.
    references : References
        Kernels and images that rows name.
    """
    psfs = declared_psfs(table, imaging, references)
    mask = core_mask(table, imaging)
    sizes, betas = (_by_band(table, stem, imaging) for stem in ("psfsize", "psf_beta_declared"))
    variants: list[Sequence[Psfs]] = [
        psfs,
        [_widened(row, 1.0 + _WIDTH_STEP) for row in psfs],
        [_winged(row, fitted, imaging) for row, fitted in zip(psfs, _moffats(sizes, betas), strict=True)],
        [_widened(row, FWHM_PER_SIGMA) for row in psfs],
        [_named("moffat", *both) for both in zip(sizes, betas, strict=True)],
        [_named("gaussian", size, [None] * len(size)) for size in sizes],
    ]
    arc, wider, winged, sigma, naive, gaussian = _render(table, variants, imaging, references)
    theta = _column(table, "theta_e_arcsec")

    def changed(change: Change) -> Light:
        return _stamps(table.assign(**change), psfs, 1, imaging, references)

    radius, geometry = changed({"theta_e_arcsec": theta * (1.0 + _RADIUS_STEP)}), changed(_scaled(table, 1.0 + _RADIUS_STEP))
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
    read = {
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
        **{name: changed(change) for name, change in read.items()},
        **{each.label: arc[:, list(each.order)] for each in band_orders(imaging.bands)},
    }
    return Predictions(
        arc=arc * mask,
        slopes=np.stack([slopes[name] for name in NUISANCES], axis=1).astype(np.float32),
        bugs=np.stack([(bugs[name] - arc) * mask for name in bug_of(imaging.bands)], axis=1).astype(np.float32),
    )


def rendered_as(table: pd.DataFrame, change: Change, imaging: Imaging, references: References = NONE) -> Light:
    """Arcs as declared but for some columns, mask included, float32 (n, band, y, x)."""
    psfs = declared_psfs(table, imaging, references)
    return _stamps(table.assign(**change), psfs, 1, imaging, references) * core_mask(table, imaging)


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
    return tuple(psf.stretched(factor) for psf in psfs)


def _winged(psfs: Psfs, fitted: tuple[Psf, ...], imaging: Imaging) -> Psfs:
    """Moffats of a larger exponent; kernels with what that changes in the Moffats that fit them."""
    return tuple(_with_wings(psf, moffat, imaging.pixel_scale_arcsec) for psf, moffat in zip(psfs, fitted, strict=True))


def _with_wings(psf: Psf | Kernel, fitted: Psf, scale_arcsec: float) -> Psf | Kernel:
    if isinstance(psf, Kernel):
        size = max(psf.image.shape)
        step = _steeper(fitted).on(size, scale_arcsec) - fitted.on(size, scale_arcsec)
        return Kernel(psf.normalised().on(size, scale_arcsec) + step, psf.includes_pixel)
    return _steeper(psf)


def _steeper(psf: Psf) -> Psf:
    return psf if psf.beta is None else replace(psf, beta=min(psf.beta * (1.0 + _WINGS_STEP), MAX_BETA))


def _moffats(sizes: Array, betas: Array) -> list[tuple[Psf, ...]]:
    """The Moffats of declared exponents and sizes, by row and band."""
    return [_named("moffat", width, beta) for width, beta in zip(fwhm_from_psfsize(sizes, betas), betas, strict=True)]


def _named(profile: Literal["gaussian", "moffat"], widths: Iterable[float], betas: Iterable[float | None]) -> tuple[Psf, ...]:
    pairs = zip(widths, betas, strict=True)
    return tuple(Psf(profile, float(width), None if beta is None else float(beta)) for width, beta in pairs)


def _by_band(table: pd.DataFrame, stem: str, imaging: Imaging) -> Array:
    return table[[f"{stem}_{band}" for band in imaging.bands]].to_numpy(np.float64)


def _render(table: pd.DataFrame, variants: Sequence[Sequence[Psfs]], imaging: Imaging, references: References) -> list[Light]:
    """One set of stamps for each choice of PSFs; rays are traced once for all of them."""
    psfs = [tuple(psf for variant in variants for psf in variant[row]) for row in range(len(table))]
    return np.split(_stamps(table, psfs, len(variants), imaging, references), len(variants), axis=1)


def _stamps(table: pd.DataFrame, psfs: Sequence[Psfs], copies: int, imaging: Imaging, references: References) -> Light:
    return lensed(table, psfs, np.tile(source_fluxes(table, imaging), (1, copies)), imaging, references).image.numpy()


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
    size = 2 * imaging.size_pix - 1
    kernels = np.array([[psf.on(size, imaging.pixel_scale_arcsec) for psf in row] for row in psfs])
    twice: Light = fftconvolve(arc, kernels, mode="same", axes=(2, 3)).astype(np.float32)
    return twice
