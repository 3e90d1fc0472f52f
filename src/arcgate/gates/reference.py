"""The arc that a row declares, by other people's code: the independent reference for audits of a sample of rows.

Rays and light profiles are lenstronomy's, convolution is scipy's, everything is float64, slow and plain. Nothing of
`arcgate.lensing` is used, so that an error there cannot hide here. What is read is what the *survey* declares of a row:
lens, source, the galaxy's centre, `psfsize_*` and `psf_beta_declared_*`. The `*_used_*` columns are never read, so that an
arc convolved with another PSF than the galaxy's stands out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.special import gamma, gammaincinv

from arcgate.dataset.schema import BANDS, PIXEL_SCALE_ARCSEC, SOURCE_MAGS, STAMP_SIZE, ZERO_POINT
from arcgate.ground.errors import ArcgateError

Array = NDArray[np.float64]

# Odd numbers of both, so that a ray passes through each pixel's centre.
CELLS_PER_PIXEL = 11
RAYS_PER_PIXEL: Final = 77
BORDER_PIX: Final = 12
# Cells fainter than this share of the brightest one keep the light of their middle.
_FAINT: Final = 1e-6

# Closed range of each column; an end that the range leaves out is the next float.
_ABOVE_0, _ABOVE_1 = np.nextafter(0.0, 1.0), np.nextafter(1.0, 2.0)
_ANY: Final = (-np.inf, np.inf)
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "theta_e_arcsec": (0.0, np.inf),
    "lens_q": (_ABOVE_0, 1.0),
    "lens_phi_rad": _ANY,
    "gamma1": _ANY,
    "gamma2": _ANY,
    **dict.fromkeys(SOURCE_MAGS, _ANY),
    "source_reff_arcsec": (_ABOVE_0, np.inf),
    "source_sersic_n": (_ABOVE_0, np.inf),
    "source_q": (_ABOVE_0, 1.0),
    "source_phi_rad": _ANY,
    "source_x_arcsec": _ANY,
    "source_y_arcsec": _ANY,
    "flux_scale": (0.0, np.inf),
    "host_x_pix": _ANY,
    "host_y_pix": _ANY,
    **{f"psfsize_{band}": (_ABOVE_0, np.inf) for band in BANDS},
    **{f"psf_beta_declared_{band}": (_ABOVE_1, np.inf) for band in BANDS},
}


def reference_arc(row: Mapping[str, Any], *, rays_per_pixel: int = RAYS_PER_PIXEL, border_pix: int = BORDER_PIX) -> Array:
    """Arc of a row before any core mask: surface brightness convolved with the declared PSF, sampled at pixel centres.

    Parameters
    ----------
    row : mapping
        Manifest row with the host's columns joined. `lens_slope` may be absent or null, which means isothermal.
    rays_per_pixel : int
        Rays per pixel and axis where there is light, a multiple of 11.
    border_pix : int
        Light this many pixels outside the stamp is followed, since the PSF carries part of it inside.

    Returns
    -------
    ndarray, float64 (3, 64, 64)
        Nanomaggies per pixel, bands g r z. The caller applies the row's core mask.

    Raises
    ------
    ArcgateError
        A column that is missing, null, infinite or outside its range, naming sample and column.
    ValueError
        A number of rays that is not a multiple of 11, or a negative border.

    Notes
    -----
    Largest error of a pixel against 27 cells and 189 to 297 rays a pixel, in the share of the band's peak, v4_sota-like rows
    with psfsize 1.7, 1.3, 1.0 arcsec and beta 2.5, 3, 3.5: 0.023 % over 9 rows with R_e = 0.1 arcsec and n = 1 (0.10 % at 11
    rays a pixel), of which 0.02 % is the size of the cells, which grows as the PSF narrows. Cusps need more rays: 0.29 %
    over 3 rows with R_e = 0.1 arcsec and n = 4 (0.76 % at 33 rays).
    """
    if rays_per_pixel < 1 or rays_per_pixel % CELLS_PER_PIXEL or border_pix < 0:
        rule = f"rays_per_pixel must be a multiple of {CELLS_PER_PIXEL} and border_pix not negative"
        raise ValueError(f"{rule}, got {rays_per_pixel} and {border_pix}")
    return _rendered(tuple(_declared(row).items()), rays_per_pixel // CELLS_PER_PIXEL, CELLS_PER_PIXEL, border_pix).copy()


@lru_cache(maxsize=64)
def _rendered(declared: tuple[tuple[str, float], ...], rays_per_cell: int, cells_per_pixel: int, border_pix: int) -> Array:
    """The arc of declared values; kept, because variants of a study declare the same arcs and each takes a second or more.

    `cells_per_pixel` is `CELLS_PER_PIXEL`, named here so that no arc of another division is found.
    """
    values = dict(declared)
    light = _light(values, rays_per_cell, border_pix)
    flux = values["flux_scale"] * 10.0 ** (-0.4 * (_magnitudes(values) - ZERO_POINT))
    images = []
    for i, band in enumerate(BANDS):
        alpha, beta = moffat_scale(values[f"psfsize_{band}"], values[f"psf_beta_declared_{band}"])
        images.append(flux[i] * _convolved(light, alpha, beta, border_pix))
    return np.stack(images)


def moffat_scale(psfsize_arcsec: float, beta: float) -> tuple[float, float]:
    """Scale radius alpha (arcsec) and exponent of the Moffat of a given psfsize.

    psfsize is the FWHM of the Gaussian with the PSF's noise-equivalent area N = 1 / integral P^2. A Gaussian has
    N = 4 pi sigma^2, a Moffat P = (beta - 1) / (pi alpha^2) (1 + r^2 / alpha^2)^-beta has
    N = pi alpha^2 (2 beta - 1) / (beta - 1)^2, so alpha = 2 sigma (beta - 1) / sqrt(2 beta - 1).
    """
    sigma = psfsize_arcsec / np.sqrt(8.0 * np.log(2.0))
    return float(2.0 * sigma * (beta - 1.0) / np.sqrt(2.0 * beta - 1.0)), beta


def _declared(row: Mapping[str, Any]) -> dict[str, float]:
    """The columns that the reference reads, as checked numbers."""
    values = {column: _number(row, column, row.get(column), *limits) for column, limits in _RANGES.items()}
    slope = row.get("lens_slope")
    absent = slope is None or slope != slope
    values["lens_slope"] = 2.0 if absent else _number(row, "lens_slope", slope, _ABOVE_1, np.nextafter(3.0, 0.0))
    return values


def _number(row: Mapping[str, Any], column: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not (np.isfinite(number) and low <= number <= high):
        found = repr(value) if column in row else "missing"
        raise ArcgateError(
            f"column {column} is {found}, the reference needs a number"
            + ("" if (low, high) == _ANY else f" in [{low:.3g}, {high:.3g}]"),
            where=f"row with sample_id {row.get('sample_id')}, column {column}",
            todo="give a row with an arc (positive or null), with the columns of its host joined",
        )
    return number


def _magnitudes(values: Mapping[str, float]) -> Array:
    return np.array([values[name] for name in SOURCE_MAGS])


def _light(values: Mapping[str, float], rays: int, border: int) -> Array:
    """Lensed light of each cell for an unlensed flux of 1; square, the border included.

    One ray through each cell's middle, then the mean of `rays` squared rays in cells that hold light.
    """
    size = PIXEL_SCALE_ARCSEC / CELLS_PER_PIXEL
    place = (np.arange((STAMP_SIZE + 2 * border) * CELLS_PER_PIXEL) + 0.5) / CELLS_PER_PIXEL - 0.5 - border
    x, y = np.meshgrid(
        (place - values["host_x_pix"]) * PIXEL_SCALE_ARCSEC,
        (place - values["host_y_pix"]) * PIXEL_SCALE_ARCSEC,
    )
    light = _brightness(values, x, y)
    lit = light > _FAINT * light.max()
    step = ((np.arange(rays) + 0.5) / rays - 0.5) * size
    shifts = [(dx, dy) for dx in step for dy in step]
    light[lit] = sum(_brightness(values, x[lit] + dx, y[lit] + dy) for dx, dy in shifts) / len(shifts)
    return light * size**2


def _brightness(values: Mapping[str, float], x: Array, y: Array) -> Array:
    """Surface brightness at image-plane positions relative to the lens, per square arcsec."""
    # A ray through the lens's centre: lenstronomy's EPL divides 0 by 0 there and then puts zero, as it should be.
    with np.errstate(invalid="ignore"):
        beta_x, beta_y = _lens(values).ray_shooting(x.ravel(), y.ravel(), _lens_arguments(values))
    profile = LightModel(["SERSIC_ELLIPSE"])
    return np.asarray(profile.surface_brightness(beta_x, beta_y, [_source_arguments(values)]).reshape(x.shape))


def _lens(values: Mapping[str, float]) -> LensModel:
    return LensModel(["SIE" if values["lens_slope"] == 2.0 else "EPL", "SHEAR"])


def _lens_arguments(values: Mapping[str, float]) -> list[dict[str, float]]:
    e1, e2 = _ellipticity(values["lens_q"], values["lens_phi_rad"])
    lens = {"theta_E": values["theta_e_arcsec"], "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0}
    if values["lens_slope"] != 2.0:
        lens["gamma"] = values["lens_slope"]
    return [lens, {"gamma1": values["gamma1"], "gamma2": values["gamma2"], "ra_0": 0.0, "dec_0": 0.0}]


def _source_arguments(values: Mapping[str, float]) -> dict[str, float]:
    """Arguments of lenstronomy for the exact Sersic profile of total flux 1.

    Its profile is amp exp(-k ((R / R_sersic)^(1/n) - 1)) with k = 1.9992 n - 0.3271, the exact one
    I_0 exp(-b (R / R_e)^(1/n)) with P(2n, b) = 1/2 and total flux 2 pi n R_e^2 b^(-2n) Gamma(2n) I_0 (Graham & Driver 2005,
    eq. 4): R_sersic = R_e (k / b)^n and amp = I_0 exp(-k) make them the same.
    """
    n, reff = values["source_sersic_n"], values["source_reff_arcsec"]
    exact, theirs = gammaincinv(2.0 * n, 0.5), max(1.9992 * n - 0.3271, 1e-5)
    centre = exact ** (2.0 * n) / (2.0 * np.pi * n * reff**2 * gamma(2.0 * n))
    e1, e2 = _ellipticity(values["source_q"], values["source_phi_rad"])
    return {
        "amp": float(centre * np.exp(-theirs)),
        "R_sersic": float(reff * (theirs / exact) ** n),
        "n_sersic": n,
        "e1": e1,
        "e2": e2,
        "center_x": values["source_x_arcsec"],
        "center_y": values["source_y_arcsec"],
    }


def _ellipticity(q: float, phi_rad: float) -> tuple[float, float]:
    size = (1.0 - q) / (1.0 + q)
    return float(size * np.cos(2.0 * phi_rad)), float(size * np.sin(2.0 * phi_rad))


def _convolved(light: Array, alpha: float, beta: float, border: int) -> Array:
    """Linear convolution of the cells with a Moffat, read at pixel centres, times pixel area: (64, 64).

    Only pixel centres are read, so the convolution on the fine grid splits without approximation into one on the pixel
    grid for each place of a cell within its pixel. The kernel covers every offset from a cell to a pixel's centre.
    """
    image = np.zeros((STAMP_SIZE, STAMP_SIZE))
    reach = np.arange(-(STAMP_SIZE - 1) - border, STAMP_SIZE + border)
    within = (np.arange(CELLS_PER_PIXEL) + 0.5) / CELLS_PER_PIXEL - 0.5
    for row, down in enumerate(within):
        for column, right in enumerate(within):
            y, x = (reach - down) * PIXEL_SCALE_ARCSEC, (reach - right) * PIXEL_SCALE_ARCSEC
            kernel = (beta - 1.0) / (np.pi * alpha**2) * (1.0 + (x[None, :] ** 2 + y[:, None] ** 2) / alpha**2) ** -beta
            image += fftconvolve(kernel, light[row::CELLS_PER_PIXEL, column::CELLS_PER_PIXEL], mode="valid")
    return image * PIXEL_SCALE_ARCSEC**2
