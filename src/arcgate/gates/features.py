"""Small summary features of stamps: what the rules of the gates see. Pure."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.schema import STAMP_SIZE
from arcgate.gates.compiled_features import border_roughness, ring_sums
from arcgate.views.robust import radii_pix

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Images = NDArray[np.floating[Any]]

# Edges of the rings of `stamp_features`, pixels. Single pixels out to where masks may have an edge, wider ones beyond.
RINGS_PIX: Final = (*range(15), 17, 20, 24, 28, 32)
DIPOLE_RADIUS_PIX: Final = 5.0
# Side of the central cut that holds the core: a galaxy's centre lies within a pixel or so of the stamp's, and the weights of a
# ring of 7 pixels reach half a pixel further.
CORE_SIZE: Final = 20
FRAME_PIX: Final = 2
# The noise is measured on the outermost strips of the stamp: no arc of the grids reaches there.
STRIP_PIX: Final = 8
# The published gate's 10 x 10 box about the centre of a 64 x 64 stamp.
BOX = slice(27, 37)

# Columns of `stamp_features`, per band.
N_RINGS: Final = len(RINGS_PIX) - 1
DIPOLE: Final = slice(N_RINGS, N_RINGS + 2)
FRAME: Final = N_RINGS + 2
NOISE: Final = N_RINGS + 3
N_FEATURES: Final = N_RINGS + 4
CORE_COLUMNS: Final = (*range(RINGS_PIX.index(7)), N_RINGS, N_RINGS + 1)
ANNULUS_COLUMNS: Final = tuple(range(RINGS_PIX.index(8), RINGS_PIX.index(20)))
BORDER_COLUMNS: Final = (*range(RINGS_PIX.index(20), RINGS_PIX.index(32)), FRAME, NOISE)
EDGE_RINGS: Final = slice(RINGS_PIX.index(2), RINGS_PIX.index(13))

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
    size : int
        Side of the central cut of the stamp that is looked at, even.
    reach_pix : int
        Number of rings.

    Attributes
    ----------
    radius_pix : ndarray, float32 (n, size, size)
        Distance of each pixel of the cut from the centre.
    """

    def __init__(self, x_pix: Array, y_pix: Array, size: int = STAMP_SIZE, reach_pix: int = RINGS_PIX[-1]) -> None:
        self.x_pix, self.y_pix = x_pix, y_pix
        self._first = (STAMP_SIZE - size) // 2
        self._size, self._reach, self._n = size, reach_pix, len(x_pix)
        self.radius_pix = radii_pix(x_pix - self._first, y_pix - self._first, size).astype(np.float32)
        radius = self.radius_pix.reshape(self._n, size**2) + np.float32(0.5)
        inner = np.floor(radius)
        # Each pixel counts in two places: place 0 takes what falls short of the centre, the last two what lies beyond the reach.
        self._inner = np.fmin(inner, np.float32(reach_pix + 1)).astype(np.uint8)
        self._share = radius - inner

    @cached_property
    def dipole_weights(self) -> Floats:
        """Offset from the centre in x and y over the number of pixels at r < 5 px, and 0 beyond: (n, pixel, 2)."""
        pixel = np.arange(self._first, self._first + self._size)
        dx, dy = (pixel - self.x_pix[:, None])[:, None, :], (pixel - self.y_pix[:, None])[:, :, None]
        inside = np.hypot(dx, dy) < DIPOLE_RADIUS_PIX
        weights = np.stack([dx * inside, dy * inside], axis=3) / inside.sum(axis=(1, 2))[:, None, None, None]
        return np.asarray(weights.reshape(self._n, self._size**2, 2), dtype=np.float32)

    def cut(self, image: Images) -> Images:
        """The central part of stamps that is looked at; what is cut already stays as it is."""
        cut = slice(self._first, self._first + self._size)
        return image if image.shape[-1] == self._size else image[..., cut, cut]

    def sums(self, image: Images) -> Floats:
        """Light in each ring, shape (n, band, ring), of stamps or of cuts as `cut` makes them, (n, band, y, x)."""
        pixels = np.ascontiguousarray(self.cut(image), dtype=np.float32).reshape(*image.shape[:2], self._size**2)
        sums: Floats = ring_sums(pixels, self._inner, self._share, self._reach + 3)[:, :, 1 : self._reach + 1]
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


