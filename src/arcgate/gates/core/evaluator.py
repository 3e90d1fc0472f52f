"""The one evaluator: null pair, planted leaks, sensitivity, decision and wording of every gate, whatever its statistic. Pure.

A gate says how a comparison reads (its statistic); what follows from that is the same for all:

1. The bare null pair raises an alarm: the gate is *insensitive*, since it fires where there is nothing.
2. The statistic shows a leak: *failed*.
3. A planted leak goes undetected at the size at which it must be detected: *insensitive*, since not failing means nothing.
4. The statistic shows that there is no leak larger than the margin: *passed*; else *undetermined*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from arcgate.gates.core.held_out_auc import TooFewGalaxiesError
from arcgate.gates.core.result import GateResult, Status
from arcgate.gates.core.rules import NotComparableError
from arcgate.gates.core.sensitivity import SensitivityCurve
from arcgate.ground.statistics import Interval


@dataclass(frozen=True)
class Outcome:
    """What a statistic shows by itself.

    Attributes
    ----------
    shows : {'leak', 'no leak', 'nothing'}
        'nothing': neither a leak nor that there is none.
    reason : str
        In words.
    final : bool
        Whether planted leaks are not asked: nothing is shown although they are detected, or because there are too few galaxies.
    """

    shows: Literal["leak", "no leak", "nothing"]
    reason: str
    final: bool = False


class Statistic(Protocol):
    """How one comparison reads. Methods raise NotComparableError or TooFewGalaxiesError where it cannot be taken."""

    def measured(self) -> Interval:
        """Its value, with limits, rows and galaxies."""
        ...

    def alarm(self) -> str:
        """What the bare null pair reads, in words, if that would count as a leak; empty if it is silent."""
        ...

    def curves(self) -> Sequence[SensitivityCurve]:
        """How each planted leak is seen; the first is the one whose sensitivity the gate states."""
        ...

    def outcome(self, measured: Interval) -> Outcome:
        """What the value shows."""
        ...


@dataclass(frozen=True)
class Statement:
    """What a gate states beforehand of one of its results.

    Attributes
    ----------
    name, view : str
    null, margin : float
        Value of a sound data set, and how far from it does no harm.
    detected_how : str
        In what a planted leak is detected, in words.
    remark : str
        Appended to the reason.
    """

    name: str
    view: str
    null: float
    margin: float
    detected_how: str = "in 9 of 10 such sets"
    remark: str = ""


@dataclass(frozen=True)
class Evaluated:
    """A result and the curves behind it."""

    result: GateResult
    curves: tuple[SensitivityCurve, ...]


def evaluate(stated: Statement, statistic: Statistic) -> Evaluated:
    """Judge a comparison by its statistic."""
    try:
        measured = statistic.measured()
        curves = tuple(statistic.curves())
        alarm = statistic.alarm()
    except TooFewGalaxiesError as error:
        return Evaluated(_without_value(stated, "undetermined", str(error)), ())
    except NotComparableError as error:
        return Evaluated(not_run(stated, str(error)), ())
    status, reason = _decided(statistic.outcome(measured), curves, alarm, stated)
    # A leak that is there or not has no size to state.
    first = next((curve for curve in curves[:1] if curve.unit), None)
    result = GateResult(
        name=stated.name,
        view=stated.view,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        null=stated.null,
        margin=stated.margin,
        detected_sensitivity=None if first is None else first.detected,
        required_sensitivity=None if first is None else first.required,
        sensitivity_unit="" if first is None else first.unit,
        n=measured.n,
        n_groups=measured.n_groups,
        status=status,
        reason=reason + stated.remark,
    )
    return Evaluated(result, curves)


def not_run(stated: Statement, reason: str) -> GateResult:
    """The result of a gate that the data cannot feed."""
    return _without_value(stated, "not_run", reason)


def not_applicable(stated: Statement, reason: str) -> GateResult:
    """The result of a gate whose leaks the network's input does not show."""
    return _without_value(stated, "not_applicable", reason)


def _without_value(stated: Statement, status: Status, reason: str) -> GateResult:
    return GateResult(
        name=stated.name, view=stated.view, null=stated.null, margin=stated.margin, status=status, reason=reason + stated.remark
    )


def _decided(outcome: Outcome, curves: Sequence[SensitivityCurve], alarm: str, stated: Statement) -> tuple[Status, str]:
    """Status and reason: what is shown, which planted leaks were missed, and which are detected."""
    if alarm:
        return "insensitive", f"the bare null pair fires: {alarm}"
    missed = [curve for curve in curves if not curve.sensitive]
    status: Status
    if outcome.shows == "leak":
        status = "failed"
    elif missed and not outcome.final:
        status = "insensitive"
    else:
        status = "passed" if outcome.shows == "no leak" else "undetermined"
    reason = outcome.reason
    if missed:
        reason += f"; not detected, although so large: {', '.join(curve.in_words(curve.required) for curve in missed)}"
    if detected := [curve.in_words(curve.detected) for curve in curves if curve.detected is not None]:
        reason += f"; detected {stated.detected_how}: {', '.join(detected)}"
    return status, reason
