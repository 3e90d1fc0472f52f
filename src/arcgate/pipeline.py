"""One variant from end to end: data set, gates, training, scores, tracking. Each stage is skipped if its artifact is there."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from arcgate.code_version import code_version
from arcgate.dataset.atomic import alone
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.source import DatasetSource
from arcgate.evaluation.evaluate import evaluate
from arcgate.gate_report import EVIDENCE, REPORT, write_report
from arcgate.gate_report.about import about
from arcgate.gates.battery import run_battery
from arcgate.gates.result import Evidence, Safe, read_evidence, write_evidence
from arcgate.gates.verdict.conclude import conclude
from arcgate.injection.build import build_dataset
from arcgate.keys import FIGURES, as_plain, digest_of, evidence_key, scoring_key, training_key
from arcgate.learning.train import train
from arcgate.tracking import record, runs
from arcgate.tracking.artifacts import figures_of
from arcgate.tracking.lightning import lightning_logger
from arcgate.tracking.store import Store, open_store
from arcgate.tracking.table import rebuild
from arcgate.variant import Variant


@dataclass(frozen=True)
class Outcome:
    """What became of a variant."""

    variant: str
    safe: Safe


@dataclass(frozen=True)
class Prepared:
    """A variant with its data sets and keys."""

    spec: Variant
    data: Dataset
    common: Dataset
    evidence: str
    training: str
    scoring: str
    statuses: tuple[str, ...]

    @property
    def runs(self) -> Path:
        """Folder of the runs' artifacts."""
        return Path(self.spec.runtime.data_dir) / "runs"

    @property
    def key(self) -> str:
        """Identity of the variant's run in the tracking database."""
        return digest_of([self.evidence, self.scoring])


def study_folder(variant: Variant) -> Path:
    """Where the study's table is written as files."""
    return Path(variant.runtime.data_dir) / "studies" / variant.study


def run_variant(spec: Variant) -> Outcome:
    """Run a variant, or what is missing of it, and keep everything on its MLflow run.

    Parameters
    ----------
    spec : Variant

    Returns
    -------
    Outcome

    Raises
    ------
    ArcgateError
        A stage cannot run; finished artifacts are kept. From the gates on the variant has an MLflow run, which then
        ends as FAILED. A data set that cannot be built has no digest, and so no run.
    """
    store = open_store(spec.runtime.mlruns_dir)
    prepared = prepare(spec)
    say(spec.variant, ", ".join(prepared.statuses))
    run_id = runs.variant_run(store, spec.study, spec.variant, prepared.key)
    ended: runs.Ended = "FAILED"
    try:
        evidence, judged = judge(prepared)
        say(spec.variant, f"{judged}: safe? {evidence.safe}")
        say(spec.variant, learn_and_score(prepared, store, run_id, evidence))
        ended = "FINISHED"
    except KeyboardInterrupt:
        ended = "KILLED"
        raise
    finally:
        runs.finish(store, run_id, ended)
        rebuild(store, spec.study, study_folder(spec))
    return Outcome(spec.variant, evidence.safe)


def prepare(spec: Variant) -> Prepared:
    """Build or find the variant's data set and the common test set, and derive the keys of what follows."""
    started = time.monotonic()
    built = build_dataset(spec.data, spec.runtime)
    shared = build_dataset(spec.evaluation.common, spec.runtime)
    data, common = open_dataset(built.folder), open_dataset(shared.folder)
    training = training_key(data.data_digest, spec)
    took = "" if built.status == shared.status == "reused" else f" ({time.monotonic() - started:.0f} s)"
    hosts = data.table(["host_id"])["host_id"].nunique()
    statuses = (f"n = {hosts} hosts", f"data {built.status} {data.data_digest[:12]}", f"common test set {shared.status}{took}")
    scoring = scoring_key(training, common.data_digest, spec)
    return Prepared(spec, data, common, evidence_key(data.data_digest, spec), training, scoring, statuses)


def judge(prepared: Prepared) -> tuple[Evidence, str]:
    """Evidence of the gates, and a word on whether it was judged now or found."""
    folder = prepared.runs / prepared.evidence
    path = folder / EVIDENCE
    source, spec = DatasetSource(prepared.data), prepared.spec
    with alone(folder):
        if path.exists():
            evidence, word = read_evidence(path), "gates reused"
        else:
            started = time.monotonic()
            judged = run_battery(source, spec.view, spec.gates, spec.runtime.workers)
            evidence = conclude(prepared.evidence, judged)
            write_evidence(evidence, path)
            word = f"gates judged ({time.monotonic() - started:.0f} s)"
        write_report(evidence, about(source, spec.view, spec.gates, prepared.evidence), folder / REPORT)
    return evidence, word


def learn_and_score(prepared: Prepared, store: Store, run_id: str, evidence: Evidence) -> str:
    """Train and evaluate, and log everything about the variant on its run."""
    spec = prepared.spec
    started = time.monotonic()
    folder = prepared.runs / prepared.training
    with alone(folder):
        trained = train(
            prepared.data,
            spec.view,
            spec.learning,
            folder=folder,
            threads=spec.runtime.threads,
            progress=sys.stderr.isatty(),
            logger=lightning_logger(store, run_id),
        )
    scores = prepared.runs / prepared.scoring
    with alone(scores):
        metrics = evaluate(
            trained.best_checkpoint,
            prepared.data,
            prepared.common,
            spec.view,
            spec.evaluation,
            folder=scores,
            threads=spec.runtime.threads,
        )
        drawn = digest_of([prepared.key, code_version(FIGURES)])
        figures = figures_of(prepared.data, evidence, scores, prepared.runs / drawn / "figures")
    # Two jobs may hold the same variant; MLflow's writes find and insert in two steps.
    with store.lock(f"run {run_id}"):
        record.log_history(store, run_id, trained.history, trained.steps_per_epoch)
        _log(prepared, store, run_id, evidence, metrics, figures)
    took = "" if trained.status == "skipped" else f" ({time.monotonic() - started:.0f} s)"
    return f"training {trained.status}{took}: test AUROC {metrics['test/auroc']:.3f}, common set {metrics['deploy/auroc']:.3f}"


def _log(prepared: Prepared, store: Store, run_id: str, evidence: Evidence, metrics: dict[str, float], figures: Path) -> None:
    """Everything about a variant on its run."""
    spec, scores = prepared.spec, prepared.runs / prepared.scoring
    plain = as_plain(spec)
    record.log_params(
        store, run_id, record.flatten({name: plain[name] for name in ("data", "view", "gates", "learning", "evaluation")})
    )
    record.log_evidence(store, run_id, evidence)
    record.log_metrics(store, run_id, metrics)
    record.log_dataset(store, run_id, spec.variant, prepared.data.data_digest)
    record.log_dataset(store, run_id, "common test set", prepared.common.data_digest, context="evaluation")
    for name in (EVIDENCE, REPORT):
        record.log_artifacts(store, run_id, prepared.runs / prepared.evidence / name)
    record.log_artifacts(store, run_id, figures, "figures")
    for table in sorted(scores.glob("*.csv")):
        record.log_artifacts(store, run_id, table, "scores")


def say(variant: str, text: str) -> None:
    """One line on a variant's progress, on standard output."""
    print(f"{variant}: {text}", flush=True)
