"""The gates on a finished data set of any layout, without training anything: evidence, report, and a run in MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from arcgate.dataset.card import selection_on
from arcgate.dataset.finding import find_set
from arcgate.dataset.source import DatasetSource, Source
from arcgate.figures.drawings import drawings_of
from arcgate.foreign.opening import check_unchanged, notes_of, open_source
from arcgate.gate_report import EVIDENCE, REPORT
from arcgate.gate_report.about import about
from arcgate.gate_report.chosen import choice_of
from arcgate.gate_report.gate_lines import diagnostic_lines, gate_lines
from arcgate.gate_report.report import write_report
from arcgate.gate_report.verdict_lines import answer_lines, failed_lines
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.result import NO_PIXELS, Evidence, Safe, read_evidence, write_evidence
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.counting import count_of
from arcgate.ground.hashing import as_plain
from arcgate.ground.locks import locked
from arcgate.ground.terminal import place, show, width
from arcgate.keys import evidence_key
from arcgate.planned import SECONDS_TO_ATTACK
from arcgate.used_by import used_by
from arcgate.variant import Audit

# Of a gate that failed; the report has the whole of it.
LINES_OF_A_REASON: Final = 2
# On one core of 2020s hardware, seconds: reading and judging a pair, starting up, an arc by the reference renderer.
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
            print(f"evidence found: {place(folder / EVIDENCE, width() - len('evidence found: '))}", flush=True)
        drawings = drawings_of(evidence)
        made_for = used_by(opened.source.digest, Path(spec.runtime.data_dir))
        facts = about(opened.source, spec.view, spec.gates, opened.key, made_for)
        write_report(evidence, facts, folder / REPORT, drawings, choice_of(opened.source))
    _print(opened, evidence)
    if spec.track:
        _track(opened, evidence, drawings)
    return evidence.safe


def print_audit_plan(spec: Audit) -> None:
    """Print the key, what is there, and the rough time of an audit, without judging or writing anything."""
    opened = _open(spec)
    table = opened.source.table(["role"])
    pairs = min(int((table["role"] == "positive").sum()), spec.gates.max_pairs)
    print(place(opened.source.path, width()))
    print(f"  {opened.source.facts.layout}, {count_of(len(table), 'row')}, data digest {opened.source.digest[:12]}")
    for note in notes_of(opened.source):
        print(f"  note: {note}")
    if opened.found is not None:
        print(f"  evidence {opened.key[:12]} is there; only its report would be written again, in")
        print(f"  {place(opened.folder, width() - 2)}")
        return
    judging = pairs * SECONDS_PER_PAIR + spec.gates.reference_rows * SECONDS_PER_REFERENCE
    seconds = SECONDS_TO_START + judging / spec.runtime.workers + SECONDS_TO_ATTACK * len(spec.gates.attacks)
    print(f"  evidence {opened.key[:12]} would be made: {count_of(pairs, 'pair')}, roughly {seconds / 60:.1f} min, in")
    print(f"  {place(opened.folder, width() - 2)}")


def _open(spec: Audit) -> Opened:
    source = open_source(find_set(spec.data, spec.runtime.data_dir), spec.imaging)
    return Opened(spec, source, evidence_key(source.digest, spec))


def _judged(opened: Opened) -> Evidence:
    spec = opened.spec
    started = time.monotonic()
    judged = run_battery(opened.source, spec.view, spec.gates, spec.runtime.workers)
    evidence = conclude(opened.key, judged)
    attacked = f", attacked in {judged.attack_s:.0f} s" if spec.gates.attacks else ""
    print(f"judged in {time.monotonic() - started - judged.attack_s:.0f} s{attacked}", flush=True)
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
    selection = selection_on(source.dataset.card) if isinstance(source, DatasetSource) else None
    name = source.path.resolve().name
    log_audit(store, name, source.digest, evidence, params, files, drawings, folder / "figures", selection)


def _print(opened: Opened, evidence: Evidence) -> None:
    """The two answers, the failed gates with their reasons, a line a gate, diagnostics if they are wanted, and the report."""
    spec, wide = opened.spec, width()
    lines = answer_lines(evidence, wide)
    if failed := failed_lines(evidence, wide, LINES_OF_A_REASON):
        lines += ["", "gates that failed, and why:", *failed]
    lines += ["", *gate_lines(evidence, wide, spec.gates.level)]
    if spec.diagnostics:
        lines += ["", *diagnostic_lines(evidence, wide, spec.gates.level)]
    else:
        count = sum(result.role == "diagnostic" and result.reason != NO_PIXELS for result in evidence.results)
        decide = "decides" if count == 1 else "decide"
        lines += ["", f"{count_of(count, 'diagnostic')}, which {decide} nothing: diagnostics=true"]
    report = opened.folder / REPORT
    show([*lines, "whole reasons, figures, what words mean:", f"  {place(report, wide - 2)}"])
