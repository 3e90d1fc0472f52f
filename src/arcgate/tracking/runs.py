"""One run a study, and beside it one run a variant: found by their tags, reopened, never duplicated."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from mlflow.entities import Experiment, Run, ViewType

from arcgate.gates.core.result import Safe
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked
from arcgate.tracking import names
from arcgate.tracking.store import Store

Outcome = Literal["finished", "failed", "interrupted"]
_STATUS: Final[dict[Outcome, str]] = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_PAGE: Final = 1000
_MARK: Final = 12


def study_run(store: Store, study: str) -> str:
    """Make or reopen the study's own run, which holds its table and figures.

    Parameters
    ----------
    store : Store
        From `open_store`.
    study : str
        Name of the study; it is the name of the MLflow experiment too.

    Returns
    -------
    str
        Run identifier; the run has the status RUNNING.

    Raises
    ------
    ArcgateError
        If the study was deleted in MLflow or its artifacts belong to another folder.
    """
    with locked(store.folder, study):
        return _study_run(store, _experiment(store, study), study)


def variant_run(store: Store, study: str, variant: str, key: str) -> str:
    """Make or reopen the variant's run.

    A run belongs to a variant if study, variant name, key and the data sets' schema agree. A run that was killed and therefore
    still says RUNNING is taken up again like any other.

    Parameters
    ----------
    store : Store
        From `open_store`.
    study, variant : str
        Names; the variant's is the name of the run, shortened if it is longer than MLflow allows. The tag `arcgate.variant` has
        all of it.
    key : str
        Hash of what determines the variant's result.

    Returns
    -------
    str
        Run identifier; the run has the status RUNNING.
    """
    with locked(store.folder, study):
        experiment = _experiment(store, study)
        _study_run(store, experiment, study)
        return _opened(store, experiment, variant, _variant_tags(study, variant, key))


def want(store: Store, study: str, variant: str) -> None:
    """Note on the experiment that a variant was asked for: one whose data set cannot be built never has a run of its own."""
    mark = hashlib.sha256(variant.encode()).hexdigest()[:_MARK]
    name = names.fitting(variant, names.TAG_LENGTH)
    with locked(store.folder, study):
        experiment = _experiment(store, study)
        store.client.set_experiment_tag(experiment.experiment_id, f"{names.WANTED}.{mark}", name)


def wanted(experiment: Experiment) -> list[str]:
    """Names of all variants that a study was asked for, in alphabetical order."""
    return sorted({value for name, value in experiment.tags.items() if name.startswith(names.WANTED)})


def finish(store: Store, run_id: str, outcome: Outcome, safe: Safe | None = None) -> None:
    """End a run.

    Parameters
    ----------
    store : Store
        From `open_store`.
    run_id : str
        The run.
    outcome : {'finished', 'failed', 'interrupted'}
        What became of the work.
    safe : {'passed', 'failed', 'undetermined'}, optional
        The gates' answer. MLflow shows a run whose gates failed with the mark of a failure, since a green tick would be read
        as a good data set; the tag `arcgate.outcome` tells the two apart.
    """
    store.client.set_tag(run_id, names.OUTCOME, outcome)
    store.client.set_terminated(run_id, _STATUS["failed" if safe == "failed" else outcome])


def finish_study(store: Store, study: str) -> None:
    """End the study's run if no variant is running: as finished, whatever became of the variants."""
    with locked(store.folder, study):
        runs = experiment_runs(store, _experiment(store, study))
        variants = _tagged(runs, {names.KIND: names.KIND_VARIANT})
        if all(run.info.status != "RUNNING" for run in variants):
            for run in _studies(runs):
                finish(store, run.info.run_id, "finished")


def experiment_runs(store: Store, experiment: Experiment) -> list[Run]:
    """Every run of an experiment that is not deleted, oldest first."""
    runs: list[Run] = []
    token: str | None = None
    while True:
        page = store.client.search_runs([experiment.experiment_id], "", ViewType.ACTIVE_ONLY, _PAGE, page_token=token)
        runs.extend(page)
        token = page.token
        if not token:
            return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))


def variant_runs(runs: list[Run]) -> tuple[list[Run], list[Run]]:
    """Runs of variants: those under this version's schema and names (`names.LAYOUT`), and those under others or none."""
    variants = _tagged(runs, {names.KIND: names.KIND_VARIANT})
    same = _tagged(variants, {names.SCHEMA: names.LAYOUT})
    ours = {run.info.run_id for run in same}
    return same, [run for run in variants if run.info.run_id not in ours]


