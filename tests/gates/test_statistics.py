"""Clustered AUC: against brute force, exact nulls, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from arcgate.gates.statistics import clustered_auc, within_pair


def brute_force(scores, labels, groups):
    """Obuchowski (1997) written out pair by pair."""
    x, y = scores[labels == 1], scores[labels == 0]
    kernel = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    auc = kernel.mean()
    v10, v01 = kernel.mean(axis=1), kernel.mean(axis=0)
    names = np.unique(groups)
    gx, gy = groups[labels == 1], groups[labels == 0]
    d10 = np.array([(v10[gx == g] - auc).sum() for g in names])
    d01 = np.array([(v01[gy == g] - auc).sum() for g in names])
    i10, i01, i = len(np.unique(gx)), len(np.unique(gy)), len(names)
    m, n = len(x), len(y)
    variance = (
        i10 / ((i10 - 1) * m) * (d10**2).sum() / m
        + i01 / ((i01 - 1) * n) * (d01**2).sum() / n
        + 2 * i / (i - 1) * (d10 * d01).sum() / (m * n)
    )
    return auc, variance


@given(st.integers(0, 10_000), st.integers(2, 12), st.booleans())
@settings(max_examples=40, derandomize=True, deadline=None)
def test_agrees_with_brute_force_and_with_sklearn(seed, hosts, ties):
    rng = np.random.default_rng(seed)
    groups = np.repeat([f"h{i}" for i in range(hosts)], 4)
    labels = np.tile([1, 1, 0, 0], hosts)
    scores = rng.normal(size=len(labels)) + 0.5 * labels + np.repeat(rng.normal(size=hosts), 4)
    scores = np.round(scores) if ties else scores
    got = clustered_auc(scores, labels, groups)
    auc, variance = brute_force(scores, labels, groups)
    assert got.value == pytest.approx(auc, abs=1e-12)
    assert got.value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    from scipy.stats import t

    if auc in (0.0, 1.0):
        return
    half = t.ppf(0.95, hosts - 1) * np.sqrt(max(variance, 0))
    assert got.low == pytest.approx(max(auc - half, 0), abs=1e-7)
    assert got.high == pytest.approx(min(auc + half, 1), abs=1e-7)
    assert (got.n, got.n_groups) == (4 * hosts, hosts)


def test_identical_pairs_read_one_half_with_no_width():
    brightness = np.random.default_rng(1).normal(size=500)
    groups = np.array([f"h{i}" for i in range(500)])
    got = clustered_auc(np.r_[brightness, brightness], np.repeat([1, 0], 500), np.r_[groups, groups])
    assert got.value == 0.5
    assert got.high - got.low < 1e-7


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_interval_covers_at_its_nominal_rate(paired, shift):
    """90 % intervals over 600 simulated data sets hold the true AUC in 86 to 94 %."""
    from scipy.stats import norm

    rng, hosts = np.random.default_rng(7), 120
    truth = norm.cdf(shift / np.sqrt(2 * (1 + 1)))
    held = 0
    for _ in range(600):
        host = rng.normal(size=hosts)
        other = host if paired else rng.normal(size=hosts)
        x, y = host + rng.normal(size=hosts) + shift, other + rng.normal(size=hosts)
        names = np.array([f"h{i}" for i in range(hosts)])
        control = names if paired else np.array([f"c{i}" for i in range(hosts)])
        got = clustered_auc(np.r_[x, y], np.repeat([1, 0], hosts), np.r_[names, control])
        held += got.low <= truth <= got.high
    assert 0.86 <= held / 600 <= 0.94


@pytest.mark.parametrize("hosts", [5, 24, 200])
def test_complete_separation_is_not_certainty(hosts):
    """With k clusters and no misplaced one, a share p of misplaced clusters is excluded only if (1 - p)^k < 5 %."""
    groups = np.array([f"h{i}" for i in range(hosts)])
    got = clustered_auc(np.repeat([1.0, 0.0], hosts), np.repeat([1, 0], hosts), np.r_[groups, groups])
    assert (got.value, got.high) == (1.0, 1.0)
    assert got.low**hosts == pytest.approx(0.05)


def test_within_pair_sees_what_marginal_auc_misses():
    rng = np.random.default_rng(3)
    brightness = rng.normal(0, 10, 1000)
    pairs = np.r_[np.arange(1000), rng.permutation(1000)]
    scores = np.r_[brightness + 0.01, brightness[pairs[1000:]]]
    labels = np.repeat([1, 0], 1000)
    assert within_pair(scores, labels, pairs) == 1.0
    assert clustered_auc(scores, labels, pairs.astype(str)).value < 0.51


@pytest.mark.parametrize(
    ("scores", "labels", "groups", "says"),
    [
        ([1.0, 2.0], [1, 1], ["a", "b"], "both classes"),
        ([1.0, 2.0, 3.0], [1, 0, 0], ["a", "b", "c"], "two galaxies in each class"),
        ([1.0, np.nan], [1, 0], ["a", "b"], "finite"),
    ],
)
def test_unusable_input_is_refused(scores, labels, groups, says):
    with pytest.raises(ValueError, match=says):
        clustered_auc(np.array(scores), np.array(labels), np.array(groups))
