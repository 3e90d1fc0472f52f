"""One galaxy of a stamp pack: found in its stamp, cut by whole pixels, measured; or why it cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.missing import missing_pixels
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import PackHosts
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.survey.cubes import Cube
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.measure import APERTURE_ARCSEC, measure_centre, measure_light, measure_sky
from arcgate.survey.places import Unusable

# A star of magnitude 7.5 in one pixel.
MOST_NMGY: Final = 1e6
_NO_MEASUREMENT: Final = "pixels that hold no measurement"


@dataclass(frozen=True)
class Measured:
    """A galaxy as it was found.

    Attributes
    ----------
    corner : (int, int)
        First row and column of its cut in its stamp.
    x, y : float
        Its centre in the cut, pixels.
    flux, sky_sigma : dict of str to float
        By band: light in an aperture of radius `measure.APERTURE_ARCSEC`, nanomaggies; standard deviation of the sky a pixel.
    """

    corner: tuple[int, int]
    x: float
    y: float
    flux: dict[str, float]
    sky_sigma: dict[str, float]

    def declared(self, hosts: PackHosts) -> dict[str, object]:
        """What a catalogue would declare of it, and is not in the configuration."""
        row: dict[str, object] = {}
        for band, flux in self.flux.items():
            depth = depth_from_sky(self.sky_sigma[band], hosts.psf_of(band)[0], hosts.pixel_scale_arcsec)
            row |= {f"host_mag_{band}": ZERO_POINT - 2.5 * np.log10(flux), f"depth_{band}": float(depth)}
        return row

    def columns(self, hosts: PackHosts, index: int) -> dict[str, object]:
        """Columns of `arcgate.survey.columns.measured_columns`."""
        row: dict[str, object] = {
            "host_x_pix": self.x,
            "host_y_pix": self.y,
            "provenance": f"stamp pack, galaxy {index}, cut from row {self.corner[0]}, column {self.corner[1]}",
        }
        for band, sigma in self.sky_sigma.items():
            row |= {f"sky_sigma_{band}": sigma, f"gain_{band}": hosts.gain[band], f"ivar_{band}": 1.0 / sigma**2}
        return row


def stamp_of(cubes: Sequence[Cube], index: int, hosts: PackHosts) -> NDArray[np.float64]:
    """A galaxy's stamp as it lies in the files, (band, height, width), nanomaggies per pixel."""
    return np.stack([np.asarray(cube[index], dtype=np.float64) for cube in cubes]) * hosts.factor


def cut_of(stamp: NDArray[Any], size: int, corner: tuple[int, int]) -> NDArray[Any]:
    """Whole pixels of a stamp, (band, size, size)."""
    row, column = corner
    return stamp[:, row : row + size, column : column + size]


def measure_galaxy(hosts: PackHosts, imaging: Imaging, cubes: Sequence[Cube], index: int) -> Measured | Unusable:
    """Find and measure a galaxy.

    Parameters
    ----------
    hosts : PackHosts
    imaging : Imaging
        Of the cut.
    cubes : sequence of ndarray
        One a band.
    index : int
        Place of the galaxy in the cubes.

    Returns
    -------
    Measured or Unusable
    """
    stamp = stamp_of(cubes, index, hosts)
    missing = np.stack([missing_pixels(image) for image in stamp])
    absurd = _absurd(np.where(missing, 0.0, stamp), imaging)
    if absurd is not None:
        return absurd
    try:
        band = imaging.bands.index(imaging.reference_band)
        filled = _filled(stamp[band], missing[band])
        x, y = measure_centre(filled, measure_sky(filled))
        corner = _corner(y, stamp.shape[1], imaging), _corner(x, stamp.shape[2], imaging)
        cut, absent = (cut_of(pixels, imaging.size_pix, corner) for pixels in (stamp, missing))
        without = _without_measurement(hosts, imaging, cut, absent)
        if without is not None:
            return without
        x, y = x - corner[1], y - corner[0]
        return Measured(corner, x, y, *_photometry(imaging, cut, x, y))
    except ArcgateError as error:
        without = _without_measurement(hosts, imaging, stamp, missing)
        return Unusable("a centre or light that cannot be measured", error.what) if without is None else without


def _corner(centre: float, width: int, imaging: Imaging) -> int:
    """First pixel of the cut that puts a centre nearest to the cut's middle, inside a stamp of this width."""
    return int(np.clip(np.floor(centre - imaging.middle_pix + 0.5), 0, width - imaging.size_pix))


def _filled(image: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The image with the median of what was measured where nothing was, to find the galaxy by."""
    if missing.all():
        raise ArcgateError("no pixel holds a measurement")
    return np.where(missing, np.median(image[~missing]), image)


def _without_measurement(
    hosts: PackHosts, imaging: Imaging, stamp: NDArray[np.float64], missing: NDArray[np.bool_]
) -> Unusable | None:
    for band, image, mask in zip(imaging.bands, stamp, missing, strict=True):
        if mask.any():
            value = float(image[mask][0]) / hosts.factor
            return Unusable(_NO_MEASUREMENT, f"{int(mask.sum())} pixels in {band}, such as {value:g} counts")
    return None


def _photometry(imaging: Imaging, cut: NDArray[np.float64], x: float, y: float) -> tuple[dict[str, float], dict[str, float]]:
    """Flux and standard deviation of the sky by band."""
    fluxes, sigmas, aperture = {}, {}, APERTURE_ARCSEC / imaging.pixel_scale_arcsec
    for band, image in zip(imaging.bands, cut, strict=True):
        sky = measure_sky(image)
        fluxes[band], sigmas[band] = measure_light(image, sky, x, y, aperture).flux, sky.sigma
        if fluxes[band] <= 0.0 or sky.sigma <= 0.0:
            raise ArcgateError(
                f"flux {fluxes[band]:g} nanomaggies within {aperture:g} px, sky sigma {sky.sigma:g} in {band}: "
                "both must be positive",
                todo="leave this galaxy out of the pack",
            )
    return fluxes, sigmas


def _absurd(stamp: NDArray[np.float64], imaging: Imaging) -> Unusable | None:
    """A damaged file can have a sound header and sound first rows, and then any number."""
    for band, image in zip(imaging.bands, stamp, strict=True):
        y, x = np.unravel_index(np.argmax(np.abs(image)), image.shape)
        if abs(image[y, x]) > MOST_NMGY:
            found = f"{image[y, x]:.3g} nanomaggies in {band} at (y, x) = ({y}, {x})"
            return Unusable("a pixel beyond any galaxy's: a damaged file, or a wrong data.hosts.nanomaggies_per_count", found)
    return None
