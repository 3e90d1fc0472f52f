"""Recall at small rates, precision, purity and calibration, against closed forms and other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_curve

from arcgate.evaluation.calibration import calibration_error, reliability
from arcgate.evaluation.rates import (
    Scored,
    average_precision,
    carried_over,
    clopper_pearson,
    purity,
    recall_above_false_positives,
    recall_at,
    weighted_recall,
)
from arcgate.evaluation.resampling import interval_of, weights_of


def scored(n: int = 2000, shift: float = 2.0, seed: int = 0, galaxies: int | None = None) -> Scored:
    """Normal logits, positives `shift` higher; every galaxy has a positive and a negative."""
    rng = np.random.default_rng(seed)
    logit = np.r_[rng.normal(shift, 1, n), rng.normal(0, 1, n)]
    galaxy = np.tile(np.arange(n) % (galaxies or n), 2)
    return Scored(logit, np.repeat([1, 0], n), galaxy, np.full(2 * n, -1))


@pytest.mark.parametrize("rate", [0.3, 0.1, 0.01])
def test_recall_is_that_of_the_curve(rate: float) -> None:
    data = scored()
    fpr, tpr, _ = roc_curve(data.label, data.logit, drop_intermediate=False)
    found = recall_at(data, rate, 0.9)
    assert found.value == tpr[np.flatnonzero(fpr <= rate)[-1]]
    assert found.k == round(rate * 2000)
    assert found.low <= found.value <= found.high
    whole = weighted_recall(data, np.ones((1, 4000)), rate)
    assert whole[0] == found.value


def test_few_galaxies_above_the_threshold_have_an_interval_and_none_have_nothing() -> None:
    few = recall_at(scored(), 2e-3, 0.9)
    assert (few.k, few.value, few.needed) == (4, None, 5000)
    assert 0 < few.low < norm.sf(norm.isf(2e-3) - 2.0) < few.high < 1
    none = recall_at(scored(), 1e-4, 0.9)
    assert (none.k, none.value, none.low, none.high, none.needed) == (0, None, None, None, 100_000)


def test_galaxies_count_not_rows() -> None:
    """Twenty negatives above the threshold, of two galaxies."""
    data = scored(n=2000)
    galaxy = data.galaxy.copy()
    top = np.argsort(-np.where(data.label == 0, data.logit, -np.inf))[:20]
    galaxy[top] = np.arange(20) % 2
    assert recall_at(Scored(data.logit, data.label, galaxy, data.source), 0.01, 0.9).k == 2


@pytest.mark.parametrize(
    ("n", "rate", "rows", "draws"),
    [
        (100, 0.01, 1, 1000),
        (1000, 1e-3, 1, 1000),
        (400, 0.01, 1, 1000),
        (2000, 1e-3, 1, 1000),
        # Eight rows a galaxy that have nothing in common: the galaxies exceed a threshold more often than their rows do.
        (1000, 6e-3, 8, 1000),
        pytest.param(400, 0.1, 1, 200, marks=pytest.mark.long),
    ],
)
def test_intervals_hold_the_true_recall_as_often_as_they_claim(n: int, rate: float, rows: int, draws: int) -> None:
    """From one galaxy above the threshold on; the bound is the coverage less twice its Monte Carlo error."""
    truth = norm.sf(norm.isf(rate) - 2.0)
    found = [recall_at(scored(n, seed=seed, galaxies=n // rows), rate, 0.9) for seed in range(draws)]
    stated = [each for each in found if each.low is not None]
    assert len(stated) > 0.75 * draws
    held = np.mean([each.low <= truth <= each.high for each in stated])
    assert held > 0.9 - 2 * np.sqrt(0.9 * 0.1 / len(stated))


def test_intervals_from_few_galaxies_hold_where_arcs_share_their_sources_images() -> None:
    """Images of which some are in many arcs, to which most of what arcs differ by is due; nine galaxies above the threshold."""
    truth, held = norm.sf(norm.isf(0.018) - 2.0), []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        image = rng.choice(300, 500, p=1 / np.arange(1, 301) / np.sum(1 / np.arange(1, 301)))
        positive = 2.0 + np.sqrt(0.7) * rng.normal(size=300)[image] + np.sqrt(0.3) * rng.normal(size=500)
        source = np.r_[image, np.full(500, -1)]
        data = Scored(np.r_[positive, rng.normal(size=500)], np.repeat([1, 0], 500), np.arange(1000), source)
        found = recall_at(data, 0.018, 0.9)
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) > 0.9 - 2 * np.sqrt(0.9 * 0.1 / 200)


@pytest.mark.parametrize("uneven", [0.0, 1.0])
def test_a_share_of_arcs_is_known_no_better_than_their_images_let_it_be(uneven: float) -> None:
    """All arcs of an image are found, or none; images are taken as often as each other, or by Zipf's law."""
    odds = 1.0 / np.arange(1, 101) ** uneven
    held = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        image = rng.choice(100, 300, p=odds / odds.sum())
        found = np.where(rng.uniform(size=100) < 0.4, 1.0, -1.0)[image]
        low, high = clopper_pearson(Scored(found, np.ones(300, dtype=np.int64), np.arange(300), image), 0.0, 0.05)
        held.append(low <= 0.4 <= high)
    assert np.mean(held) > 0.9 - 2 * np.sqrt(0.9 * 0.1 / 300)


