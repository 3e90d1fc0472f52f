"""What an audit says of a table, and whether that is right."""

from __future__ import annotations

from pathlib import Path

from tables import PLANTED, Table, write

from arcgate.gates.core.result import Evidence
from arcgate.judging import judge


def judged(table: Table, folder: Path, number: int) -> Evidence:
    """What the audit says of a table, as its maker would ask: splits that go by brick are said to."""
    path, lenses = write(table, folder, number)
    whole = "true" if table.split == "brick" else "null"
    return judge(path, "gates=quick", f"gates.known_lenses=[{lenses}]", f"gates.whole_bricks={whole}")


def is_named(table: Table, evidence: Evidence) -> bool:
    """Whether the gate for the leak failed, and the answers name it; of a clean table, whether anything failed."""
    failed = [result.name for result in evidence.results if result.role == "gate" and result.status == "failed"]
    if table.planted == "clean":
        return evidence.safe == "failed"
    gate, cause = PLANTED[table.planted]
    return (
        evidence.safe == "failed" and any(name.startswith(gate) for name in failed) and cause in evidence.cause.name.split(" + ")
    )
