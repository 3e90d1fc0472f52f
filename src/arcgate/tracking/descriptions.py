"""What stands on a run's page in MLflow: Markdown, short enough to be read."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

import pandas as pd

from arcgate.gate_report.answers import answers
from arcgate.gate_report.words import STATUSES, view_words, words_of
from arcgate.gates.core.result import Evidence, GateResult
from arcgate.tracking.short_table import SCORES, cause_in_short, differences
from arcgate.tracking.worst import worst_gate

_LOUD: Final = {"failed": "**FAILED**", "insensitive": "**insensitive**"}
_URGENCY: Final = tuple(STATUSES)
_SAFE: Final = {"passed": "pass", "failed": "**FAIL**", "undetermined": "undetermined"}
ABSENT: Final = "-"
# Characters of a reason; the report has all of it.
_REASON: Final = 100


def run_description(evidence: Evidence) -> str:
    """The answers in a line, a table of the gates, the failed ones first, and what is behind the answers in sentences."""
    said = answers(evidence)
    gates = [result for result in evidence.results if result.role == "gate"]
    gates.sort(key=lambda result: _URGENCY.index(result.status))
    table = pipe_table(
        ["gate", "looks at", "value", "interval", "status", "why"], [_gate_cells(gate, evidence) for gate in gates]
    )
    failed, worst = sum(gate.status == "failed" for gate in gates), worst_gate(evidence.results)
    count = f"{failed} of {len(gates)} gates failed" + ("" if worst is None else f", worst {worst.gate}")
    line = f"**safe? {said.safe}.** {count}. **cause? {', '.join(said.causes)}.**"
    return f"{line}\n\n{table}\n{said.safe_sentence}\n\n{said.cause_sentence}\n"


def study_description(table: pd.DataFrame) -> str:
    """The study's table with a row a variant, and what a reader must know of it.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.tracking.results`.
    """
    notes = table.attrs.get("notes", [])
    if table.empty:
        return "\n".join(f"- {note}" for note in notes) or "No variant has a run yet."
    scores = [(name, " ".join(words)) for name, words, _ in SCORES if not name.startswith("diagnostic/") and name in table]
    head = ["variant", "differs by", "safe?", "gates failed", "worst gate", "cause?", *(words for _, words in scores)]
    rows = [
        [
            _variant(row),
            differs,
            _SAFE.get(row["safe"], ABSENT),
            _number(row["gates_failed"], 0),
            _text(row["worst_gate"]),
            cause_in_short(row["cause"]),
            *(_number(row[name], 3) for name, _ in scores),
        ]
        for (_, row), differs in zip(table.iterrows(), differences(table), strict=True)
    ]
    said = "".join(f"\n- {note}" for note in notes)
    return f"{pipe_table(head, rows)}\n{said}\n"


def pipe_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; the lines of a cell stand behind each other."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _gate_cells(result: GateResult, evidence: Evidence) -> list[str]:
    interval = ABSENT if result.low is None or result.high is None else f"{result.low:.3g} to {result.high:.3g}"
    value = ABSENT if result.value is None else f"{result.value:.3g}"
    title = words_of(evidence, result.name).title
    status = _LOUD.get(result.status, STATUSES[result.status].word)
    why = "" if result.status == "passed" else textwrap.shorten(result.reason, _REASON, placeholder=" ...")
    return [title, view_words(result.view), value, interval, status, why]


def _variant(row: pd.Series) -> str:
    return str(row["variant"]) if row["run_status"] == "finished" else f"{row['variant']} ({row['run_status']})"


def _number(value: float, digits: int) -> str:
    return ABSENT if pd.isna(value) else f"{value:.{digits}f}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ABSENT


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")
