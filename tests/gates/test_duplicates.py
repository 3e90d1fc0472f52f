"""Near-duplicates: the same galaxy under two names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from judging import judgement, kept_of
from made_shards import PAIRED, SKY, VIEW, made_context, made_shard, made_stamps
from scipy.ndimage import fourier_shift, gaussian_filter

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import context_of
from arcgate.gates.core.predicted import Predicted
from arcgate.gates.duplicates import GATE, NEIGHBOURS, SHARED, by_chance
from arcgate.gates.features.fingerprints import centroids, fingerprints
from arcgate.gates.features.shared_noise import noise_fields, shared_noise

N = 300
TYPICAL = SKY[:, None, None].astype(np.float32)


@pytest.fixture(scope="module")
def settings(small):
    return small().gates


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 4)


def again(stamps, rows, split, *, noise=True):
    """Rows under new names in another split: flipped, turned, moved by a pixel, with twice as much new noise as old."""
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
    context = made_context(settings, parts)
    found = judgement(GATE, [made_shard(context, part) for part in parts])
    (result,) = found.results
    return result, found.exhibits


def test_different_galaxies_pass_and_copies_of_them_are_recognised(settings, control):
    result, exhibits = judged(settings, control)
    assert result.status == "passed"
    assert result.value == 0.0
    assert 0 < result.detected_sensitivity < 0.05
    assert not exhibits


def test_the_same_pixels_under_another_name_are_always_found(settings, control):
    rows = np.array([1, 2, 3])
    result, exhibits = judged(settings, control, again(control, rows, "test", noise=False))
    assert result.status == "failed"
    assert result.value == pytest.approx(6 / (N + 3))
    assert {(row[0], row[2]) for row in exhibits[0].content["rows"]} == {(f"galaxy 4-{i}", f"other {i}") for i in rows}


def test_other_cutouts_of_the_same_exposures_are_found(settings, control):
    rows = np.flatnonzero(control.table["split"] == "train")[:40]
    result, exhibits = judged(settings, control, again(control, rows, "test"))
    assert result.status == "failed"
    assert result.value > 20 / N
    found = {(row[0], row[2]) for row in exhibits[0].content["rows"]}
    assert found <= {(f"galaxy 4-{i}", f"other {i}") for i in rows}


def test_galaxies_that_only_look_alike_are_two(settings, control):
    """The very same light with noise of its own: no pixel of it is a copy."""
    rng = np.random.default_rng(12)
    light = np.exp(-np.hypot(*np.mgrid[-31.5:32, -31.5:32]) / 3.0) * 50 * SKY[:, None, None]
    image = control.image.copy()
    for row in (3, 5):
        image[row] = light + rng.standard_normal((3, 64, 64)) * SKY[:, None, None]
    splits = ["train" if row == 3 else "test" if row == 5 else split for row, split in enumerate(control.table["split"])]
    alike = replace(control, image=image, seen=image, table=control.table.assign(split=splits))
    result, exhibits = judged(settings, alike)
    assert result.status == "passed"
    assert not exhibits


@pytest.mark.parametrize("moved", [(0, 0), (3, -2), (0.5, 0.5)])
def test_noise_is_shared_through_flips_turns_shifts_and_a_galaxy(moved):
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((40, 64, 64))
    galaxy = 100 * np.exp(-np.hypot(*np.mgrid[-31.5:32, -31.5:32]) / 3.0)
    other = np.fft.ifft2(fourier_shift(np.fft.fft2(noise), (0, *moved))).real + rng.standard_normal(noise.shape)
    other = np.rot90(other[..., ::-1], axes=(1, 2)) + 2 * galaxy
    one, two = noise_fields(noise + galaxy, np.ones(40)), noise_fields(other, np.full(40, np.sqrt(2.0)))
    assert min(shared_noise(*both) for both in zip(one, two, strict=True)) > SHARED
    assert max(shared_noise(*both) for both in zip(one, np.roll(two, 1, axis=0), strict=True)) < 6


def test_noise_of_coadds_that_is_correlated_by_itself_is_not_shared():
    smooth = gaussian_filter(np.random.default_rng(3).standard_normal((40, 64, 64)), (0, 1.0, 1.0), mode="wrap")
    fields = noise_fields(smooth, smooth.std(axis=(1, 2)))
    assert max(shared_noise(fields[i], fields[i - 1]) for i in range(40)) < 6


def test_without_any_dark_pixel_nothing_is_shared():
    assert shared_noise(np.zeros((64, 64), dtype=np.int8), np.ones((64, 64), dtype=np.int8)) == 0.0


def test_two_names_within_a_split_are_told_and_do_not_fail(settings, control):
    rows = np.flatnonzero(control.table["split"] == "train")[:2]
    result, _ = judged(settings, control, again(control, rows, "train", noise=False))
    assert result.status == "passed"
    assert "2 pairs within a split" in result.reason


def test_a_galaxy_that_serves_twice_under_one_name_is_one(settings, control):
    pairs = replace(control, table=control.table.assign(pair_id=control.table["pair_id"] + N))
    result, _ = judged(settings, control, pairs)
    assert result.n == N
    assert result.value == 0.0


@dataclass
class Rows:
    """A source with nothing but a table and facts."""

    rows: pd.DataFrame
    facts: Facts

    def table(self, columns):
        return self.rows[columns]


@pytest.mark.parametrize("declared", [True, False])
def test_every_galaxy_that_can_be_seen_without_an_arc_is_looked_at_once(small, declared):
    """Between other galaxies one may be a host first, whose arc hides it where it is not declared, and a control later."""
    hosts, controls = ["a", "b", "a", "c"], ["d", "a", "e", "d"]
    stamps = made_stamps(4, 1)
    table = pd.concat([
        stamps.table.assign(role="positive", host_id=hosts),
        stamps.table.assign(role="control", host_id=controls),
    ], ignore_index=True)  # fmt: skip
    facts = replace(PAIRED, paired=False, has_null=False, declared=declared)
    context = context_of(Rows(table, facts), VIEW, small().gates)
    shards = []
    for pairs in ([0, 1], [2, 3]):
        of = [stamps.take(np.array(pairs)) for _ in range(2)]
        positive, control = (
            replace(each, table=each.table.assign(host_id=[names[pair] for pair in pairs]))
            for each, names in zip(of, (hosts, controls), strict=True)
        )
        light = np.zeros_like(positive.image)
        known = {"positive": positive, "null": None, "predicted": Predicted(light, light, None) if declared else None}
        shards.append(made_shard(context, control, **known))
    assert sorted(kept_of(GATE, shards)["name"]) == (["a", "b", "c", "d", "e"] if declared else ["a", "d", "e"])


def test_galaxies_that_are_all_alike_leave_the_gate_insensitive(settings, control):
    rng = np.random.default_rng(3)
    noise = (rng.standard_normal(control.image.shape) * SKY[:, None, None]).astype(np.float32)
    result, _ = judged(settings, replace(control, image=noise, seen=noise))
    assert result.status == "insensitive"


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


@pytest.mark.parametrize("value", [-9.999, 0.0])
def test_fillings_that_galaxies_share_are_no_shared_noise(settings, control, value):
    # The outer columns of twelve galaxies on either side of a split hold one value, as beyond the edge of a footprint.
    image = control.image.copy()
    image[:24, :, :, :14] = value
    # In two of them a patch too, so that their fillings have a shape of their own.
    image[:2, :, 40:56, 14:30] = value
    split = np.where(np.arange(N) % 2, "test", "train")
    filled = replace(control, image=image, seen=image, table=control.table.assign(split=split))
    assert suspected(settings, filled) == 0
    # A copy of the first is found by the pixels that are left.
    copied = judged(settings, filled, again(filled, np.array([0]), "test", noise=False))[0]
    assert (copied.status, copied.value > 0) == ("failed", True)


def suspected(settings, *parts):
    result, _ = judged(settings, *parts)
    return result.value
