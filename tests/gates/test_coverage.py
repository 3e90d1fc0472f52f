"""Intervals and tests of the gates over many simulated data sets whose truth is known; study 09-intervals has 2,000 of each."""

from __future__ import annotations

import numpy as np
import pytest
from made_samples import halving
from scipy.stats import norm

from arcgate.gates.core.context import Context
from arcgate.gates.core.held_out_auc import Sample, held_out
from arcgate.gates.core.permutation import pair_flip
from arcgate.gates.core.rules import fitted
from arcgate.ground.statistics import clustered_auc
from arcgate.variant import Gates

SETS = 200
# Four standard deviations of a share of 200 about 90 %.
LIMITS = 0.9 - 4.0 * np.sqrt(0.09 / SETS), 0.9 + 4.0 * np.sqrt(0.09 / SETS)
SPREAD = np.array([3.0, 1.0, 0.5])
DIRECTION = np.ones(3)
PAIRED, UNPAIRED = True, False


def a_set(seed: int, paired: bool, leak: float, rows: int, hosts: int = 120) -> tuple[Sample, Sample]:
    """Rows of positives and of controls; three features, a tenth of their spread not shared in a pair."""
    rng = np.random.default_rng([seed, paired, rows])
    galaxies, others = rng.normal(size=(2, hosts, 3)) * SPREAD
    control = np.repeat((galaxies if paired else others) + 0.1 * rng.normal(size=(hosts, 3)) * SPREAD, rows, axis=0)
    positive = np.repeat(galaxies, rows, axis=0)
    positive = positive + 0.1 * rng.normal(size=positive.shape) * SPREAD + leak * DIRECTION
    host = np.repeat(np.arange(hosts), rows)
    pair = np.arange(len(host))
    return Sample(positive, host, pair), Sample(control, host if paired else host + hosts, pair)


def truth_of(one: Sample, zero: Sample, leak: float, context: Context) -> float:
    """AUC of the fitted rule for stamps of different galaxies, in closed form."""
    features, galaxy = np.concatenate([one.features, zero.features]), np.concatenate([one.galaxy, zero.galaxy])
    fits = context.fits(galaxy)
    rule = fitted(features[fits], np.repeat([1, 0], len(one.pair))[fits], "logistic")
    scores = rule.decision_function(np.concatenate([np.eye(3), np.zeros((1, 3))]))
    weights = scores[:-1] - scores[-1]
    spread = np.sqrt(2.0 * 1.01 * np.sum((weights * SPREAD) ** 2))
    return float(norm.cdf(leak * weights @ DIRECTION / spread))


@pytest.fixture
def settings(small) -> Gates:
    return small().gates


@pytest.mark.parametrize(
    ("paired", "leak", "rows", "by_rows"), [(PAIRED, 0.0, 1, "wide"), (PAIRED, 0.3, 3, "either"), (UNPAIRED, 0.3, 3, "narrow")]
)
def test_interval_of_a_fitted_rule_holds_its_auc(settings, paired, leak, rows, by_rows):
    held = {"galaxies": 0, "rows": 0}
    for seed in range(SETS):
        one, zero = a_set(seed, paired, leak, rows)
        context = halving(settings, one, zero)
        truth, judged = truth_of(one, zero, leak, context), held_out(one, zero, "logistic", context)
        by_row = clustered_auc(judged.scores, judged.labels, np.arange(len(judged.scores)), 0.9)
        for way, found in (("galaxies", judged.auc(0.9)), ("rows", by_row)):
            held[way] += found.low <= truth <= found.high
    assert LIMITS[0] <= held["galaxies"] / SETS <= LIMITS[1]
    # With each row a cluster of its own: far too wide on pairs, too narrow with three rows a galaxy, and those offset in pairs.
    share = held["rows"] / SETS
    assert {"wide": share > LIMITS[1], "narrow": share < LIMITS[0], "either": True}[by_rows]


def test_pairs_of_a_galaxy_must_be_swapped_together():
    """At 5 % the pair-flip test rejects at most 5 % of nulls, Monte Carlo error aside; pair by pair it rejects far more."""
    rejected = {"galaxies": 0, "pairs": 0}
    for seed in range(SETS):
        rng = np.random.default_rng([3, seed])
        # Four pairs a galaxy share one control, and hence the noise in it.
        control = np.repeat(rng.normal(size=40), 4)
        scores, pairs = np.concatenate([rng.normal(size=160), control]), np.tile(np.arange(160), 2)
        labels = np.repeat([1, 0], 160)
        for way, groups in (("galaxies", pairs // 4), ("pairs", pairs)):
            rejected[way] += pair_flip(scores, labels, pairs, groups, seed, 199).p_value <= 0.05
    assert rejected["galaxies"] / SETS <= 0.05 + 4.0 * np.sqrt(0.05 * 0.95 / SETS)
    assert rejected["pairs"] / SETS > 0.15
