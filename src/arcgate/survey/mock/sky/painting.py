"""Light of objects on a brick's images, without noise.

The truth of an image is the surface brightness convolved with the effective PSF, sampled at pixel centres, times pixel area, as
for stamps. A point source's is the PSF itself. Galaxies are rendered by the renderer of arcs, on frames so large that light
falls below a tenth of the sky's noise at their edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from arcgate.lensing.frame import Frame
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.profiles import sersic_b, sersic_centre
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import DEFAULT, lensed_light
from arcgate.lensing.spectra import sampled, spectra_of
from arcgate.lensing.transfer import Circular, modes_for
from arcgate.survey.legacy.layout import PIXEL_SCALE_ARCSEC
from arcgate.survey.mock.population import Profile

Array = NDArray[np.float64]
Image = NDArray[np.float32]

_AREA_ARCSEC2: Final = PIXEL_SCALE_ARCSEC**2
_SIZES: Final = (64, 128, 256, 512)
# Galaxies rendered at once on frames of each size, which bounds the memory.
_AT_ONCE: Final = {64: 256, 128: 64, 256: 16, 512: 4}
# Spectra carried to pixels at once: the processor's cache holds them.
_TOGETHER: Final = 8
# Of the sky's noise a pixel: light at the edge of a frame. Point sources are cheap to follow farther.
_EDGE_OF_GALAXY, _EDGE_OF_POINT = 0.1, 0.02
_FARTHEST_PIX: Final = 1500


@dataclass(frozen=True)
class Painted:
    """An object at its place in a brick: pixels from 0, fluxes in the order of the bands, angle of the profile on the image."""

    x_pix: float
    y_pix: float
    flux: Array
    profile: Profile | None


def paint(image: Image, objects: Sequence[Painted], psfs: Sequence[Psf], sky_sigma: Array) -> None:
    """Add objects to images (band, y, x), nanomaggies per pixel.

    Parameters
    ----------
    image : ndarray, float32
        Square.
    objects : sequence of Painted
        Inside or outside of it.
    psfs : sequence of Psf
        One a band.
    sky_sigma : ndarray (bands,)
        Noise of a pixel, below a share of which light at the edge of an object's frame is to lie.
    """
    for one in objects:
        if one.profile is None:
            _paint_point(image, one, psfs, sky_sigma)
    galaxies = [one for one in objects if one.profile is not None]
    sizes = [_frame_size(one, psfs, sky_sigma) for one in galaxies]
    for size in _SIZES:
        alike = [one for one, needed in zip(galaxies, sizes, strict=True) if needed == size]
        for begin in range(0, len(alike), _AT_ONCE[size]):
            _paint_galaxies(image, alike[begin : begin + _AT_ONCE[size]], psfs, Frame(size, PIXEL_SCALE_ARCSEC))


def galaxy_ivar_share(psf: Psf, reff_arcsec: float) -> float:
    """Sum of squared pixels of a convolved round exponential disc of flux 1: `galdepth` over the inverse variance of a pixel."""
    stamp = np.zeros((1, _SIZES[0], _SIZES[0]), dtype=np.float32)
    middle = (_SIZES[0] - 1) / 2.0
    disc = Painted(middle, middle, np.ones(1), Profile(reff_arcsec, 1.0, 1.0, 0.0))
    _paint_galaxies(stamp, [disc], [psf], Frame(_SIZES[0], PIXEL_SCALE_ARCSEC))
    return float((stamp.astype(np.float64) ** 2).sum())


def _paint_point(image: Image, star: Painted, psfs: Sequence[Psf], sky_sigma: Array) -> None:
    for plane, flux, psf, sigma in zip(image, star.flux, psfs, sky_sigma, strict=True):
        half = _reach_pix(float(flux), psf, _EDGE_OF_POINT * float(sigma))
        first = [int(np.ceil(at - half)) for at in (star.x_pix, star.y_pix)]
        last = [int(np.floor(at + half)) for at in (star.x_pix, star.y_pix)]
        x, y = (np.arange(max(low, 0), min(high + 1, len(plane))) for low, high in zip(first, last, strict=True))
        if len(x) and len(y):
            radius = PIXEL_SCALE_ARCSEC * np.hypot((x - star.x_pix)[None, :], (y - star.y_pix)[:, None])
            plane[y[0] : y[-1] + 1, x[0] : x[-1] + 1] += (flux * _AREA_ARCSEC2 * psf.density(radius)).astype(np.float32)


def _reach_pix(flux: float, psf: Psf, least: float) -> float:
    """Radius to which a point source is painted: where its light a pixel falls to `least`, pixels."""
    radius = PIXEL_SCALE_ARCSEC * np.arange(1.0, _FARTHEST_PIX)
    below = flux * _AREA_ARCSEC2 * psf.density(radius) < least
    reach = int(np.argmax(below)) + 1 if below.any() else _FARTHEST_PIX
    # As far as galaxies are painted at least: what many faint pixels hold together would be missing in an aperture.
    return float(max(reach, _SIZES[0] // 2))


def _frame_size(galaxy: Painted, psfs: Sequence[Psf], sky_sigma: Array) -> int:
    """Side of the smallest frame at whose edge the galaxy's light is faint in every band, or the largest one."""
    shape = galaxy.profile
    assert shape is not None
    for size in _SIZES:
        edge = np.array([PIXEL_SCALE_ARCSEC * (size / 2.0 - 1.0)])
        # Far out, the galaxy's own light along its major axis and what the PSF's wings carry there from the middle.
        own = sersic_centre(shape.reff_arcsec, shape.n) * np.exp(
            -sersic_b(shape.n) * (edge * np.sqrt(shape.q) / shape.reff_arcsec) ** (1.0 / shape.n)
        )
        light = [flux * _AREA_ARCSEC2 * float((own + psf.density(edge))[0]) for flux, psf in zip(galaxy.flux, psfs, strict=True)]
        if (np.array(light) < _EDGE_OF_GALAXY * sky_sigma).all():
            return size
    return _SIZES[-1]


