"""The gates on a finished data set, without training anything."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from arcgate.dataset.reader import open_dataset
from arcgate.gates.battery import run_battery
from arcgate.gates.result import Evidence, GateResult, Safe, conclude, write_evidence
from arcgate.keys import evidence_key
from arcgate.variant import Audit


def audit(spec: Audit) -> Safe:
    """Judge a data set, print every result, and write evidence.json if a place is given.

    Returns
    -------
    {'passed', 'failed', 'undetermined'}
    """
    dataset = open_dataset(Path(spec.data))
    results = run_battery(dataset, spec.view, spec.gates)
    evidence = conclude(evidence_key(dataset.data_digest, spec), results)
    _print(evidence, spec.gates.level)
    if spec.output is not None:
        path = Path(spec.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_evidence(evidence, path)
    return evidence.safe


def _print(evidence: Evidence, level: float) -> None:
    table = Table(
        "gate",
        "view",
        "stratum",
        "value",
        f"{100 * level:g} % interval",
        "margin",
        "smallest leak",
        "n",
        "hosts",
        "status",
        "reason",
    )
    for result in evidence.results:
        table.add_row(*_cells(result))
    console = Console() if Console().is_terminal else Console(width=220)
    console.print(table)
    console.print(f"safe? {evidence.safe}" + (f"\ncause? {evidence.cause}" if evidence.cause else ""), soft_wrap=True)


def _cells(result: GateResult) -> list[str]:
    interval = "" if result.low is None or result.high is None else f"[{result.low:.3f}, {result.high:.3f}]"
    leak = "" if result.smallest_leak is None else f"{result.smallest_leak:.2g} sky sigma"
    value = "" if result.value is None else f"{result.value:.3f}"
    margin = "" if result.margin is None else f"{result.margin:g}"
    sizes = [str(result.n), str(result.n_groups)]
    return [result.name, result.view, result.stratum, value, interval, margin, leak, *sizes, result.status, result.reason]
