"""What is written on a run: parameters, metrics, gate results, data sets, artifacts."""

from __future__ import annotations

import json
import math
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pandas as pd
import yaml
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from arcgate.dataset.selection_words import selection_tables
from arcgate.gate_report import EVIDENCE
from arcgate.gate_report.verdict_lines import failed_gates
from arcgate.gate_report.words import words_of
from arcgate.gates.core.result import Evidence
from arcgate.ground.commit import commit
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked
from arcgate.tracking import names
from arcgate.tracking.descriptions import run_description
from arcgate.tracking.store import Store
from arcgate.tracking.worst import worst_gate

DATASET_DIGEST_LENGTH: Final = 32
_BATCH: Final = 100
_SENTENCE_LENGTH: Final = 1000


def flatten(nested: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested dictionaries as one with dotted keys: `{"data": {"seed": 1}}` becomes `{"data.seed": 1}`."""
    flat: dict[str, object] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def log_params(store: Store, run_id: str, params: Mapping[str, object]) -> None:
    """Log parameters that the run does not have yet.

    Parameters
    ----------
    store : Store
        From `open_store`.
    run_id : str
        The run.
    params : mapping
        Flat, see `flatten`. None is written as `none`, a list as its items with commas. A parameter that the run has is left as
        it is: MLflow refuses to change one, and those that decide the result are part of the run's key. A value that is
        longer than MLflow allows is shortened (`names.fitting`).
    """
    present = store.client.get_run(run_id).data.params
    new = {name: value for name, value in params.items() if name not in present}
    missing = [Param(names.checked(name), _text(value, names.PARAM_LENGTH)) for name, value in new.items()]
    for start in range(0, len(missing), _BATCH):
        store.client.log_batch(run_id, params=missing[start : start + _BATCH])


def log_metrics(store: Store, run_id: str, metrics: Mapping[str, float | None], step: int = 0) -> None:
    """Log metrics; those that are None or not finite are left out, so that tables show no value for them."""
    now = time.time_ns() // 1_000_000
    finite = [
        Metric(names.checked(name), float(value), now, step)
        for name, value in metrics.items()
        if value is not None and math.isfinite(value)
    ]
    for start in range(0, len(finite), _BATCH):
        store.client.log_batch(run_id, metrics=finite[start : start + _BATCH])


def log_history(store: Store, run_id: str, history: pd.DataFrame, steps: Sequence[int]) -> None:
    """Log the epochs of a training that the run does not have: those that another study's run, or none, saw.

    Parameters
    ----------
    store : Store
        From `open_store`.
    run_id : str
        The run.
    history : DataFrame
        A row an epoch: epoch and metrics.
    steps : sequence of int
        Optimiser steps done when each epoch ended; metrics lie at the last of them, where Lightning logs them.
    """
    present = {int(point.value) for point in store.client.get_metric_history(run_id, "epoch")}
    for number, epoch in enumerate(history["epoch"].astype(int)):
        if epoch not in present:
            line = {str(name): float(history[name].iloc[number]) for name in history.columns}
            log_metrics(store, run_id, line, step=steps[epoch] - 1)


def set_tags(store: Store, run_id: str, tags: Mapping[str, object]) -> None:
    """Set or replace tags."""
    entries = [RunTag(names.checked(name), _text(value, names.TAG_LENGTH)) for name, value in tags.items()]
    for start in range(0, len(entries), _BATCH):
        store.client.log_batch(run_id, tags=entries[start : start + _BATCH])


def log_evidence(store: Store, run_id: str, evidence: Evidence, selection: Mapping[str, Any] | None = None) -> None:
    """Log what people sort, filter and compare by, and all of the evidence as the artifact `evidence.json`.

    Metrics: `safe`, `gates_failed`, `worst_distance`; the value of each gate, of each diagnostic over all rows, and of each
    quantity of the refit. Tags: the status of each gate, the two answers, the gate that failed worst. The run's description has
    the answers in words and a table of the gates.

    Parameters
    ----------
    store : Store
        From `open_store`.
    run_id : str
        The run.
    evidence : Evidence
        Of a battery. A long sentence on the cause is shortened here.
    selection : mapping, optional
        How the set was chosen, from its card: in short in the description, and tables as the artifacts `selection/*.csv`.
    """
    cause, worst = evidence.cause, worst_gate(evidence.results)
    gates = [result for result in evidence.results if result.role == "gate"]
    metrics: dict[str, float | None] = {
        names.SAFE_NUMBER: names.SAFE_NUMBERS[evidence.safe],
        names.GATES_FAILED: float(len(failed_gates(evidence))),
        names.WORST_DISTANCE: 0.0 if worst is None else worst.distance,
    }
    tags: dict[str, object] = {
        names.SAFE: evidence.safe,
        names.CAUSE: cause.name,
        names.WORST_GATE: worst.gate if worst is not None else "none",
        names.SECTIONS: json.dumps({gate.name: words_of(evidence, gate.name).section for gate in gates}),
        names.CAUSE_SENTENCE: textwrap.shorten(cause.sentence, _SENTENCE_LENGTH),
        names.NOTE: run_description(evidence, selection),
    }
    for result in evidence.results:
        name = names.result(result.role, result.name, result.view, result.stratum)
        if result.role == "gate":
            tags[name] = result.status
        if result.role == "gate" or result.stratum == "overall":
            metrics[name] = result.value
    metrics |= {names.verdict(one.name, one.band): one.value for one in cause.measured}
    log_metrics(store, run_id, metrics)
    set_tags(store, run_id, tags)
    store.client.log_dict(run_id, asdict(evidence), EVIDENCE)
    for name, table in ({} if selection is None else selection_tables(selection)).items():
        store.client.log_text(run_id, table.to_csv(index=False, float_format="%.4g"), f"selection/{name}.csv")


def log_origin(store: Store, run_id: str, made_by: str, command: str, configuration: Mapping[str, object]) -> None:
    """Log where a run comes from: the command, the commit of the code, and the whole composed configuration.

    Parameters
    ----------
    store : Store
        From `open_store`.
    run_id : str
        The run.
    made_by : str
        Whole name of the variant or data set.
    command : str
        What makes this run, as one would type it.
    configuration : mapping
        Nested; kept as the artifact `config.yaml`.
    """
    code = commit()
    tags: dict[str, object] = {
        names.MADE_BY: made_by,
        names.COMMAND: command,
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
    }
    tags |= {names.COMMIT: str(code), names.CHANGED: code.changed}
    if code.commit is not None:
        tags["mlflow.source.git.commit"] = code.commit
    set_tags(store, run_id, tags)
    store.client.log_text(run_id, yaml.safe_dump(dict(configuration), sort_keys=False), "config.yaml")


def log_dataset(store: Store, run_id: str, name: str, digest: str, context: str = "training") -> None:
    """Log a data set as an input of the run.

    Parameters
    ----------
    store : Store
        From `open_store`.
    run_id : str
        The run.
    name : str
        Name of the data set; shortened if it is longer than MLflow allows.
    digest : str
        Its whole data digest. MLflow's field holds 36 characters and gets the first 32; the tag `arcgate.data_digest`
        (for the context `training`) or `arcgate.data_digest.<context>` gets all of them.
    context : str
        What the run uses it for.
    """
    name = names.fitting(name, names.DATASET_NAME_LENGTH)
    source = json.dumps({"name": name, "data_digest": digest})
    dataset = Dataset(name=name, digest=digest[:DATASET_DIGEST_LENGTH], source_type="local", source=source)
    # MLflow looks for the data set and inserts it in two steps: two jobs at once would both insert it.
    with locked(store.folder, "data sets"):
        store.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])
    tag = names.DATA_DIGEST if context == "training" else f"{names.DATA_DIGEST}.{context}"
    set_tags(store, run_id, {tag: digest})


def log_artifacts(store: Store, run_id: str, path: str | Path, into: str | None = None) -> None:
    """Copy a file, or everything in a folder, to the run's artifacts.

    Raises
    ------
    ArcgateError
        If there is no such file or folder.
    """
    if not Path(path).exists():
        raise ArcgateError("there is no such file or folder to keep with the run", where=path)
    if Path(path).is_dir():
        store.client.log_artifacts(run_id, str(path), into)
    else:
        store.client.log_artifact(run_id, str(path), into)


def _text(value: object, length: int) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        # Not JSON, which MLflow's pages spread over many lines.
        return names.fitting(", ".join(_text(item, length) for item in value) or "none", length)
    return names.fitting(str(value), length)
