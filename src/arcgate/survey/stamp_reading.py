"""Galaxies as files of stamps hold them, and how whole pixels are cut about each: the same for every layout of such files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.missing import missing_pixels
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import CutoutHosts, MmuHosts
from arcgate.imaging import Imaging
from arcgate.survey.from_files import Files
from arcgate.survey.measure import measure_centre, measure_sky
from arcgate.survey.native import NO_PIXELS, NO_POSITION, NativeStamp, corners, measured, over_the_edge
from arcgate.survey.places import Cut, Unusable

NOT_FOUND: Final = "a galaxy that is not found in its stamp"
NO_FLUX: Final = "no light where the galaxy should be"


@dataclass(frozen=True, eq=False)
class Raw:
    """A galaxy as its file holds it.

    Attributes
    ----------
    name : str
    image : ndarray, float32 (band, height, width)
        Nanomaggies a pixel, in the imaging's bands.
    ivar : ndarray, float32 (band, height, width), or None
        None where the file has none: then what was measured shows in the pixels alone.
    place : tuple of float
        (x, y), pixels: where the galaxy is, or near which it is.
    exact : bool
        Whether that is its own place, from a catalogue; else it is sought near it, in the reference band.
    declared : dict
        Columns of `arcgate.survey.columns.declared_columns` that the file states.
    """

    name: str
    image: NDArray[np.float32]
    ivar: NDArray[np.float32] | None
    place: tuple[float, float]
    exact: bool
    declared: dict[str, object]


Found = Raw | tuple[str, Unusable]
"""A galaxy, or its name and why it cannot be used."""


class Reader(Files, Protocol):
    """A layout of files; small, since it travels to worker processes."""

    @property
    def hosts(self) -> MmuHosts | CutoutHosts:
        """Specification."""
        ...

    @property
    def stretches(self) -> Sequence[int]:
        """How many galaxies lie in each part that is read in one go."""
        ...

    def read(self, stretch: int, rows: Sequence[int]) -> Iterator[Found]:
        """Galaxies of a stretch by their row in it, ascending."""
        ...

    def describe(self) -> str:
        """What it is, in words."""
        ...


def cut_found(reader: Reader, found: Found) -> Cut | Unusable:
    """Find the galaxy, cut whole pixels about it, and measure."""
    if not isinstance(found, Raw):
        return found[1]
    imaging, size = reader.imaging, reader.imaging.size_pix
    place: tuple[float, float] | Unusable = found.place
    window = _window(found, imaging, *found.place)
    if not found.exact and not isinstance(window, Unusable):
        place = _sought(found, imaging, window)
        window = place if isinstance(place, Unusable) else _window(found, imaging, *place)
    if isinstance(place, Unusable):
        return place
    if isinstance(window, Unusable):
        return window
    (x, y), (top, left) = place, window
    cutout = np.s_[:, top : top + size, left : left + size]
    # Where no inverse variance is stated, fillings show in the pixels, and noise is compared with nothing.
    ivar = np.ones_like(found.image) if found.ivar is None else found.ivar
    masked = np.zeros((len(imaging.bands), size, size), dtype=bool)
    if found.ivar is None:
        masked = np.stack([missing_pixels(image) for image in found.image[cutout]])
    where = f"{found.name}, cut from row {top}, column {left}"
    stamp = NativeStamp(found.image[cutout], ivar[cutout], masked, x - left, y - top, where)
    cut = measured(stamp, imaging, reader.hosts.gain, reader.hosts.most_unmeasured)
    return replace(cut, compared={}) if isinstance(cut, Cut) and found.ivar is None else cut


def _window(raw: Raw, imaging: Imaging, x: float, y: float) -> tuple[int, int] | Unusable:
    """First row and column of the stamp about a place."""
    if not (np.isfinite(x) and np.isfinite(y)):
        return Unusable(NO_POSITION, f"({x}, {y}) px")
    top, left = corners(np.array([x]), np.array([y]), imaging)[0].tolist()
    height, width = raw.image.shape[1:]
    return over_the_edge((top, left), imaging.size_pix, (height, width)) or (top, left)


def _sought(raw: Raw, imaging: Imaging, window: tuple[int, int]) -> tuple[float, float] | Unusable:
    """Centre of the galaxy nearest to the middle of a stamp, in the whole image."""
    (top, left), size = window, imaging.size_pix
    band = imaging.bands.index(imaging.reference_band)
    image = raw.image[band, top : top + size, left : left + size].astype(np.float64)
    missing = missing_pixels(image)
    if missing.all():
        return Unusable(NO_PIXELS, f"none in {imaging.reference_band}")
    image[missing] = np.median(image[~missing])
    try:
        x, y = measure_centre(image, measure_sky(image))
    except ArcgateError as error:
        return Unusable(NOT_FOUND, error.what)
    return x + left, y + top
