"""What the gates keep of one shard: features of each arm, and of each leak in the null twin. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from arcgate.gates import canaries
from arcgate.gates.arms import Arms, Stamps, alike, light_of_pairs
from arcgate.gates.features import Centred, Floats
from arcgate.gates.regions import Regions
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


@dataclass
class Extraction:
    """Extracts from one shard; what several gates look at is computed once.

    Attributes
    ----------
    viewer : Viewer
    """

    viewer: Viewer
    _regions: Regions = field(init=False)
    _centred: list[Centred] = field(default_factory=list)
    _statistics: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._regions = Regions(self.viewer.imaging)

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
            core = self.viewer.apply(self._core_of(arms.masked), *self._normalised_by(arms.masked))
            yield (NETWORK, "masked"), self._widened(self._about(arms.masked).of_core(core))
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
        return self._in_sky_sigma(self._about(stamps).of_stamps(stamps.image), stamps)

    def _network(self, stamps: Stamps) -> Floats:
        return self._about(stamps).of_stamps(self.viewer.apply(stamps.image, *self._normalised_by(stamps)))

    def _core_of(self, stamps: Stamps) -> Floats:
        """The cut that holds the rings of the core."""
        return stamps.image[..., self._regions.core_cut, self._regions.core_cut]

    def _about(self, stamps: Stamps) -> Centred:
        """Rings about the centres of rows: positives, null rows and paired controls share them."""
        for centred in self._centred:
            if np.array_equal(stamps.x, centred.x_pix) and np.array_equal(stamps.y, centred.y_pix):
                return centred
        self._centred.append(Centred(stamps.x, stamps.y, self._regions))
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
        about, regions = self._about(twin), self._regions
        radius = about.rings.radius_pix
        pedestals = canaries.pedestals(radius, regions)
        offset = np.zeros((len(viewed), 1, regions.n_features), dtype=np.float32)
        offset[:, :, : regions.n_rings] = 1.0
        offset[:, :, regions.frame] = 1.0
        yield (RAW, "offset"), offset
        for name, light in (("regions", pedestals), ("step", canaries.step(radius, twin.table, regions))):
            yield (RAW, name), self._linear(about.of_stamps(light))
        planted = twin.image + PEDESTAL_SKY_SIGMA * twin.sky.astype(np.float32) * pedestals
        features = about.of_stamps(self.viewer.apply(planted, *self._normalised_by(twin)))
        yield (NETWORK, "regions"), self._linear((features - viewed) / PEDESTAL_SKY_SIGMA)

    def _core_leaks(self, twin: Stamps, arms: Arms) -> Iterator[tuple[Key, Floats]]:
        """A shift of the galaxy and wider PSFs, which change the core: a central cut suffices."""
        cut = self._regions.core_cut
        wide = slice(cut.start - _MARGIN, cut.stop + _MARGIN)
        rows, narrow = slice(_MARGIN, -_MARGIN), slice(1, -1)
        galaxy = twin.image[..., wide, wide]
        leaks = {"shift": (canaries.shifted(galaxy[..., rows, :]), SHIFT_PIX)}
        if arms.null is not None:
            sigma = canaries.psf_sigma_pix(twin.table, twin.imaging)
            leaks["host_psf"] = canaries.blurred(galaxy, sigma)[..., narrow, narrow], WIDENING
        if arms.declared is not None:
            arc = light_of_pairs(arms.declared[..., wide, wide], arms.stamp, twin)
            sigma = canaries.psf_sigma_pix(twin.table, twin.imaging)
            leaks["arc_psf"] = canaries.blurred(arc, sigma)[..., narrow, narrow], WIDENING
        about, core, statistics = self._about(twin), self._core_of(twin), self._normalised_by(twin)
        bare = self.viewer.apply(core, *statistics)
        for name, (light, size) in leaks.items():
            yield (RAW, name), self._widened(about.of_core(np.asarray(light / twin.sky, dtype=np.float32)))
            viewed = self.viewer.apply(core + size * light, *statistics)
            yield (NETWORK, name), self._widened(about.of_core(np.asarray((viewed - bare) / size, dtype=np.float32)))

    def _normaliser_leaks(self, control: Stamps) -> Iterator[tuple[Key, Floats]]:
        """What a normaliser that is off by a sky sigma, or by its own size, makes of the core of controls, `masked`'s twin."""
        about, galaxy = self._about(control), self._core_of(control)
        centre, scale = self._normalised_by(control)
        bare = about.of_core(self.viewer.apply(galaxy, centre, scale))
        lower = centre - PEDESTAL_SKY_SIGMA * control.sky[:, :, 0, 0].astype(np.float32)
        for name, size, statistics in (
            ("centre", PEDESTAL_SKY_SIGMA, (lower, scale)),
            ("scale", WIDENING, (centre, scale * (1 + WIDENING))),
        ):
            viewed = about.of_core(self.viewer.apply(galaxy, *statistics))
            yield (NETWORK, name), self._widened((viewed - bare) / size)

    def _noise(self, twin: Stamps, twins: dict[str, Floats]) -> Iterator[tuple[Key, Floats]]:
        """Noise of the sky's own variance, measured at a tenth of it."""
        planted = twin.image + np.float32(np.sqrt(NOISE_SHARE)) * twin.sky.astype(np.float32) * canaries.noise(twin)
        yield (RAW, "noise"), _per_unit(twins[RAW], self._in_sky_sigma(self._about(twin).of_stamps(planted), twin))
        if self._normalises:
            statistics = _statistics(*self.viewer.normaliser(planted, twin.x, twin.y), twin)
            yield (NORMALISER, "noise"), _per_unit(twins[NORMALISER], statistics)
            offset = np.zeros((len(statistics), 1, 2), dtype=np.float32)
            offset[:, :, 0] = 1.0
            yield (NORMALISER, "offset"), offset

    def _linear(self, features: Floats) -> Floats:
        """Features of light without noise of its own."""
        features[:, :, self._regions.noise] = 0.0
        return features

    def _in_sky_sigma(self, features: Floats, stamps: Stamps) -> Floats:
        sky, noise = stamps.sky[:, :, :, 0].astype(np.float32), self._regions.noise
        out = features / sky
        out[:, :, noise] = features[:, :, noise] - np.log(sky[:, :, 0])
        return out

    def _widened(self, core: Floats) -> Floats:
        """Features of the core in the columns of all of them, the others zero."""
        out = np.zeros((*core.shape[:2], self._regions.n_features), dtype=np.float32)
        out[:, :, self._regions.core_columns] = core
        return out


def _per_unit(before: Floats, after: Floats) -> Floats:
    """Change of means with the amplitude of noise; of the last feature, a log standard deviation, with the variance."""
    change = (after - before) / np.float32(np.sqrt(NOISE_SHARE))
    change[:, :, -1] = np.expm1(2.0 * (after - before)[:, :, -1]) / np.float32(NOISE_SHARE)
    return change


def _statistics(centre: Floats, scale: Floats, stamps: Stamps) -> Floats:
    return np.stack([centre / stamps.sky[:, :, 0, 0], np.log(scale)], axis=2).astype(np.float32)
