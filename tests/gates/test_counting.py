"""Counts beyond the most extreme control: their probability, their limits, and how often a sound set raises an alarm."""

from __future__ import annotations

import sys
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from arcgate.gates.core.counting import Sizes, beyond, chance, limit, share_detected, share_interval
from arcgate.ground.statistics import holm

sys.path.append(str(Path(__file__).parents[2] / "experiments" / "16-clean-sets"))
from simulated_tails import Sound, alarms

SETS = 400
# Three standard deviations above 1 % of 400 sets, and more than the bound leaves to any of the kinds below.
MOST_ALARMS = 0.01 + 3.0 * np.sqrt(0.01 * 0.99 / SETS)


@pytest.mark.parametrize(("ones", "zeros"), [(3, 3), (4, 2), (2, 4)])
def test_the_chance_is_the_share_of_all_ways_to_choose_the_positives(ones, zeros):
    labels = set(permutations([1] * ones + [0] * zeros))
    for count in range(ones + 2):
        found = sum(len(order) >= count and all(order[:count]) and count <= ones for order in labels) / len(labels)
        assert chance(count, ones, zeros) == pytest.approx(found)


def test_the_chance_of_pairs_bounds_all_ways_to_swap_their_members():
    """Brute force over all swaps of five pairs, whatever the values: galaxies that differ, noise that does, and a mixture."""
    rng = np.random.default_rng(1)
    tight = False
    for scatter in (1e-3, 0.3, 1.0, 30.0):
        values = rng.standard_normal((5, 1)) + scatter * np.abs(rng.standard_normal((5, 1))) * np.array([[1.0, -1.0]])
        counts = []
        for swaps in product([0, 1], repeat=5):
            one = values[np.arange(5), swaps][:, None]
            zero = values[np.arange(5), 1 - np.array(swaps)][:, None]
            found = beyond(one, np.arange(5), zero, np.arange(5))
            counts.append(found.surprising[0])
            # Leaving its own control out gives a galaxy at most.
            assert 0 <= found.galaxies[0] - found.surprising[0] <= 1
        for count in range(6):
            share = np.mean(np.array(counts) >= count)
            assert share <= chance(count, 0, 0, shared=5) + 1e-12
            tight |= count > 1 and share == chance(count, 0, 0, shared=5)
    assert tight


def test_a_mixture_takes_its_largest_factors():
    assert chance(3, 2, 6, shared=4) == 0.5**3
    assert chance(3, 6, 2, shared=1) == pytest.approx(6 / 8 * 5 / 7 * 4 / 6)
    assert chance(4, 6, 2, shared=1) == pytest.approx(6 / 8 * 5 / 7 * 4 / 6 * 3 / 5)
    assert chance(5, 6, 2, shared=1) == pytest.approx(6 / 8 * 5 / 7 * 4 / 6 * 3 / 5 * 0.5)
    assert chance(8, 6, 2, shared=1) == 0.0


def test_a_galaxy_is_not_compared_with_its_own_control_and_ties_are_not_beyond():
    ones, zeros = np.array([[5.0], [5.0], [4.0], [3.0]]), np.array([[5.0], [1.0], [4.0], [2.0]])
    galaxy = np.arange(4)
    found = beyond(ones, galaxy, zeros, galaxy)
    # The first ties with its own control, which does not count, and beats the others; the second ties with the first's control.
    assert found.galaxies.tolist() == [1]
    assert found.surprising.tolist() == [0]
    assert found.rows(ones, galaxy)[:, 0].tolist() == [True, False, False, False]
    assert beyond(ones + 0.5, galaxy, zeros, galaxy).surprising.tolist() == [2]


def test_a_galaxy_counts_once_however_many_of_its_rows_lie_beyond():
    ones, of_ones = np.array([[9.0], [8.0], [7.0], [0.0]]), np.array([0, 0, 1, 2])
    found = beyond(ones, of_ones, np.array([[1.0], [2.0]]), np.array([7, 8]))
    assert found.galaxies.tolist() == [2]
    assert found.rows(ones, of_ones).sum() == 3


