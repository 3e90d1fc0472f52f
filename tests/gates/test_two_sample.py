"""The two-sample battery: each cell detects its own leak, is silent without one, and says what it cannot judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from closeness import last_bits
from judging import judgement, results_of, shards_in
from made_shards import PAIRED, SKY, against, changed, made_context, made_shard, made_stamps

from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.shard import Shard
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.summaries import bits, pixels, power, radial, spectra
from arcgate.gates.two_sample import GATE, Summarised, leak_of
from arcgate.imaging import DECALS
from arcgate.variant import Cell

pytestmark = pytest.mark.usefixtures("one_thread")
N = 240
REGIONS = Regions(DECALS)


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
    gates = replace(small().gates, cells=CELLS, margin=0.1)
    # More than a setting may say: so few stamps detect no less.
    object.__setattr__(gates, "leak_sizes_sky_sigma", (0.02, 0.1, 0.5, 2.0))
    return gates


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 1)


def shard_of(settings, control, without_arc=None, facts=PAIRED, **others):
    """Controls that stand for every class, but for positives without their arcs and what else is given."""
    context = made_context(settings, [control], facts=facts)
    null_pair = others.get("null_pair")
    return made_shard(context, control, {WITHOUT_ARC: against(without_arc or control, control, null_pair)}, **others)


def by_cell(*shards):
    found = results_of(GATE, shards)
    return {name.removeprefix("two_sample_"): result for (name, _), result in found.items()}


def noise(seed):
    return np.random.default_rng(seed).standard_normal((N, 3, 64, 64)) * SKY[:, None, None]


def test_controls_against_themselves_pass_and_every_leak_is_detected(settings, control):
    results = by_cell(shard_of(settings, control))
    assert {result.status for result in results.values()} == {"passed"}
    assert all(result.value == pytest.approx(0.5) for result in results.values())
    # Variance of noise is well measured on 1,024 pixels and more in three bands.
    assert results["border_power_ridge"].detected_sensitivity <= 0.1
    assert 0.0 < results["stamp_lsb_trees"].detected_sensitivity <= 1.0


def test_a_cell_that_detects_only_large_leaks_is_insensitive(settings, control):
    """Pixels of the core vary so much between 240 galaxies that, however they are halved, a fifth of a sky sigma is lost."""
    result = by_cell(shard_of(replace(settings, leak_sizes_sky_sigma=(0.02, 0.1, 0.2)), control))["core_pca_ridge"]
    assert (result.status, result.detected_sensitivity, result.required_sensitivity) == ("insensitive", None, 0.2)
    assert "not detected, although so large: light added at r < 5 px of 0.2 sky sigma a pixel" in result.reason


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
    result = by_cell(shard_of(settings, control, changed(control, leak(control.image))))[cell]
    assert result.status == "failed"
    assert result.low > 0.5


def test_bits_are_compared_on_the_stamps_as_stored(settings, control):
    rounded = changed(control, control.image.astype(np.float16))
    assert by_cell(shard_of(settings, control, positive=rounded))["stamp_lsb_trees"].value == pytest.approx(1.0)
    taken_away = changed(control, (control.image + np.float32(1.0)) - np.float32(1.0))
    assert by_cell(shard_of(settings, control, taken_away))["stamp_lsb_trees"].status == "passed"


def test_adding_an_arc_in_single_precision_leaves_no_trace_in_the_bits(settings, control):
    light = np.exp(-0.5 * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) - 8.0) ** 2) * 0.3
    stamp = changed(control, control.image + light.astype(np.float32))
    result = by_cell(shard_of(settings, control, positive=stamp))["stamp_lsb_trees"]
    # The same judge, with a leak that it detects: silence is an answer, a judge that never decides is not.
    assert result.status == "passed"
    assert result.detected_sensitivity is not None


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
    undeclared = replace(PAIRED, declared=False)
    results = by_cell(shard_of(settings, control, facts=replace(undeclared, has_null=False), null=None))
    assert results["core_pca_ridge"].status == "not_run"
    assert "not declared" in results["core_pca_ridge"].reason
    assert results["stamp_lsb_trees"].status == "passed"
    # Null rows are their own null pair, of whatever summary: a cell that looks at both fails, and is not called insensitive.
    for cell, light in (("stamp_pca_ridge", 0.3 * SKY[:, None, None]), ("border_power_ridge", 0.7 * noise(5))):
        other = changed(control, control.image + light)
        found = by_cell(shard_of(settings, control, facts=undeclared, null=other, null_pair=(other, control)))[cell]
        assert found.status == "failed"
        assert found.low > 0.5


def test_pixels_that_are_not_numbers_and_constant_stamps_are_not_run(settings, control):
    broken = control.image.copy()
    broken[0, 0, 32, 32] = np.nan
    broken_results = by_cell(shard_of(settings, control, changed(control, broken)))
    assert broken_results["core_pca_ridge"].status == "not_run"
    assert "NaN" in broken_results["core_pca_ridge"].reason
    flat = changed(control, np.zeros_like(control.image))
    assert by_cell(shard_of(settings, flat))["core_radial_ridge"].status == "not_run"


def test_few_galaxies_leave_a_cell_undetermined(settings, control):
    few = control.take(np.arange(20))
    assert {result.status for result in by_cell(shard_of(settings, few)).values()} == {"undetermined"}


def test_a_null_pair_that_fires_leaves_a_cell_insensitive(settings, control):
    other = changed(control, control.image + 0.3 * SKY[:, None, None])
    assert by_cell(shard_of(settings, control, null_pair=(other, control)))["stamp_pca_ridge"].status == "insensitive"


def test_shards_give_what_one_batch_gives(settings, control):
    context = made_context(settings, [control])
    halves = [control.take(np.arange(N // 2)), control.take(np.arange(N // 2, N))]
    one, two = (
        judgement(GATE, [made_shard(context, part, {WITHOUT_ARC: against(part, part)}) for part in parts])
        for parts in ([control], halves)
    )
    assert len(one.results) == len(CELLS)
    assert one == two


def kept_of_cell(shard, stamps, region, summary):
    """What a cell keeps of stamps, and of its leak in them."""
    cell = Cell(region, summary, "ridge")
    leak, measure = leak_of(cell), Summarised(region, summary)
    vectors = measure(shard, stamps)
    kept = leak.extract(shard, against(stamps, stamps), measure, shard.context.settings)
    return vectors, lambda size, drawn=None: leak.planted(kept if drawn is None else kept | {"drawn": drawn}, vectors, size)


def test_planting_later_is_planting_in_the_pixels(settings, control):
    shard, drawn = shard_of(settings, control), np.full(N, 0.5, dtype=np.float32)

    def with_light(light, region, summary):
        return Summarised(region, summary)(shard, changed(control, control.image + light * control.sky))

    scale = np.abs(control.in_sky).mean()
    for region, summary in (("annulus", "radial"), ("border", "radial"), ("stamp", "pca"), ("annulus", "pca"), ("border", "pca")):
        later = kept_of_cell(shard, control, region, summary)[1](0.3)
        np.testing.assert_allclose(later, with_light(0.3, region, summary), rtol=0, atol=last_bits(np.float32, 64 * 64, scale))
    inside = np.hypot(
        np.arange(64) - control.x[:, None, None], np.arange(64)[:, None] - control.y[:, None, None]
    )[:, None] < 5  # fmt: skip
    for summary in ("pca", "radial"):
        later = kept_of_cell(shard, control, "core", summary)[1](0.3)
        np.testing.assert_allclose(later, with_light(0.3 * inside, "core", summary), atol=1e-4)
    vectors, planted = kept_of_cell(shard, control, "stamp", "lsb")
    np.testing.assert_array_equal(planted(1.0, drawn), bits(control.image.astype(np.float16).astype("f4")))
    np.testing.assert_array_equal(planted(0.4, drawn), vectors)


def test_about_as_many_stamps_are_rounded_as_the_leak_says(settings, control):
    vectors, planted = kept_of_cell(shard_of(settings, control), control, "stamp", "lsb")
    rounded = [(planted(share) != vectors).any(axis=1) for share in (0.1, 0.5, 1.0)]
    assert [each.mean() for each in rounded] == pytest.approx([0.1, 0.5, 1.0], abs=0.1)
    # Who is rounded at a small share is so at a larger one, so that a curve grows with it.
    assert (rounded[0] <= rounded[1]).all()
    assert rounded[2].all()


@pytest.mark.parametrize("region", ["core", "annulus", "border", "stamp"])
def test_planted_noise_has_the_variance_that_it_claims(settings, control, region):
    vectors, planted = kept_of_cell(shard_of(settings, control), changed(control, noise(7)), region, "power")
    ratio = planted(0.5).mean() / vectors.mean()
    assert ratio == pytest.approx(1.5, abs=0.05)


def test_power_of_white_noise_is_flat_and_scales_with_its_variance(control):
    once, twice = (
        power(spectra((scale * noise(8) / SKY[:, None, None]).astype("f4"), "stamp", REGIONS), "stamp", REGIONS).mean(axis=0)
        for scale in (1, 2)
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
    shards = shards_in(built(*overrides), small(*overrides))
    context = replace(shards[0].context, settings=settings)

    def values(counterpart_of):
        """With another counterpart for the positives; the null pair has its noise on both sides."""
        fresh = [Shard(context, shard.stored) for shard in shards]
        for shard in fresh:
            shard.__dict__["null_pair"] = shard.null_pair
            shard.__dict__["counterpart"] = counterpart_of(shard)
        return by_cell(*fresh)

    fair, unfair = values(lambda shard: shard.counterpart), values(lambda shard: shard.control)
    assert len(fair) == len(unfair) == 2
    assert all(result.status != "failed" and result.low < 0.55 for result in fair.values())
    assert {result.status for result in unfair.values()} == {"failed"}


def test_shards_with_and_without_photon_noise_are_judged_together(settings, control):
    """In one the counterpart is the control itself, in the other a copy with noise: no row is lost."""
    context = made_context(settings, [control])
    half = [control.take(np.arange(N // 2)), control.take(np.arange(N // 2, N))]
    noisy = changed(half[1], half[1].image)
    both = [
        made_shard(context, part, {WITHOUT_ARC: against(part, counterpart, (part, part))}, counterpart=counterpart)
        for part, counterpart in zip(half, (half[0], noisy), strict=True)
    ]
    whole = by_cell(shard_of(settings, control))
    assert {name: result.n for name, result in by_cell(*both).items()} == {name: result.n for name, result in whole.items()}
