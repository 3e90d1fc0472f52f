"""How numbers are stored: grids and zeros of one class alone, and silence on sound sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_arms import PAIRED, SKY, changed, gathered, made_arms, made_stamps

from arcgate.gates.stored_values import COARSE, STEPPED, ZEROS, StoredValues, traits

N = 120


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 5)


@pytest.fixture(scope="module")
def sound(control):
    """Arms of a sound set: a ring of light on every control, added in float32."""
    rng = np.random.default_rng(2)
    ring = np.exp(-0.5 * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) - 6.0) ** 2) + 1e-5
    arc = (rng.uniform(1.0, 30.0, (N, 1, 1, 1)) * ring * SKY[:, None, None]).astype(np.float32)
    return arc, changed(control, control.image + arc)


def judged(arms, facts=PAIRED):
    [result] = gathered(StoredValues(None, None, facts), [arms]).judge()
    return result


def of(control, image, arc=None):
    """Arms with these positives; where the arc is declared, less it."""
    residual = None if arc is None else changed(control, image - arc)
    return made_arms(control, stamp=changed(control, image), residual=residual)


def test_a_sound_set_is_silent_and_its_canaries_sing(control, sound):
    arc, stamp = sound
    result = judged(of(control, stamp.image, arc))
    assert (result.status, result.value, result.n) == ("passed", 0.0, 2 * N)
    assert "noticed in a planted row: half precision, steps, zeros" in result.reason


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
def test_what_one_class_went_through_fails_and_what_both_did_does_not(control, sound, store, trait):
    arc, stamp = sound
    result = judged(of(control, store(stamp.image), arc))
    assert result.status == "failed"
    assert f"{trait}: {N} of {N} galaxies of positives, 0 of {N}" in result.reason
    both = changed(control, store(control.image))
    assert judged(of(both, store(stamp.image), arc)).status == "passed"


@pytest.mark.parametrize("count", [10.0**-1.8, 0.37, 1e-3])
def test_counts_that_were_converted_are_seen_as_they_were_stored(control, sound, count):
    facts, (arc, stamp) = replace(PAIRED, nanomaggies_per_count=count), sound
    read = [
        (image / np.float32(count)).astype(np.float16).astype(np.float32) * np.float32(count)
        for image in (stamp.image, control.image)
    ]
    one = judged(of(control, read[0], arc), facts)
    assert one.status == "failed"
    assert f"{COARSE}: {N} of {N} galaxies of positives, 0 of {N}" in one.reason
    assert judged(of(changed(control, read[1]), read[0], arc), facts).status == "passed"
    sound_set = judged(of(control, stamp.image, arc), facts)
    assert (sound_set.status, sound_set.value) == ("passed", 0.0)


def test_the_canary_sings_however_large_or_small_stored_numbers_are(control, sound):
    arc, stamp = sound
    for size in (1e-12, 1e6):
        small = changed(control, control.image * np.float32(size))
        result = judged(of(small, stamp.image * np.float32(size), arc * np.float32(size)))
        assert (result.status, result.value) == ("passed", 0.0)


def test_few_rows_neither_fail_nor_pass(control, sound):
    arc, stamp = sound
    image = stamp.image.copy()
    image[:4] = image[:4].astype(np.float16)
    result = judged(of(control, image, arc))
    assert result.status == "undetermined"
    assert "4 of 120 galaxies of positives" in result.reason


def test_zeros_that_an_arc_covers_are_zeros(control, sound):
    """A host with a masked corner: its arc's wings fill it, which a declared arc shows and without one is not held against it."""
    arc, _ = sound
    image = control.image.copy()
    image[..., :5, :5] = 0.0
    host = changed(control, image)
    assert judged(of(host, image + arc, arc)).status == "passed"
    undeclared = replace(PAIRED, declared=False)
    assert judged(of(host, image + arc), undeclared).status == "passed"
    assert judged(of(control, np.where(image == 0, np.float32(0.0), control.image + arc)), undeclared).status == "failed"


def test_a_constant_image_has_no_steps():
    flat = np.ones((1, 3, 64, 64), dtype=np.float32)
    assert not traits(flat)[0, 1]


def test_a_canary_that_changes_nothing_blinds(control, sound, monkeypatch):
    arc, stamp = sound
    monkeypatch.setattr("arcgate.gates.stored_values._stepped", lambda image: np.zeros(image.shape[:2], dtype=bool))
    result = judged(of(control, stamp.image, arc))
    assert result.status == "blind"
    assert STEPPED in result.reason


def test_shards_are_counted_together(control, sound):
    arc, stamp = sound
    image = stamp.image.astype(np.float16).astype(np.float32)
    arms = of(control, image, arc)
    parts = [
        replace(arms, stamp=arms.stamp.take(rows), control=arms.control.take(rows), residual=arms.residual.take(rows))
        for rows in (np.arange(50), np.arange(50, N))
    ]
    [result] = gathered(StoredValues(None, None, PAIRED), parts).judge()
    assert result == judged(arms)
