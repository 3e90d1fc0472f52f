"""The smallest leak that is detected: its power by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.gates.core.auc_statistic import fires
from arcgate.gates.core.sensitivity import climbed, smallest_detected, strength
from arcgate.ground.statistics import Interval, clustered_auc


def _simulated(shift, rng, n=150):
    x, y = rng.normal(size=n) + shift, rng.normal(size=n)
    groups = np.arange(2 * n)
    return clustered_auc(np.r_[x, y], np.repeat([1, 0], n), groups)


@pytest.mark.parametrize("margin", [0.01, 0.15])
def test_a_leak_as_large_as_one_data_set_states_is_detected_in_the_next_one(margin):
    """In 95 % of 300 pairs of data sets, whichever of the two conditions binds. Without the first one's error: 88 %."""
    from scipy.optimize import brentq

    rng, detected = np.random.default_rng(11), []
    for _ in range(300):
        state = rng.bit_generator.state

        def stated(size, state=state):
            # The same noise at every size.
            again = np.random.default_rng()
            again.bit_generator.state = state
            return strength(_simulated(size, again), margin, 0.9) - 1.0

        size = brentq(stated, -0.5, 2.0, xtol=5e-3)
        _simulated(0.0, rng)
        detected.append(fires(_simulated(size, rng), margin))
    assert 0.92 <= np.mean(detected) <= 0.98


def test_sizes_are_interpolated_in_their_logarithms():
    assert smallest_detected([0.01, 0.1, 1.0], [0.1, 0.5, 2.0]) == pytest.approx(np.sqrt(0.1))
    assert smallest_detected([0.01, 0.1, 1.0], [1.5, 3.0, 9.0]) == 0.01
    assert smallest_detected([0.01, 0.1, 1.0], [0.1, 0.2, 0.9]) is None
    assert smallest_detected([0.01, 0.1, 1.0], [-0.2, -0.1, 4.0]) == 1.0
    # A size that happened to be detected below one that was not is no proof of power.
    assert smallest_detected([0.01, 0.1, 1.0], [2.0, 0.5, 2.0]) > 0.1


def test_a_leak_that_is_seen_but_lies_within_the_margin_is_not_detected():
    assert strength(Interval(0.51, 0.509, 0.511, 1000, 500), 0.05, 0.9) < 1.0
    assert strength(Interval(0.56, 0.559, 0.561, 1000, 500), 0.05, 0.9) > 1.0
    assert strength(Interval(0.5, 0.5, 0.5, 1000, 500), 0.05, 0.9) == 0.0


SIZES = (0.01, 0.03, 0.1, 0.3, 1.0)


@pytest.mark.parametrize("undetected", range(len(SIZES) + 1))
def test_sizes_below_the_first_undetected_one_are_not_planted_and_change_nothing(undetected):
    """`undetected` sizes go undetected; below them a lucky one, or an AUC of nothing, would give the same answer."""
    aucs = [0.51 + 0.01 * place if place < undetected else 0.6 + 0.02 * place for place in range(len(SIZES))]
    measured = []

    def measure(size):
        measured.append(size)
        auc = aucs[SIZES.index(size)]
        return Interval(auc, auc - 0.04, auc + 0.04, 1000, 500)

    found = climbed(SIZES, measure, 0.05, 0.9)
    assert found.sizes == tuple(reversed(measured)) == SIZES[max(undetected - 1, 0) :]
    assert [auc.value for auc in found.measured] == aucs[max(undetected - 1, 0) :]
    whole = [strength(measure(size), 0.05, 0.9) for size in SIZES]
    assert [value >= 1.0 for value in whole] == [place >= undetected for place in range(len(SIZES))]
    assert found.detected == smallest_detected(SIZES, whole)
    lucky = [9.0 if place < undetected - 1 else value for place, value in enumerate(whole)]
    assert found.detected == smallest_detected(SIZES, lucky)
