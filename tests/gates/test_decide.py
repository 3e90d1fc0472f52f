"""Status of an AUC gate from its interval, its margin and its canary."""

from __future__ import annotations

import pytest

from arcgate.gates.auc_gates import decide
from arcgate.gates.statistics import Interval


@pytest.mark.parametrize(
    ("low", "high", "smallest", "status"),
    [
        (0.48, 0.52, 0.1, "passed"),
        (0.505, 0.54, 0.1, "passed"),  # a leak is seen, but it lies inside the margin
        (0.48, 0.52, None, "blind"),
        (0.46, 0.56, 0.1, "undetermined"),
        (0.44, 0.49, 0.1, "undetermined"),
        (0.46, 0.56, None, "blind"),
        (0.51, 0.56, 0.1, "failed"),
        (0.80, 0.90, None, "failed"),  # a leak that is there needs no canary
        (0.20, 0.30, 0.1, "failed"),
    ],
)
def test_status(low, high, smallest, status):
    assert decide(Interval((low + high) / 2, low, high, 100, 50), smallest, 0.05, "it leaks")[0] == status


def test_a_wider_margin_passes_what_a_narrow_one_leaves_open():
    interval = Interval(0.51, 0.48, 0.54, 100, 50)
    assert decide(interval, 0.1, 0.02, "it leaks")[0] == "undetermined"
    assert decide(interval, 0.1, 0.05, "it leaks")[0] == "passed"
