"""Rendering: lensed sources to stamps, sampled at pixel centres.

The truth of an image is its surface brightness convolved with the effective PSF, sampled at pixel centres, times pixel area.
Light is integrated adaptively (`quadrature`), carried to Fourier space (`spectra`), multiplied with the PSF there (`transfer`)
and read at pixel centres. Each row's result depends on that row alone, not on its batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from arcgate.lensing import compiled_quadrature
from arcgate.lensing.compiled_functions import takes
from arcgate.lensing.frame import Frame
from arcgate.lensing.models import Lenses, Sersics, check
from arcgate.lensing.psf import Kernel, Psf
from arcgate.lensing.quadrature import PixelMoments, integrate, merged
from arcgate.lensing.rays import rays_of
from arcgate.lensing.source_image import SourceImages
from arcgate.lensing.spectra import sampled, spectra_of, times_complex
from arcgate.lensing.transfer import Circular, kernel_transfer, modes_for

# Of the error target: what the PSF lets through beyond the last mode, and light beyond the radius to which a source is followed.
_CUTOFF_SHARE: Final = 0.5
_LIGHT_OUTSIDE_SHARE: Final = 0.1
# A PSF of FWHM about 1.1 arcsec, to which errors of cells are related.
_BLUR_ARCSEC2: Final = 1.1
FLATTEST: Final = 0.02
"""Least axis ratio of lenses and sources: flatter ones need more digits and series than are here."""
# A source smaller than a cell of the deepest division, or images beyond where light is followed, would be lost.
_SMALLEST_ARCSEC: Final = 1e-3
WIDEST_ARCSEC: Final = 20.0
"""Largest Einstein radius that is rendered."""
# Rows in work at once: bounds the memory and changes no result.
_ROWS: Final = 256
# Rows carried from moments to pixels at once: what one product writes is still in the processor's cache when the next reads it.
_TOGETHER: Final = 8
# A kind of rows beside those of `lensed_light`.
_COMPILED: Final = 4


@dataclass(frozen=True)
class Settings:
    """How well and where to render.

    Attributes
    ----------
    error_target : float
        Largest error of a pixel in units of the stamp's peak, after the PSF, that 99 % of rows keep. Below it
        integration and fluxes still follow; pixels keep an error, since a pixel's light is nine moments:
        docs/explanation/physics.md.
    dtype : torch.dtype
        Of rays and pixels: float32, or float64 for error targets below 1e-5, where float32 ends.
    device : str
        'cpu', or 'cuda' for an accelerator.
    """

    error_target: float = 1e-3
    dtype: torch.dtype = torch.float32
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not 0.0 < self.error_target < 0.1:
            raise ValueError(f"error_target is a fraction of the peak between 0 and 0.1, got {self.error_target}")
        if self.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype must be torch.float32 or torch.float64, got {self.dtype}")
        if self.error_target < 1e-5 and self.dtype == torch.float32:
            raise ValueError(f"an error_target of {self.error_target} is beyond float32: take dtype=torch.float64")


@dataclass(frozen=True)
class Rendered:
    """Stamps and their bookkeeping.

    Attributes
    ----------
    image : Tensor (n, bands, y, x)
        In the unit of the sources' fluxes, a pixel.
    total : Tensor, float64 (n, bands)
        All of the lensed light up to 25 arcsec beyond the stamp: `total - image.sum((2, 3))` is what leaves the stamp. Profiles
        of n > 4 or of several arcsec have light further out.
    """

    image: Tensor
    total: Tensor


DEFAULT = Settings()


def render(
    lenses: Lenses,
    sources: Sersics | SourceImages,
    flux: Tensor,
    x_pix: Tensor,
    y_pix: Tensor,
    psfs: Sequence[Sequence[Psf | Kernel]],
    frame: Frame,
    settings: Settings = DEFAULT,
    lens_of_source: Tensor | None = None,
) -> Rendered:
    """Render stamps of lensed sources.

    Parameters
    ----------
    lenses : Lenses of n rows
        One a stamp; theta_E = 0 for none.
    sources : Sersics or SourceImages of m sources
        m = n, unless `lens_of_source` is given.
    flux : Tensor (m, bands)
        Unlensed flux of each source by band, any unit; not negative.
    x_pix, y_pix : Tensor (n,)
        Place of the lens in its stamp, pixels.
    psfs : sequence of n sequences of PSFs, one a band
        Analytic or measured.
    frame : Frame
        Size and scale of the stamps' pixels.
    settings : Settings
        Error target, dtype, device.
    lens_of_source : Tensor, int64 (m,), optional
        Row of each source, ascending, where rows have several sources.

    Returns
    -------
    Rendered

    Raises
    ------
    ValueError
        Shapes that do not fit, negative or non-finite fluxes, a lens or unlensed source outside the stamp: naming row and column.
    """
    rows = torch.arange(len(lenses)) if lens_of_source is None else lens_of_source
    _check(lenses, sources, flux, x_pix, y_pix, psfs, frame, rows)
    bands = flux.shape[1]
    shape = (len(lenses), bands, frame.size_pix, frame.size_pix)
    image = torch.empty(shape, dtype=settings.dtype, device=settings.device)
    total = torch.empty((len(lenses), bands), dtype=torch.float64, device=settings.device)
    with _one_thread():
        for begin in range(0, len(lenses), _ROWS):
            batch = range(begin, min(begin + _ROWS, len(lenses)))
            part = slice(batch.start, batch.stop)
            picked = torch.nonzero((rows >= batch.start) & (rows < batch.stop))[:, 0]
            behind = rows[picked]
            light = lensed_light(lenses.take(behind), sources.take(picked), x_pix[behind], y_pix[behind], frame, settings)
            placed = behind - batch.start if lens_of_source is not None else None
            total[part] = _observe(image[part], light, flux[picked], [psfs[row] for row in batch], frame, settings, placed)
    return Rendered(image, total)


def _observe(
    image: Tensor,
    light: PixelMoments,
    flux: Tensor,
    psfs: Sequence[Sequence[Psf | Kernel]],
    frame: Frame,
    settings: Settings,
    row_of_source: Tensor | None,
) -> Tensor:
    """Write stamps (n, bands, y, x); return all of their light (n, bands). `row_of_source` is None for one source a row."""
    device = light.moments.device
    flux = flux.to(device)
    rows = torch.arange(len(flux)) if row_of_source is None else row_of_source
    total = torch.zeros((len(psfs), flux.shape[1]), dtype=torch.float64, device=device)
    total.index_add_(0, rows.to(device), flux.to(torch.float64) * light.total[:, None])
    modes = torch.tensor([modes_for(row, frame, _CUTOFF_SHARE * settings.error_target) for row in psfs])
    for count in sorted(set(modes.tolist())):
        alike = torch.nonzero(modes == count)[:, 0]
        if row_of_source is None:
            alike = alike.index_select(0, torch.argsort(light.boxes.cpu().index_select(0, alike), stable=True))
            blur = _Blur([psfs[row] for row in alike.tolist()], count, frame, settings.dtype, device)
            for begin in range(0, len(alike), _TOGETHER):
                few = alike[begin : begin + _TOGETHER].to(device)
                stamps = blur.stamps(spectra_of(light, few, count).values[:, None], begin)
                image.index_copy_(0, few, stamps.mul_(flux.index_select(0, few).to(settings.dtype)[:, :, None, None]))
            continue
        sources = torch.nonzero(modes[rows] == count)[:, 0]
        spectra = spectra_of(light, sources.to(device), count).values[:, None]
        scale = flux[sources.to(device)].to(settings.dtype)
        place = torch.searchsorted(alike, rows[sources]).to(device)
        together = spectra.new_zeros((len(alike), flux.shape[1], *spectra.shape[2:]))
        together.index_add_(0, place, spectra * scale[:, :, None, None, None, None])
        image[alike.to(device)] = convolved(together, [psfs[row] for row in alike.tolist()], frame)
    return total


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread of torch: several gain nothing on operations this small, wait for each other, and may change last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def lensed_light(
    lenses: Lenses, sources: Sersics | SourceImages, x_pix: Tensor, y_pix: Tensor, frame: Frame, settings: Settings = DEFAULT
) -> PixelMoments:
    """Light of lensed sources of unlensed flux 1 before any PSF, one behind each lens; parameters as in `render`, of length m."""
    device = torch.device(settings.device)
    # Rows of one kind take one path, so that what a row goes through does not depend on its batch.
    isothermal = lenses.slope == 2.0
    kind = isothermal.to(torch.int64) * 2
    if isinstance(sources, Sersics):
        kind += (sources.n == 1.0).to(torch.int64)
        if takes(settings.dtype, device):
            kind = torch.where(isothermal, _COMPILED, kind)
    parts = []
    for each in sorted(set(kind.tolist())):
        rows = torch.nonzero(kind == each)[:, 0]
        rays = rays_of(
            lenses.take(rows),
            sources.take(rows),
            light_outside=_LIGHT_OUTSIDE_SHARE * settings.error_target,
            blur_arcsec2=_BLUR_ARCSEC2,
            dtype=settings.dtype,
            device=device,
        )
        integral = compiled_quadrature.integrate if each == _COMPILED else integrate
        x, y = (place[rows].to(device) + frame.first_pix for place in (x_pix, y_pix))
        light = integral(rays, x, y, frame, settings.error_target)
        parts.append((rows.to(device), light))
    if len(parts) == 1:
        return parts[0][1]
    return merged(parts, len(lenses), frame.field_pix, settings.dtype, device)


def convolved(spectra: Tensor, psfs: Sequence[Sequence[Psf | Kernel]], frame: Frame) -> Tensor:
    """Light sampled at pixel centres, times pixel area.

    Parameters
    ----------
    spectra : Tensor (n, bands or 1, 2, modes, 2, modes)
        Values of `Spectra`, which may be scaled and added beforehand.
    psfs : sequence of n sequences of PSFs, one a band
    frame : Frame
        For which the spectra were made.

    Returns
    -------
    Tensor (n, bands, y, x)
    """
    blur = _Blur(psfs, spectra.shape[-1], frame, spectra.dtype, spectra.device)
    begins = range(0, len(spectra), _TOGETHER)
    return torch.cat([blur.stamps(spectra[begin : begin + _TOGETHER], begin) for begin in begins])


class _Blur:
    """PSFs of some rows, on so many modes."""

    def __init__(
        self, psfs: Sequence[Sequence[Psf | Kernel]], modes: int, frame: Frame, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.bands, flat = len(psfs[0]), [psf for row in psfs for psf in row]
        self.frame = frame
        self.measured = torch.tensor([isinstance(psf, Kernel) for psf in flat], device=device)
        self.circular = Circular.of([psf for psf in flat if isinstance(psf, Psf)], modes, frame, dtype, device)
        self.kernels = [psf for psf in flat if isinstance(psf, Kernel)]

    def stamps(self, spectra: Tensor, begin: int) -> Tensor:
        """Stamps (n, bands, y, x) of spectra (n, bands or 1, 2, modes, 2, modes), whose PSFs are those from row `begin` on."""
        first, size = self.frame.first_pix, self.frame.size_pix
        return self._field(spectra, begin)[:, :, first : first + size, first : first + size]

    def _field(self, spectra: Tensor, begin: int) -> Tensor:
        count, modes, device, field = len(spectra), spectra.shape[-1], spectra.device, self.frame.field_pix
        measured = self.measured[begin * self.bands : (begin + count) * self.bands]
        at = int(self.measured[: begin * self.bands].sum())
        kernels = self.kernels[at : at + int(measured.sum())]
        first = begin * self.bands - at
        transfer = self.circular.transfer(slice(first, first + len(measured) - len(kernels)))
        if not kernels:
            return sampled(spectra, transfer.reshape(count, self.bands, modes, modes), field)
        each = spectra.expand(-1, self.bands, -1, -1, -1, -1).reshape(-1, 2, modes, 2, modes)
        out = spectra.new_empty((len(each), field, field))
        if len(transfer):
            out[~measured] = sampled(each[~measured][:, None], transfer[:, None], field)[:, 0]
        plus, minus = kernel_transfer(kernels, modes, self.frame, spectra.dtype, device)
        ones = spectra.new_ones((len(plus), 1, modes, modes))
        out[measured] = sampled(times_complex(each[measured], plus, minus)[:, None], ones, field)[:, 0]
        return out.reshape(count, self.bands, field, field)


@lru_cache
def sharpest_fwhm(beta: float | None, frame: Frame) -> float:
    """Smallest FWHM (arcsec, steps of 0.01) that `render` takes by default: of a Moffat, or of a Gaussian (exponent None)."""
    for hundredths in range(1, 1000):
        psf = Psf("gaussian" if beta is None else "moffat", hundredths / 100, beta)
        try:
            modes_for([psf], frame, _CUTOFF_SHARE * DEFAULT.error_target)
        except ValueError:
            # Too sharp still: this is the question that is asked.
            continue
        return hundredths / 100
    raise ValueError(f"no PSF of exponent {beta} below 10 arcsec can be rendered")


def _check(
    lenses: Lenses,
    sources: Sersics | SourceImages,
    flux: Tensor,
    x_pix: Tensor,
    y_pix: Tensor,
    psfs: Sequence[Sequence[Psf | Kernel]],
    frame: Frame,
    rows: Tensor,
) -> None:
    if not len(lenses) == len(x_pix) == len(y_pix) == len(psfs):
        raise ValueError(f"rows differ: {len(lenses)} lenses, {len(x_pix)} and {len(y_pix)} places, PSFs for {len(psfs)} rows")
    if rows.dtype != torch.int64:
        raise ValueError(f"lens_of_source holds whole numbers (int64), got {rows.dtype}")
    if not len(sources) == len(flux) == len(rows):
        raise ValueError(f"sources differ: {len(sources)} sources, {len(flux)} fluxes, rows for {len(rows)}")
    if flux.ndim != 2:
        raise ValueError(f"flux has one line a source and one column a band, got shape {tuple(flux.shape)}")
    short = [i for i, row in enumerate(psfs) if len(row) != flux.shape[1]]
    if short:
        raise ValueError(f"row {short[0]} has {len(psfs[short[0]])} PSFs for {flux.shape[1]} bands")
    check_lensed(lenses, sources, flux, x_pix, y_pix, frame, rows)


def check_lensed(
    lenses: Lenses, sources: Sersics | SourceImages, flux: Tensor, x_pix: Tensor, y_pix: Tensor, frame: Frame, rows: Tensor
) -> None:
    """Raise ValueError for values that cannot be rendered, which are a RowError where a row and column hold them.

    Parameters
    ----------
    lenses, sources, flux, x_pix, y_pix, frame
        As `render` takes them.
    rows : Tensor, int64 (m,)
        Row of each source.
    """
    check("lens_q", lenses.q, lenses.q >= FLATTEST, f"must be at least {FLATTEST} to be rendered")
    widest = lenses.theta_e_arcsec <= WIDEST_ARCSEC
    check("theta_e_arcsec", lenses.theta_e_arcsec, widest, f"must not exceed {WIDEST_ARCSEC:g}")
    if isinstance(sources, Sersics):
        check("source_q", sources.q, sources.q >= FLATTEST, f"must be at least {FLATTEST} to be rendered")
        minor = sources.reff_arcsec * torch.sqrt(sources.q)
        check("source_reff_arcsec", minor, minor >= _SMALLEST_ARCSEC, f"along the minor axis must be at least {_SMALLEST_ARCSEC}")
    check("lens_of_source", rows, (rows >= 0) & (rows < len(lenses)), f"must lie in 0 to {len(lenses) - 1}")
    if bool((torch.diff(rows) < 0).any()):
        raise ValueError("lens_of_source must ascend")
    check("flux", flux, (torch.isfinite(flux) & (flux >= 0)).all(dim=1), "must be finite and not negative")
    for name, place, offset in (("x", x_pix, sources.x_arcsec), ("y", y_pix, sources.y_arcsec)):
        check(f"{name}_pix", place, _inside(place, frame), f"must lie inside the stamp, -0.5 to {frame.size_pix - 0.5}")
        behind = place[rows] + offset / frame.pixel_scale_arcsec
        check(f"{name}_arcsec", offset, _inside(behind, frame), "puts the source outside the stamp")


def _inside(place: Tensor, frame: Frame) -> Tensor:
    return (place >= -0.5) & (place <= frame.size_pix - 0.5)
