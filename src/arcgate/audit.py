"""The gates on a finished data set of any layout, without training anything: evidence, report, and a run in MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from rich.text import Text

from arcgate.dataset.finding import find_set
from arcgate.dataset.source import Source
from arcgate.figures.drawings import drawings_of
from arcgate.foreign.opening import check_unchanged, notes_of, open_source
from arcgate.gate_report import EVIDENCE, REPORT
from arcgate.gate_report.about import about
from arcgate.gate_report.answers import refitted_sentence, safe_sentence
from arcgate.gate_report.report import write_report
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.result import Evidence, GateResult, Safe, read_evidence, write_evidence
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.hashing import as_plain
from arcgate.ground.locks import locked
from arcgate.keys import evidence_key
from arcgate.variant import Audit

# On one core of 2020s hardware, seconds: reading and judging a pair, starting up, and an arc by the reference renderer.
SECONDS_PER_PAIR, SECONDS_TO_START, SECONDS_PER_REFERENCE = 0.02, 15.0, 3.0


@dataclass(frozen=True)
class Opened:
    """A data set that is to be judged, and where its evidence belongs."""

    spec: Audit
    source: Source
    key: str

    @property
    def folder(self) -> Path:
        """Folder of evidence and report."""
        return Path(self.spec.output) if self.spec.output is not None else Path(self.spec.runtime.data_dir) / "audits" / self.key

    @property
    def found(self) -> Evidence | None:
        """Evidence of the same data, view, settings and code."""
        path = self.folder / EVIDENCE
        evidence = read_evidence(path) if path.exists() else None
        return evidence if evidence is not None and evidence.key == self.key else None


def audit(spec: Audit) -> Safe:
    """Judge a data set, print every result and the two answers, and keep evidence.json, report.html and a run in MLflow.

    Evidence that exists for the same data, view, settings and code is not made again; its report is.

    Returns
    -------
    {'passed', 'failed', 'undetermined'}

    Raises
    ------
    ArcgateError
        The data set cannot be read, changed since its card was written, or has one class only.
    """
    opened = _open(spec)
    for note in notes_of(opened.source):
        print(f"note: {note}", flush=True)
    check_unchanged(opened.source, spec.runtime.workers)
    if spec.track:
        _require_trackable(spec)
    folder = opened.folder
    with locked(folder):
        evidence = opened.found
        if evidence is None:
            evidence = _judged(opened)
            write_evidence(evidence, folder / EVIDENCE)
        else:
            print(f"evidence found: {folder / EVIDENCE}", flush=True)
        drawings = drawings_of(evidence)
        facts = about(opened.source, spec.view, spec.gates, opened.key)
        write_report(evidence, facts, folder / REPORT, drawings)
    _print(evidence, spec.gates.level)
    print(f"report: {folder / REPORT}; words are explained at its end (#words)", flush=True)
    if spec.track:
        _track(opened, evidence, drawings)
    return evidence.safe


def print_audit_plan(spec: Audit) -> None:
    """Print the key, what is there, and the rough time of an audit, without judging or writing anything."""
    opened = _open(spec)
    table = opened.source.table(["role"])
    pairs = min(int((table["role"] == "positive").sum()), spec.gates.max_pairs)
    print(f"{opened.source.path}: {opened.source.facts.layout}, {len(table):,} rows, data digest {opened.source.digest[:12]}")
    for note in notes_of(opened.source):
        print(f"  note: {note}")
    if opened.found is not None:
        print(f"  evidence {opened.key[:12]} is there ({opened.folder}); only its report would be written again")
        return
    seconds = (
        SECONDS_TO_START + (pairs * SECONDS_PER_PAIR + spec.gates.reference_rows * SECONDS_PER_REFERENCE) / spec.runtime.workers
    )
    print(f"  evidence {opened.key[:12]} would be made in {opened.folder}: {pairs:,} pairs, roughly {seconds / 60:.1f} min")


def _open(spec: Audit) -> Opened:
    source = open_source(find_set(spec.data, spec.runtime.data_dir), spec.imaging)
    return Opened(spec, source, evidence_key(source.digest, spec))


def _judged(opened: Opened) -> Evidence:
    spec = opened.spec
    started = time.monotonic()
    judged = run_battery(opened.source, spec.view, spec.gates, spec.runtime.workers)
    evidence = conclude(opened.key, judged)
    print(f"judged in {time.monotonic() - started:.0f} s", flush=True)
    return evidence


def _require_trackable(spec: Audit) -> None:
    """Ask whether the audit can be kept in MLflow before it is made, which may take minutes."""
    from arcgate.tracking.audits import STUDY
    from arcgate.tracking.runs import require_usable
    from arcgate.tracking.store import open_store

    require_usable(open_store(spec.runtime.mlruns_dir), STUDY)


def _track(opened: Opened, evidence: Evidence, drawings: Mapping[str, Figure]) -> None:
    """Keep the audit as a run of the experiment `audits`."""
    # MLflow takes seconds to import, which `track=false` saves.
    from arcgate.tracking.audits import log_audit
    from arcgate.tracking.store import open_store

    spec, source, folder = opened.spec, opened.source, opened.folder
    plain = as_plain(spec)
    params = {"view": plain["view"], "gates": plain["gates"], "layout": source.facts.layout, "paired": source.facts.paired}
    store = open_store(spec.runtime.mlruns_dir)
    files = [folder / REPORT]
    log_audit(store, source.path.resolve().name, source.digest, evidence, params, files, drawings, folder / "figures")


def _print(evidence: Evidence, level: float) -> None:
    """The gates with their reasons, the diagnostics in short, and the two answers."""
    head = ("view", "stratum", "value", f"{100 * level:g} % interval", "margin", "smallest leak", "n", "hosts", "status")
    gates, diagnostics = Table("gate", *head, "reason"), Table("diagnostic", *head)
    for result in evidence.results:
        if result.role == "gate":
            gates.add_row(*map(Text, [*_cells(result), result.reason]))
        else:
            diagnostics.add_row(*map(Text, _cells(result)))
    console = Console() if Console().is_terminal else Console(width=220)
    for table in (diagnostics, gates):
        if table.rows:
            console.print(table)
    cause = evidence.cause
    console.print(f"safe? {evidence.safe}: {safe_sentence(evidence)}", soft_wrap=True, markup=False)
    console.print(f"cause? {cause.name}: {cause.sentence}", soft_wrap=True, markup=False)
    console.print(refitted_sentence(cause), soft_wrap=True, markup=False)


def _cells(result: GateResult) -> list[str]:
    interval = "" if result.low is None or result.high is None else f"[{result.low:.3g}, {result.high:.3g}]"
    leak = "" if result.detected_sensitivity is None else f"{result.detected_sensitivity:.2g}"
    value = "" if result.value is None else f"{result.value:.3g}"
    margin = "" if result.margin is None else f"{result.margin:g}"
    sizes = [str(result.n), str(result.n_groups)]
    return [result.name, result.view, result.stratum, value, interval, margin, leak, *sizes, result.status]
