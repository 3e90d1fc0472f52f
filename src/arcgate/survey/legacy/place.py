"""Galaxies of one brick: each of its images is opened once, and stamps of native pixels are cut and measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.hosts_node import LegacyHosts
from arcgate.imaging import Imaging
from arcgate.survey.legacy.brick_files import BrickFiles
from arcgate.survey.legacy.layout import MASKBITS
from arcgate.survey.legacy.planes import DamagedError, check_shape, open_plane
from arcgate.survey.legacy.wcs import coordinates, places_in
from arcgate.survey.native import NO_POSITION, NativeStamp, corners, measured, over_the_edge
from arcgate.survey.pack_measuring import MOST_NMGY
from arcgate.survey.places import ABSURD, DAMAGED, Cut, Unusable

# Bits of MASKBITS for pixels that every exposure in a band has masked.
ALLMASK: Final = {"g": 5, "r": 6, "z": 7, "i": 15}
# A pixel known to 1e-6 nanomaggies: deeper than any survey by a factor of a thousand.
MOST_IVAR: Final = 1e12


@dataclass(frozen=True, eq=False)
class LegacyPlace:
    """Galaxies of a brick, as a `Place`.

    Attributes
    ----------
    files : BrickFiles
    hosts : LegacyHosts
    imaging : Imaging
    ra, dec : ndarray, shape (n,)
        Degrees.
    """

    files: BrickFiles
    hosts: LegacyHosts
    imaging: Imaging
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]

    def cut(self) -> list[Cut | Unusable]:
        """Cut the galaxies out and measure them.

        Raises
        ------
        ArcgateError
            A file is missing or damaged and such bricks are not left out, or is of another survey's format.
        """
        try:
            if self.hosts.verify == "checksums":
                self.files.verify()
            return self._cut()
        except DamagedError as error:
            if self.hosts.missing_bricks == "refuse":
                raise
            return [Unusable(DAMAGED, error.what)] * len(self.ra)

    def _cut(self) -> list[Cut | Unusable]:
        with open_plane(self.files.plane("image", self.imaging.bands[0]), "image", self.files.brick) as plane:
            shape = plane.shape
            wcs = coordinates(plane.header, plane.path, self.imaging.pixel_scale_arcsec)
            x, y = places_in(wcs, self.ra, self.dec)
            lost = [self._lost(*place, shape) for place in zip(x, y, strict=True)]
            inside = np.flatnonzero([one is None for one in lost])
            if not len(inside):
                return [one for one in lost if one is not None]
            corner = corners(x[inside], y[inside], self.imaging)
            first = plane.windows(corner, self.imaging.size_pix)
        stamps = self._stamps(first, corner, shape, np.stack([x[inside], y[inside]], axis=1))
        return [self._measured(stamps) if one is None else one for one in lost]

    def _measured(self, stamps: Iterator[NativeStamp]) -> Cut | Unusable:
        stamp = next(stamps)
        # One that is NaN says that nothing was measured.
        if not stamp.ivar.max() <= MOST_IVAR and (largest := float(np.max(np.nan_to_num(stamp.ivar, nan=0.0)))) > MOST_IVAR:
            return Unusable(ABSURD, f"an inverse variance of {largest:.3g}")
        return measured(stamp, self.imaging, self.hosts.gain, self.hosts.most_unmeasured)

    def _lost(self, x: float, y: float, shape: tuple[int, int]) -> Unusable | None:
        if not (np.isfinite(x) and np.isfinite(y)):
            return Unusable(NO_POSITION, f"({x}, {y}) px")
        top, left = corners(np.array([x]), np.array([y]), self.imaging)[0].tolist()
        return over_the_edge((top, left), self.imaging.size_pix, shape)

    def _stamps(
        self, first: NDArray[Any], corner: NDArray[np.int64], shape: tuple[int, int], places: NDArray[np.float64]
    ) -> Iterator[NativeStamp]:
        """The brick's images, one after the other, and then stamp after stamp."""
        size, bands = self.imaging.size_pix, self.imaging.bands
        image, ivar = (np.empty((len(corner), len(bands), size, size), dtype=np.float32) for _ in range(2))
        for number, band in enumerate(bands):
            image[:, number] = first if number == 0 else self._windows("image", band, corner, shape)
            ivar[:, number] = self._windows("invvar", band, corner, shape)
            # Where such bricks are left out, each stamp is judged by itself: not by which others are cut in the same call.
            if self.hosts.missing_bricks == "refuse":
                _check_sound(image[:, number], ivar[:, number], self.files, band)
        masked = np.zeros(image.shape, dtype=bool)
        if self.files.masks:
            masked = _masked(self._windows(MASKBITS, None, corner, shape), bands)
        where = f"brick {self.files.brick} {self.files.folder.footprint}"
        for row, (top, left) in enumerate(corner.tolist()):
            x, y = places[row]
            yield NativeStamp(
                image[row], ivar[row], masked[row], float(x - left), float(y - top), f"{where}, cut from row {top}, column {left}"
            )

    def _windows(self, kind: str, band: str | None, corner: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[Any]:
        with open_plane(self.files.plane(kind, band), kind, self.files.brick) as plane:
            check_shape(plane, shape)
            return plane.windows(corner, self.imaging.size_pix)


def _masked(bits: NDArray[Any], bands: tuple[str, ...]) -> NDArray[np.bool_]:
    """Pixels that no exposure of a band has measured, (n, band, y, x), of mask bits (n, y, x)."""
    # A band that the survey has no bit for is told by its inverse variance alone.
    chosen = np.array([1 << ALLMASK[band] if band in ALLMASK else 0 for band in bands], dtype=np.int32)
    return np.asarray((bits.astype(np.int32, copy=False)[:, None] & chosen[:, None, None]) != 0)


def _check_sound(image: NDArray[np.float32], ivar: NDArray[np.float32], files: BrickFiles, band: str) -> None:
    """Refuse numbers that no unharmed file of a survey holds: what else such a file holds cannot be trusted either."""
    for kind, pixels, most in (("image", image, MOST_NMGY), ("invvar", ivar, MOST_IVAR)):
        if pixels.size == 0:
            continue
        if float(np.max(np.abs(pixels))) <= most:
            continue
        # Where nothing was measured there may be anything, NaN too.
        largest = float(np.max(np.abs(pixels), initial=0.0, where=(ivar > 0.0) & ~np.isnan(pixels)))
        if largest > most:
            raise DamagedError(
                f"{files.plane(kind, band).name} holds pixels of {largest:.3g}; nothing on the sky is beyond {most:g}",
                where=files.plane(kind, band),
                todo="download it again: a file that was damaged on its way can have a sound header and sound first rows",
            )
