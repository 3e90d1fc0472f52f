"""One variant from end to end: data set, gates, training, scores, tracking. Each stage is skipped if its artifact is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from arcgate.data_node import Data
from arcgate.dataset.card import selection_on
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.source import DatasetSource
from arcgate.evaluation.apart import require_apart
from arcgate.evaluation.evaluate import PREDICTIONS, SCORES, evaluate
from arcgate.finished import Keys, Record, opened, runs_folder, write_record
from arcgate.gate_report import EVIDENCE, REPORT
from arcgate.gate_report.about import about
from arcgate.gate_report.chosen import choice_of
from arcgate.gate_report.report import write_report
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.result import Evidence, Safe, read_evidence, write_evidence
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.ground.locks import locked
from arcgate.ground.progress import say, say_once, step
from arcgate.grounds import TITLES, GroundName, grounds_of, require_scored
from arcgate.injection.build import Built, build_dataset
from arcgate.learning.asked_first import require_trainable
from arcgate.learning.checkpoints import BEST
from arcgate.learning.train import FINISHED, train
from arcgate.optimized import require_metric
from arcgate.sampled import judged
from arcgate.tracking import record, runs
from arcgate.tracking.artifacts import figures_of
from arcgate.tracking.lightning import lightning_logger
from arcgate.tracking.model import log_network
from arcgate.tracking.store import Store
from arcgate.tracking.table import rebuild
from arcgate.variant import Variant


@dataclass(frozen=True)
class Prepared:
    """A variant with its data set, the test sets that it shares with others, why some of those are absent, and its keys."""

    spec: Variant
    data: Dataset
    shared: dict[GroundName, Dataset]
    absent: dict[GroundName, str]
    keys: Keys

    @property
    def evidence(self) -> Path:
        """Folder of the gates' evidence and report."""
        return runs_folder(self.spec) / self.keys.evidence

    @property
    def training(self) -> Path:
        """Folder of the network."""
        return runs_folder(self.spec) / self.keys.training

    @property
    def scores(self) -> Path:
        """Folder of predictions and scores."""
        return runs_folder(self.spec) / self.keys.scoring

    @property
    def figures(self) -> Path:
        """Folder of the drawings, which bear the variant's name: the same variant may have another one in another study."""
        return runs_folder(self.spec) / self.keys.figures / f"figures-{digest_of(self.spec.variant)[:12]}"


def study_folder(variant: Variant) -> Path:
    """Where the study's table is written as files."""
    return Path(variant.runtime.data_dir) / "studies" / variant.study


def run_variant(spec: Variant) -> Record:
    """Run a variant, or what is missing of it, and keep everything on its MLflow run.

    Parameters
    ----------
    spec : Variant

    Returns
    -------
    Record
        What it leaves.

    Raises
    ------
    ArcgateError
        A stage cannot run; finished artifacts are kept. From the gates on the variant has an MLflow run, which then
        ends as FAILED. A data set that cannot be built has no digest, and so no run.
    """
    store = asked_first(spec)
    runs.want(store, spec.study, spec.variant)
    return carried_out(prepare(spec), store)


def asked_first(spec: Variant) -> Store:
    """Ask before anything is built what would fail after hours, and open the tracking database.

    Raises
    ------
    ArcgateError
        The metric does not exist, the study cannot be used, or as `require_trainable`.
    """
    require_trainable(spec)
    require_metric(spec.optimized_metric)
    require_scored(spec.optimized_metric, grounds_of(spec.evaluation, spec.view))
    store = opened(spec.runtime.mlruns_dir)
    runs.require_usable(store, spec.study)
    return store


