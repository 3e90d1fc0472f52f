"""Clustered AUC: against brute force, exact nulls, complete separation, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from arcgate.ground.statistics import NEARLY_SEPARATED, clustered_auc, within_pair


def brute_force(scores, labels, groups):
    """Obuchowski (1997) written out comparison by comparison, of rows of different galaxies only."""
    gx, gy = groups[labels == 1], groups[labels == 0]
    x, y = scores[labels == 1], scores[labels == 0]
    others = gx[:, None] != gy[None, :]
    kernel = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    auc = kernel[others].mean()
    deviation = np.where(others, kernel - auc, 0.0) / others.sum()
    names = np.unique(groups)
    d10 = np.array([deviation[gx == g].sum() for g in names])
    d01 = np.array([deviation[:, gy == g].sum() for g in names])
    i10, i01, i = len(np.unique(gx)), len(np.unique(gy)), len(names)
    variance = i10 / (i10 - 1) * (d10**2).sum() + i01 / (i01 - 1) * (d01**2).sum() + 2 * i / (i - 1) * (d10 * d01).sum()
    return auc, variance, min(i10, i01)


def some_rows(seed, hosts, layout, ties):
    """Rows of galaxies that are in both classes, in one, or in either as it comes; one to three rows of a class."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 4, size=(2, hosts))
    if layout == "some in one class":
        rows[1, 2 : 2 + hosts // 3] = 0
    host = np.concatenate([np.repeat(np.arange(hosts), count) for count in rows])
    labels = np.repeat([1, 0], rows.sum(axis=1))
    groups = host + hosts * (1 - labels) if layout == "unpaired" else host
    scores = rng.normal(size=len(host)) + 0.5 * labels + rng.normal(size=2 * hosts)[groups]
    return np.round(scores) if ties else scores, labels, groups


@given(st.integers(0, 10_000), st.integers(4, 12), st.sampled_from(["paired", "unpaired", "some in one class"]), st.booleans())
@settings(max_examples=80, derandomize=True, deadline=None)
def test_agrees_with_brute_force(seed, hosts, layout, ties):
    scores, labels, groups = some_rows(seed, hosts, layout, ties)
    got = clustered_auc(scores, labels, np.array([f"h{group}" for group in groups]))
    auc, variance, least = brute_force(scores, labels, groups)
    assert got.value == pytest.approx(auc, abs=1e-12)
    assert (got.n, got.n_groups) == (len(labels), len(np.unique(groups)))
    if min(auc, 1 - auc) * least < NEARLY_SEPARATED:
        return
    half = t.ppf(0.95, least - 1) * np.sqrt(variance) / (auc * (1 - auc))
    assert (got.low, got.high) == pytest.approx((expit(logit(auc) - half), expit(logit(auc) + half)), abs=1e-9)


@pytest.mark.parametrize("ties", [True, False])
def test_without_shared_galaxies_it_is_the_ordinary_auc(ties):
    scores, labels, groups = some_rows(3, 40, "unpaired", ties)
    assert clustered_auc(scores, labels, groups).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-14)


@pytest.mark.parametrize("leak", [1e-9, 1e-3])
def test_a_tiny_leak_in_every_copy_is_not_read_off_the_galaxies_own_controls(leak):
    """All comparisons together read 0.525 with 20 pairs, since the rule wins each galaxy's own."""
    brightness = np.arange(20.0)
    scores, labels, groups = np.r_[brightness + leak, brightness], np.repeat([1, 0], 20), np.tile(np.arange(20), 2)
    assert roc_auc_score(labels, scores) == pytest.approx(0.525)
    got = clustered_auc(scores, labels, groups)
    assert (got.value, got.low, got.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("rows", [1, 3])
def test_identical_pairs_read_one_half_with_no_width(rows):
    brightness = np.random.default_rng(1).normal(size=20_000)
    groups = np.array([f"h{i // rows}" for i in range(20_000)])
    got = clustered_auc(np.r_[brightness, brightness], np.repeat([1, 0], 20_000), np.r_[groups, groups])
    assert (got.value, got.low, got.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("shift", [0.0, 0.5, 4.5])
def test_interval_covers_at_its_nominal_rate(paired, shift):
    """90 % intervals over 600 simulated data sets hold the true AUC in 86 to 94 %."""
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


def test_intervals_of_few_sources_cover_too():
    """Positives that share a source are alike beyond their galaxies: clustered both ways, intervals keep their level."""
    rng, hosts, sources, sets = np.random.default_rng(5), 60, 12, 400
    truth = clustered_auc(*_of_sources(rng, 4000, 4000)[:3]).value
    inside = {"both": 0, "galaxies": 0}
    for _ in range(sets):
        scores, labels, groups, source = _of_sources(rng, hosts, sources)
        for name, found in (
            ("both", clustered_auc(scores, labels, groups, sources=source)),
            ("galaxies", clustered_auc(scores, labels, groups)),
        ):
            inside[name] += found.low <= truth <= found.high
    # Binomial scatter of 400 sets is 1.5 %.
    assert 0.85 < inside["both"] / sets < 0.96
    assert inside["galaxies"] / sets < 0.75


def _of_sources(rng, hosts, sources):
    """Four pairs a galaxy; scores of positives shift with their galaxy, as their controls' do, and with their source."""
    galaxy, of = np.repeat(np.arange(hosts), 4), rng.integers(0, sources, 4 * hosts)
    own = 0.7 * rng.normal(size=hosts)[galaxy]
    positive = own + rng.normal(size=sources)[of] + rng.normal(size=4 * hosts) + 1.0
    control = own + rng.normal(size=4 * hosts)
    labels = np.repeat([1, 0], 4 * hosts)
    return np.r_[positive, control], labels, np.r_[galaxy, galaxy].astype(str), np.r_[of, np.full(4 * hosts, -1)]


@pytest.mark.parametrize("hosts", [5, 24, 200])
def test_complete_separation_is_not_certainty(hosts):
    """With k clusters and no misplaced one, a share p of misplaced clusters is excluded only if (1 - p)^k < 5 %."""
    groups = np.array([f"h{i}" for i in range(hosts)])
    got = clustered_auc(np.repeat([1.0, 0.0], hosts), np.repeat([1, 0], hosts), np.r_[groups, groups])
    assert (got.value, got.high) == (1.0, 1.0)
    assert got.low**hosts == pytest.approx(0.05)
    reverse = clustered_auc(np.repeat([0.0, 1.0], hosts), np.repeat([1, 0], hosts), np.r_[groups, groups])
    assert (reverse.value, reverse.low, reverse.high) == pytest.approx((0.0, 0.0, 1.0 - got.low))


def test_one_misplaced_comparison_says_little_more_than_none():
    """The more comparisons are misplaced the lower both AUC and upper end; the lower end does not leap up at the first."""
    hosts = 100
    zero, found = np.arange(hosts, dtype=float), []
    for misplaced in range(12):
        one = zero + hosts
        one[0] = hosts - misplaced - 0.5
        found.append(clustered_auc(np.r_[one, zero], np.repeat([1, 0], hosts), np.arange(2 * hosts)))
    assert np.all(np.diff([auc.value for auc in found]) < 0)
    assert np.all(np.diff([auc.high for auc in found]) < 0)
    assert np.abs(np.diff([auc.low for auc in found])).max() < 0.05 * (1.0 - found[0].low)
    assert all(0.0 <= auc.low < auc.value <= auc.high <= 1.0 for auc in found)


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
