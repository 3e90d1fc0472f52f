"""Leaks of a known size, planted in the null twin: a gate that stays silent on them is blind. Pure.

A leak is planted where it costs nothing. Most features are linear in the pixels, so that the features of twin and leak add up;
in a normalised and stretched view they do so to first order in the leak.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.arms import Pixels, Stamps
from arcgate.gates.features import Floats
from arcgate.gates.regions import Regions
from arcgate.ground.draws import uniform
from arcgate.imaging import Imaging
from arcgate.variant import MUST_HEAR_SKY_SIGMA, Gates

FWHM_TO_SIGMA: Final = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
_NOISE_PLANES: Final = 32


def _itself(size: float) -> float:
    return size


def _widening(size: float) -> float:
    """Growth of the squared width of a PSF that is `size` too wide, in units of the squared width."""
    return (1.0 + size) ** 2 - 1.0


@dataclass(frozen=True)
class Canary:
    """A leak that can be planted at several sizes.

    Attributes
    ----------
    name, unit : str
        As a reader knows them; `unit` follows a size.
    leak : str
        Name of the unit leak's features.
    sizes : tuple of float or None
        Ascending; None for those of the settings, in sky sigma.
    must_hear : float or None
        A gate that catches only larger leaks than this is blind, since what it lets pass would be no small leak; None for the
        largest of the sizes.
    amplitude : callable
        From a size to the factor on the unit leak.
    adds_noise : bool
        The last feature is then the logarithm of a standard deviation; the others are means and grow with sqrt(size).
    """

    name: str
    unit: str
    leak: str
    sizes: tuple[float, ...] | None = None
    must_hear: float | None = None
    amplitude: Callable[[float], float] = _itself
    adds_noise: bool = False

    def sizes_for(self, settings: Gates) -> tuple[float, ...]:
        """The sizes at which it is planted."""
        return self.sizes or settings.canary_sizes_sky_sigma

    def least(self, settings: Gates) -> float:
        """The size that must be heard, at most the largest that is planted."""
        largest = self.sizes_for(settings)[-1]
        return largest if self.must_hear is None else min(self.must_hear, largest)

    def planted(self, twin: Floats, leak: Floats, size: float) -> Floats:
        """Features (n, band, k) of the twin with the leak in it."""
        if not self.adds_noise:
            return np.asarray(twin + np.float32(self.amplitude(size)) * leak, dtype=np.float32)
        planted = np.asarray(twin + np.float32(np.sqrt(size)) * leak, dtype=np.float32)
        # Variances add. The leak's last feature is the sky's variance over that which is there; chance may make it negative.
        planted[:, :, -1] = twin[:, :, -1] + 0.5 * np.log1p(np.maximum(size * leak[:, :, -1], -0.5))
        return planted

    def size_in_words(self, size: float) -> str:
        """A size with its unit."""
        return f"{100.0 * size:.2g} %" if self.unit == "%" else f"{size:.2g} {self.unit}"

    def in_words(self, size: float) -> str:
        """The leak at a size."""
        return f"{self.name} {self.size_in_words(size)}"


SKY: Final = "sky sigma a pixel"
# What must be heard follows from what networks lose to a leak in their training stamps, in points of recall at 10 % false
# positives (experiments/14-leak-ladder). In the annulus, where galaxies leave the pixels dark, 0.02 sky sigma a pixel cost 2,
# 0.06 3 and 0.2 22; in the frame 0.06 costs none and 0.2 25. PSFs that are 10 % too wide and a fifth of the sky's variance in
# noise cost at most 1, three times as much 5 to 17. No core pedestal or shift of a size that is planted here costs any.
_MUST_BE_SEEN: Final = 0.06
OFFSET: Final = Canary("constant offset", SKY, "offset")
CORE_STEP: Final = Canary("light missing inside the mask", SKY, "step")
SHIFT: Final = Canary("galaxy shifted by", "px", "shift", (0.02, 0.1, 0.5))
ARC_PSF: Final = Canary("too wide a PSF of the arc", "%", "arc_psf", (0.01, 0.03, 0.1, 0.3), must_hear=0.1, amplitude=_widening)
HOST_PSF: Final = Canary(
    "too wide a PSF of the galaxy", "%", "host_psf", (0.01, 0.03, 0.1, 0.3), must_hear=0.1, amplitude=_widening
)
CENTRE: Final = Canary("centre of the normaliser off by", SKY, "centre")
SCALE: Final = Canary("scale of the normaliser off by", "%", "scale", (0.01, 0.03, 0.1, 0.3))
EXTRA_NOISE: Final = Canary("noise variance larger by", "%", "noise", (0.02, 0.1, 0.5), must_hear=0.1, adds_noise=True)


def core_pedestal(regions: Regions) -> Canary:
    """Light added to the core."""
    return Canary(f"pedestal at r < {regions.core_pix:.3g} px", SKY, "regions")


def annulus_pedestal(regions: Regions) -> Canary:
    """Light added to the annulus."""
    low, high = regions.pedestal_pix
    return Canary(f"pedestal at {low} to {high} px", SKY, "regions", must_hear=MUST_HEAR_SKY_SIGMA)


def annulus_pedestal_seen(regions: Regions) -> Canary:
    """The same in normalised stamps, which show it better, to networks as to the gate."""
    return replace(annulus_pedestal(regions), must_hear=_MUST_BE_SEEN)


def frame_pedestal(regions: Regions) -> Canary:
    """Light added to the outermost frame."""
    return Canary(f"pedestal of the outermost {regions.frame_pix} px", SKY, "regions", must_hear=MUST_HEAR_SKY_SIGMA)


def pedestals(radius_pix: Floats, regions: Regions) -> Pixels:
    """One in the core, in the annulus and in the outermost frame, else zero: (n, 1, y, x).

    Three pedestals in one image, since no gate looks at more than one of these regions. `radius_pix` is the distance of each
    pixel from its galaxy's centre, (n, y, x).
    """
    radius, width = radius_pix[:, None], regions.frame_pix
    low, high = regions.pedestal_pix
    out = (radius < regions.core_pix) | ((radius >= low) & (radius < high))
    frame = np.ones(radius.shape[-2:], dtype=bool)
    frame[width:-width, width:-width] = False
    return np.asarray(out | frame, dtype=np.float32)


def step(radius_pix: Floats, table: pd.DataFrame, regions: Regions) -> Pixels:
    """Minus one in the core, or inside the declared mask: what a mask's edge looks like; (n, 1, y, x)."""
    edge = np.full(len(table), regions.core_pix)
    if "core_mask_kind" in table:
        masked = (table["core_mask_kind"] != "none").to_numpy()
        edge = np.where(masked, table["core_mask_radius_pix"].to_numpy(np.float64), edge)
    return -np.asarray(radius_pix < edge[:, None, None], dtype=np.float32)[:, None]


