"""Small summary features of stamps: what the rules of the gates see. Pure."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.features.compiled import border_roughness, ring_sums
from arcgate.gates.features.regions import Regions, middle
from arcgate.ground.read_only import read_only_view
from arcgate.views.robust import radii_pix

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Images = NDArray[np.floating[Any]]

# Side of the published gate's box about the centre of a stamp; the regression on it is defined in pixels, whatever their size.
_PUBLISHED_BOX_PIX: Final = 10

# The alternating sum of four independent normal deviates has standard deviation 2 and mean modulus 2 sqrt(2 / pi).
_MODULUS_TO_SIGMA: Final = np.float32(1.0 / (2.0 * np.sqrt(2.0 / np.pi)))


class Rings:
    """Concentric rings, one pixel wide, about the centre of each host.

    A pixel counts in proportion to the overlap of its one-pixel-wide span in radius with a ring, so that no ring is empty and
    none jumps as the centre moves.

    Parameters
    ----------
    x_pix, y_pix : ndarray, shape (n,)
        Centre of each host, pixels.
    window : slice
        Lines, and columns, of the stamp that are looked at.
    reach_pix : int
        Number of rings.

    Attributes
    ----------
    radius_pix : ndarray, float32 (n, y, x)
        Distance of each pixel of the window from the centre.
    """

    def __init__(self, x_pix: Array, y_pix: Array, window: slice, reach_pix: int) -> None:
        self.x_pix, self.y_pix, self._window = x_pix, y_pix, window
        self._size, self._reach, self._n = window.stop - window.start, reach_pix, len(x_pix)
        self.radius_pix = radii_pix(x_pix - window.start, y_pix - window.start, self._size).astype(np.float32)
        radius = self.radius_pix.reshape(self._n, self._size**2) + np.float32(0.5)
        inner = np.floor(radius)
        # Each pixel counts in two places: place 0 takes what falls short of the centre, the last two what lies beyond the reach.
        place = np.uint8 if reach_pix + 1 <= np.iinfo(np.uint8).max else np.uint16
        self._inner = np.fmin(inner, np.float32(reach_pix + 1)).astype(place)
        self._share = radius - inner

    def cut(self, image: Images) -> Images:
        """The part of stamps that is looked at; what is cut already stays as it is."""
        return image if image.shape[-1] == self._size else image[..., self._window, self._window]

    def sums(self, image: Images) -> Floats:
        """Light in each ring, shape (n, band, ring), of stamps or of cuts as `cut` makes them, (n, band, y, x)."""
        pixels = np.ascontiguousarray(self.cut(image), dtype=np.float32).reshape(*image.shape[:2], self._size**2)
        sums: Floats = ring_sums(read_only_view(pixels), self._inner, self._share, self._reach + 3)[:, :, 1 : self._reach + 1]
        return sums

    @cached_property
    def areas(self) -> Floats:
        """Number of pixels in each ring, shape (n, 1, ring)."""
        return self.sums(np.ones((self._n, 1, self._size, self._size), dtype=np.float32))

    def means(self, image: Images, edges_pix: tuple[int, ...]) -> Floats:
        """Mean of the pixels between neighbouring edges (whole pixels), shape (n, band, ring)."""
        first, last = edges_pix[:-1], edges_pix[-1]
        light, area = (np.add.reduceat(sums[:, :, :last], first, axis=2) for sums in (self.sums(image), self.areas))
        return np.asarray(light / area, dtype=np.float32)


class Centred:
    """Features of stamps about the centres of their hosts; what depends on the centres alone is worked out once.

    Parameters
    ----------
    x_pix, y_pix : ndarray, shape (n,)
        Centre of each host, pixels.
    regions : Regions
        Of the stamps.

    Attributes
    ----------
    rings, core : Rings
        Out to the edge of the stamps, and those of the core alone.
    """

    def __init__(self, x_pix: Array, y_pix: Array, regions: Regions) -> None:
        self.x_pix, self.y_pix, self.regions = x_pix, y_pix, regions
        self.rings = Rings(x_pix, y_pix, slice(0, regions.imaging.size_pix), regions.rings_pix[-1])
        self.core = Rings(x_pix, y_pix, regions.core_cut, regions.core_rings_pix[-1])

    def of_stamps(self, image: Images) -> Floats:
        """Means of rings, dipole of the core, mean of the outermost frame, and log noise.

        Parameters
        ----------
        image : ndarray, shape (n, band, y, x)

        Returns
        -------
        ndarray, float32 (n, band, feature)
            In the columns that `Regions` names. All but the noise are linear in the image. The rings see a pedestal or a changed
            width, the dipole a shift.
        """
        regions = self.regions
        out = np.empty((*image.shape[:2], regions.n_features), dtype=np.float32)
        out[:, :, : regions.n_rings] = self.rings.means(image, regions.rings_pix)
        out[:, :, regions.dipole] = self._dipole(image)
        out[:, :, regions.frame] = frame_mean(image, regions.frame_pix)
        out[:, :, regions.noise] = log_noise(image, regions.strip_pix)
        return out

    def of_core(self, image: Images) -> Floats:
        """The `core_columns` of `of_stamps` alone, from stamps or their cuts; shape (n, band, column)."""
        return np.concatenate([self.core.means(image, self.regions.core_rings_pix), self._dipole(image)], axis=2)

    def of_residuals(self, image: Images) -> Floats:
        """Features of stamps without their profile: what is left of light that is not round.

        Parameters
        ----------
        image : ndarray, shape (n, band, y, x)

        Returns
        -------
        ndarray, float32 (n, band, feature + 2)
            As `of_stamps`, with root mean squares in the place of means of rings, and the quadrupole of the core after them.
        """
        regions, squared = self.regions, np.square(image)
        out = np.empty((*image.shape[:2], regions.n_features + 2), dtype=np.float32)
        out[:, :, : regions.n_rings] = np.sqrt(self.rings.means(squared, regions.rings_pix))
        out[:, :, regions.dipole] = self._dipole(image)
        # The frame is no ring: what a profile leaves there has a sign.
        out[:, :, regions.frame] = frame_mean(image, regions.frame_pix)
        out[:, :, regions.noise] = log_noise(image, regions.strip_pix)
        out[:, :, regions.n_features :] = self._quadrupole(image)
        return out

    def of_core_residuals(self, image: Images) -> Floats:
        """The `residual_core_columns` of `of_residuals` alone, from stamps or their cuts; shape (n, band, column)."""
        scatter = np.sqrt(self.core.means(np.square(image), self.regions.core_rings_pix))
        return np.concatenate([scatter, self._dipole(image), self._quadrupole(image)], axis=2)

    def _dipole(self, image: Images) -> Floats:
        """Mean offset-weighted light of the core, x and y: shape (n, band, 2)."""
        return self._moments(image, self._dipole_weights)

    def _quadrupole(self, image: Images) -> Floats:
        """Mean light of the core weighted by x^2 - y^2 and 2 x y, over the core's radius: shape (n, band, 2)."""
        return self._moments(image, self._quadrupole_weights)

    def _moments(self, image: Images, weights: Floats) -> Floats:
        cut = np.ascontiguousarray(self.core.cut(image), dtype=np.float32)
        pixels = cut.reshape(*image.shape[:2], cut.shape[2] * cut.shape[3])
        return np.asarray(pixels @ weights, dtype=np.float32)

    @cached_property
    def _dipole_weights(self) -> Floats:
        """Offset from the centre in x and y over the number of pixels in the core, and 0 beyond: (n, pixel, 2)."""
        dx, dy, inside = self._core_offsets
        return _weights([dx * inside, dy * inside], inside)

    @cached_property
    def _quadrupole_weights(self) -> Floats:
        """Those of the quadrupole, (n, pixel, 2)."""
        dx, dy, inside = self._core_offsets
        core = self.regions.core_pix
        return _weights([(dx**2 - dy**2) * inside / core, 2.0 * dx * dy * inside / core], inside)

    @cached_property
    def _core_offsets(self) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Offsets of the cut's pixels from the centre, (n, 1, x) and (n, y, 1), and which lie in the core, (n, y, x)."""
        cut = self.regions.core_cut
        pixel = np.arange(cut.start, cut.stop)
        dx, dy = (pixel - self.x_pix[:, None])[:, None, :], (pixel - self.y_pix[:, None])[:, :, None]
        return dx, dy, np.hypot(dx, dy) < self.regions.core_pix