def core_rings(x_pix: Array, y_pix: Array) -> Rings:
    """Rings out to 7 pixels on the central cut that holds them."""
    return Rings(x_pix, y_pix, size=CORE_SIZE, reach_pix=7)


def stamp_features(image: Images, rings: Rings, core: Rings) -> Floats:
    """Means of rings, dipole of the core, mean of the outermost frame, and log noise.

    Parameters
    ----------
    image : ndarray, shape (n, band, 64, 64)
    rings, core : Rings
        Of the same rows: out to the edge, and `core_rings`.

    Returns
    -------
    ndarray, float32 (n, band, N_FEATURES)
        All but the noise are linear in the image. The rings see a pedestal or a changed width, the dipole a shift.
    """
    out = np.empty((*image.shape[:2], N_FEATURES), dtype=np.float32)
    out[:, :, :N_RINGS] = rings.means(image, RINGS_PIX)
    out[:, :, DIPOLE] = dipole(image, core)
    out[:, :, FRAME] = frame_mean(image)
    out[:, :, NOISE] = log_noise(image)
    return out


def core_features(image: Images, core: Rings) -> Floats:
    """The columns `CORE_COLUMNS` of `stamp_features` alone, from stamps or central cuts; shape (n, band, 9)."""
    return np.concatenate([core.means(image, RINGS_PIX[:8]), dipole(image, core)], axis=2)


def dipole(image: Images, core: Rings) -> Floats:
    """Mean offset-weighted light at r < 5 px, x and y: shape (n, band, 2)."""
    cut = np.ascontiguousarray(core.cut(image), dtype=np.float32)
    pixels = cut.reshape(*image.shape[:2], cut.shape[2] * cut.shape[3])
    return np.asarray(pixels @ core.dipole_weights, dtype=np.float32)


def frame_mean(image: Images) -> Floats:
    """Mean of the outermost pixels, shape (n, band)."""
    inner = slice(FRAME_PIX, -FRAME_PIX)
    strips = (
        image[..., :FRAME_PIX, :],
        image[..., -FRAME_PIX:, :],
        image[..., inner, :FRAME_PIX],
        image[..., inner, -FRAME_PIX:],
    )
    count = sum(strip.shape[-1] * strip.shape[-2] for strip in strips)
    total = sum(strip.sum(axis=(2, 3), dtype=np.float32) for strip in strips)
    return np.asarray(total / count, dtype=np.float32)


def log_noise(image: Images) -> Floats:
    """Logarithm of the noise of single pixels near the border, in the unit of the image; shape (n, band).

    From the modulus of second differences along both axes, to which smooth light adds little (after Immerkaer 1996, CVIU 64,
    300, with the smallest such operator); -20 for a border without any.
    """
    sigma = border_roughness(np.ascontiguousarray(image, dtype=np.float32), STRIP_PIX) * _MODULUS_TO_SIGMA
    return np.asarray(np.log(np.maximum(sigma, np.float32(np.exp(-20.0)))), dtype=np.float32)


def ring_steps(features: Floats) -> Floats:
    """Differences between neighbouring rings from 2 to 13 pixels of `stamp_features`: a mask's edge is a step in one of them."""
    return np.diff(features[:, :, EDGE_RINGS], axis=2)


def box_pixels(image: Images) -> Array:
    """The 300 raw pixels of the central 10 x 10 box in three bands, shape (n, 300)."""
    side = BOX.stop - BOX.start
    return image[:, :, BOX, BOX].reshape(len(image), image.shape[1] * side**2).astype(np.float64)
