"""Usable information, the ideal observer and the map of single pixels, against closed forms and other code."""

from __future__ import annotations

import numpy as np
import pytest
from closeness import last_bits
from judging import judgement
from made_shards import PAIRED, SKY, VIEW, changed, made_context, made_shard, made_stamps
from scipy.integrate import quad
from scipy.stats import mannwhitneyu, norm
from threadpoolctl import threadpool_limits

from arcgate.gates.core.context import Context
from arcgate.gates.core.held_out_auc import Sample
from arcgate.gates.core.predicted import Predicted
from arcgate.gates.features.observer import Moments, detectability
from arcgate.gates.features.pixel_map import auc_map, histograms
from arcgate.gates.features.regions import Regions
from arcgate.gates.information import GATE, channels, usable_information
from arcgate.imaging import DECALS
from arcgate.views.arrays import ArrayViewer

N = 300


@pytest.fixture(scope="module")
def settings(small):
    return small().gates


def samples(one, zero, settings):
    """Both classes, each row a galaxy of its own, and the context that halves them."""
    galaxies = np.arange(len(one) + len(zero))
    context = Context(PAIRED, ArrayViewer(VIEW, DECALS), settings, galaxies, galaxies, galaxies, galaxies)
    ones, zeros = galaxies[: len(one)], galaxies[len(one) :]
    return Sample(one.astype("f4"), ones, ones), Sample(zero.astype("f4"), zeros, zeros), context


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
def test_information_on_a_gaussian_shift_is_its_integral(settings, shift):
    rng = np.random.default_rng(0)
    n = 8000
    one, zero = rng.normal(shift, 1.0, (n, 1)), rng.normal(0.0, 1.0, (n, 1))
    found = usable_information(*samples(one, zero, settings))

    # 1 - E[log2(1 + exp(-s))] with the log odds s = shift x - shift^2 / 2 of a positive at x.
    def lost(x):
        return norm.pdf(x - shift) * np.logaddexp(0.0, -(shift * x - shift**2 / 2.0)) / np.log(2.0)

    truth = 1.0 - quad(lost, -10.0, 10.0 + shift)[0]
    assert found.low - 0.003 < truth < found.high + 0.003
    assert found.high - found.low < 0.05
    assert found.n == 2 * n


def test_the_interval_of_copied_rows_is_that_of_the_rows(settings):
    rng = np.random.default_rng(1)
    *classes, context = samples(rng.normal(1.0, 1.0, (400, 1)), rng.normal(0.0, 1.0, (400, 1)), settings)
    once = usable_information(*classes, context)
    twice = [Sample(np.tile(each.features, (2, 1)), np.tile(each.galaxy, 2), np.tile(each.pair, 2)) for each in classes]
    copied = usable_information(*twice, context)
    assert copied.n == 2 * once.n
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.05)


def test_detectability_in_white_noise_is_the_signal_to_noise_ratio():
    rng = np.random.default_rng(2)
    signal = np.linspace(-1.0, 2.0, 12)[None]
    noise = Moments.of(3.0 * rng.standard_normal((200_000, 12)))
    assert detectability(signal, noise)[0] == pytest.approx(np.sqrt(np.sum(signal**2)) / 3.0, rel=0.01)


def test_detectability_from_few_images_is_not_too_large():
    rng = np.random.default_rng(3)
    signal = np.ones((1, 20))
    squared = [detectability(signal, Moments.of(rng.standard_normal((60, 20))))[0] ** 2 for _ in range(300)]
    # The mean over 300 covariances of 60 images each; without the correction it would be 1.55 times as large.
    assert np.mean(squared) == pytest.approx(20.0, rel=0.08)


def test_detectability_suffers_where_galaxies_vary():
    rng = np.random.default_rng(4)
    brightness = rng.standard_normal((5000, 1)) * np.array([[10.0, 10.0, 0.0, 0.0]])
    background = Moments.of(brightness + rng.standard_normal((5000, 4)))
    along, across = detectability(np.array([[1.0, 1.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]]), background)
    assert along == pytest.approx(np.sqrt(2.0 / 201.0), rel=0.05)
    assert across == pytest.approx(np.sqrt(2.0), rel=0.05)