def _weights(parts: list[Array], inside: NDArray[np.bool_]) -> Floats:
    """Weights (n, y, x) of two moments over the number of pixels in the core: (n, pixel, 2)."""
    weights = np.stack(parts, axis=3) / inside.sum(axis=(1, 2))[:, None, None, None]
    return np.asarray(weights.reshape(len(inside), inside.shape[1] * inside.shape[2], 2), dtype=np.float32)


def sums_between(image: Images, radius_pix: Array, inner_pix: float, outer_pix: float) -> tuple[Array, Array]:
    """Light of whole pixels at inner <= r < outer.

    Parameters
    ----------
    image : ndarray, shape (n, band, y, x)
    radius_pix : ndarray, shape (n, y, x)
        Distance of each pixel from its galaxy.

    Returns
    -------
    sums, pixels : ndarray, shapes (n, band) and (n,)
        Its sum, and how many pixels there are.
    """
    n, bands, height, width = image.shape
    inside = ((radius_pix >= inner_pix) & (radius_pix < outer_pix)).reshape(n, height * width).astype(image.dtype)
    sums = image.reshape(n, bands, height * width) @ inside[:, :, None]
    return sums[:, :, 0].astype(np.float64), inside.sum(axis=1, dtype=np.float64)


def frame_mean(image: Images, width_pix: int) -> Floats:
    """Mean of the outermost pixels, shape (n, band)."""
    inner = slice(width_pix, -width_pix)
    strips = (
        image[..., :width_pix, :],
        image[..., -width_pix:, :],
        image[..., inner, :width_pix],
        image[..., inner, -width_pix:],
    )
    count = sum(strip.shape[-1] * strip.shape[-2] for strip in strips)
    total = sum(strip.sum(axis=(2, 3), dtype=np.float32) for strip in strips)
    return np.asarray(total / count, dtype=np.float32)


def log_noise(image: Images, strip_pix: int) -> Floats:
    """Logarithm of the noise of single pixels near the border, in the unit of the image; shape (n, band).

    From the modulus of second differences along both axes in the outermost strips, to which smooth light adds little (after
    Immerkaer 1996, CVIU 64, 300, with the smallest such operator); -20 for a border without any.
    """
    pixels = read_only_view(np.ascontiguousarray(image, dtype=np.float32))
    sigma = border_roughness(pixels, strip_pix) * _MODULUS_TO_SIGMA
    return np.asarray(np.log(np.maximum(sigma, np.float32(np.exp(-20.0)))), dtype=np.float32)


def box_pixels(image: Images) -> Array:
    """Raw pixels of the published gate's box, the central 10 x 10 (11 x 11 of odd stamps), shape (n, band * pixel)."""
    box = middle(image.shape[-1], _PUBLISHED_BOX_PIX // 2)
    return image[:, :, box, box].reshape(len(image), image.shape[1] * (box.stop - box.start) ** 2).astype(np.float64)
