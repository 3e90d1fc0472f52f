"""Status of an AUC gate from its interval, its margin and its planted leaks, and how its rule orders pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from made_samples import halving, sample

from arcgate.gates.core.auc_statistic import AucStatistic, Planting, fires
from arcgate.gates.core.evaluator import Statement, evaluate
from arcgate.gates.core.planted_leak import ColumnShift
from arcgate.gates.core.sensitivity import SensitivityCurve
from arcgate.ground.statistics import Interval

STATED = Statement("core", "raw", 0.5, 0.05)


@pytest.fixture
def settings(small):
    return small().gates


@dataclass(frozen=True, eq=False)
class Reads:
    """A statistic with a given interval and a leak that is detected or not; what it shows is the AUC's own matter."""

    auc: Interval
    detected: bool
    judge: AucStatistic

    def measured(self):
        return self.auc

    def alarm(self):
        return ""

    def curves(self):
        found = 0.2 if self.detected else None
        return [SensitivityCurve("core", "raw", "a pedestal of", "sky sigma a pixel", (0.5,), (self.auc,), found, 0.5, True)]

    def outcome(self, measured):
        return self.judge.outcome(measured)


def statistic(settings, one, zero, margin=0.05, leaks=(), null=None):
    """The logistic rule on two classes, the second against itself as their null pair."""
    context = halving(replace(settings, margin=margin), one, zero)
    nulls = null or zero
    return AucStatistic(replace(STATED, margin=margin), one, zero, nulls, zero, "logistic", False, leaks, "it leaks", context)


def decided(settings, interval, detected, margin=0.05):
    nothing = sample(np.zeros((2, 1)))
    judge = statistic(settings, nothing, nothing, margin)
    return evaluate(replace(STATED, margin=margin), Reads(interval, detected, judge)).result


@pytest.mark.parametrize(
    ("low", "high", "detected", "status"),
    [
        (0.48, 0.52, True, "passed"),
        (0.505, 0.54, True, "passed"),  # a leak is seen, but it lies inside the margin
        (0.48, 0.52, False, "insensitive"),
        (0.46, 0.56, True, "undetermined"),
        (0.44, 0.49, True, "undetermined"),
        (0.46, 0.56, False, "insensitive"),
        (0.51, 0.56, True, "failed"),
        (0.80, 0.90, False, "failed"),  # a leak that is there needs no planted one
        (0.20, 0.30, True, "failed"),
    ],
)
def test_status(settings, low, high, detected, status):
    interval = Interval((low + high) / 2, low, high, 100, 50)
    assert decided(settings, interval, detected).status == status
    assert fires(interval, 0.05) == (status == "failed" and low > 0.5)


def test_a_wider_margin_passes_what_a_narrow_one_leaves_open(settings):
    interval = Interval(0.51, 0.48, 0.54, 100, 50)
    assert decided(settings, interval, True, 0.02).status == "undetermined"
    assert decided(settings, interval, True, 0.05).status == "passed"


def test_pairs_in_order_and_their_p_value(settings):
    rng = np.random.default_rng(1)
    zero = rng.normal(0, 10, size=(300, 3, 2)).astype(np.float32)
    [leak] = statistic(settings, sample(zero + np.float32(0.05)), sample(zero)).ordered_pairs()
    assert (leak.name, leak.role, leak.value) == ("core_within_pair", "diagnostic", 1.0)
    assert "p = 0.001 if" in leak.reason
    [same] = statistic(settings, sample(zero), sample(zero)).ordered_pairs()
    assert "p = 1 if" in same.reason
    assert statistic(settings, sample(zero), sample(zero, 1000)).ordered_pairs() == []


def test_a_null_pair_that_reads_a_leak_alarms_and_one_that_is_the_comparison_is_not_asked(settings):
    zero = np.random.default_rng(3).normal(size=(200, 1, 2)).astype(np.float32)
    other = sample(zero + np.float32(2.0))
    loud = statistic(settings, sample(zero), sample(zero), null=other)
    assert loud.alarm().startswith("0.9")
    assert evaluate(STATED, loud).result.status == "insensitive"
    assert statistic(settings, sample(zero), sample(zero)).alarm() == ""
    assert statistic(settings, other, sample(zero), null=other).alarm() == ""


def test_a_planted_leak_is_measured_in_the_null_pair_and_not_in_what_is_judged(settings):
    rng = np.random.default_rng(4)
    zero = rng.normal(size=(200, 1)).astype(np.float32)
    leak = ColumnShift("column shifted by", "%", (0.5, 3.0), column=0, spread=1.0)
    planting = Planting(leak, {}, zero, lambda features: features)
    leaking = sample(zero + np.float32(5.0))
    [curve] = statistic(settings, leaking, sample(zero), leaks=[planting]).curves()
    assert (curve.sizes[-1], curve.required, curve.in_null_pair) == (3.0, 3.0, False)
    assert curve.sensitive
    [alone] = statistic(settings, sample(zero), sample(zero), leaks=[planting]).curves()
    assert (alone.sizes, alone.measured, alone.detected) == (curve.sizes, curve.measured, curve.detected)
