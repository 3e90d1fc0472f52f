"""Stamps of native pixels with their inverse variance: what makes one unusable, and what is measured on the others.

One rule for every reader and for both classes: a galaxy is judged before anybody knows whether it gets an arc.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.survey.measure import clipped, source_free
from arcgate.survey.pack_measuring import MOST_NMGY
from arcgate.survey.places import ABSURD, Cut, Unusable
from arcgate.survey.sky_noise import stated_sigma, with_apertures

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

NO_POSITION: Final = "a position that is no number"
OVER_THE_EDGE: Final = "a stamp over the edge of its image"
NO_PIXELS: Final = "a stamp without any measurement"
IN_THE_CORE: Final = "pixels without a measurement in the core"
TOO_MANY: Final = "too many pixels without a measurement"
NO_SKY: Final = "a sky that cannot be measured"


@dataclass(frozen=True, eq=False)
class NativeStamp:
    """A galaxy as its survey imaged it.

    Attributes
    ----------
    image, ivar : ndarray, float32 (band, y, x)
        Nanomaggies per pixel, and their inverse variance as the survey states it, 0 where nothing was measured.
    masked : ndarray of bool (band, y, x)
        Pixels that the survey's own bits take out besides.
    x_pix, y_pix : float
        The galaxy's true centre, 0-based.
    provenance : str
        Where it comes from.
    """

    image: Pixels
    ivar: Pixels
    masked: Mask
    x_pix: float
    y_pix: float
    provenance: str


def corners(x: NDArray[np.float64], y: NDArray[np.float64], imaging: Imaging) -> NDArray[np.int64]:
    """First row and column of the whole pixels that put each centre nearest to its stamp's middle, int (n, 2)."""
    return np.floor(np.stack([y, x], axis=1) - imaging.middle_pix + 0.5).astype(np.int64)


def over_the_edge(corner: tuple[int, int], size: int, shape: tuple[int, int]) -> Unusable | None:
    """Whether a stamp leaves its image: then it cannot be used."""
    if all(0 <= first <= length - size for first, length in zip(corner, shape, strict=True)):
        return None
    return Unusable(OVER_THE_EDGE, f"from row {corner[0]}, column {corner[1]} of {shape[0]} x {shape[1]} pixels")


def measured(stamp: NativeStamp, imaging: Imaging, gain: Mapping[str, float], most_unmeasured: float) -> Cut | Unusable:
    """Measure a stamp, or say why it cannot be used.

    Parameters
    ----------
    stamp : NativeStamp
    imaging : Imaging
    gain : mapping
        Electrons per nanomaggy by band.
    most_unmeasured : float
        Largest share of a stamp's pixels, in any band, that may hold no measurement; none of them may touch the core.
    """
    if not (np.isfinite(stamp.x_pix) and np.isfinite(stamp.y_pix)):
        return Unusable(NO_POSITION, f"({stamp.x_pix}, {stamp.y_pix}) px")
    absent = stamp.masked | ~np.isfinite(stamp.image) | ~(stamp.ivar > 0.0) | ~np.isfinite(stamp.ivar)
    lost = _without_measurement(stamp, absent, imaging, most_unmeasured) or _absurd(stamp.image, absent, imaging)
    if lost is not None:
        return lost
    columns: dict[str, object] = {"host_x_pix": stamp.x_pix, "host_y_pix": stamp.y_pix, "provenance": stamp.provenance}
    compared: dict[str, float] = {}
    images = _filled(stamp.image, absent)
    sky = source_free(images) & ~absent
    for band, image, free, ivar in zip(imaging.bands, images, sky, stamp.ivar, strict=True):
        try:
            level, sigma, _ = clipped(image[free])
        except ArcgateError as error:
            return Unusable(NO_SKY, f"{error.what} in {band}")
        if not sigma > 0.0:
            return Unusable(NO_SKY, f"all of it is {level:g} nanomaggies in {band}")
        stated = stated_sigma(ivar, free)
        columns |= {f"sky_sigma_{band}": sigma, f"gain_{band}": float(gain[band]), f"ivar_{band}": 1.0 / sigma**2}
        compared[f"pixels_over_ivar_{band}"] = sigma / stated
        compared[f"apertures_over_ivar_{band}"] = with_apertures(image, free) / stated
    # Where nothing was measured surveys write 0; some files have NaN there.
    image = np.where(np.isfinite(stamp.image), stamp.image, np.float32(0.0)).astype(np.float32)
    return Cut(image, columns, compared)


def _filled(image: Pixels, absent: Mask) -> NDArray[np.float64]:
    """Pixels with the median of their band where there is none."""
    filled = image.astype(np.float64)
    if absent.any():
        for pixels, missing in zip(filled, absent, strict=True):
            pixels[missing] = np.median(pixels[~missing])
    return filled


def _without_measurement(stamp: NativeStamp, absent: Mask, imaging: Imaging, most: float) -> Unusable | None:
    counts = absent.sum(axis=(1, 2))
    if not counts.any():
        return None
    size = imaging.size_pix
    worst = int(np.argmax(counts))
    found = f"{int(counts[worst])} of {size * size} pixels in {imaging.bands[worst]}"
    if counts[worst] == size * size:
        return Unusable(NO_PIXELS, f"none in {imaging.bands[worst]}")
    rows, columns = np.ogrid[:size, :size]
    core = np.hypot(columns - stamp.x_pix, rows - stamp.y_pix) <= imaging.core_pix
    if (absent & core).any():
        return Unusable(IN_THE_CORE, found)
    return Unusable(TOO_MANY, found) if counts[worst] > most * size * size else None


def _absurd(image: Pixels, absent: Mask, imaging: Imaging) -> Unusable | None:
    size = np.where(absent, np.float32(0.0), np.abs(image))
    if size.max() <= MOST_NMGY:
        return None
    band, y, x = np.unravel_index(int(np.argmax(size)), size.shape)
    return Unusable(ABSURD, f"{image[band, y, x]:.3g} nanomaggies in {imaging.bands[band]} at (y, x) = ({y}, {x})")
