"""Status of an AUC gate from its interval, its margin and its canaries."""

from __future__ import annotations

import pytest
from arcgate.gates.auc_judging import decide, fires

from arcgate.ground.statistics import Interval


@pytest.mark.parametrize(
    ("low", "high", "heard", "status"),
    [
        (0.48, 0.52, True, "passed"),
        (0.505, 0.54, True, "passed"),  # a leak is seen, but it lies inside the margin
        (0.48, 0.52, False, "blind"),
        (0.46, 0.56, True, "undetermined"),
        (0.44, 0.49, True, "undetermined"),
        (0.46, 0.56, False, "blind"),
        (0.51, 0.56, True, "failed"),
        (0.80, 0.90, False, "failed"),  # a leak that is there needs no canary
        (0.20, 0.30, True, "failed"),
    ],
)
def test_status(low, high, heard, status):
    interval = Interval((low + high) / 2, low, high, 100, 50)
    assert decide(interval, heard, 0.05, "it leaks")[0] == status
    assert fires(interval, 0.05) == (status == "failed" and low > 0.5)


def test_a_wider_margin_passes_what_a_narrow_one_leaves_open():
    interval = Interval(0.51, 0.48, 0.54, 100, 50)
    assert decide(interval, True, 0.02, "it leaks")[0] == "undetermined"
    assert decide(interval, True, 0.05, "it leaks")[0] == "passed"
