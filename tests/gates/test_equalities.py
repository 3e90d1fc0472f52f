"""Gates on equality: null injection and de-injection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import results_of, shards_in
from made_shards import PAIRED, changed

from arcgate.dataset.source import DatasetSource
from arcgate.gates import deinjection, null_equal
from arcgate.gates.core.shard import Shard

SOUND = ("psf=moffat_converted", "view=annulus_robust")
UNPAIRED = (*SOUND, "controls=unpaired", "data.n_pairs=90")


def judged(dataset, spec, **facts):
    shards = shards_in(dataset, spec, replace(DatasetSource(dataset).facts, **facts))
    return results_of(null_equal.GATE, shards) | results_of(deinjection.GATE, shards)


@pytest.mark.parametrize("overrides", [SOUND, UNPAIRED])
def test_a_sound_set_is_equal_and_detects_what_is_planted(small, built, overrides):
    results = judged(built(*overrides), small(*overrides))
    assert {result.status for result in results.values()} == {"passed"}
    assert (("null_equal", "raw") in results) == (overrides == SOUND)
    assert "half precision" in results["deinjection", "raw"].reason
    if overrides == SOUND:
        assert "one unit in the last place" in results["null_equal", "raw"].reason
        assert 0 < results["null_equal", "raw"].detected_sensitivity < 1e-3


@pytest.fixture
def changed_role(built, rewritten):
    """The sound set with the stamps of one role changed by a function."""

    def make(role, change):
        def apply(table, image):
            rows = np.flatnonzero((table["role"] == role).to_numpy())
            image[rows] = change(image[rows])
            return table, image

        return rewritten(built(*SOUND), apply)

    return make


def _half_precision(image):
    return image.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize(
    ("role", "change", "gate"),
    [
        ("null", lambda image: image + np.float32(1e-4), "null_equal"),
        ("null", _half_precision, "null_equal"),
        ("positive", _half_precision, "deinjection"),
        ("positive", lambda image: np.roll(image, 1, axis=3), "deinjection"),
    ],
)
def test_a_changed_class_is_found(small, changed_role, role, change, gate):
    results = judged(changed_role(role, change), small(*SOUND))
    assert results[gate, "raw"].status == "failed"
    assert results[gate, "raw"].value == 1.0


@pytest.mark.parametrize(
    ("facts", "gate", "says"),
    [
        ({"has_null": False}, "null_equal", "data.null_rows"),
        ({"has_arc": False}, "deinjection", "store the arcs"),
    ],
)
def test_what_cannot_be_compared_is_not_run(small, built, facts, gate, says):
    result = judged(built(*SOUND), small(*SOUND), **facts)[gate, "raw"]
    assert (result.status, result.value) == ("not_run", None)
    assert says in result.reason


def test_a_planted_leak_that_changes_nothing_leaves_the_gate_insensitive(small, built, monkeypatch):
    monkeypatch.setattr("arcgate.gates.null_equal.one_unit", lambda stamps: stamps.image[:1].copy())
    result = judged(built(*SOUND), small(*SOUND))["null_equal", "raw"]
    assert result.status == "insensitive"
    assert "not detected, although so large: one unit in the last place" in result.reason


@pytest.fixture(scope="module")
def sums(small, built):
    """Results of `deinjection` on hosts, arcs and stamps as another maker may have written them."""
    spec, dataset = small(*SOUND), built(*SOUND)
    shards = shards_in(dataset, spec)
    foreign = replace(DatasetSource(dataset).facts, layout="arrays", has_null=False)

    def judge(change, facts=foreign):
        context = replace(shards[0].context, facts=facts)
        parts = []
        for shard in shards:
            host, arc, stamp = change(shard.control.image, shard.arc)
            part = Shard(context, shard.stored)
            part.__dict__.update(
                {"control": changed(shard.control, host), "positive": changed(shard.positive, stamp), "arc": arc}
            )
            parts.append(part)
        return results_of(deinjection.GATE, parts)["deinjection", "raw"]

    return judge


def in_float64(host, arc):
    digits = np.random.default_rng(0)
    host, arc = (image * (1 + 1e-8 * digits.standard_normal(image.shape)) for image in (host, arc))
    return tuple(image.astype(np.float32) for image in (host, arc, host + arc))


def scaled(host, arc):
    factor = np.float32(10 ** (0.4 * 4.5))
    return host * factor, arc * factor, (host + arc) * factor


@pytest.mark.parametrize("change", [in_float64, scaled])
def test_other_makers_sums_may_round_and_the_largest_difference_is_stated(sums, change):
    result = sums(change)
    assert (result.status, result.value) == ("passed", 0.0)
    assert "equal within the rounding of float32; largest difference of a pixel: " in result.reason
    # What arcgate wrote is equal bit by bit, or it is not what it says.
    own = sums(change, replace(PAIRED, layout="arcgate"))
    assert own.status == "failed"


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_a_pixel_beyond_the_rounding_of_the_file_fails(sums, precision):
    def brighter(host, arc):
        stamp = (host + arc).astype(precision).astype(np.float32)
        stamp[:, 0, 5, 5] += 0.5 * 0.0026
        return host.astype(precision).astype(np.float32), arc.astype(precision).astype(np.float32), stamp

    facts = replace(PAIRED, layout="arrays", has_null=False, precision=precision)
    assert sums(brighter, facts).status == "failed"


def test_half_precision_sums_pass_where_the_file_is_in_half_precision(sums):
    def half(host, arc):
        return tuple(image.astype(np.float16).astype(np.float32) for image in (host, arc, host + arc))

    assert sums(half).status == "failed"
    result = sums(half, replace(PAIRED, layout="arrays", has_null=False, precision="float16"))
    assert result.status == "passed"
    assert "rounding to half precision" not in result.reason
