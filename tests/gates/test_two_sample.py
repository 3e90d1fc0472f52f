"""The two-sample battery: each cell hears its own leak, is silent without one, and says what it cannot judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from closeness import last_bits
from judging import arms_in
from made_arms import PAIRED, SKY, changed, gathered, made_arms, made_stamps
from threadpoolctl import threadpool_limits

from arcgate.dataset.source import DatasetSource
from arcgate.gates.regions import Regions
from arcgate.gates.summaries import bits, in_sky, keep, pixels, planted, power, radial
from arcgate.gates.two_sample import TwoSample
from arcgate.imaging import DECALS
from arcgate.variant import Cell

N = 240
REGIONS = Regions(DECALS)


@pytest.fixture(autouse=True)
def one_thread():
    """As the battery judges: on a busy machine several threads are slower for matrices this small."""
    with threadpool_limits(1):
        yield


CELLS = (
    Cell("core", "pca", "ridge"),
    Cell("core", "radial", "ridge"),
    Cell("annulus", "radial", "ridge"),
    Cell("border", "power", "ridge"),
    Cell("stamp", "pca", "ridge"),
    Cell("stamp", "power", "trees"),
    Cell("stamp", "lsb", "trees"),
)


@pytest.fixture(scope="module")
def settings(small):
    return replace(small().gates, cells=CELLS, margin=0.1, leak_sizes_sky_sigma=(0.02, 0.1, 0.5, 2.0))


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 1)


def judged(settings, arms, facts=PAIRED):
    results = gathered(TwoSample(None, settings, facts), [arms]).judge()
    return {result.name.removeprefix("two_sample_"): result for result in results}


def noise(seed):
    return np.random.default_rng(seed).standard_normal((N, 3, 64, 64)) * SKY[:, None, None]


def test_controls_against_themselves_pass_and_every_canary_is_heard(settings, control):
    results = judged(settings, made_arms(control))
    assert {result.status for result in results.values()} == {"passed"}
    assert all(result.value == pytest.approx(0.5) for result in results.values())
    # Variance of noise is well measured on 1,024 pixels and more in three bands.
    assert results["border_power_ridge"].smallest_leak <= 0.1
    assert 0.0 < results["stamp_lsb_trees"].smallest_leak <= 1.0


def test_a_cell_that_hears_only_large_leaks_is_blind(settings, control):
    """Pixels of the core vary so much between 240 galaxies that half a sky sigma in each is missed."""
    result = judged(replace(settings, leak_sizes_sky_sigma=(0.02, 0.1, 0.5)), made_arms(control))["core_pca_ridge"]
    assert (result.status, result.smallest_leak) == ("blind", None)
    assert "missed, although so large: 0.5 sky sigma per pixel, added at r < 5 px" in result.reason


@pytest.mark.parametrize(
    ("cell", "leak"),
    [
        ("core_radial_ridge", lambda image: image + SKY[:, None, None] * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) < 5)),
        ("annulus_radial_ridge", lambda image: image + 0.3 * SKY[:, None, None]),
        ("stamp_pca_ridge", lambda image: image + 0.3 * SKY[:, None, None]),
        ("border_power_ridge", lambda image: image + 0.7 * noise(5)),
        ("stamp_power_trees", lambda image: image + 0.7 * noise(6)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_leak_fails_the_cell_that_looks_for_it(settings, control, cell, leak):
    result = judged(settings, made_arms(control, residual=changed(control, leak(control.image))))[cell]
    assert result.status == "failed"
    assert result.low > 0.5


def test_bits_are_compared_on_the_stamps_as_stored(settings, control):
    rounded = changed(control, control.image.astype(np.float16))
    assert judged(settings, made_arms(control, stamp=rounded))["stamp_lsb_trees"].value == pytest.approx(1.0)
    taken_away = changed(control, (control.image + np.float32(1.0)) - np.float32(1.0))
    assert judged(settings, made_arms(control, residual=taken_away))["stamp_lsb_trees"].status == "passed"


def test_adding_an_arc_in_single_precision_leaves_no_trace_in_the_bits(settings, control):
    light = np.exp(-0.5 * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) - 8.0) ** 2) * 0.3
    stamp = changed(control, control.image + light.astype(np.float32))
    result = judged(settings, made_arms(control, stamp=stamp))["stamp_lsb_trees"]
    # The same judge, with a canary that it hears: silence is an answer, a judge that never decides is not.
    assert result.status == "passed"
    assert result.smallest_leak is not None


def test_bits_do_not_show_where_an_arc_cancels_the_sky():
    """Sums near zero have lost leading bits and end in zeros: too few of all pixels to see by eye, many enough for a rule."""
    rng = np.random.default_rng(3)
    sky = rng.standard_normal((600, 3, 64, 64)).astype(np.float32)
    summed = sky + rng.uniform(0.5, 1.5, sky.shape).astype(np.float32)

    def excess(share):
        one, zero = share(summed), share(sky)
        return (one.mean() - zero.mean()) / np.hypot(one.std(), zero.std()) * np.sqrt(len(one))

    assert excess(lambda image: ((image.view(np.uint32) & 0x3FC) == 0).mean(axis=(1, 2, 3))) > 20
    for column in (0, 1):
        assert abs(excess(lambda image, column=column: bits(image)[:, column])) < 3.5


def test_without_declared_arcs_only_the_null_rows_and_the_bits_are_compared(settings, control):
    none = {"residual": None, "unmasked": None, "masked": None}
    results = judged(settings, made_arms(control, null=None, **none))
    assert results["core_pca_ridge"].status == "not_run"
    assert "not declared" in results["core_pca_ridge"].reason
    assert results["stamp_lsb_trees"].status == "passed"
    other = changed(control, control.image + 0.3 * SKY[:, None, None])
    assert judged(settings, made_arms(control, null=other, twin=other, **none))["stamp_pca_ridge"].status == "failed"


def test_pixels_that_are_not_numbers_and_constant_stamps_are_not_run(settings, control):
    broken = control.image.copy()
    broken[0, 0, 32, 32] = np.nan
    broken_results = judged(settings, made_arms(control, residual=changed(control, broken)))
    assert broken_results["core_pca_ridge"].status == "not_run"
    assert "NaN" in broken_results["core_pca_ridge"].reason
    flat = changed(control, np.zeros_like(control.image))
    assert judged(settings, made_arms(flat))["core_radial_ridge"].status == "not_run"


def test_few_galaxies_leave_a_cell_undetermined(settings, control):
    few = control.take(np.arange(20))
    assert {result.status for result in judged(settings, made_arms(few)).values()} == {"undetermined"}


def test_a_twin_that_fires_makes_a_cell_blind(settings, control):
    other = changed(control, control.image + 0.3 * SKY[:, None, None])
    assert judged(settings, made_arms(control, twin=other))["stamp_pca_ridge"].status == "blind"


def test_shards_give_what_one_batch_gives(settings, control):
    halves = [control.take(np.arange(N // 2)), control.take(np.arange(N // 2, N))]
    one, two = (gathered(TwoSample(None, settings, PAIRED), parts) for parts in ([made_arms(control)], map(made_arms, halves)))
    assert one.judge() == two.judge()
    assert [exhibit.content for exhibit in one.exhibits()] == [exhibit.content for exhibit in two.exhibits()]


def test_planting_later_is_planting_in_the_pixels(control):
    drawn = np.full(N, 0.5)
    scaled = in_sky(control.image, control)
    for region, summary in (("annulus", "radial"), ("border", "radial"), ("stamp", "pca"), ("annulus", "pca"), ("border", "pca")):
        later = planted(keep(control, scaled, region, summary, True), region, summary, 0.3, drawn)
        at_once = keep(control, scaled + np.float32(0.3), region, summary, False).vectors
        np.testing.assert_allclose(later, at_once, rtol=0, atol=last_bits(np.float32, 64 * 64, np.abs(scaled).mean()))
    inside = np.hypot(
        np.arange(64) - control.x[:, None, None], np.arange(64)[:, None] - control.y[:, None, None]
    )[:, None] < 5  # fmt: skip
    for summary in ("pca", "radial"):
        later = planted(keep(control, scaled, "core", summary, True), "core", summary, 0.3, drawn)
        at_once = keep(control, scaled + np.float32(0.3) * inside, "core", summary, False).vectors
        np.testing.assert_allclose(later, at_once, atol=1e-4)
    kept = keep(control, scaled, "stamp", "lsb", True)
    np.testing.assert_array_equal(planted(kept, "stamp", "lsb", 1.0, drawn), bits(control.image.astype(np.float16).astype("f4")))
    np.testing.assert_array_equal(planted(kept, "stamp", "lsb", 0.4, drawn), kept.vectors)


@pytest.mark.parametrize("region", ["core", "annulus", "border", "stamp"])
def test_planted_noise_has_the_variance_that_it_claims(control, region):
    white = changed(control, noise(7))
    kept = keep(white, in_sky(white.image, white), region, "power", True)
    ratio = planted(kept, region, "power", 0.5, np.zeros(N)).mean() / kept.vectors.mean()
    assert ratio == pytest.approx(1.5, abs=0.05)


def test_power_of_white_noise_is_flat_and_scales_with_its_variance(control):
    once, twice = (
        power((scale * noise(8) / SKY[:, None, None]).astype("f4"), "stamp", None, REGIONS)[0].mean(axis=0) for scale in (1, 2)
    )
    np.testing.assert_allclose(once, once.mean(), rtol=0.05)
    np.testing.assert_allclose(twice / once, 4.0, rtol=1e-4)


def test_regions_are_where_they_say(control):
    y, x = np.mgrid[:64, :64]
    radius = np.hypot(x - 31.5, y - 31.5)
    ring = np.broadcast_to(((radius >= 8) & (radius < 20)).astype("f4"), (1, 3, 64, 64))
    middle = np.array([31.5])
    # A mean over a region is a product of all pixels with its weights.
    mean = last_bits(np.float32, 64 * 64)
    np.testing.assert_allclose(radial(ring, middle, middle, "annulus", REGIONS), 1.0, atol=mean)
    np.testing.assert_allclose(pixels(ring, "annulus", REGIONS), 1.0, atol=mean)
    assert not radial(ring, middle, middle, "core", REGIONS).any()
    edge = np.zeros((1, 3, 64, 64), dtype=np.float32)
    edge[..., 0] = edge[..., -1] = edge[..., 0, :] = edge[..., -1, :] = 1.0
    profile = radial(edge, middle, middle, "border", REGIONS).reshape(3, 4)
    np.testing.assert_allclose(profile[:, 0], 1.0, atol=mean)
    np.testing.assert_allclose(profile[:, 1:], 2 / 64, atol=mean)


def test_photon_noise_of_arcs_is_no_leak(small, built):
    """It stays when an arc is taken away; controls get as much, by the declared arcs. Without it they could be told."""
    overrides = ("noise=poisson", "psf=moffat_converted", "data.n_pairs=150")
    cells = (Cell("core", "power", "ridge"), Cell("stamp", "power", "trees"))
    settings = replace(small(*overrides).gates, cells=cells)
    shards = arms_in(built(*overrides), small(*overrides))
    facts = DatasetSource(built(*overrides)).facts

    def values(arms):
        return {result.name: result for result in gathered(TwoSample(None, settings, facts), arms).judge()}

    fair, unfair = values(shards), values([replace(arms, counterpart=arms.control) for arms in shards])
    assert all(result.status != "failed" and result.low < 0.55 for result in fair.values())
    assert {result.status for result in unfair.values()} == {"failed"}


def test_shards_with_and_without_photon_noise_are_judged_together(settings, control):
    """In one the counterpart is the control itself, in the other a copy with noise: no row is lost."""
    half = [control.take(np.arange(N // 2)), control.take(np.arange(N // 2, N))]
    noisy = changed(half[1], half[1].image)
    both = [made_arms(half[0]), replace(made_arms(half[1]), counterpart=noisy)]
    collector = gathered(TwoSample(None, settings, PAIRED), both)
    whole = judged(settings, made_arms(control))
    assert {result.name.removeprefix("two_sample_"): result.n for result in collector.judge()} == {
        name: result.n for name, result in whole.items()
    }