def is_latest(store: Store, study: str, variant: str, run_id: str) -> bool:
    """Whether this run is finished, and of the variant's name in this study the one that was opened last."""
    experiment = store.client.get_experiment_by_name(study)
    if experiment is None or experiment.lifecycle_stage != "active":
        return False
    tags = {names.VARIANT: names.fitting(variant, names.TAG_LENGTH)}
    named = _tagged(variant_runs(experiment_runs(store, experiment))[0], tags)
    if not named:
        return False
    latest = max(named, key=lambda run: int(run.data.tags[names.OPENED]))
    return bool(latest.info.run_id == run_id and latest.data.tags.get(names.OUTCOME) == "finished")


def _variant_tags(study: str, variant: str, key: str) -> dict[str, str]:
    name = names.fitting(variant, names.TAG_LENGTH)
    kind = {names.KIND: names.KIND_VARIANT, names.SCHEMA: names.LAYOUT}
    return {names.STUDY: study, **kind, names.VARIANT: name, names.KEY: key}


def _studies(runs: list[Run]) -> list[Run]:
    return _tagged(runs, {names.KIND: names.KIND_STUDY})


def _study_run(store: Store, experiment: Experiment, study: str) -> str:
    return _opened(store, experiment, study, {names.STUDY: study, names.KIND: names.KIND_STUDY})


def _opened(store: Store, experiment: Experiment, name: str, identity: Mapping[str, str]) -> str:
    """Find the run that carries these tags and set it to RUNNING, or make it; call it under the study's lock."""
    now = time.time_ns() // 1_000_000
    found = _tagged(experiment_runs(store, experiment), identity)
    if not found:
        tags = {**identity, names.OPENED: str(now), names.OUTCOME: "running"}
        shown = names.fitting(name, names.RUN_NAME_LENGTH)
        return str(store.client.create_run(experiment.experiment_id, run_name=shown, tags=tags).info.run_id)
    run_id = str(found[0].info.run_id)
    store.client.update_run(run_id, status="RUNNING")
    store.client.set_tag(run_id, names.OPENED, now)
    store.client.set_tag(run_id, names.OUTCOME, "running")
    return run_id


def _tagged(runs: list[Run], tags: Mapping[str, str]) -> list[Run]:
    return [run for run in runs if all(run.data.tags.get(name) == value for name, value in tags.items())]


def require_usable(store: Store, study: str) -> None:
    """Ask whether a study's name can be used, before anything is built for it; nothing is made.

    Raises
    ------
    ArcgateError
        If the study was deleted in MLflow, its artifacts belong to another folder, or it has no name.
    """
    _known_experiment(store, study)


def _experiment(store: Store, study: str) -> Experiment:
    """Find or make the study's experiment; call it under the study's lock."""
    experiment = _known_experiment(store, study)
    if experiment is not None:
        return experiment
    return store.client.get_experiment(store.client.create_experiment(study, artifact_location=_location(store, study)))


def artifacts_folder(store: Store, study: str, run_id: str) -> Path:
    """Folder of a run's artifacts, below this store's folder even where that was moved since."""
    return store.artifacts / _folder_name(study) / run_id / "artifacts"


def moved(store: Store, experiment: Experiment) -> bool:
    """Whether MLflow looks for an experiment's artifacts in another place, which it keeps as an absolute one."""
    return bool(experiment.artifact_location != _location(store, experiment.name))


def _location(store: Store, study: str) -> str:
    return (store.artifacts / _folder_name(study)).as_uri()


def _known_experiment(store: Store, study: str) -> Experiment | None:
    """The study's experiment, None if there is none yet."""
    if not study.strip():
        raise ArcgateError("a study needs a name", where="study", todo="give one: study=<name>")
    location = _location(store, study)
    experiment: Experiment | None = store.client.get_experiment_by_name(study)
    if experiment is None:
        return None
    if experiment.lifecycle_stage != "active":
        raise ArcgateError(
            f"the study {study!r} was deleted in MLflow, and its name is still taken",
            where=store.uri,
            todo=f"restore it with `mlflow experiments restore -x {experiment.experiment_id}`, or choose another study name",
        )
    if moved(store, experiment):
        raise ArcgateError(
            f"the artifacts of study {study!r} belong in {experiment.artifact_location}: MLflow keeps absolute places, "
            "and this folder was moved or the study was made by something else",
            where=location,
            todo="move the tracking folder back, or choose another study name",
        )
    return experiment


def _folder_name(study: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', study)[:60]}-{hashlib.sha256(study.encode()).hexdigest()[:8]}"
