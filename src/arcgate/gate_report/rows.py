"""Results of a battery as the rows of the report's tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from arcgate.figures.refit import quantity_words
from arcgate.gate_report.bars import interval_bar
from arcgate.gate_report.words import STATUSES, stratum_words, view_words
from arcgate.gates.core.result import GateResult, RefitParameter, Status
from arcgate.gates.core.words import Words, sized

ABSENT = "–"


@dataclass(frozen=True)
class Row:
    """One result in words; every field is text except the bar, which is markup made here."""

    key: str
    section: str
    title: str
    where: str
    asks: str
    advice: str
    figure: str
    bar: Markup
    margin: str
    sensitivity: str
    n: str
    n_groups: str
    status: Status
    reason: str
    is_gate: bool


def row_of(result: GateResult, known: Words) -> Row:
    """Write a result in words; `known` says what it is called."""
    where = view_words(result.view)
    if result.stratum != "overall":
        where += f", {stratum_words(result.stratum)}"
    return Row(
        result.key,
        known.section,
        known.title,
        where,
        known.asks,
        known.advice if result.status == "failed" else "",
        figure_text(result),
        _bar(result),
        _margin(result),
        _sensitivity(result) if result.role == "gate" else ABSENT,
        f"{result.n:,}",
        f"{result.n_groups:,}",
        result.status,
        result.reason,
        result.role == "gate",
    )


def figure_text(result: GateResult) -> str:
    """Value and interval of a result; in per cent where the value is a share, which a gate wants to be zero."""
    if result.value is None:
        return ABSENT
    write, unit = (_percent, " %") if result.null == 0 else (number, "")
    text = write(result.value) + unit
    if result.low is None or result.high is None or result.low == result.high:
        return text
    return f"{text} [{write(result.low)}, {write(result.high)}]"


@dataclass(frozen=True)
class RefitRow:
    """One quantity of the refit in words."""

    name: str
    band: str
    figure: str
    sound: str
    bar: Markup
    look: str
    sign: str
    word: str


def refit_rows(measured: Sequence[RefitParameter]) -> list[RefitRow]:
    """Write the refit in words, a row a quantity and band."""
    return [_refit_row(one) for one in measured]


def _refit_row(one: RefitParameter) -> RefitRow:
    figure = f"{number(one.value)} [{number(one.low)}, {number(one.high)}] {one.unit}"
    sound = f"{number(one.null)} ± {number(one.margin)}"
    if one.inside:
        look, sign, word = "passed", STATUSES["passed"].sign, "inside"
    elif one.alarming:
        look, sign, word = "failed", STATUSES["failed"].sign, "outside"
    else:
        look, sign, word = "undetermined", STATUSES["undetermined"].sign, "cannot be said"
    name, band = quantity_words(one.name), one.band
    bar = interval_bar(one.value, one.low, one.high, one.null, one.margin, look, f"{name}, {band}: {figure}, sound: {sound}")
    return RefitRow(name, band, figure, sound, bar, look, sign, word)


def number(value: float) -> str:
    """Write a number with three decimals where that says enough, else three significant digits."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:.3f}" if value == 0 or 0.01 <= abs(value) < 100 else f"{value:.3g}"


def _percent(share: float) -> str:
    """Write a share in per cent with two decimals, without the zeros at their end; more where nothing would be left."""
    rounded = f"{100 * share:.2f}".rstrip("0").rstrip(".")
    return f"{100 * share:.2g}" if rounded == "0" and share else rounded


def _sensitivity(result: GateResult) -> str:
    """The smallest leak that the gate detects."""
    return ABSENT if result.detected_sensitivity is None else sized(result.detected_sensitivity, result.sensitivity_unit)


def _margin(result: GateResult) -> str:
    if result.margin is None:
        return ABSENT
    if result.margin == 0:
        return "none may"
    if result.null == 0:
        return f"at most {_percent(result.margin)} %"
    return f"{result.null:g} ± {result.margin:g}"


def _bar(result: GateResult) -> Markup:
    if result.value is None or result.margin is None or result.null is None:
        return Markup("")
    described = f"{figure_text(result)}; margin: {_margin(result)}"
    return interval_bar(result.value, result.low, result.high, result.null, result.margin, result.status, described)
