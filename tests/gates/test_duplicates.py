"""Near-duplicates: the same galaxy under two names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_arms import PAIRED, SKY, gathered, made_arms, made_stamps

from arcgate.gates.duplicates import NEIGHBOURS, Duplicates, by_chance
from arcgate.gates.fingerprints import centroids, fingerprints

N = 300
TYPICAL = SKY[:, None, None].astype(np.float32)


@pytest.fixture(scope="module")
def settings(small):
    return small().gates


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 4)


def again(stamps, rows, split, *, noise=True):
    """Rows under new names in another split: flipped, turned, moved by a pixel, with noise as if taken twice."""
    chosen = stamps.take(rows)
    names = [f"other {i}" for i in rows]
    table = chosen.table.assign(host_id=names, split=split, pair_id=chosen.table["pair_id"] + 10_000)
    image = chosen.image
    if noise:
        turned = np.roll(np.rot90(image, axes=(2, 3))[..., ::-1], (-1, 1), axis=(2, 3))
        new = np.random.default_rng(9).standard_normal(image.shape) * np.sqrt(2.0) * SKY[:, None, None]
        image = (turned + new).astype(np.float32)
    return replace(chosen, image=image, seen=image, table=table)


def judged(settings, *parts):
    collector = gathered(Duplicates(None, settings, PAIRED), [made_arms(part) for part in parts])
    (result,) = collector.judge()
    return result, collector.exhibits()


def test_different_galaxies_pass_and_copies_of_them_are_recognised(settings, control):
    result, exhibits = judged(settings, control)
    assert result.status == "passed"
    assert result.value == 0.0
    assert 0 < result.smallest_leak < 0.5
    assert not exhibits


def test_the_same_pixels_under_another_name_are_always_found(settings, control):
    rows = np.array([1, 2, 3])
    result, exhibits = judged(settings, control, again(control, rows, "test", noise=False))
    assert result.status == "failed"
    assert result.value == pytest.approx(6 / (N + 3))
    assert {(row[0], row[2]) for row in exhibits[0].content["rows"]} == {(f"galaxy 4-{i}", f"other {i}") for i in rows}


def test_other_images_of_the_same_galaxies_are_found(settings, control):
    rows = np.flatnonzero(control.table["split"] == "train")[:40]
    result, exhibits = judged(settings, control, again(control, rows, "test"))
    assert result.status == "failed"
    found = {(row[0], row[2]) for row in exhibits[0].content["rows"]}
    assert len(found) >= 3
    assert found <= {(f"galaxy 4-{i}", f"other {i}") for i in rows}


def test_two_names_within_a_split_are_told_and_do_not_fail(settings, control):
    rows = np.flatnonzero(control.table["split"] == "train")[:2]
    result, _ = judged(settings, control, again(control, rows, "train", noise=False))
    assert result.status == "passed"
    assert "2 pairs within a split" in result.reason


def test_a_galaxy_that_serves_twice_under_one_name_is_one(settings, control):
    result, _ = judged(settings, control, control)
    assert result.n == N
    assert result.value == 0.0


def test_galaxies_that_are_all_alike_leave_the_gate_blind(settings, control):
    rng = np.random.default_rng(3)
    noise = (rng.standard_normal(control.image.shape) * SKY[:, None, None]).astype(np.float32)
    result, _ = judged(settings, replace(control, image=noise, seen=noise))
    assert result.status == "blind"


def test_what_cannot_be_judged_is_not_run(settings, control):
    assert judged(settings, control.take(np.arange(20)))[0].status == "not_run"
    one_split = replace(control, table=control.table.assign(split="train"))
    assert judged(settings, one_split)[0].status == "not_run"


def test_a_fingerprint_does_not_change_with_shift_flip_and_turn():
    image = made_stamps(8, 5).image / TYPICAL
    turned = np.ascontiguousarray(np.roll(np.rot90(image, axes=(2, 3))[..., ::-1], (1, -1), axis=(2, 3)))
    # In units of what new noise changes; the noise of these stamps is wrapped round at their edges.
    np.testing.assert_allclose(fingerprints(image), fingerprints(turned), atol=1.5)
    np.testing.assert_allclose(fingerprints(image)[:, :15], fingerprints(turned)[:, :15], atol=0.2)
    assert np.abs(fingerprints(image)[0] - fingerprints(image)[1]).max() > 5


def test_the_centroid_follows_the_galaxy():
    stamps = made_stamps(40, 6)
    x, y = centroids(stamps.image / TYPICAL)
    assert np.abs(x - stamps.x).max() < 0.5
    assert np.median(np.hypot(x - stamps.x, y - stamps.y)) < 0.1


def test_chance_is_counted_rightly_among_random_points():
    # Uniform points in 6 dimensions: the count within the nearest neighbour's distance is exponential with mean 1.
    rng = np.random.default_rng(7)
    points = rng.standard_normal((1500, 6))
    distance = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1 : NEIGHBOURS + 2]
    expected = by_chance(distance[:, 0], distance[:, 1:])
    # The median of that is log 2; the dimension is an estimate, which costs up to a factor of two.
    assert 0.35 < np.median(expected) < 1.0
    assert (expected < 0.01).mean() < 0.03
    assert (expected < 0.01 / 1500).sum() == 0
    assert by_chance(np.zeros(1), distance[:1, 1:])[0] == 0.0
