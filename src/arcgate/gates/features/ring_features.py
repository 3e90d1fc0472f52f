"""Light in rings about galaxies, as stored and as a view shows it, and what a view divides by: what most gates look at. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.rings import Centred, Floats

Kind = Literal["raw", "network", "network_core", "normaliser"]


@dataclass(frozen=True)
class RingColumns:
    """Features of a kind, and what a rule may look at in them.

    Attributes
    ----------
    kind : {'raw', 'network', 'network_core', 'normaliser'}
        Of stamps as stored, in sky sigma; of stamps under the view, of which only the core need be looked at; or the statistics
        that the view divides by.
    select : callable
        Takes the columns, as `Regions` names them, from features (n, band, k).
    """

    kind: Kind
    select: Callable[[Floats, Regions], Floats]

    def __call__(self, shard: Shard, stamps: Stamps) -> Floats:
        """Features (n, band, k) of stamps."""
        return self.of(shard.once(ring_features, stamps, self.kind), shard.context.regions)

    @property
    def of_planes(self) -> bool:
        """Whether it is measured on what the network gets, and not on stored stamps or on statistics."""
        return self.kind in ("network", "network_core")

    def of(self, features: Floats, regions: Regions) -> Floats:
        """The columns of features."""
        return self.select(features, regions)


def ring_features(shard: Shard, stamps: Stamps, kind: Kind) -> Floats:
    """All features of a kind, float32 (n, band, k)."""
    if kind == "normaliser":
        return normaliser_features(shard, stamps)
    about = centred(shard, stamps)
    if kind == "raw":
        return in_sky_sigma(about.of_stamps(stamps.image), stamps, shard.context.regions)
    if kind == "network_core":
        return plane_core_features(shard, stamps, shard.once(viewed_core, stamps))
    return plane_features(shard, stamps, shard.viewed(stamps))


def plane_features(shard: Shard, stamps: Stamps, viewed: Floats) -> Floats:
    """Features of stamps as a view hands them over; where it shows no profile, the scatter in rings stands for it."""
    about = centred(shard, stamps)
    return about.of_residuals(viewed) if shard.context.viewer.viewer.removes else about.of_stamps(viewed)


def plane_core_features(shard: Shard, stamps: Stamps, core: Floats) -> Floats:
    """The same of cuts that hold the rings of the core alone, the other columns zero."""
    about, regions = centred(shard, stamps), shard.context.regions
    if shard.context.viewer.viewer.removes:
        return widened(about.of_core_residuals(core), regions, regions.residual_core_columns)
    return widened(about.of_core(core), regions, regions.core_columns)


def normaliser_features(shard: Shard, stamps: Stamps) -> Floats:
    """Centre of the view's normaliser in sky sigma and the logarithm of its scale, (n, band, 2)."""
    return statistics(*shard.normaliser(stamps), stamps)


def statistics(centre: Floats, scale: Floats, stamps: Stamps) -> Floats:
    """The same of any centre and scale, nanomaggies per pixel."""
    return np.stack([centre / stamps.sky[:, :, 0, 0], np.log(scale)], axis=2).astype(np.float32)


def centred(shard: Shard, stamps: Stamps) -> Centred:
    """Rings about the centres of rows: positives, null rows and paired controls share them."""
    known = shard.once(_all_centred)
    for about in known:
        if np.array_equal(stamps.x, about.x_pix) and np.array_equal(stamps.y, about.y_pix):
            return about
    known.append(Centred(stamps.x, stamps.y, shard.context.regions))
    return known[-1]


def _all_centred(shard: Shard) -> list[Centred]:
    return []


def in_sky_sigma(features: Floats, stamps: Stamps, regions: Regions) -> Floats:
    """Features of stamps in units of the sky's standard deviation."""
    sky = stamps.sky[:, :, :, 0].astype(np.float32)
    out = features / sky
    out[:, :, regions.noise] = features[:, :, regions.noise] - np.log(sky[:, :, 0])
    return out


def viewed_core(shard: Shard, stamps: Stamps) -> Floats:
    """The cut that holds the rings of the core as the view hands it over."""
    return viewed_core_of(shard, stamps.image, stamps, shard.normaliser(stamps))


def widened(core: Floats, regions: Regions, columns: tuple[int, ...]) -> Floats:
    """Features of the core in their columns among all of them, the others zero."""
    out = np.zeros((*core.shape[:2], max(regions.n_features, columns[-1] + 1)), dtype=np.float32)
    out[:, :, columns] = core
    return out


def viewed_core_of(shard: Shard, image: Floats, stamps: Stamps, statistics: tuple[Floats, Floats]) -> Floats:
    """The cut that holds the rings of the core, of an image of these stamps under the view, normalised by these statistics."""
    cut = shard.context.regions.core_cut
    return shard.context.viewer.apply(shard.shown(image, stamps)[..., cut, cut], *statistics)


def core(features: Floats, regions: Regions) -> Floats:
    """Rings of the core, and its dipole; of residuals the quadrupole too."""
    return features[:, :, regions.core_columns if features.shape[2] == regions.n_features else regions.residual_core_columns]


def annulus(features: Floats, regions: Regions) -> Floats:
    """Rings of the annulus."""
    return features[:, :, regions.annulus_columns]


def annulus_steps(features: Floats, regions: Regions) -> Floats:
    """Differences of neighbours, from the last ring before the annulus to the first one after it."""
    columns = regions.annulus_columns
    return np.diff(features[:, :, columns.start - 1 : columns.stop + 1], axis=2)


def border(features: Floats, regions: Regions) -> Floats:
    """Rings of the border, the outermost frame, and the noise."""
    return features[:, :, regions.border_columns]


def border_steps(features: Floats, regions: Regions) -> Floats:
    """Differences of neighbours, from the annulus to the outermost frame."""
    rings = features[:, :, regions.annulus_columns.stop : regions.n_rings]
    return np.concatenate([np.diff(rings, axis=2), features[:, :, [regions.frame]] - rings[:, :, -1:]], axis=2)


def edge_steps(features: Floats, regions: Regions) -> Floats:
    """Differences between neighbouring rings about the core's edge: a mask's edge is a step in one of them."""
    return np.diff(features[:, :, regions.edge_columns], axis=2)


def everything(features: Floats, regions: Regions) -> Floats:
    """All columns."""
    return features
