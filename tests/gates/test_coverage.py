"""Intervals and tests of the gates over many simulated data sets whose truth is known; study 09-intervals has 2,000 of each."""

from __future__ import annotations

import numpy as np
import pytest
from arcgate.gates.permutation import pair_flip
from arcgate.gates.probe import Sample, fitted_scores
from scipy.stats import norm

from arcgate.ground.statistics import clustered_auc

SETS = 200
# Four standard deviations of a share of 200 about 90 %.
LIMITS = 0.9 - 4.0 * np.sqrt(0.09 / SETS), 0.9 + 4.0 * np.sqrt(0.09 / SETS)
SPREAD = np.array([3.0, 1.0, 0.5])
DIRECTION = np.ones(3)
PAIRED, UNPAIRED = True, False


def a_set(seed: int, paired: bool, leak: float, rows: int, hosts: int = 120) -> tuple[Sample, Sample]:
    """Rows of galaxies that fit and of those that judge; three features, a tenth of their spread not shared in a pair."""
    rng = np.random.default_rng([seed, paired, rows])
    galaxies, others = rng.normal(size=(2, hosts, 3)) * SPREAD
    control = np.repeat((galaxies if paired else others) + 0.1 * rng.normal(size=(hosts, 3)) * SPREAD, rows, axis=0)
    positive = np.repeat(galaxies, rows, axis=0)
    positive = positive + 0.1 * rng.normal(size=positive.shape) * SPREAD + leak * DIRECTION
    host = np.repeat(np.arange(hosts), rows)
    groups, count = np.concatenate([host, host if paired else host + hosts]), len(host)
    labels, pairs = np.repeat([1, 0], count), np.tile(np.arange(count), 2)
    sample = Sample(np.concatenate([positive, control]), labels, groups.astype(np.str_), pairs)
    fitting = groups % hosts % 2 == 0
    return sample.take(fitting), sample.take(~fitting)


def truth_and_scores(fit: Sample, judge: Sample, leak: float) -> tuple[float, np.ndarray]:
    """AUC of the fitted rule for stamps of different galaxies, in closed form, and the scores of the judging rows."""
    scores = fitted_scores(fit, np.concatenate([judge.features, np.eye(3), np.zeros((1, 3))]))
    weights = scores[-4:-1] - scores[-1]
    spread = np.sqrt(2.0 * 1.01 * np.sum((weights * SPREAD) ** 2))
    return float(norm.cdf(leak * weights @ DIRECTION / spread)), scores[:-4]


@pytest.mark.parametrize(
    ("paired", "leak", "rows", "by_rows"), [(PAIRED, 0.0, 1, "wide"), (PAIRED, 0.3, 3, "either"), (UNPAIRED, 0.3, 3, "narrow")]
)
def test_interval_of_a_fitted_rule_holds_its_auc(paired, leak, rows, by_rows):
    held = {"galaxies": 0, "rows": 0}
    for seed in range(SETS):
        fit, judge = a_set(seed, paired, leak, rows)
        truth, scores = truth_and_scores(fit, judge, leak)
        for way, groups in (("galaxies", judge.groups), ("rows", np.arange(len(scores)))):
            found = clustered_auc(scores, judge.labels, groups, 0.9)
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
