"""What the gates keep of one shard: features of each arm, and of each leak in the null twin. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from arcgate.dataset.schema import STAMP_SIZE
from arcgate.gates import canaries
from arcgate.gates.arms import Arms, Stamps, alike, light_of_pairs
from arcgate.gates.features import (
    CORE_COLUMNS,
    CORE_SIZE,
    FRAME,
    N_FEATURES,
    N_RINGS,
    NOISE,
    Floats,
    Rings,
    core_features,
    core_rings,
    stamp_features,
)
from arcgate.gates.result import NETWORK, RAW
from arcgate.views.view import Viewer

NORMALISER: Final = "normaliser"
# Features of an arm or of a leak: (kind of features, arm or leak).
Key = tuple[str, str]

# Sizes at which leaks are planted to see what a view makes of them: small beside what its stretch bends.
PEDESTAL_SKY_SIGMA: Final = np.float32(0.1)
SHIFT_PIX: Final = np.float32(0.1)
WIDENING: Final = np.float32(0.1)
NOISE_SHARE: Final = 0.1
# Pixels that derivatives take from the border of a cut.
_MARGIN: Final = 2


def _cut(size: int) -> slice:
    return slice((STAMP_SIZE - size) // 2, (STAMP_SIZE + size) // 2)


_CORE: Final = _cut(CORE_SIZE)


@dataclass
class Centred:
    """Rings about the centres of some rows."""

    stamps: Stamps

    def __post_init__(self) -> None:
        self.rings = Rings(self.stamps.x, self.stamps.y)
        self.core = core_rings(self.stamps.x, self.stamps.y)

    def fits(self, stamps: Stamps) -> bool:
        """Whether other rows have the same centres."""
        return np.array_equal(stamps.x, self.stamps.x) and np.array_equal(stamps.y, self.stamps.y)


@dataclass
class Extraction:
    """Extracts from one shard; what several gates look at is computed once.

    Attributes
    ----------
    viewer : Viewer
    """

    viewer: Viewer
    _centred: list[Centred] = field(default_factory=list)
    _statistics: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def __call__(self, arms: Arms) -> Iterator[tuple[Key, Floats]]:
        """Features (n, band, k) of each arm, and of each unit leak in the twin's rows; see `canaries`."""
        control = dict(self._seen(arms.counterpart))
        # An injection without light leaves its galaxy as it was, so that there is nothing new to measure.
        same = alike(arms.twin, arms.counterpart)
        twin = arms.counterpart if same else arms.twin
        twins = control if same else dict(self._seen(twin))
        twin_control = control if arms.twin_control is arms.counterpart else dict(self._seen(arms.twin_control))
        for name, found in (("control", control), ("twin", twins), ("twin_control", twin_control)):
            yield from (((kind, name), features) for kind, features in found.items())
        if arms.residual is not None:
            yield (RAW, "residual"), self._raw(arms.residual)
            yield (NETWORK, "residual"), self._network(arms.residual)
        if arms.unmasked is not None:
            yield (RAW, "unmasked"), self._raw(arms.unmasked)
        if arms.masked is not None and self._normalises:
            core = self.viewer.apply(arms.masked.image[..., _CORE, _CORE], *self._normalised_by(arms.masked))
            yield (NETWORK, "masked"), _widened(core_features(core, self._about(arms.masked).core))
        yield from self._pedestals(twin, twins[NETWORK])
        yield from self._core_leaks(twin, arms)
        yield from self._noise(twin, twins)
        if self._normalises:
            yield from self._normaliser_leaks(arms.counterpart)

    @property
    def _normalises(self) -> bool:
        """Whether the view has statistics at all: `raw` divides by constants."""
        return self.viewer.view.normalisation != "raw"

    def _seen(self, stamps: Stamps) -> Iterator[tuple[str, Floats]]:
        yield RAW, self._raw(stamps)
        yield NETWORK, self._network(stamps)
        if self._normalises:
            yield NORMALISER, self._normaliser(stamps)

    def _raw(self, stamps: Stamps) -> Floats:
        return _in_sky_sigma(self._features(stamps.image, stamps), stamps)

    def _network(self, stamps: Stamps) -> Floats:
        return self._features(self.viewer.apply(stamps.image, *self._normalised_by(stamps)), stamps)

    def _features(self, image: Floats, stamps: Stamps) -> Floats:
        centred = self._about(stamps)
        return stamp_features(image, centred.rings, centred.core)

    def _about(self, stamps: Stamps) -> Centred:
        """Rings about the centres of rows: positives, null rows and paired controls share them."""
        for centred in self._centred:
            if centred.fits(stamps):
                return centred
        self._centred.append(Centred(stamps))
        return self._centred[-1]

    def _normalised_by(self, stamps: Stamps) -> tuple[Floats, Floats]:
        """Centre and scale of the stamps that the network sees."""
        key = id(stamps.seen)
        if key not in self._statistics:
            self._statistics[key] = self.viewer.normaliser(stamps.seen, stamps.x, stamps.y)
        return self._statistics[key]

    def _normaliser(self, stamps: Stamps) -> Floats:
        """Centre in sky sigma and log scale, (n, band, 2)."""
        return _statistics(*self._normalised_by(stamps), stamps)

    def _pedestals(self, twin: Stamps, viewed: Floats) -> Iterator[tuple[Key, Floats]]:
        """Light of one sky sigma in several regions.

        A view's statistics are taken to stay as they are: what happens to them belongs to the gates on the normaliser.
        """
        about = self._about(twin)
        regions = canaries.regions(about.rings.radius_pix)
        offset = np.zeros((len(viewed), 1, N_FEATURES), dtype=np.float32)
        offset[:, :, :N_RINGS] = 1.0
        offset[:, :, FRAME] = 1.0
        yield (RAW, "offset"), offset
        for name, light in (("regions", regions), ("step", canaries.step(about.rings.radius_pix, twin.table))):
            yield (RAW, name), _linear(stamp_features(light, about.rings, about.core))
        planted = twin.image + PEDESTAL_SKY_SIGMA * twin.sky.astype(np.float32) * regions
        features = self._features(self.viewer.apply(planted, *self._normalised_by(twin)), twin)
        yield (NETWORK, "regions"), _linear((features - viewed) / PEDESTAL_SKY_SIGMA)

    def _core_leaks(self, twin: Stamps, arms: Arms) -> Iterator[tuple[Key, Floats]]:
        """A shift of the galaxy and wider PSFs, which change the core: a central cut suffices."""
        wide = _cut(CORE_SIZE + 2 * _MARGIN)
        rows, narrow = slice(_MARGIN, -_MARGIN), slice(1, -1)
        galaxy = twin.image[..., wide, wide]
        leaks = {"shift": (canaries.shifted(galaxy[..., rows, :]), SHIFT_PIX)}
        if arms.null is not None:
            leaks["host_psf"] = canaries.blurred(galaxy, canaries.psf_sigma_pix(twin.table))[..., narrow, narrow], WIDENING
        if arms.declared is not None:
            arc, sigma = light_of_pairs(arms.declared[..., wide, wide], arms.stamp, twin), canaries.psf_sigma_pix(twin.table)
            leaks["arc_psf"] = canaries.blurred(arc, sigma)[..., narrow, narrow], WIDENING
        core, statistics = self._about(twin).core, self._normalised_by(twin)
        bare = self.viewer.apply(twin.image[..., _CORE, _CORE], *statistics)
        for name, (light, size) in leaks.items():
            yield (RAW, name), _widened(core_features(np.asarray(light / twin.sky, dtype=np.float32), core))
            viewed = self.viewer.apply(twin.image[..., _CORE, _CORE] + size * light, *statistics)
            yield (NETWORK, name), _widened(core_features(np.asarray((viewed - bare) / size, dtype=np.float32), core))

    def _normaliser_leaks(self, control: Stamps) -> Iterator[tuple[Key, Floats]]:
        """What a normaliser that is off by a sky sigma, or by its own size, makes of the core of controls, `masked`'s twin."""
        core, galaxy = self._about(control).core, control.image[..., _CORE, _CORE]
        centre, scale = self._normalised_by(control)
        bare = core_features(self.viewer.apply(galaxy, centre, scale), core)
        lower = centre - PEDESTAL_SKY_SIGMA * control.sky[:, :, 0, 0].astype(np.float32)
        for name, size, statistics in (
            ("centre", PEDESTAL_SKY_SIGMA, (lower, scale)),
            ("scale", WIDENING, (centre, scale * (1 + WIDENING))),
        ):
            viewed = core_features(self.viewer.apply(galaxy, *statistics), core)
            yield (NETWORK, name), _widened((viewed - bare) / size)

    def _noise(self, twin: Stamps, twins: dict[str, Floats]) -> Iterator[tuple[Key, Floats]]:
        """Noise of the sky's own variance, measured at a tenth of it."""
        planted = twin.image + np.float32(np.sqrt(NOISE_SHARE)) * twin.sky.astype(np.float32) * canaries.noise(twin)
        yield (RAW, "noise"), _per_unit(twins[RAW], _in_sky_sigma(self._features(planted, twin), twin))
        if self._normalises:
            statistics = _statistics(*self.viewer.normaliser(planted, twin.x, twin.y), twin)
            yield (NORMALISER, "noise"), _per_unit(twins[NORMALISER], statistics)
            offset = np.zeros((len(statistics), 1, 2), dtype=np.float32)
            offset[:, :, 0] = 1.0
            yield (NORMALISER, "offset"), offset


def _per_unit(before: Floats, after: Floats) -> Floats:
    """Change of means with the amplitude of noise; of the last feature, a log standard deviation, with the variance."""
    change = (after - before) / np.float32(np.sqrt(NOISE_SHARE))
    change[:, :, -1] = np.expm1(2.0 * (after - before)[:, :, -1]) / np.float32(NOISE_SHARE)
    return change


def _linear(features: Floats) -> Floats:
    """Features of light without noise of its own."""
    features[:, :, NOISE] = 0.0
    return features


def _in_sky_sigma(features: Floats, stamps: Stamps) -> Floats:
    sky = stamps.sky[:, :, :, 0].astype(np.float32)
    out = features / sky
    out[:, :, NOISE] = features[:, :, NOISE] - np.log(sky[:, :, 0])
    return out


def _statistics(centre: Floats, scale: Floats, stamps: Stamps) -> Floats:
    return np.stack([centre / stamps.sky[:, :, 0, 0], np.log(scale)], axis=2).astype(np.float32)


def _widened(core: Floats) -> Floats:
    """Core features in the columns of `stamp_features`, the others zero."""
    out = np.zeros((*core.shape[:2], N_FEATURES), dtype=np.float32)
    out[:, :, CORE_COLUMNS] = core
    return out