def carried_out(prepared: Prepared, store: Store, tags: Mapping[str, object] | None = None) -> Record:
    """Judge, train and score a variant whose data sets are there, as far as that is not done, on its MLflow run.

    Parameters
    ----------
    prepared : Prepared
    store : Store
        From `asked_first`.
    tags : mapping, optional
        Set on its run from the beginning.

    Returns
    -------
    Record
        What it leaves.

    Raises
    ------
    ArcgateError
        A stage cannot run; its run ends as FAILED.
    """
    spec = prepared.spec
    run_id = runs.variant_run(store, spec.study, spec.variant, prepared.keys.run)
    record.set_tags(store, run_id, tags or {})
    outcome: runs.Outcome = "failed"
    safe: Safe | None = None
    try:
        evidence = judge(prepared)
        safe = evidence.safe
        require_metric(spec.optimized_metric, evidence)
        # At once: a training that fails leaves the gates on the run.
        with locked(store.folder, f"run {run_id}"):
            _log_judged(prepared, store, run_id, evidence)
        left = learn_and_score(prepared, store, run_id, evidence)
        outcome = "finished"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    finally:
        runs.finish(store, run_id, outcome, safe)
        rebuild(store, spec.study, study_folder(spec))
    write_record(spec, prepared.keys, left)
    return left


def prepare(spec: Variant) -> Prepared:
    """Build or find the variant's data set and the shared test sets, and derive the keys of what follows."""
    started = time.monotonic()
    built = build_dataset(spec.data, spec.runtime)
    data = open_dataset(built.folder)
    table = data.table(["host_id"])
    rows = f"{count_of(len(table), 'row')} of {count_of(table['host_id'].nunique(), 'galaxy')}, {data.data_digest[:12]}"
    say(f"{spec.variant}: data {_made(built, started)}: {rows}")
    grounds = grounds_of(spec.evaluation, spec.view)
    shared = {name: _ground(spec, name, ground, data) for name, ground in grounds.sets.items()}
    for name, reason in grounds.absent.items():
        say_once(f"{TITLES[name]} not available: {reason}")
    digests = {name: ground.data_digest for name, ground in shared.items()}
    return Prepared(spec, data, shared, grounds.absent, Keys.of(spec, data.data_digest, digests, grounds.absent))


def _ground(spec: Variant, name: GroundName, settings: Data, data: Dataset) -> Dataset:
    """A shared test set, which has nothing in common with what the network learns from, or says what."""
    started = time.monotonic()
    try:
        built = build_dataset(settings, spec.runtime)
    except ArcgateError as error:
        # Its settings have the names of the data set's own.
        raise ArcgateError(f"the {TITLES[name]}, evaluation.{name}: {error.what}", where=error.where, todo=error.todo) from error
    ground = open_dataset(built.folder)
    found = require_apart(data, ground, name, force=spec.evaluation.force)
    say(f"{spec.variant}: {TITLES[name]} {_made(built, started)}")
    if found.shared:
        pairs = f"{len(found.pairs)} of {count_of(found.n_pairs, 'pair')}"
        say(f"{spec.variant}: {pairs} of it share with the training set {found.in_words}: scored with and without them (force)")
    return ground


def judge(prepared: Prepared) -> Evidence:
    """Evidence of the gates, judged now or found, and its report."""
    path = prepared.evidence / EVIDENCE
    source, spec = DatasetSource(prepared.data), prepared.spec
    started = time.monotonic()
    with locked(prepared.evidence):
        if path.exists():
            evidence, word = read_evidence(path), "gates reused"
        else:
            sampled = judged(source, spec.sampling)
            with step("gates"):
                found = run_battery(sampled, spec.view, spec.gates, spec.runtime.workers)
                evidence = conclude(prepared.keys.evidence, found)
            write_evidence(evidence, path)
            word = f"gates judged in {time.monotonic() - started - found.attack_s:.0f} s"
            word += f", attacked in {found.attack_s:.0f} s" if spec.gates.attacks else ""
        # The page follows from the evidence; whoever deletes it gets it again.
        if not (report := prepared.evidence / REPORT).exists():
            with step("writing the report"):
                made_for = f"study {spec.study}: {spec.made_by}"
                facts = about(source, spec.view, spec.gates, prepared.keys.evidence, made_for)
                write_report(evidence, facts, report, choice=choice_of(source))
    say(f"{spec.variant}: {word}: safe? {evidence.safe}; {_place(prepared.evidence)}/{REPORT}")
    return evidence


