"""The arc that a row declares, by other people's code: the independent reference for audits of a sample of rows.

Rays, light profiles and the places of source images are lenstronomy's, splines through images and convolution are scipy's,
everything is float64, slow and plain. No computation of `arcgate.lensing` is used, so that an error there cannot hide here. What
is read is what the *survey* declares of a row: lens, source, the galaxy's centre, and `psfsize_*` and `psf_beta_declared_*` or
`kernel_declared_*`. The columns of what was used are never read, so that an arc convolved with another PSF than the galaxy's
stands out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

# The profiles themselves: the classes that combine them import all of lenstronomy, which takes a second or two.
from lenstronomy.LensModel.Profiles.epl import EPL
from lenstronomy.LensModel.Profiles.shear import Shear
from lenstronomy.LensModel.Profiles.sie import SIE
from lenstronomy.LightModel.Profiles.interpolation import Interpol
from lenstronomy.LightModel.Profiles.sersic import SersicElliptic
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import map_coordinates, spline_filter
from scipy.signal import resample
from scipy.special import gamma, gammaincinv

from arcgate.dataset.references import NONE, References
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import ZERO_POINT, Imaging

Array = NDArray[np.float64]
Source = Callable[[Array, Array], Array]

# Odd numbers of both, so that a ray passes through each pixel's centre.
CELLS_PER_PIXEL = 11
RAYS_PER_PIXEL: Final = 77
# Light this far outside the stamp is followed, since the PSF carries part of it inside.
BORDER_ARCSEC: Final = 3.144
# Cells fainter than this share of the brightest one keep the light of their middle.
_FAINT: Final = 1e-6

# Dark pixels around a source image, for a spline through pixels that end abruptly.
_EDGE: Final = 16

# Closed range of each column; an end that the range leaves out is the next float.
_ABOVE_0, _ABOVE_1 = np.nextafter(0.0, 1.0), np.nextafter(1.0, 2.0)
_ANY: Final = (-np.inf, np.inf)
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "theta_e_arcsec": (0.0, np.inf),
    "lens_q": (_ABOVE_0, 1.0),
    "lens_phi_rad": _ANY,
    "gamma1": _ANY,
    "gamma2": _ANY,
    "source_reff_arcsec": (_ABOVE_0, np.inf),
    "source_sersic_n": (_ABOVE_0, np.inf),
    "source_q": (_ABOVE_0, 1.0),
    "source_phi_rad": _ANY,
    "source_x_arcsec": _ANY,
    "source_y_arcsec": _ANY,
    "flux_scale": (0.0, np.inf),
    "host_x_pix": _ANY,
    "host_y_pix": _ANY,
}
_OF_SERSIC: Final = ("source_sersic_n", "source_q")
_RANGES_OF_BAND: Final[dict[str, tuple[float, float]]] = {
    "source_mag": _ANY,
    "psfsize": (_ABOVE_0, np.inf),
    "psf_beta_declared": (_ABOVE_1, np.inf),
}


def reference_arc(
    row: Mapping[str, Any],
    imaging: Imaging,
    *,
    rays_per_pixel: int = RAYS_PER_PIXEL,
    border_pix: int | None = None,
    references: References = NONE,
) -> Array:
    """Arc of a row before any core mask: surface brightness convolved with the declared PSF, sampled at pixel centres.

    Parameters
    ----------
    row : mapping
        Manifest row with the host's columns joined. `lens_slope` may be absent or null, which means isothermal.
    imaging : Imaging
        Of the stamp.
    rays_per_pixel : int
        Rays per pixel and axis where there is light, a multiple of 11.
    border_pix : int or None
        Light this many pixels outside the stamp is followed; None for `BORDER_ARCSEC`.
    references : References
        Kernels and images that the row names. Between its pixels a kernel is the band-limited function through them.

    Returns
    -------
    ndarray, float64 (band, y, x)
        Nanomaggies per pixel. The caller applies the row's core mask.

    Raises
    ------
    ArcgateError
        A column that is missing, null, infinite or outside its range, naming sample and column, or a kernel or image that is
        missing.
    ValueError
        A number of rays that is not a multiple of 11, or a negative border.

    Notes
    -----
    Largest error of a pixel against 27 cells and 189 to 297 rays a pixel, in the share of the band's peak, v4_sota-like rows
    with psfsize 1.7, 1.3, 1.0 arcsec and beta 2.5, 3, 3.5: 0.023 % over 9 rows with R_e = 0.1 arcsec and n = 1 (0.10 % at 11
    rays a pixel), of which 0.02 % is the size of the cells, which grows as the PSF narrows. Cusps need more rays: 0.29 %
    over 3 rows with R_e = 0.1 arcsec and n = 4 (0.76 % at 33 rays).
    """
    if border_pix is None:
        border_pix = math.ceil(BORDER_ARCSEC / imaging.pixel_scale_arcsec)
    if rays_per_pixel < 1 or rays_per_pixel % CELLS_PER_PIXEL or border_pix < 0:
        rule = f"rays_per_pixel must be a multiple of {CELLS_PER_PIXEL} and border_pix not negative"
        raise ValueError(f"{rule}, got {rays_per_pixel} and {border_pix}")
    image = _name(row, "source_image")
    kernels = tuple(_name(row, f"kernel_declared_{band}") for band in imaging.bands)
    declared = tuple(_declared(row, imaging, image is not None).items())
    named = _Named(image, kernels, references)
    return _rendered(declared, named, imaging, rays_per_pixel // CELLS_PER_PIXEL, CELLS_PER_PIXEL, border_pix).copy()


class _Named(NamedTuple):
    """What a row declares by name: its source's image and the kernel of each band, where it has any."""

    image: str | None
    kernels: tuple[str | None, ...]
    references: References


