"""`arcgate train`: a variant is trained if evidence is there that its data set does not leak, or if that is forced."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Final

from arcgate.audit_command import audit_settings
from arcgate.dataset.finding import SHOWN
from arcgate.ending import place_words
from arcgate.finished import Keys, Record, keys_of, runs_folder
from arcgate.gate_report import EVIDENCE, REPORT
from arcgate.gate_report.answers import safe_sentence
from arcgate.gate_report.verdict_lines import failed_gates, what_failed, where
from arcgate.gates.core.result import Evidence, GateResult, read_evidence, write_evidence
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked
from arcgate.ground.progress import say
from arcgate.ground.terminal import width, wrapped
from arcgate.learning_node import EVERYTHING
from arcgate.plan import print_plan
from arcgate.planned import Planned
from arcgate.tracking import names
from arcgate.tracking.worst import worst_gate
from arcgate.training_spec import Training

MISSING: Final = "no evidence was there"
"""Tag of a run that was trained although nothing had judged its data set before."""

# Of a gate's reason; the report has the whole.
_LONGEST: Final = 200


@dataclass(frozen=True)
class Judged:
    """What gates said of a data set, and the folder where that lies."""

    folder: Path
    evidence: Evidence


def train_variant(spec: Training) -> Record:
    """Build or find a variant's data set, see what its gates said, and train and score it if they let it.

    Everything is kept where `arcgate run` keeps it, which finds it finished. Evidence is that of an earlier run of the same data,
    view and gates, or of an audit of them.

    Parameters
    ----------
    spec : Training

    Returns
    -------
    Record
        What it leaves.

    Raises
    ------
    ArcgateError
        No evidence is there, naming the command that makes it, or a gate failed, naming the worst one; neither with `force`,
        which makes the evidence that is missing. Else as `arcgate.pipeline.run_variant`.
    """
    # torch and what draws take seconds to import, which dry runs are spared.
    from arcgate.pipeline import asked_first, carried_out, prepare
    from arcgate.tracking.runs import want

    store = asked_first(spec)
    prepared = prepare(spec)
    found = judged_before(spec, prepared.keys)
    against = objection(spec, prepared.keys, found)
    if against is not None and not spec.force:
        raise against
    for line in _remarks(spec, found, against):
        say(line)
    _keep(found, runs_folder(spec) / prepared.keys.evidence)
    want(store, spec.study, spec.variant)
    return carried_out(prepared, store, {} if against is None else {names.FORCED: _reason(found)})


def print_train_plan(spec: Training, planned: Planned) -> None:
    """Print what `dry_run=true` of a run prints, and whether the training would be refused as things are."""
    print_plan(spec, planned)
    keys = keys_of(spec)
    if keys is None:
        print("  train: whether it would be refused is known when its data sets are there")
        return
    against = objection(spec, keys, judged_before(spec, keys))
    if against is None:
        print("  train: its gates let it be trained")
    else:
        print("\n".join(wrapped(f"  train: {'forced' if spec.force else 'refused'}, since {against.what}", width(), indent=4)))


def judged_before(spec: Training, keys: Keys) -> Judged | None:
    """Evidence of a variant's key, None if there is none: of a run, or else of an audit."""
    for folder in (runs_folder(spec) / keys.evidence, Path(spec.runtime.data_dir) / "audits" / keys.evidence):
        if (path := folder / EVIDENCE).is_file() and (evidence := read_evidence(path)).key == keys.evidence:
            return Judged(folder, evidence)
    return None


def objection(spec: Training, keys: Keys, found: Judged | None) -> ArcgateError | None:
    """What forbids a training unless it is forced; None where its data set passed or could not be decided."""
    digest = keys.data[:SHOWN]
    if found is None:
        return ArcgateError(
            f"its gates have not judged the data set {digest} with this view and these settings",
            where=runs_folder(spec) / keys.evidence / EVIDENCE,
            todo=f"judge it: `{judging_command(spec, digest)}`; or force=true, which judges it and trains whatever comes out",
        )
    evidence = found.evidence
    if evidence.safe != "failed":
        return None
    gates = [result for result in evidence.results if result.role == "gate"]
    worst = _worst(evidence)
    return ArcgateError(
        f"the data set {digest} failed {len(failed_gates(evidence))} of {count_of(len(gates), 'gate')}, worst of all "
        f"{worst.name} ({where(worst)}): {shorten(what_failed(worst), _LONGEST, placeholder=' ...')}",
        where=found.folder / REPORT,
        todo="change the data set as the report says; force=true trains on it all the same, and `arcgate run` always does",
    )


def judging_command(spec: Training, digest: str) -> str:
    """The command that makes a variant's evidence: an audit, or a run where the gates judge some rows of the data set only."""
    if spec.sampling != EVERYTHING:
        words = [word for word in shlex.split(spec.command)[2:] if not word.startswith("force=")]
        return shlex.join(["arcgate", "run", *words])
    places = place_words(spec.runtime, "data_dir") + place_words(spec.runtime, "mlruns_dir")
    return " ".join(["arcgate", "audit", f"data={digest}", *map(shlex.quote, audit_settings(spec)), *places])


def _remarks(spec: Training, found: Judged | None, against: ArcgateError | None) -> list[str]:
    if against is not None:
        return [f"{spec.variant}: warning: forced, although {against.what}"]
    if found is not None and found.evidence.safe == "undetermined":
        return [f"{spec.variant}: warning: safe? undetermined: {safe_sentence(found.evidence)}"]
    return []


def _keep(found: Judged | None, folder: Path) -> None:
    """Let evidence of an audit be that of the run too, where `arcgate run` looks for it."""
    if found is not None and found.folder != folder:
        with locked(folder):
            write_evidence(found.evidence, folder / EVIDENCE)


def _reason(found: Judged | None) -> str:
    """Why it would have been refused, for the run's tag."""
    if found is None:
        return MISSING
    worst = _worst(found.evidence)
    return f"failed, worst {worst.name}/{worst.view}"


def _worst(evidence: Evidence) -> GateResult:
    """Of the gates that failed the one that lies furthest from its null value."""
    found = worst_gate(evidence.results)
    failed = failed_gates(evidence)
    return next((gate for gate in failed if found is not None and f"{gate.name}/{gate.view}" == found.gate), failed[0])