def _paint_galaxies(image: Image, galaxies: Sequence[Painted], psfs: Sequence[Psf], frame: Frame) -> None:
    """Galaxies on frames of one size; in a frame each lies within half a pixel of the middle."""
    shapes = [one.profile for one in galaxies if one.profile is not None]
    corners = [
        (int(np.floor(one.x_pix)) - frame.size_pix // 2 + 1, int(np.floor(one.y_pix)) - frame.size_pix // 2 + 1)
        for one in galaxies
    ]
    light = lensed_light(
        Lenses.of(np.zeros(len(shapes))),
        Sersics.of(*np.array([[shape.reff_arcsec, shape.n, shape.q, shape.phi_rad] for shape in shapes]).T),
        torch.tensor([one.x_pix - x for one, (x, _) in zip(galaxies, corners, strict=True)], dtype=torch.float64),
        torch.tensor([one.y_pix - y for one, (_, y) in zip(galaxies, corners, strict=True)], dtype=torch.float64),
        frame,
    )
    modes = modes_for(psfs, frame, DEFAULT.error_target)
    transfer = Circular.of(psfs, modes, frame, DEFAULT.dtype, torch.device("cpu")).transfer(slice(0, len(psfs)))
    inside = slice(frame.first_pix, frame.first_pix + frame.size_pix)
    for begin in range(0, len(galaxies), _TOGETHER):
        few = torch.arange(begin, min(begin + _TOGETHER, len(galaxies)))
        spectra = spectra_of(light, few, modes).values[:, None]
        stamps = sampled(spectra, transfer.expand(len(few), -1, -1, -1), frame.field_pix)[:, :, inside, inside].numpy()
        for stamp, number in zip(stamps, few.tolist(), strict=True):
            _add(image, stamp * galaxies[number].flux[:, None, None].astype(np.float32), *corners[number])


def _add(image: Image, stamp: Image, x: int, y: int) -> None:
    """Add a stamp (band, y, x) whose first pixel is (x, y) of the image, as far as it lies on it."""
    height, width = image.shape[1:]
    left, low = max(x, 0), max(y, 0)
    right, high = min(x + stamp.shape[2], width), min(y + stamp.shape[1], height)
    if left < right and low < high:
        image[:, low:high, left:right] += stamp[:, low - y : high - y, left - x : right - x]
