"""Leaks that are planted in the features of rings. Pure.

A leak is planted where it costs nothing. Most features are linear in the pixels, so that the features of null pair and leak add
up; in a normalised and stretched view they do so to first order in the leak. What is kept of a shard is then the response of the
features to a leak of size one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.core.comparisons import Compared
from arcgate.gates.core.planted_leak import SKY, Features, Measure, Sized
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps, light_of_pairs
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.ring_features import (
    Kind,
    RingColumns,
    centred,
    in_sky_sigma,
    plane_core_features,
    plane_features,
    ring_features,
    statistics,
    viewed_core,
    viewed_core_of,
    widened,
)
from arcgate.gates.features.rings import Floats
from arcgate.ground.draws import uniform
from arcgate.imaging import Imaging
from arcgate.variant import REQUIRED_SKY_SIGMA, Gates

FWHM_TO_SIGMA: Final = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
_NOISE_PLANES: Final = 32
# Sizes at which leaks are planted to see what a view makes of them: small beside what its stretch bends.
_PEDESTAL_SKY_SIGMA: Final = np.float32(0.1)
_SHIFT_PIX: Final = np.float32(0.1)
_WIDENING: Final = np.float32(0.1)
_NOISE_SHARE: Final = 0.1
# Pixels that derivatives take from the border of a cut.
_MARGIN: Final = 2

Response = Callable[[Shard, Compared, Kind], Floats]


@dataclass(frozen=True, kw_only=True)
class RingLeak(Sized):
    """A leak that is planted in features of rings by their response to it.

    Attributes
    ----------
    response : callable
        What a leak of size one adds to the features (n, band, k) of the null pair's subject.
    amplitude : callable
        From a size to the factor on the response.
    adds_noise : bool
        The last feature is then the logarithm of a standard deviation; the others are means and grow with sqrt(size).
    """

    response: Response
    amplitude: Callable[[float], float] = float
    adds_noise: bool = False

    def extract(self, shard: Shard, compared: Compared, measure: Measure, settings: Gates) -> dict[str, Features]:
        """The response of the columns that a gate looks at."""
        columns = cast("RingColumns", measure)
        response = shard.once(_responding, compared, self.response, columns.kind)
        return {"response": columns.of(response, shard.context.regions)}

    def planted(self, kept: Mapping[str, Features], bare: Features, size: float) -> Features:
        """Features with the leak in them."""
        response = kept["response"]
        if not self.adds_noise:
            return np.asarray(bare + np.float32(self.amplitude(size)) * response, dtype=np.float32)
        planted = np.asarray(bare + np.float32(np.sqrt(size)) * response, dtype=np.float32)
        # Variances add. The response's last feature is the sky's variance over that which is there; chance may make it negative.
        planted[:, :, -1] = bare[:, :, -1] + 0.5 * np.log1p(np.maximum(size * response[:, :, -1], -0.5))
        return planted


def _responding(shard: Shard, compared: Compared, response: Response, kind: Kind) -> Floats:
    return response(shard, compared, kind)


def _widened_variance(size: float) -> float:
    """Growth of the squared width of a PSF that is `size` too wide, in units of the squared width."""
    return (1.0 + size) ** 2 - 1.0


def offset_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """A sky sigma of light in every pixel; of the normaliser, a centre that is a sky sigma higher."""
    n, regions = len(compared.null_subject), shard.context.regions
    if kind == "normaliser":
        out = np.zeros((n, 1, 2), dtype=np.float32)
        out[:, :, 0] = 1.0
        return out
    out = np.zeros((n, 1, regions.n_features), dtype=np.float32)
    out[:, :, : regions.n_rings] = 1.0
    out[:, :, regions.frame] = 1.0
    return out


def pedestal_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """A sky sigma of light in the core, in the annulus and in the outermost frame.

    A view's statistics are taken to stay as they are: what happens to them belongs to the gates on the normaliser.
    """
    stamps, regions = compared.null_subject, shard.context.regions
    about, light = centred(shard, stamps), shard.once(_pedestals, stamps)
    if kind == "raw":
        return _without_noise(about.of_stamps(light), regions)
    planted = stamps.image + _PEDESTAL_SKY_SIGMA * stamps.sky.astype(np.float32) * light
    features = plane_features(shard, stamps, shard.viewed_as(planted, stamps))
    return _without_noise((features - shard.once(ring_features, stamps, kind)) / _PEDESTAL_SKY_SIGMA, regions)


def step_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """A sky sigma of light missing inside the mask."""
    stamps, regions = compared.null_subject, shard.context.regions
    about = centred(shard, stamps)
    return _without_noise(about.of_stamps(step(about.rings.radius_pix, stamps.table, regions)), regions)


def shift_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """The galaxy a pixel further in x."""
    stamps = compared.null_subject
    galaxy = _wide_cut(stamps.image, shard)[..., _MARGIN:-_MARGIN, :]
    return _core_response(shard, stamps, shifted(galaxy), _SHIFT_PIX, kind)


def host_psf_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """The galaxy under a PSF of twice the variance."""
    stamps = compared.null_subject
    wider = blurred(_wide_cut(stamps.image, shard), psf_sigma_pix(stamps.table, stamps.imaging))
    return _core_response(shard, stamps, wider[..., 1:-1, 1:-1], _WIDENING, kind)


def arc_psf_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """The declared arc of the pair under a PSF of twice the variance."""
    assert shard.declared is not None  # the comparison asked
    stamps = compared.null_subject
    arc = light_of_pairs(_wide_cut(shard.declared, shard), shard.positive, stamps)
    wider = blurred(arc, psf_sigma_pix(stamps.table, stamps.imaging))
    return _core_response(shard, stamps, wider[..., 1:-1, 1:-1], _WIDENING, kind)


def noise_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """Noise of the sky's own variance, measured at a tenth of it."""
    stamps = compared.null_subject
    planted = stamps.image + np.float32(np.sqrt(_NOISE_SHARE)) * stamps.sky.astype(np.float32) * noise(stamps)
    if kind == "normaliser":
        found = statistics(*shard.normaliser_of(planted, stamps), stamps)
    else:
        found = in_sky_sigma(centred(shard, stamps).of_stamps(planted), stamps, shard.context.regions)
    return _per_unit(shard.once(ring_features, stamps, kind), found)