def test_the_lower_limit_is_none_where_the_true_threshold_may_lie_above_every_negative() -> None:
    """No positive lies above the threshold of the true rate, and all do above the largest of too few negatives."""
    negative, positive = np.linspace(0.0, 0.98, 100), np.full(100, 0.989)
    data = Scored(np.r_[negative, positive], np.repeat([0, 1], 100), np.arange(200), np.full(200, -1))
    found = recall_at(data, 0.01, 0.9)
    assert (found.k, found.low, found.high) == (1, 0.0, 1.0)


def test_average_precision_is_sklearns_and_weights_are_rows() -> None:
    data = scored(n=300)
    logit = np.round(data.logit, 1)  # ties
    tied = Scored(logit, data.label, data.galaxy, data.source)
    assert average_precision(tied, np.ones((1, 600)))[0] == pytest.approx(average_precision_score(data.label, logit), rel=1e-12)
    weights = np.random.default_rng(1).integers(0, 3, 600)
    expected = average_precision_score(data.label, logit, sample_weight=weights)
    assert average_precision(tied, weights[None].astype(float))[0] == pytest.approx(expected, rel=1e-12)
    recalls = weighted_recall(tied, weights[None].astype(float), 0.05)
    fpr, tpr, _ = roc_curve(data.label, logit, sample_weight=weights, drop_intermediate=False)
    assert recalls[0] == pytest.approx(tpr[np.flatnonzero(fpr <= 0.05)[-1]])


def test_weights_are_poisson_by_cluster_and_do_not_depend_on_other_rows() -> None:
    galaxy = np.repeat(np.arange(3000), 2)
    weights = weights_of((galaxy,), range(5), seed=1)
    np.testing.assert_array_equal(weights[:, ::2], weights[:, 1::2])
    assert abs(weights.mean() - 1) < 0.05
    assert abs(weights[:, ::2].var() - 1) < 0.1
    assert abs((weights == 0).mean() - np.exp(-1)) < 0.02
    np.testing.assert_array_equal(weights_of((galaxy[4:10],), range(5), seed=1), weights[:, 4:10])
    both = weights_of((galaxy, np.where(galaxy < 100, galaxy % 7, -1)), range(5), seed=1)
    np.testing.assert_array_equal(both[:, 200:], weights[:, 200:])
    assert (both[:, :200] != weights[:, :200]).any()


def test_the_interval_of_a_mean_is_that_of_its_theory() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, 4000)
    found = interval_of(lambda weights: (weights * values).sum(axis=1) / weights.sum(axis=1), (np.arange(4000),), 0.9)
    assert found is not None
    half = norm.isf(0.05) / np.sqrt(4000)
    np.testing.assert_allclose(found, (values.mean() - half, values.mean() + half), atol=0.15 * half)


def test_recall_at_no_and_at_ten_false_positives() -> None:
    data = Scored(np.array([5.0, 2.0, 0.5, 4.0, 1.0, 0.0]), np.array([1, 1, 1, 0, 0, 0]), np.arange(6), np.full(6, -1))
    assert recall_above_false_positives(data, 0) == pytest.approx(1 / 3)
    assert recall_above_false_positives(data, 1) == pytest.approx(2 / 3)
    assert [recall_above_false_positives(data, allowed) for allowed in (3, 10)] == [None, None]


def test_a_threshold_is_carried_over_to_galaxies_that_did_not_set_it() -> None:
    rates = [carried_over(scored(seed=seed), 0.1, seed)[0] for seed in range(40)]
    assert np.mean(rates) == pytest.approx(0.1, abs=0.01)
    assert np.std(rates) > 0.005


def test_purity_at_a_prior() -> None:
    assert purity(0.5, 0.001, 0.001) == pytest.approx(0.0005 / (0.0005 + 0.000999))
    assert np.isnan(purity(0.0, 0.0, 0.1))


def test_calibrated_logits_have_no_error_and_others_theirs() -> None:
    rng = np.random.default_rng(2)
    logit = rng.normal(0, 2, 40_000)
    label = (rng.uniform(size=40_000) < 1 / (1 + np.exp(-logit))).astype(int)
    assert calibration_error(reliability(logit, label, 0.9)) < 0.01
    table = reliability(np.full(1000, 0.0), np.repeat([1, 0], [900, 100]), 0.9)
    assert calibration_error(table) == pytest.approx(0.4)
    assert table[["n", "predicted", "found"]].values.tolist() == [[1000, 0.5, 0.9]]
