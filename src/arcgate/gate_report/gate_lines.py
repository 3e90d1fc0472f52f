"""What a person reads of a battery's results in a terminal: a line a gate, no wider than the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from arcgate.gate_report.rows import figure_text
from arcgate.gate_report.verdict_lines import where
from arcgate.gate_report.words import STATUSES
from arcgate.gates.core.result import NO_PIXELS, Evidence, GateResult
from arcgate.ground.counting import count_of

_URGENCY = tuple(STATUSES)
# Of a name that is cut: characters at its end that are kept, and of all of it.
_END = 6
_SHORTEST_NAME = 16


def gate_lines(evidence: Evidence, wide: int, level: float) -> list[str]:
    """Every gate in a line: name, view, value, interval, rows and status; the most urgent first.

    Parameters
    ----------
    evidence : Evidence
        Of a battery.
    wide : int
        Characters of a line; names that do not fit are cut short.
    level : float
        Coverage of the intervals, for the heading.
    """
    gates = [result for result in evidence.results if result.role == "gate" and result.reason != NO_PIXELS]
    ordered = sorted(gates, key=lambda result: _URGENCY.index(result.status))
    lines = _table("gate", ordered, wide, level) if ordered else ["no gate could be run on this data set"]
    without = sum(result.role == "gate" and result.reason == NO_PIXELS for result in evidence.results)
    if not without:
        return lines
    do = "looks at pixels and is" if without == 1 else "look at pixels and are"
    return [*lines, f"{count_of(without, 'gate')} {do} not run: {NO_PIXELS}"]


def diagnostic_lines(evidence: Evidence, wide: int, level: float) -> list[str]:
    """Every diagnostic in a line, likewise."""
    diagnostics = [result for result in evidence.results if result.role == "diagnostic"]
    return _table("diagnostic", diagnostics, wide, level) if diagnostics else ["no diagnostic was made"]


def _table(title: str, results: Sequence[GateResult], wide: int, level: float) -> list[str]:
    rows = [(title, "view", "value", f"{100 * level:g} % interval", "n", "status"), *map(_cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    gap = " " * (1 if sum(widths) + 2 * (len(widths) - 1) > wide else 2)
    room = wide - sum(widths[1:]) - len(gap) * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, _SHORTEST_NAME))
    return [_line(row, widths, gap) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], gap: str) -> str:
    name, view, *numbers, status = row
    aligned = [f"{number:>{room}}" for number, room in zip(numbers, widths[2:-1], strict=True)]
    return gap.join([f"{_cut(name, widths[0]):<{widths[0]}}", f"{view:<{widths[1]}}", *aligned, status]).rstrip()


def _cut(name: str, room: int) -> str:
    """A name without its middle where it is too long: names that begin alike differ at their ends."""
    return name if len(name) <= room else f"{name[: room - _END - 2]}..{name[-_END:]}"


def _cells(result: GateResult) -> tuple[str, ...]:
    value, bracket, interval = figure_text(result).partition(" [")
    n = f"{result.n:,}" if result.n else "-"
    status = STATUSES[result.status].word
    return result.name, where(result), value.replace("–", "-"), f"[{interval}" if bracket else "-", n, status