def _name(row: Mapping[str, Any], column: str) -> str | None:
    name = row.get(column)
    return None if name is None or name != name else str(name)


@lru_cache(maxsize=64)
def _rendered(
    declared: tuple[tuple[str, float], ...],
    named: _Named,
    imaging: Imaging,
    rays_per_cell: int,
    cells_per_pixel: int,
    border_pix: int,
) -> Array:
    """The arc of declared values; kept, because variants of a study declare the same arcs and each takes a second or more.

    `cells_per_pixel` is `CELLS_PER_PIXEL`, named here so that no arc of another division is found.
    """
    values = dict(declared)
    light = _light(values, _source_of(values, named), imaging, rays_per_cell, border_pix)
    mags = np.array([values[f"source_mag_{band}"] for band in imaging.bands])
    flux = values["flux_scale"] * 10.0 ** (-0.4 * (mags - ZERO_POINT))
    psfs = [
        named.references.kernel(kernel).image
        if kernel is not None
        else moffat_scale(values[f"psfsize_{band}"], values[f"psf_beta_declared_{band}"])
        for band, kernel in zip(imaging.bands, named.kernels, strict=True)
    ]
    return flux[:, None, None] * _convolved(light, psfs, imaging, border_pix)


def moffat_scale(psfsize_arcsec: float, beta: float) -> tuple[float, float]:
    """Scale radius alpha (arcsec) and exponent of the Moffat of a given psfsize.

    psfsize is the FWHM of the Gaussian with the PSF's noise-equivalent area N = 1 / integral P^2. A Gaussian has
    N = 4 pi sigma^2, a Moffat P = (beta - 1) / (pi alpha^2) (1 + r^2 / alpha^2)^-beta has
    N = pi alpha^2 (2 beta - 1) / (beta - 1)^2, so alpha = 2 sigma (beta - 1) / sqrt(2 beta - 1).
    """
    sigma = psfsize_arcsec / np.sqrt(8.0 * np.log(2.0))
    return float(2.0 * sigma * (beta - 1.0) / np.sqrt(2.0 * beta - 1.0)), beta


def _declared(row: Mapping[str, Any], imaging: Imaging, is_image: bool) -> dict[str, float]:
    """The columns that the reference reads, as checked numbers."""
    of_bands = {f"{stem}_{band}": limits for stem, limits in _RANGES_OF_BAND.items() for band in imaging.bands}
    ranges = {column: limits for column, limits in _RANGES.items() if not (is_image and column in _OF_SERSIC)} | of_bands
    values = {column: _number(row, column, row.get(column), *limits) for column, limits in ranges.items()}
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


def _light(values: Mapping[str, float], source: Source, imaging: Imaging, rays: int, border: int) -> Array:
    """Lensed light of each cell for an unlensed flux of 1; square, the border included.

    One ray through each cell's middle, then the mean of `rays` squared rays in cells that hold light.
    """
    scale = imaging.pixel_scale_arcsec
    size = scale / CELLS_PER_PIXEL
    place = (np.arange((imaging.size_pix + 2 * border) * CELLS_PER_PIXEL) + 0.5) / CELLS_PER_PIXEL - 0.5 - border
    x, y = np.meshgrid((place - values["host_x_pix"]) * scale, (place - values["host_y_pix"]) * scale)
    light = _brightness(values, source, x, y)
    lit = light > _FAINT * light.max()
    step = ((np.arange(rays) + 0.5) / rays - 0.5) * size
    shifts = [(dx, dy) for dx in step for dy in step]
    light[lit] = sum(_brightness(values, source, x[lit] + dx, y[lit] + dy) for dx, dy in shifts) / len(shifts)
    return light * size**2


def _brightness(values: Mapping[str, float], source: Source, x: Array, y: Array) -> Array:
    """Surface brightness at image-plane positions relative to the lens, per square arcsec."""
    e1, e2 = _ellipticity(values["lens_q"], values["lens_phi_rad"])
    # A ray through the lens's centre: lenstronomy's EPL divides 0 by 0 there and then puts zero, as it should be.
    with np.errstate(invalid="ignore"):
        if values["lens_slope"] == 2.0:
            by_lens = SIE().derivatives(x, y, values["theta_e_arcsec"], e1, e2)
        else:
            by_lens = EPL().derivatives(x, y, values["theta_e_arcsec"], values["lens_slope"], e1, e2)
    by_shear = Shear().derivatives(x, y, values["gamma1"], values["gamma2"])
    beta_x, beta_y = (place - (lens + shear) for place, lens, shear in zip((x, y), by_lens, by_shear, strict=True))
    return source(beta_x, beta_y)


