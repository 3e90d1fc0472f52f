"""Features of classes without stamps, and the context that halves their galaxies."""

from __future__ import annotations

import numpy as np
from made_shards import PAIRED, VIEW

from arcgate.gates.core.context import Context
from arcgate.gates.core.held_out_auc import Sample
from arcgate.variant import Gates
from arcgate.views.arrays import ArrayViewer


def sample(features: np.ndarray, start: int = 0, galaxy: np.ndarray | None = None) -> Sample:
    """Rows with these features, each of a galaxy and a pair of its own, counted from `start`, unless galaxies are given."""
    pair = np.arange(start, start + len(features))
    return Sample(features, pair if galaxy is None else galaxy, pair)


def halving(settings: Gates, *samples: Sample) -> Context:
    """The context of some classes, all of whose pairs are judged."""
    galaxy, pair = (np.concatenate([getattr(each, name) for each in samples]) for name in ("galaxy", "pair"))
    galaxies, place = np.unique(galaxy, return_inverse=True)
    first = np.full(len(galaxies), pair.max(initial=0) + 1)
    np.minimum.at(first, place, pair)
    viewer = ArrayViewer(VIEW, PAIRED.imaging)
    return Context(PAIRED, viewer, settings, np.unique(pair), galaxies, first, np.arange(len(galaxies)))
