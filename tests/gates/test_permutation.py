"""Swaps of the members of pairs: size under the null, power, and what goes wrong without clusters."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.gates.core.permutation import pair_flip


def pairs_of(rng, hosts, a_host, shift=0.0, shared=2.0):
    """Scores of pairs, several a galaxy, whose differences share a part of the galaxy's."""
    n = hosts * a_host
    galaxy = np.repeat(np.arange(hosts), a_host)
    difference = shift + rng.normal(size=n) + shared * rng.normal(size=hosts)[galaxy]
    zero = rng.normal(0, 10, n)
    return np.r_[zero + difference, zero], np.repeat([1, 0], n), np.tile(np.arange(n), 2), np.tile(galaxy, 2)


@pytest.mark.parametrize("a_host", [1, 4])
def test_the_p_value_has_its_nominal_size(a_host):
    rng = np.random.default_rng(3)
    p = np.array([pair_flip(*pairs_of(rng, 40, a_host), seed=i, flips=199).p_value for i in range(800)])
    for level in (0.05, 0.2):
        # Four binomial standard errors above; ties of a discrete statistic make it smaller.
        assert 0.4 * level < np.mean(p <= level) < level + 4 * np.sqrt(level * (1 - level) / len(p))


def test_swapping_pairs_of_a_galaxy_one_by_one_would_cry_wolf():
    rng = np.random.default_rng(3)
    p = []
    for i in range(200):
        scores, labels, pairs, _ = pairs_of(rng, 40, 4)
        p.append(pair_flip(scores, labels, pairs, pairs, seed=i, flips=199).p_value)
    assert np.mean(np.array(p) <= 0.05) > 0.15


def test_a_leak_in_every_pair_is_found_either_way():
    rng = np.random.default_rng(4)
    scores, labels, pairs, groups = pairs_of(rng, 200, 1, shift=1.0, shared=0.0)
    up, down = (pair_flip(sign * scores, labels, pairs, groups, seed=0) for sign in (1.0, -1.0))
    assert up.p_value == down.p_value == 0.001
    assert up.value == pytest.approx(1.0 - down.value)
    assert up.n_groups == 200


def test_identical_pairs_show_nothing():
    zero = np.random.default_rng(5).normal(size=50)
    found = pair_flip(np.r_[zero, zero], np.repeat([1, 0], 50), np.tile(np.arange(50), 2), np.tile(np.arange(50), 2), seed=0)
    assert (found.value, found.p_value) == (0.5, 1.0)


def test_rows_without_a_partner_do_not_count_and_none_at_all_is_refused():
    labels, groups = np.array([1, 0, 1]), np.array(["a", "a", "b"])
    assert pair_flip(np.array([2.0, 1.0, 9.0]), labels, np.array([1, 1, 2]), groups, seed=0).n_groups == 1
    with pytest.raises(ValueError, match="no pair has both members"):
        pair_flip(np.array([2.0, 1.0, 9.0]), labels, np.array([1, 3, 2]), groups, seed=0)
