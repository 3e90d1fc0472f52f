"""Gates share the arrays that they look at: one that writes into them is told so at that line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from composing import composed
from made_shards import made_context, made_shard, made_stamps

from arcgate.ground.read_only import read_only_view
from arcgate.views.compiled_robust import medians
from arcgate.views.robust import median_and_mad


@pytest.fixture
def shard():
    control = made_stamps(6, seed=1)
    return made_shard(made_context(composed("gates=quick").gates, [control]), control)


@dataclass
class Measured:
    light: np.ndarray
    parts: tuple[np.ndarray, ...]


@pytest.mark.parametrize("name", ["image", "seen", "in_sky", "radius", "sky", "x", "y", "names", "galaxy", "pair"])
def test_stamps_cannot_be_written(shard, name):
    light = np.ones(shard.control.image.shape[1:])
    for stamps in (
        shard.control,
        shard.control.with_light(light),
        shard.control.take(np.arange(3)),
        shard.control.without(light),
    ):
        with pytest.raises(ValueError, match="read-only"):
            getattr(stamps, name)[:1] = getattr(stamps, name)[1:2]


def test_what_is_measured_once_cannot_be_written(shard):
    def measured(_, what):
        return {"array": np.zeros(3), "pair": (np.zeros(3), 1), "object": Measured(np.zeros(3), (np.zeros(3),))}[what]

    found = shard.once(measured, "object")
    arrays = [shard.once(measured, "array"), shard.once(measured, "pair")[0], found.light, *found.parts, shard.stored.image]
    for array in (*arrays, *shard.normaliser(shard.control), shard.finite.image, shard.broken, shard.flat):
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = 0


def test_arrays_that_may_not_be_written_compile_nothing_anew():
    image = made_stamps(4, seed=2).image
    known = len(medians.signatures)
    median_and_mad(image.copy(), None)
    once = len(medians.signatures)
    median_and_mad(image, None)
    assert len(medians.signatures) == once <= known + 1
    assert image.copy().flags.writeable
    assert read_only_view(image.copy()).base.flags.writeable
