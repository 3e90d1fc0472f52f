"""A rule is fitted on one half of the galaxies and judged on the other, and what cannot be compared is refused."""

from __future__ import annotations

import numpy as np
import pytest
from made_samples import halving, sample

from arcgate.gates.core.held_out_auc import (
    NotComparableError,
    Sample,
    TooFewGalaxiesError,
    checked_halves,
    held_out,
    held_out_auc,
)


@pytest.fixture
def settings(small):
    return small().gates


def compared(settings, one, zero, rule="logistic", components=False):
    return held_out_auc(one, zero, rule, halving(settings, one, zero), components)


@pytest.mark.parametrize(("rule", "components"), [("logistic", False), ("ridge", False), ("ridge", True), ("trees", False)])
def test_a_rule_is_judged_on_galaxies_that_it_has_not_seen(settings, rule, components):
    rng = np.random.default_rng(0)
    zero = rng.normal(size=(400, 3, 9)).astype(np.float32)
    exact = compared(settings, sample(zero), sample(zero), rule, components)
    assert (exact.value, exact.n_groups) == (0.5, 200)
    # Trees that cut at a threshold see a shift of three standard deviations as surely as a sum of all features does.
    leak = compared(settings, sample(zero + np.float32(3.0)), sample(zero), rule, components)
    assert leak.low > 0.9
    noise = compared(settings, sample(rng.normal(size=zero.shape).astype(np.float32)), sample(zero), rule, components)
    assert noise.low < 0.5 < noise.high


def test_a_galaxy_is_on_one_side_in_every_comparison(settings):
    """Galaxies are halved once: what else is compared, and how many rows they have there, changes nothing."""
    rng = np.random.default_rng(2)
    one, zero = sample(rng.normal(size=(160, 1, 3))), sample(rng.normal(size=(160, 1, 3)), 80)
    context = halving(settings, one, zero)
    judged = set(held_out(one, zero, "logistic", context).galaxy)
    assert len(judged) == 120
    part = Sample(one.features[::2], one.galaxy[::2], one.pair[::2])
    assert set(held_out(part, zero, "logistic", context).galaxy) == judged & set(context.ranked(np.r_[part.galaxy, zero.galaxy]))
    fits = context.fits(context.galaxies)
    assert not set(context.ranked(context.galaxies[fits])) & judged


def test_halves_depend_on_the_seed_alone(settings):
    galaxies = [np.arange(200), np.arange(200)[::-1]]
    fits = [halving(settings, sample(np.zeros(200), galaxy=each)).fits(np.arange(200)) for each in galaxies]
    assert np.array_equal(*fits)
    assert fits[0].sum() == 100
    other = type(settings)(**(settings.__dict__ | {"seed": settings.seed + 1}))
    assert not np.array_equal(fits[0], halving(other, sample(np.zeros(200))).fits(np.arange(200)))


@pytest.mark.parametrize(
    ("one", "zero", "error", "says"),
    [
        (np.arange(0), np.arange(50), NotComparableError, "0 galaxies in a class"),
        (np.repeat(7, 60), np.arange(60), NotComparableError, "1 galaxies in a class, and a rule needs some"),
        (np.arange(10), np.arange(10), TooFewGalaxiesError, "20 are needed"),
    ],
)
def test_what_cannot_be_compared_is_refused(settings, one, zero, error, says):
    context = halving(settings, sample(np.zeros(len(one)), galaxy=one), sample(np.zeros(len(zero)), galaxy=zero))
    with pytest.raises(error, match=says):
        checked_halves(np.repeat([1, 0], [len(one), len(zero)]), np.r_[one, zero], context)


def test_features_without_variety_are_refused(settings):
    same = np.ones((100, 3, 2), dtype=np.float32)
    with pytest.raises(NotComparableError, match="same for every row"):
        compared(settings, sample(same), sample(same))


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_features_that_are_no_numbers_are_refused(settings, value):
    wild = np.full((100, 3, 2), value, dtype=np.float32)
    wild[0] = 0.0
    with pytest.raises(NotComparableError, match="not finite"):
        compared(settings, sample(wild), sample(wild))