def centre_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """What a normaliser whose centre is off by a sky sigma makes of the core."""
    stamps = compared.null_subject
    centre, scale = shard.normaliser(stamps)
    lower = centre - _PEDESTAL_SKY_SIGMA * stamps.sky[:, :, 0, 0].astype(np.float32)
    return _normalised_response(shard, stamps, (lower, scale), _PEDESTAL_SKY_SIGMA)


def scale_response(shard: Shard, compared: Compared, kind: Kind) -> Floats:
    """What a normaliser whose scale is off by its own size makes of the core."""
    stamps = compared.null_subject
    centre, scale = shard.normaliser(stamps)
    return _normalised_response(shard, stamps, (centre, scale * (1 + _WIDENING)), _WIDENING)


# What must be detected follows from what networks lose to a leak in their training stamps, in points of recall at 10 % false
# positives (experiments/14-leak-ladder). In the annulus, where galaxies leave the pixels dark, 0.02 sky sigma a pixel cost 2,
# 0.06 3 and 0.2 22; in the frame 0.06 costs none and 0.2 25. PSFs that are 10 % too wide and a fifth of the sky's variance in
# noise cost at most 1, three times as much 5 to 17. No core pedestal or shift of a size that is planted here costs any.
_MUST_BE_SEEN: Final = 0.06
_PSF_SIZES: Final = (0.01, 0.03, 0.1, 0.3)
OFFSET: Final = RingLeak("constant offset of", SKY, symmetry="round", response=offset_response)
CORE_STEP: Final = RingLeak("light missing inside the mask of", SKY, symmetry="round", response=step_response)
SHIFT: Final = RingLeak("galaxy shifted by", "px", (0.02, 0.1, 0.5), response=shift_response)
ARC_PSF: Final = RingLeak(
    "PSF of the arc too wide by", "%", _PSF_SIZES, 0.1, response=arc_psf_response, amplitude=_widened_variance
)
HOST_PSF: Final = RingLeak(
    "PSF of the galaxy too wide by",
    "%",
    _PSF_SIZES,
    0.1,
    symmetry="even",
    response=host_psf_response,
    amplitude=_widened_variance,
)
CENTRE: Final = RingLeak("centre of the normaliser off by", SKY, symmetry="round", response=centre_response)
SCALE: Final = RingLeak("scale of the normaliser off by", "%", _PSF_SIZES, response=scale_response)
EXTRA_NOISE: Final = RingLeak("noise variance larger by", "%", (0.02, 0.1, 0.5), 0.1, response=noise_response, adds_noise=True)
CORE_PEDESTAL: Final = RingLeak("pedestal at r < {regions.core_pix:.3g} px of", SKY, symmetry="round", response=pedestal_response)
ANNULUS_PEDESTAL: Final = RingLeak(
    "pedestal at {regions.pedestal_pix[0]} to {regions.pedestal_pix[1]} px of", SKY, None, REQUIRED_SKY_SIGMA,
    symmetry="round", response=pedestal_response,
)  # fmt: skip
# In normalised stamps, which show it better, to networks as to the gate.
ANNULUS_PEDESTAL_SEEN: Final = replace(ANNULUS_PEDESTAL, required=_MUST_BE_SEEN)
FRAME_PEDESTAL: Final = RingLeak(
    "pedestal of the outermost {regions.frame_pix} px of",
    SKY,
    None,
    REQUIRED_SKY_SIGMA,
    symmetry="even",
    response=pedestal_response,
)


