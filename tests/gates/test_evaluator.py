"""The one evaluator: what status and reason follow from a statistic, whatever it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from arcgate.gates.core.counted import CountStatistic, Noticed, exactly
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate
from arcgate.gates.core.held_out_auc import NotComparableError, TooFewGalaxiesError
from arcgate.gates.core.sensitivity import SensitivityCurve
from arcgate.ground.statistics import Interval

STATED = Statement("invented", "raw", 0.0, 0.1, remark=" (and more)")
VALUE = Interval(0.02, 0.01, 0.03, 40, 20)
NOTHING_THERE = Outcome("no leak", "nothing there")


def curve(detected, required=0.3, unit="px", leak="shifted by"):
    return SensitivityCurve("invented", "raw", leak, unit, (0.1, 0.3), (VALUE, VALUE), detected, required)


@dataclass
class Invented:
    """A statistic as a test wants it."""

    shows: Outcome = NOTHING_THERE
    seen: list[SensitivityCurve] = field(default_factory=lambda: [curve(0.2)])
    loud: str = ""
    error: Exception | None = None

    def measured(self):
        if self.error:
            raise self.error
        return VALUE

    def alarm(self):
        return self.loud

    def curves(self):
        return self.seen

    def outcome(self, measured):
        assert measured == VALUE
        return self.shows


def judged(**changes):
    return evaluate(STATED, Invented(**changes)).result


def test_a_result_holds_the_value_and_the_sensitivity_of_its_first_leak():
    found = evaluate(STATED, Invented(seen=[curve(0.2), curve(0.1, leak="widened by")]))
    result = found.result
    assert (result.name, result.view, result.null, result.margin) == ("invented", "raw", 0.0, 0.1)
    assert (result.value, result.low, result.high, result.n, result.n_groups) == (0.02, 0.01, 0.03, 40, 20)
    assert (result.detected_sensitivity, result.required_sensitivity, result.sensitivity_unit) == (0.2, 0.3, "px")
    assert result.status == "passed"
    assert result.reason == "nothing there; detected in 9 of 10 such sets: shifted by 0.2 px, widened by 0.1 px (and more)"
    assert len(found.curves) == 2


@pytest.mark.parametrize(
    ("shows", "detected", "status"),
    [
        (Outcome("no leak", ""), 0.3, "passed"),
        (Outcome("no leak", ""), 0.31, "insensitive"),  # detected, but larger than it must be
        (Outcome("no leak", ""), None, "insensitive"),
        (Outcome("nothing", ""), 0.2, "undetermined"),
        (Outcome("nothing", ""), None, "insensitive"),
        (Outcome("nothing", "", final=True), None, "undetermined"),
        (Outcome("leak", ""), None, "failed"),  # a leak that is there needs no planted one
        (Outcome("leak", ""), 0.2, "failed"),
    ],
)
def test_status(shows, detected, status):
    assert judged(shows=shows, seen=[curve(detected)]).status == status


def test_one_of_several_leaks_that_goes_undetected_is_named_with_the_size_that_was_required():
    result = judged(seen=[curve(0.2), curve(None, 0.5, "%", "widened by")])
    assert result.status == "insensitive"
    assert "not detected, although so large: widened by 50 %; detected in 9 of 10 such sets: shifted by 0.2 px" in result.reason


@pytest.mark.parametrize("shows", ["leak", "no leak", "nothing"])
def test_a_null_pair_that_fires_leaves_a_gate_insensitive_whatever_it_shows(shows):
    result = judged(shows=Outcome(shows, "says this"), loud="0.700 [0.600, 0.800]")
    assert result.status == "insensitive"
    assert result.reason == "the bare null pair fires: 0.700 [0.600, 0.800] (and more)"


@pytest.mark.parametrize(
    ("error", "status"), [(TooFewGalaxiesError("3 galaxies"), "undetermined"), (NotComparableError("3 galaxies"), "not_run")]
)
def test_what_cannot_be_taken_has_no_value_and_says_why(error, status):
    found = evaluate(STATED, Invented(error=error))
    result = found.result
    assert (result.status, result.reason) == (status, "3 galaxies (and more)")
    assert result.value is result.low is result.high is result.detected_sensitivity is None
    assert found.curves == ()


def test_a_leak_that_is_there_or_not_has_no_size():
    leaks = {"a copy": Noticed(True), "a neighbour": Noticed(False)}
    statistic = CountStatistic("invented", "raw", exactly(0.0, 40, 20), Outcome("no leak", "no copies"), leaks)
    result = evaluate(Statement("invented", "raw", 0.0, 0.0, "in a planted row"), statistic).result
    assert (result.detected_sensitivity, result.required_sensitivity, result.sensitivity_unit) == (None, None, "")
    assert result.status == "insensitive"
    assert result.reason == "no copies; not detected, although so large: a neighbour; detected in a planted row: a copy"
