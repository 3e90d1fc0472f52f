"""How numbers are stored: grids and zeros of one class alone, and silence on sound sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import judgement
from made_shards import PAIRED, SKY, changed, made_context, made_shard, made_stamps

from arcgate.gates.core.predicted import Predicted
from arcgate.gates.stored_values import COARSE, GATE, STEPPED, TRAITS, ZEROS, traits

N = 120


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 5)


@pytest.fixture(scope="module")
def sound(control):
    """Arcs and positives of a sound set: a ring of light on every control, added in float32."""
    rng = np.random.default_rng(2)
    ring = np.exp(-0.5 * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) - 6.0) ** 2) + 1e-5
    arc = (rng.uniform(1.0, 30.0, (N, 1, 1, 1)) * ring * SKY[:, None, None]).astype(np.float32)
    return arc, changed(control, control.image + arc)


@pytest.fixture(scope="module")
def settings(small):
    return small().gates


@pytest.fixture(scope="module")
def judged(settings):
    """The result on positives with some pixels; where the arc is declared, zeros under it count."""

    def judge(control, image, arc=None, facts=PAIRED, pieces=(slice(None),)):
        context, stamp = made_context(settings, [control], facts=facts), changed(control, image)
        shards = []
        for rows in (np.arange(N)[piece] for piece in pieces):
            declared = None if arc is None else Predicted(arc[rows], arc[rows], None)
            shards.append(made_shard(context, control.take(rows), positive=stamp.take(rows), predicted=declared))
        [result] = judgement(GATE, shards).results
        return result

    return judge


def test_a_sound_set_is_silent_and_every_planted_trait_is_noticed(judged, control, sound):
    arc, stamp = sound
    result = judged(control, stamp.image, arc)
    assert (result.status, result.value, result.n) == ("passed", 0.0, 2 * N)
    assert f"detected in a planted row: {', '.join(TRAITS)}" in result.reason


@pytest.mark.parametrize(
    ("store", "trait"),
    [
        (lambda image: image.astype(np.float16).astype(np.float32), COARSE),
        (lambda image: (image.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32), COARSE),
        (lambda image: np.round(image, 3), STEPPED),
        (lambda image: np.round(image / 0.0007) * np.float32(0.0007), STEPPED),
        (lambda image: np.where(np.arange(64) == 9, np.float32(0.0), image), ZEROS),
    ],
    ids=["float16", "bfloat16", "decimals", "steps", "dead column"],
)
def test_what_one_class_went_through_fails_and_what_both_did_does_not(judged, control, sound, store, trait):
    arc, stamp = sound
    result = judged(control, store(stamp.image), arc)
    assert result.status == "failed"
    assert f"{trait}: {N} of {N} galaxies of positives, 0 of {N}" in result.reason
    both = changed(control, store(control.image))
    assert judged(both, store(stamp.image), arc).status == "passed"


@pytest.mark.parametrize("count", [10.0**-1.8, 0.37, 1e-3])
def test_counts_that_were_converted_are_seen_as_they_were_stored(judged, control, sound, count):
    facts, (arc, stamp) = replace(PAIRED, nanomaggies_per_count=count), sound
    read = [
        (image / np.float32(count)).astype(np.float16).astype(np.float32) * np.float32(count)
        for image in (stamp.image, control.image)
    ]
    one = judged(control, read[0], arc, facts=facts)
    assert one.status == "failed"
    assert f"{COARSE}: {N} of {N} galaxies of positives, 0 of {N}" in one.reason
    assert judged(changed(control, read[1]), read[0], arc, facts=facts).status == "passed"
    sound_set = judged(control, stamp.image, arc, facts=facts)
    assert (sound_set.status, sound_set.value) == ("passed", 0.0)


def test_planted_traits_are_noticed_however_large_or_small_stored_numbers_are(judged, control, sound):
    arc, stamp = sound
    for size in (1e-12, 1e6):
        small = changed(control, control.image * np.float32(size))
        result = judged(small, stamp.image * np.float32(size), arc * np.float32(size))
        assert (result.status, result.value) == ("passed", 0.0)


def test_few_rows_neither_fail_nor_pass(judged, control, sound):
    arc, stamp = sound
    image = stamp.image.copy()
    image[:4] = image[:4].astype(np.float16)
    result = judged(control, image, arc)
    assert result.status == "undetermined"
    assert "4 of 120 galaxies of positives" in result.reason


def test_zeros_that_an_arc_covers_are_zeros(judged, control, sound):
    """A host with a masked corner: its arc's wings fill it, which a declared arc shows and without one is not held against it."""
    arc, _ = sound
    image = control.image.copy()
    image[..., :5, :5] = 0.0
    host = changed(control, image)
    assert judged(host, image + arc, arc).status == "passed"
    undeclared = replace(PAIRED, declared=False)
    assert judged(host, image + arc, facts=undeclared).status == "passed"
    assert judged(control, np.where(image == 0, np.float32(0.0), control.image + arc), facts=undeclared).status == "failed"


def test_a_constant_image_has_no_steps():
    flat = np.ones((1, 3, 64, 64), dtype=np.float32)
    assert not traits(flat)[0, 1]


def test_a_planted_trait_that_goes_unnoticed_leaves_the_gate_insensitive(judged, control, sound, monkeypatch):
    arc, stamp = sound
    monkeypatch.setattr("arcgate.gates.stored_values._stepped", lambda image: np.zeros(image.shape[:2], dtype=bool))
    result = judged(control, stamp.image, arc)
    assert result.status == "insensitive"
    assert f"not detected, although so large: {STEPPED}" in result.reason


def test_shards_are_counted_together(judged, control, sound):
    arc, stamp = sound
    image = stamp.image.astype(np.float16).astype(np.float32)
    whole = judged(control, image, arc)
    assert whole.status == "failed"
    assert judged(control, image, arc, pieces=(slice(50), slice(50, N))) == whole