def _source_of(values: Mapping[str, float], named: _Named) -> Source:
    """Surface brightness of the source, per square arcsec, for a flux of 1."""
    if named.image is None:
        arguments = _source_arguments(values)
        return lambda x, y: np.asarray(SersicElliptic().function(x, y, **arguments))
    images, (index,), (half_light_arcsec,) = named.references.images([named.image])
    scale = images.scale_arcsec * values["source_reff_arcsec"] / float(half_light_arcsec)
    place = {"center_x": values["source_x_arcsec"], "center_y": values["source_y_arcsec"], "phi_G": values["source_phi_rad"]}
    image = np.pad(images.images[int(index)].double().numpy(), _EDGE)
    middle_y, middle_x = ((side - 1) / 2.0 for side in image.shape)
    spline = spline_filter(image, order=3)

    def brightness(x: Array, y: Array) -> Array:
        column, line = Interpol.coord2image_pixel(x, y, scale=scale, **place)
        at = [line + middle_y, column + middle_x]
        return np.asarray(map_coordinates(spline, at, order=3, prefilter=False)) / scale**2

    return brightness


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


def _convolved(light: Array, psfs: Sequence[tuple[float, float] | Array], imaging: Imaging, border: int) -> Array:
    """Linear convolutions of the cells with PSFs, read at pixel centres, times pixel area: (band, y, x).

    Only pixel centres are read, so the convolution on the fine grid splits without approximation into one on the pixel
    grid for each place of a cell within its pixel, whose transforms are added. The kernels cover every offset from a cell to a
    pixel's centre, and what wraps around falls outside the offsets that are read.

    Parameters
    ----------
    light : ndarray (y, x)
        Light of each cell, the border included.
    psfs : sequence of (float, float) or ndarray
        Of each band: scale radius (arcsec) and exponent of a Moffat, or a kernel.
    imaging : Imaging
        Of the stamp.
    border : int
        Pixels of the border.
    """
    stamp, scale = imaging.size_pix, imaging.pixel_scale_arcsec
    cells, size = CELLS_PER_PIXEL, stamp + 2 * border
    reach = np.arange(-(stamp - 1) - border, stamp + border)
    # Offsets from cells to pixels' centres, in cells: place of the cell within its pixel, offset of the pixel.
    offset = cells * reach - (np.arange(cells) - cells // 2)[:, None]
    shape = (next_fast_len(len(reach), real=True),) * 2
    cellwise = light.reshape(size, cells, size, cells).transpose(1, 3, 0, 2)
    spectra = np.zeros((len(psfs), shape[0], shape[1] // 2 + 1), dtype=np.complex128)
    farthest = int(np.abs(offset).max())
    profiles = [_moffat(*psf, farthest, scale) if isinstance(psf, tuple) else _fine(psf, farthest) / scale**2 for psf in psfs]
    # Every so many cells, from the first of these offsets on.
    places = [slice(first, first + cells * (len(reach) - 1) + 1, cells) for first in (offset[:, 0] + farthest).tolist()]
    for row, down in enumerate(places):
        for column, right in enumerate(places):
            transform = rfft2(cellwise[row, column], shape)
            for spectrum, profile in zip(spectra, profiles, strict=True):
                spectrum += transform * rfft2(profile[down, right], shape)
    first = size - 1
    image = irfft2(spectra, shape)[:, first : first + stamp, first : first + stamp]
    return np.asarray(image * scale**2)


def _moffat(alpha: float, beta: float, farthest: int, scale_arcsec: float) -> Array:
    """A Moffat, per square arcsec, at offsets of up to so many cells along both axes: (2 farthest + 1, 2 farthest + 1)."""
    # The same in all four quarters.
    squared = (np.arange(farthest + 1) * (scale_arcsec / CELLS_PER_PIXEL)) ** 2
    quarter = (beta - 1.0) / (np.pi * alpha**2) * (1.0 + (squared[:, None] + squared) / alpha**2) ** -beta
    half = np.concatenate([quarter[:0:-1], quarter])
    return np.concatenate([half[:, :0:-1], half], axis=1)


def _fine(kernel: Array, farthest: int) -> Array:
    """The band-limited function through a kernel's pixels, per pixel, at such offsets."""
    image = kernel / kernel.sum()
    # Dark pixels around, so that what the Fourier transform repeats stays away.
    side = max(farthest // CELLS_PER_PIXEL + 2, max(kernel.shape))
    padded = np.zeros((2 * side + 1, 2 * side + 1))
    top, left = (side - size // 2 for size in image.shape)
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    for axis in (0, 1):
        padded = np.asarray(resample(padded, CELLS_PER_PIXEL * (2 * side + 1), axis=axis))
    middle = CELLS_PER_PIXEL * side
    return padded[middle - farthest : middle + farthest + 1, middle - farthest : middle + farthest + 1]