def _pedestals(shard: Shard, stamps: Stamps) -> Pixels:
    return pedestals(centred(shard, stamps).rings.radius_pix, shard.context.regions)


def _wide_cut(image: Pixels, shard: Shard) -> Pixels:
    """The cut that holds the rings of the core, and what derivatives take from its border."""
    cut = shard.context.regions.core_cut
    wide = slice(cut.start - _MARGIN, cut.stop + _MARGIN)
    return image[..., wide, wide]


def _core_response(shard: Shard, stamps: Stamps, light: Pixels, size: np.float32, kind: Kind) -> Floats:
    """Response to light in the cut that holds the rings of the core, which alone see it."""
    about, regions = centred(shard, stamps), shard.context.regions
    if kind == "raw":
        return widened(about.of_core(np.asarray(light / stamps.sky, dtype=np.float32)), regions, regions.core_columns)
    bare = shard.once(viewed_core, stamps)
    planted = stamps.image.copy()
    planted[..., regions.core_cut, regions.core_cut] += size * light
    viewed = viewed_core_of(shard, planted, stamps, shard.normaliser(stamps))
    return _change(shard, stamps, bare, viewed, size)


def _normalised_response(shard: Shard, stamps: Stamps, statistics: tuple[Floats, Floats], size: np.float32) -> Floats:
    return _change(shard, stamps, shard.once(viewed_core, stamps), viewed_core_of(shard, stamps.image, stamps, statistics), size)


def _change(shard: Shard, stamps: Stamps, bare: Floats, viewed: Floats, size: np.float32) -> Floats:
    """How features of the core change, per unit of what changed it."""
    if not shard.context.viewer.viewer.removes:
        # Linear features of a small difference, which a difference of features would round away.
        return plane_core_features(shard, stamps, np.asarray((viewed - bare) / size, dtype=np.float32))
    before, after = (plane_core_features(shard, stamps, core) for core in (bare, viewed))
    return np.asarray((after - before) / size, dtype=np.float32)


def _without_noise(features: Floats, regions: Regions) -> Floats:
    """Features of light without noise of its own."""
    features[:, :, regions.noise] = 0.0
    return features


def _per_unit(before: Floats, after: Floats) -> Floats:
    """Change of means with the amplitude of noise; of the last feature, a log standard deviation, with the variance."""
    change = (after - before) / np.float32(np.sqrt(_NOISE_SHARE))
    change[:, :, -1] = np.expm1(2.0 * (after - before)[:, :, -1]) / np.float32(_NOISE_SHARE)
    return change


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
