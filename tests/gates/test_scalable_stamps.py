"""Stamps that a view cannot scale leave with their pairs; the rest is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from judging import by_name, judgement

from arcgate.dataset.source import DatasetSource, ShardPart
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.context import context_of
from arcgate.gates.core.shard import Shard
from arcgate.gates.scalable_stamps import GATE
from arcgate.imaging import DECALS
from arcgate.views.arrays import ArrayViewer, stamps_of

SOUND = ("psf=moffat_converted", "view=annulus_robust", "gates=quick", "data.n_pairs=150")


def grey(image):
    """Each band in 20 grey levels, so that more than half of the sky's pixels are equal."""
    low, high = (end(axis=(2, 3), keepdims=True) for end in (image.min, image.max))
    return (np.round((image - low) / (high - low) * 20) / 20 * (high - low) + low).astype(np.float32)


def flattened(batch, role, count):
    """The first rows of a role in grey levels."""
    rows = np.flatnonzero((batch.table["role"] == role).to_numpy())[:count]
    image = batch.image.copy()
    image[rows] = grey(image[rows])
    return replace(batch, image=image)


@pytest.fixture(scope="module")
def batch(built):
    return DatasetSource(built(*SOUND)).parts()[0].read()


@pytest.fixture(scope="module")
def context(small, built):
    spec = small(*SOUND)
    return context_of(DatasetSource(built(*SOUND)), spec.view, spec.gates)


@pytest.fixture(scope="module")
def viewer(context):
    return context.viewer


def counted(context, *batches):
    [result] = judgement(GATE, [Shard(context, batch) for batch in batches]).results
    return result


def test_the_screen_finds_what_the_view_cannot_divide_by(batch, viewer, small):
    x, y = (batch.table[name].to_numpy(float) for name in ("host_x_pix", "host_y_pix"))
    assert viewer.scalable(batch.image, x, y).all()
    image = np.concatenate([grey(batch.image[:20]), np.zeros_like(batch.image[:1]), batch.image[21:22]])
    scale = viewer.viewer._statistics(stamps_of(image, x[:22], y[:22]))[1].numpy()
    assert (scale[:20] == 0).any(axis=1).sum() > 10
    np.testing.assert_array_equal(viewer.scalable(image, x[:22], y[:22]), (scale > 0).all(axis=1))
    assert ArrayViewer(small("view=raw").view, DECALS).scalable(image, x[:22], y[:22]).all()


def test_rows_are_named_counted_by_class_and_their_pairs_leave(batch, context):
    flat = flattened(batch, "positive", 1)
    left, result = Shard(context, flat).judged, counted(context, batch, flat)
    first = batch.table[batch.table["role"] == "positive"].iloc[0]
    assert set(batch.table["pair_id"]) - set(left.table["pair_id"]) == {first["pair_id"]}
    assert (result.status, result.n) == ("passed", 2 * len(batch.table))
    positives = 2 * (batch.table["role"] == "positive").sum()
    assert f"1 of {positives} positives have no spread" in result.reason
    assert f"positive of galaxy {first['host_id']}, pair {first['pair_id']}" in result.reason


def test_a_difference_beyond_chance_fails(batch, context):
    flat = flattened(batch, "positive", 20)
    assert counted(context, flat).status == "failed"
    assert counted(context, flattened(flat, "control", 20)).status == "passed"
    assert GATE.judge({}, context).results[0].status == "not_run"


@dataclass(frozen=True)
class FlatShard(ShardPart):
    def read(self):
        return flattened(super().read(), "positive", 1)


@dataclass(frozen=True)
class FlatSource(DatasetSource):
    def parts(self):
        return [FlatShard(part.path) for part in super().parts()]


def test_one_flat_stamp_leaves_the_other_pairs_to_the_gates(small, built):
    spec, dataset = small(*SOUND, "gates.reference_rows=0", "gates.verdict_pairs=20"), built(*SOUND)
    judged = run_battery(FlatSource(dataset), spec.view, spec.gates)
    results = by_name(list(judged.results))
    gone = len(dataset.shards())
    assert results["null_equal", "raw"].n == judged.cause.rows_judged == 150 - gone
    ran = {name for (name, _), result in results.items() if result.role == "gate" and result.status != "not_run"}
    assert {"residual_core", "residual_border", "normaliser_masked", "mask_edge", "two_sample_core_pca_ridge"} <= ran