@pytest.mark.parametrize(
    "kind",
    [
        Sound(300),
        Sound(300, heavy=True),
        Sound(300, noise=1.0),
        Sound(300, paired=False),
        Sound(300, paired=False, heavy=True),
        Sound(300, paired=False, discrete=True),
        Sound(100, rows=3, control_rows=3, noise=1.0),
        Sound(100, rows=3, paired=False, noise=1.0),
        Sound(46, rows=20, control_rows=20, noise=0.3),
        Sound(46, paired=False, heavy=True),
    ],
    ids=str,
)
def test_sound_sets_raise_an_alarm_in_one_of_a_hundred_at_most(kind):
    assert alarms(kind, range(SETS)) <= MOST_ALARMS


@pytest.mark.parametrize("kind", [Sound(500), Sound(500, paired=False, heavy=True), Sound(500, noise=1.0)], ids=str)
def test_a_leak_in_three_of_a_hundred_galaxies_is_detected_and_in_two_is_not_sure_to_be(kind):
    needed = Sizes(0, 0, 500, 0, 0).needed(0.01 / 72)
    assert needed == 13
    assert alarms(kind, range(30), leaking=needed / 500) == 1.0
    assert alarms(kind, range(30), leaking=0.4 * needed / 500) <= 0.2


def test_rows_that_are_not_copies_would_raise_more_alarms_if_galaxies_alone_were_exchanged():
    """Ten positives a galaxy, each with its own noise, against one control a galaxy: the galaxies' formula is not enough."""
    kind, wrong = Sound(60, rows=10, paired=False, noise=3.0), 0
    for seed in range(40):
        ones, of_ones, zeros, of_zeros = kind.drawn(seed, 36)
        counts = [beyond(sign * ones, of_ones, sign * zeros, of_zeros).surprising.max() for sign in (1, -1)]
        wrong += chance(int(max(counts)), 60, 60) <= 0.01 / 72
    assert wrong / 40 > 0.2
    assert alarms(kind, range(40)) <= 0.05


def test_counts_that_fail_and_shares_that_pass():
    """The figures that were set beforehand: about 15 galaxies fail, 1.5 / 0.3 / 0.075 %; limits of 2 / 0.4 / 0.1 %."""
    for pairs, most in ((120, 0.02), (1000, 0.02), (5000, 0.004), (20_000, 0.001)):
        assert limit(pairs) == pytest.approx(most)
        needed = Sizes(0, 0, pairs, 0, 0).needed(0.01 / 138)
        assert needed == 14
        assert Sizes(pairs, pairs, 0, pairs, pairs).needed(0.01 / 138) in (13, 14)
        if pairs >= 1000:
            assert share_interval(needed - 2, pairs)[1] < most < share_interval(needed, pairs)[1]
    assert Sizes(0, 0, 10, 0, 0).needed(0.01 / 138) is None


def test_the_interval_of_a_share_has_its_coverage():
    for found, galaxies in ((0, 150), (5, 600), (600, 600)):
        low, high = share_interval(found, galaxies)
        assert low <= found / galaxies <= high
        assert found == 0 or binom.sf(found - 1, galaxies, low) == pytest.approx(0.05)
        assert found == galaxies or binom.cdf(found, galaxies, high) == pytest.approx(0.05)


def test_the_share_that_is_detected_fails_nine_of_ten_sets():
    share = share_detected(0.8, 14, 1000)
    rng = np.random.default_rng(0)
    assert np.mean(rng.binomial(round(1000 * share), 0.8, 20_000) >= 14) == pytest.approx(0.92, abs=0.03)
    assert share_detected(1.0, 14, 1000) == 0.014
    assert share_detected(0.0, 14, 1000) is None


def test_holm_rejects_step_by_step():
    assert holm(np.array([0.004, 0.9, 0.001, 0.02]), 0.01).tolist() == [False, False, True, False]
    assert holm(np.array([0.003, 0.9, 0.001, 0.02]), 0.01).tolist() == [True, False, True, False]