def shifted(image: Floats) -> Floats:
    """What a shift by one pixel in x adds to an image, to first order: minus its gradient, two columns narrower at each side.

    The five-point stencil is exact for third-degree polynomials; at seeing of 1.3 arcsec it is right to 2 %.
    """
    near, far = image[..., 3:-1] - image[..., 1:-3], image[..., 4:] - image[..., :-4]
    return np.asarray((far - np.float32(8.0) * near) / np.float32(12.0), dtype=np.float32)


def blurred(image: Floats, sigma_pix: Floats) -> Floats:
    """What doubling the squared width of its PSF adds to an image, to first order, one pixel narrower at each side.

    Convolution with a Gaussian of small variance s^2 adds s^2 / 2 times the Laplacian (the heat equation). A wider Moffat adds
    light to its wings as well, far from the core, where this gate does not look.
    """
    middle = image[..., 1:-1, 1:-1]
    around = image[..., 2:, 1:-1] + image[..., :-2, 1:-1] + image[..., 1:-1, 2:] + image[..., 1:-1, :-2]
    half = np.float32(0.5) * np.square(sigma_pix)[:, :, None, None]
    return np.asarray(half * (around - np.float32(4.0) * middle), dtype=np.float32)


def psf_sigma_pix(table: pd.DataFrame, imaging: Imaging) -> Floats:
    """Standard deviation of the Gaussian that the survey's psfsize stands for, (n, band), pixels."""
    psfsize = table[[f"psfsize_{band}" for band in imaging.bands]].to_numpy(np.float32)
    return np.asarray(psfsize * np.float32(FWHM_TO_SIGMA / imaging.pixel_scale_arcsec), dtype=np.float32)


def noise(stamps: Stamps) -> Pixels:
    """White noise of unit variance for each pair, (n, band, y, x).

    Drawn from a bank: that some rows share a plane of noise does not matter beside what distinguishes their galaxies.
    """
    pairs = stamps.table["pair_id"].to_numpy(np.int64)
    return _bank(stamps.imaging)[(uniform(0, "canary noise", pairs) * _NOISE_PLANES).astype(np.int64)]


@lru_cache(maxsize=1)
def _bank(imaging: Imaging) -> NDArray[np.float32]:
    return np.random.default_rng(20).standard_normal((_NOISE_PLANES, *imaging.shape), dtype=np.float32)