def test_too_few_images_and_empty_channels_are_refused():
    with pytest.raises(ValueError, match="43 are needed"):
        detectability(np.ones((1, 20)), Moments.of(np.random.default_rng(0).standard_normal((42, 20))))
    with pytest.raises(ValueError, match="hold nothing"):
        detectability(np.ones((1, 3)), Moments.of(np.zeros((50, 3))))


def test_moments_in_parts_are_the_covariance():
    vectors = np.random.default_rng(5).standard_normal((90, 4)) + 3.0
    whole, first, second = (Moments.of(rows) for rows in (vectors, vectors[:40], vectors[40:]))
    parts = Moments(**{name: part + second.parts()[name] for name, part in first.parts().items()})
    np.testing.assert_allclose(parts.covariance, np.cov(vectors.T), rtol=1e-9)
    np.testing.assert_allclose(whole.covariance, np.cov(vectors.T), rtol=1e-9)


def test_the_map_is_mann_and_whitney_s():
    rng = np.random.default_rng(6)
    one, zero = rng.normal(0.4, 1.0, (200, 3, 3)).astype("f4"), rng.normal(0.0, 1.0, (150, 3, 3)).astype("f4")
    one[:, 0, 0] += 100.0
    u = mannwhitneyu(one.reshape(200, -1), zero.reshape(150, -1), axis=0).statistic / (200 * 150)
    np.testing.assert_allclose(auc_map(histograms(one), histograms(zero)).ravel(), u, atol=0.005)


def gridded(light):
    """Light on steps so coarse that float32 adds it and takes it away without rounding."""
    return (np.round(light * 2.0**20) / 2.0**20).astype(np.float32)


def on_a_grid(stamps):
    return changed(stamps, gridded(stamps.image))


def test_what_is_found_in_stamps_with_a_bright_ring(settings):
    control = on_a_grid(made_stamps(N, 3))
    ring = np.exp(-0.5 * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) - 6.0) ** 2)
    arc = gridded(3.0 * ring * SKY[:, None, None] * np.ones((N, 1, 1, 1)))
    stamp, context = changed(control, control.image + arc), made_context(settings, [control])

    def shard(rows):
        known = {"arc": arc[rows], "predicted": Predicted(arc[rows], arc[rows], None)}
        return made_shard(context, control.take(rows), positive=stamp.take(rows), **known)

    with threadpool_limits(1):
        once, parts = (
            judgement(GATE, [shard(rows) for rows in split]) for split in ([np.arange(N)], [np.arange(100), np.arange(100, N)])
        )
        results = {result.name: result for result in once.results}
        for one, other in zip(once.results, parts.results, strict=True):
            assert one.name == other.name
            if one.value is not None:
                assert one.value == pytest.approx(other.value, rel=1e-6, abs=1e-9)
    assert results["usable_information_core"].low > 0.1
    assert results["usable_information_core_residual"].value == pytest.approx(0.0, abs=1e-9)
    assert {result.role for result in results.values()} == {"diagnostic"}
    assert results["pixel_auc"].value > 0.55
    assert results["pixel_auc_residual"].value == pytest.approx(0.5)
    # 108 channels on 300 controls: what galaxies leave of sqrt(sum arc^2 / sky^2) over the core.
    bare = np.sqrt(np.square(arc[0, :, 26:38, 26:38] / SKY[:, None, None]).sum())
    assert 0 < results["ideal_observer_core"].value < bare
    assert f"{bare:.2g}" in results["ideal_observer_core"].reason
    assert results["ideal_observer_stamp"].status == "not_run"
    assert {exhibit.kind for exhibit in once.exhibits} == {"bars", "lines", "images"}


def test_channels_of_a_constant_image_are_that_constant():
    constant = np.full((2, 3, 64, 64), 1.5, dtype=np.float32)
    for region in ("core", "annulus", "stamp"):
        np.testing.assert_allclose(
            channels(constant, region, Regions(DECALS)), 1.5, rtol=0, atol=last_bits(np.float32, 64 * 64, 1.5)
        )


def test_without_arcs_and_residuals_they_are_not_run(settings):
    control = made_stamps(N, 3)
    results = judgement(GATE, [made_shard(made_context(settings, [control]), control)]).results
    status = {result.name: result.status for result in results}
    assert status["usable_information_core_residual"] == status["ideal_observer_core"] == "not_run"
    assert status["pixel_auc_residual"] == "not_run"
    assert status["usable_information_core"] == "reported"
