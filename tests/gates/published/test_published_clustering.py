"""Clustered means, lines, ratios and correlations against closed forms and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from arcgate.gates.published.clustering import (
    NotEstimableError,
    binned,
    clustered_mean,
    clustered_ratio,
    clustered_share,
    line,
    linear_fit,
    r_squared,
    slope_on,
)


def names(cluster):
    return np.array([f"host {i}" for i in cluster])


def test_the_mean_of_single_rows_has_students_interval():
    y = np.random.default_rng(0).normal(3, 2, 40)
    mean = clustered_mean(y, names(range(40)), 0.9)
    half = t.ppf(0.95, 39) * y.std(ddof=1) / np.sqrt(40)
    assert (mean.value, mean.low, mean.high) == pytest.approx((y.mean(), y.mean() - half, y.mean() + half))
    assert (mean.n, mean.n_groups) == (40, 40)


def test_the_sandwich_is_the_sum_over_all_pairs_of_rows_of_a_galaxy():
    rng = np.random.default_rng(1)
    x, y, cluster = rng.normal(5, 1, 12), rng.normal(0, 1, 12), np.repeat(range(6), [1, 3, 2, 2, 1, 3])
    X = np.stack([np.ones(12), x], axis=1)
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    u = y - X @ beta
    meat = sum(np.outer(X[i], X[j]) * u[i] * u[j] for i in range(12) for j in range(12) if cluster[i] == cluster[j])
    bread = np.linalg.inv(X.T @ X)
    variance = 6 / 5 * 11 / 10 * bread @ meat @ bread
    fit = line(x, y, names(cluster), 0.9)
    for j in range(2):
        half = t.ppf(0.95, 5) * np.sqrt(variance[j, j])
        found = fit.coefficients[j]
        assert (found.value, found.high - found.value) == pytest.approx((beta[j], half))
    # The influences of two coefficients carry their covariance.
    assert fit.influence.T @ fit.influence == pytest.approx(variance)


def test_clustered_intervals_cover_where_independent_ones_do_not():
    rng = np.random.default_rng(2)
    cluster = np.repeat(range(60), 4)
    hit, kinds = {"clustered": 0, "rows": 0}, {"clustered": names(cluster), "rows": names(range(240))}
    for _ in range(400):
        x, y = (rng.normal(0, 1, 60)[cluster] + 0.5 * rng.normal(0, 1, 240) for _ in range(2))
        for kind, groups in kinds.items():
            found = slope_on(x, 0.7 * x + y, groups, 0.9)
            hit[kind] += found.low < 0.7 < found.high
    assert 0.86 <= hit["clustered"] / 400 <= 0.94
    assert hit["rows"] / 400 < 0.8


def test_a_ratio_over_a_sure_denominator_is_the_numerator_scaled():
    y, groups = np.random.default_rng(3).normal(8, 1, 30), names(range(30))
    ones = np.ones((30, 1))
    top, bottom = linear_fit(ones, y, groups, 0.9), linear_fit(ones, np.full(30, 2.0), groups, 0.9)
    ratio, mean = clustered_ratio(top, bottom, 0, 0.9), top.coefficients[0]
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((mean.value / 2, mean.low / 2, mean.high / 2))


def test_ratio_intervals_cover():
    rng, hits = np.random.default_rng(4), 0
    ones, groups = np.ones((50, 1)), names(range(50))
    for _ in range(400):
        u = rng.normal(0, 1, 50)
        top, bottom = (linear_fit(ones, m + u + rng.normal(0, s, 50), groups, 0.9) for m, s in ((6.0, 2.0), (1.0, 1.0)))
        ratio = clustered_ratio(top, bottom, 0, 0.9)
        hits += ratio.low < 6.0 < ratio.high
    assert 0.86 <= hits / 400 <= 0.94


def test_a_ratio_over_nothing_is_unbounded():
    rng, groups = np.random.default_rng(5), names(range(50))
    top, bottom = (linear_fit(np.ones((50, 1)), rng.normal(m, 1, 50), groups, 0.9) for m in (5, 0))
    with pytest.raises(NotEstimableError, match="not told from 0"):
        clustered_ratio(top, bottom, 0, 0.9)


def test_r_squared_is_that_of_pearson_and_knows_a_perfect_line():
    rng = np.random.default_rng(6)
    x, groups = rng.normal(0, 1, 200), names(range(200))
    y = x + rng.normal(0, 1, 200)
    found = r_squared(x, y, groups, 0.9)
    assert found.value == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert found.low < found.value < found.high
    assert r_squared(x, 3 - 2 * x, groups, 0.9).low == 1.0
    assert r_squared(x, rng.normal(0, 1, 200), groups, 0.9).low == 0.0


def test_r_squared_covers_with_galaxies_that_repeat():
    rng, hits = np.random.default_rng(7), 0
    cluster = np.repeat(range(150), 2)
    groups = names(cluster)
    for _ in range(400):
        x = rng.normal(0, 1, 150)[cluster]
        y = x + rng.normal(0, 1, 150)[cluster]
        found = r_squared(x, y, groups, 0.9)
        hits += found.low < 0.5 < found.high
    assert 0.86 <= hits / 400 <= 0.94


def test_what_the_data_do_not_determine_is_said():
    y = np.random.default_rng(8).normal(0, 1, 20)
    with pytest.raises(NotEstimableError, match="4 galaxies"):
        clustered_mean(y[:8], names([0, 0, 1, 1, 2, 2, 3, 3]), 0.9)
    with pytest.raises(NotEstimableError, match="constant"):
        slope_on(np.full(20, 2.5), y, names(range(20)), 0.9)
    for pair in ((np.full(20, 2.5), y), (y, np.zeros(20))):
        with pytest.raises(NotEstimableError, match="constant"):
            r_squared(*pair, names(range(20)), 0.9)


def test_shares_stay_between_0_and_1():
    found = clustered_share(np.array([0.0] * 29 + [1.0]), names(range(30)), 0.9)
    assert found.low == 0.0
    assert found.high > found.value == pytest.approx(1 / 30)


def test_bins_hold_as_many_rows_each():
    x = np.arange(100.0)
    found = binned(x, 2 * x, names(range(100)), 0.9)
    assert found["x"] == pytest.approx(np.arange(10) * 10 + 4.5)
    assert found["y"] == pytest.approx(2 * np.array(found["x"]))
