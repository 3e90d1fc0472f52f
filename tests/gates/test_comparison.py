"""Comparison of two arms, and the smallest leak that is caught: its power by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from arcgate.gates.auc_judging import fires
from arcgate.gates.comparison import Comparison, NotComparableError, Rows, smallest_caught, strength
from arcgate.gates.probe import TooFewHostsError

from arcgate.ground.statistics import Interval, clustered_auc


def rows(hosts, start=0):
    return Rows(np.array([f"h{start + i}" for i in range(hosts)]), np.arange(start, start + hosts))


@pytest.fixture
def settings(small):
    return small().gates


def test_a_rule_is_judged_on_galaxies_that_it_has_not_seen(settings):
    rng = np.random.default_rng(0)
    zero = rng.normal(size=(400, 3, 9)).astype(np.float32)
    comparison = Comparison(rows(400), rows(400), settings)
    exact = comparison.auc(zero, zero)
    assert (exact.value, exact.n_groups) == (0.5, 200)
    leak = comparison.auc(zero + np.float32(3.0), zero)
    assert leak.low > 0.9
    noise = comparison.auc(rng.normal(size=zero.shape).astype(np.float32), zero)
    assert noise.low < 0.5 < noise.high


def test_pairs_in_order_and_their_p_value(settings):
    rng = np.random.default_rng(1)
    zero = rng.normal(0, 10, size=(300, 3, 2)).astype(np.float32)
    comparison = Comparison(rows(300), rows(300), settings)
    leak = comparison.order(zero + np.float32(0.05), zero)
    assert (leak.share, leak.p_value) == (1.0, 0.001)
    assert comparison.order(zero, zero).p_value == 1.0
    assert Comparison(rows(300), rows(300, 1000), settings).order(zero, zero) is None


@pytest.mark.parametrize(
    ("one", "zero", "change", "error", "says"),
    [
        (rows(0), rows(50), 0.0, NotComparableError, "0 galaxies in a class"),
        (Rows(np.repeat("h", 60), np.arange(60)), rows(60), 0.0, NotComparableError, "one galaxy cannot both"),
        (rows(10), rows(10), 0.0, TooFewHostsError, "20 are needed"),
    ],
)
def test_what_cannot_be_compared_is_refused(settings, one, zero, change, error, says):
    with pytest.raises(error, match=says):
        Comparison(one, zero, settings).check()


def test_features_without_variety_are_refused(settings):
    same = np.ones((100, 3, 2), dtype=np.float32)
    with pytest.raises(NotComparableError, match="same for every row"):
        Comparison(rows(100), rows(100), settings).auc(same, same)


def test_a_fit_that_does_not_converge_is_refused(settings):
    wild = np.full((100, 3, 2), np.inf, dtype=np.float32)
    wild[0] = 0.0
    with pytest.raises(NotComparableError):
        Comparison(rows(100), rows(100), settings).auc(wild, wild)


def _simulated(shift, rng, n=150):
    x, y = rng.normal(size=n) + shift, rng.normal(size=n)
    groups = np.arange(2 * n)
    return clustered_auc(np.r_[x, y], np.repeat([1, 0], n), groups)


@pytest.mark.parametrize("margin", [0.01, 0.15])
def test_a_leak_as_large_as_one_data_set_states_is_caught_in_the_next_one(margin):
    """In 95 % of 300 pairs of data sets, whichever of the two conditions binds. Without the first one's error: 88 %."""
    from scipy.optimize import brentq

    rng, caught = np.random.default_rng(11), []
    for _ in range(300):
        state = rng.bit_generator.state

        def stated(size, state=state):
            # The same noise at every size.
            again = np.random.default_rng()
            again.bit_generator.state = state
            return strength(_simulated(size, again), margin, 0.9) - 1.0

        size = brentq(stated, -0.5, 2.0, xtol=5e-3)
        _simulated(0.0, rng)
        caught.append(fires(_simulated(size, rng), margin))
    assert 0.92 <= np.mean(caught) <= 0.98


def test_sizes_are_interpolated_in_their_logarithms():
    assert smallest_caught([0.01, 0.1, 1.0], [0.1, 0.5, 2.0]) == pytest.approx(np.sqrt(0.1))
    assert smallest_caught([0.01, 0.1, 1.0], [1.5, 3.0, 9.0]) == 0.01
    assert smallest_caught([0.01, 0.1, 1.0], [0.1, 0.2, 0.9]) is None
    assert smallest_caught([0.01, 0.1, 1.0], [-0.2, -0.1, 4.0]) == 1.0
    # A size that happened to be caught below one that was not is no proof of power.
    assert smallest_caught([0.01, 0.1, 1.0], [2.0, 0.5, 2.0]) > 0.1


def test_a_leak_that_is_seen_but_lies_within_the_margin_is_not_caught():
    assert strength(Interval(0.51, 0.509, 0.511, 1000, 500), 0.05, 0.9) < 1.0
    assert strength(Interval(0.56, 0.559, 0.561, 1000, 500), 0.05, 0.9) > 1.0
    assert strength(Interval(0.5, 0.5, 0.5, 1000, 500), 0.05, 0.9) == 0.0
