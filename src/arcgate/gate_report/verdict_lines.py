"""The two answers and the gates that failed, as lines for a terminal."""

from __future__ import annotations

import re

from arcgate.gate_report.answers import columns_sentence, refitted_sentence, safe_sentence
from arcgate.gates.core.result import Evidence, GateResult
from arcgate.ground.terminal import wrapped

_INDENT = 7


def answer_lines(evidence: Evidence, wide: int, most: int | None = None) -> list[str]:
    """*safe?* and *cause?*, each with its sentence.

    Parameters
    ----------
    evidence : Evidence
        Of a battery.
    wide : int
        Characters of a line.
    most : int, optional
        Lines of an answer at most.
    """
    columns = columns_sentence(evidence)
    safe = f"safe? {evidence.safe}{'' if columns and evidence.safe != 'failed' else f': {_safe(evidence)}'}"
    cause = f"cause? {_cause(evidence)}"
    head = wrapped(columns, wide, _INDENT, most) if columns else []
    return [*head, *wrapped(safe, wide, _INDENT, most), *wrapped(cause, wide, _INDENT, most)]


def failed_lines(evidence: Evidence, wide: int, lines_each: int, first: int | None = None) -> list[str]:
    """Gates that failed, each with its reason, or as much of it as goes into a few lines.

    Parameters
    ----------
    evidence : Evidence
        Of a battery.
    wide : int
        Characters of a line.
    lines_each : int
        Lines of a gate at most.
    first : int, optional
        As many gates at most; how many more there are is said.
    """
    failed = failed_gates(evidence)
    lines = [
        line
        for gate in failed[:first]
        for line in wrapped(f"  {gate.name} ({where(gate)}): {what_failed(gate)}", wide, indent=4, most=lines_each)
    ]
    left = 0 if first is None else len(failed) - first
    return [*lines, *([f"  and {left} more"] if left > 0 else [])]


def failed_gates(evidence: Evidence) -> list[GateResult]:
    """Gates, no diagnostics, that failed."""
    return [result for result in evidence.results if result.role == "gate" and result.status == "failed"]


def what_failed(result: GateResult) -> str:
    """The reason of a failed gate without the leaks that were planted for it, which are none of the data set's."""
    return re.split(r"; (?:not )?detected(?: in|,)", result.reason, maxsplit=1)[0]


def where(result: GateResult) -> str:
    """View of a result, and its stratum if it is one."""
    return result.view if result.stratum == "overall" else f"{result.view}, {result.stratum}"


def _safe(evidence: Evidence) -> str:
    """The sentence of the report, without names where those follow with their reasons."""
    if evidence.safe != "failed":
        return safe_sentence(evidence)
    gates = [result for result in evidence.results if result.role == "gate"]
    share = f"{len(failed_gates(evidence))} of {len(gates)} gates failed"
    return f"a network could tell the classes apart without seeing an arc; {share}"


def _cause(evidence: Evidence) -> str:
    """The causes as everything else calls them, the sentence on them, and on how many rows it rests."""
    cause = evidence.cause
    return f"{cause.name}: {cause.sentence.rstrip('.')}. {refitted_sentence(cause)}".strip()