def learn_and_score(prepared: Prepared, store: Store, run_id: str, evidence: Evidence) -> Record:
    """Train and evaluate, and log everything about the variant on its run."""
    spec = prepared.spec
    started = time.monotonic()
    with locked(prepared.training):
        trained = train(
            prepared.data,
            spec.view,
            spec.learning,
            folder=prepared.training,
            threads=spec.runtime.threads,
            logger=lightning_logger(store, run_id),
        )
    with locked(prepared.scores):
        with step("scoring the network"):
            metrics = evaluate(
                trained.best_checkpoint,
                prepared.data,
                prepared.shared,
                spec.view,
                spec.evaluation,
                absent=prepared.absent,
                folder=prepared.scores,
                threads=spec.runtime.threads,
            )
        with step("drawing figures"):
            figures_of(spec.variant, prepared.data, evidence, prepared.scores, prepared.figures)
    # Two jobs may hold the same variant; MLflow's writes find and insert in two steps.
    with locked(store.folder, f"run {run_id}"):
        record.log_history(store, run_id, trained.history, trained.steps)
        _log_scored(prepared, store, run_id, metrics)
        _log_network(prepared, store, run_id, evidence, metrics)
    left = Record(run_id, evidence.safe, metrics, _files(prepared))
    took = "" if trained.status == "skipped" else f" in {time.monotonic() - started:.0f} s"
    word = "done" if trained.status == "trained" else trained.status
    say(f"{spec.variant}: training {word}{took}: {left.in_words}; {_place(prepared.training)}")
    return left


def _log_judged(prepared: Prepared, store: Store, run_id: str, evidence: Evidence) -> None:
    """Where a variant comes from, and what its gates say, on its run."""
    spec = prepared.spec
    plain = as_plain(spec)
    nodes = {name: plain[name] for name in ("data", "view", "gates", "learning", "evaluation")}
    record.log_origin(store, run_id, spec.made_by, spec.command, plain)
    record.log_params(store, run_id, record.flatten(nodes))
    record.log_evidence(store, run_id, evidence, selection_on(prepared.data.card))
    record.log_dataset(store, run_id, spec.variant, prepared.data.data_digest)
    for name, ground in prepared.shared.items():
        context = "evaluation" if name == "common" else name
        record.log_dataset(store, run_id, TITLES[name], ground.data_digest, context=context)
    record.log_artifacts(store, run_id, prepared.evidence / REPORT)


def _log_scored(prepared: Prepared, store: Store, run_id: str, metrics: dict[str, float]) -> None:
    """Scores and figures of a variant on its run."""
    record.log_metrics(store, run_id, metrics)
    record.log_artifacts(store, run_id, prepared.figures, "figures")
    for table in sorted(prepared.scores.glob("*.csv")):
        record.log_artifacts(store, run_id, table, "scores")


def _log_network(prepared: Prepared, store: Store, run_id: str, evidence: Evidence, metrics: dict[str, float]) -> None:
    """The network itself, with what whoever takes it home must know."""
    spec = prepared.spec
    facts = {
        "variant": spec.variant,
        "imaging": as_plain(prepared.data.imaging),
        "view": as_plain(spec.view),
        "threshold_logit": metrics.get("common/recall_threshold_logit"),
        "threshold_fpr": spec.evaluation.fpr,
        "safe": evidence.safe,
        "cause": evidence.cause.sentence,
        "data_digest": prepared.data.data_digest,
    }
    tables = (path for kept in ("completeness_common_*.csv", "reliability_common.csv") for path in prepared.scores.glob(kept))
    files = {path.stem: path for path in sorted(tables)}
    files["evidence"] = prepared.evidence / EVIDENCE
    log_network(store, run_id, prepared.training / BEST, prepared.data.imaging, spec.view, facts, files)


def _files(prepared: Prepared) -> list[str]:
    """Files without which the variant is not finished, relative to the folder of runs."""
    files = [prepared.evidence / EVIDENCE, prepared.evidence / REPORT]
    files += [prepared.training / BEST, prepared.training / FINISHED, prepared.scores / SCORES, prepared.scores / PREDICTIONS]
    files += sorted(path for path in prepared.figures.rglob("*") if path.is_file())
    return [str(file.relative_to(runs_folder(prepared.spec))) for file in files]


def _made(built: Built, started: float) -> str:
    took = "" if built.status == "reused" else f" in {time.monotonic() - started:.0f} s"
    return f"{built.status}{took}, {_place(built.folder)}"


def _place(folder: Path) -> str:
    """A folder named by a digest, short enough for a line, in a form that a shell completes."""
    return f"{folder.parent / folder.name[:12]}*"
