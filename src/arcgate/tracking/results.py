"""A study as one table: a row a variant, with the factors that differ, gates and scores."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd
from mlflow.entities import Experiment, Run, ViewType

from arcgate.factors import PREFIXES
from arcgate.gate_report import EVIDENCE
from arcgate.gates.core.result import Evidence, read_evidence
from arcgate.ground.errors import ArcgateError
from arcgate.tracking import names
from arcgate.tracking.notes import notes_of
from arcgate.tracking.runs import artifacts_folder, experiment_runs, variant_runs
from arcgate.tracking.store import DATABASE, Store, open_store

# Shared test sets take their hosts from the data node, where they are shown.
_SHOWN_ELSEWHERE: Final = ("evaluation.common.hosts.", "evaluation.realistic.hosts.")
IDENTITY: Final = ("variant", "run_status")
ANSWERS: Final = ("safe", "gates_failed", "worst_gate", "worst_distance", "cause")
ORIGIN: Final = ("cause_sentence", "gate_sections", "key", "run_id", "data_digest", "commit")
_SHORT_SCORES: Final = ("/auroc", "/recall_at_fpr")
# On a variant's own test set it says nothing about another variant, and is near 1 wherever a leak is.
_OWN_RECALL: Final = ("test/recall_at_fpr",)


def results(study: str, mlruns_dir: str | Path = "mlruns", *, full: bool = False) -> pd.DataFrame:
    """Read a study's variants from the tracking database.

    Parameters
    ----------
    study : str
        Name of the study.
    mlruns_dir : str or Path
        Folder of the tracking database.
    full : bool
        All columns rather than the short table.

    Returns
    -------
    DataFrame
        A row a variant, finished or not, in the order in which the variants were first started; of several runs of one
        variant name the one opened last. Runs on data sets of another schema are left out. What a reader must know (variants
        that are not finished, seeds that are missing, two versions of the code) is a list of sentences in
        `table.attrs["notes"]`, and is printed below the table by `arcgate report`.

        Columns of the short table: variant, run_status (running, finished, failed, interrupted); the parameters that differ
        between the variants (`data.controls.name`, ...); safe, gates_failed, worst_gate (of those that failed the one furthest
        from its null value), worst_distance (0 to 1), cause; `test/auroc`, `common/auroc`, `common/recall_at_fpr`, and the
        same two of any other test ground.

        With `full`, behind these: cause_sentence, gate_sections (JSON: section of the report of each gate), key, run_id,
        data_digest, commit; for each gate `gate/<name>/<view>/<stratum>` with `/low`, `/high`, `/status`,
        `/detected_sensitivity`, `/required_sensitivity`, and for each diagnostic, which decides nothing, the same under
        `diagnostic/`; the refit `verdict/<quantity>/<band>` with `/low`, `/high`; all scores. What a variant does not have is
        missing (NaN or None).

    Raises
    ------
    ArcgateError
        If there is no such study (naming the closest), the database cannot be used, or, with `full`, the evidence of a run is
        gone.
    """
    table = read_table(study, mlruns_dir, full=full)
    return table if full else short(table)


def read_table(study: str, mlruns_dir: str | Path, *, full: bool) -> pd.DataFrame:
    """`study_table` from a folder; see `results` for what is raised."""
    database = Path(mlruns_dir) / DATABASE
    if not database.is_file():
        raise ArcgateError(
            f"no study {study!r}: there is no tracking database",
            where=database.absolute(),
            todo="run a study first, or name the right folder (runtime.mlruns_dir)",
        )
    return study_table(open_store(mlruns_dir), study, full=full)


def short(table: pd.DataFrame) -> pd.DataFrame:
    """The short table's columns of a full one."""
    chosen = table[[*IDENTITY, *factors_of(table), *ANSWERS, *short_scores(table)]].copy()
    chosen.attrs = dict(table.attrs)
    return chosen


def short_scores(table: pd.DataFrame) -> list[str]:
    """Columns of the scores that come first: AUROC on each test ground, and recall on those that variants share."""
    judged = (*names.JUDGED_PREFIXES, "verdict/", *_OWN_RECALL)
    return [name for name in table.columns if name.endswith(_SHORT_SCORES) and not name.startswith(judged)]


def factors_of(table: pd.DataFrame) -> list[str]:
    """Columns of the parameters that differ."""
    return [name for name in table.columns if name.startswith(PREFIXES)]


def study_table(store: Store, study: str, *, full: bool = True) -> pd.DataFrame:
    """Read the table of `results` from an open store; where it is not to be full, without intervals, which takes no artifacts."""
    experiment = known_experiment(store, study)
    runs = experiment_runs(store, experiment)
    ours, others = variant_runs(runs)
    latest = _latest_runs(ours)
    rows = [_row(name, run) for name, run in latest.items()]
    if full:
        rows = [row | _evidence(store, study, run) for row, run in zip(rows, latest.values(), strict=True)]
    factors = _differing([run.data.params for run in latest.values()])
    leading = [*IDENTITY, *ANSWERS, *ORIGIN]
    measured = sorted({name for row in rows for name in row if name not in leading}, key=_measured_order)
    table = pd.DataFrame(rows, columns=[*leading, *measured])
    for position, name in enumerate(factors):
        values = [run.data.params.get(name) for run in latest.values()]
        table.insert(len(IDENTITY) + position, name, _typed(values))
    table.attrs["notes"] = notes_of(table, factors, experiment, runs, others)
    return table


def known_experiment(store: Store, study: str) -> Experiment:
    """The experiment of a study; of one that does not exist the closest names are told."""
    experiments = store.client.search_experiments(ViewType.ACTIVE_ONLY)
    for experiment in experiments:
        if experiment.name == study:
            return experiment
    there = sorted(experiment.name for experiment in experiments if experiment.name != "Default")
    close = difflib.get_close_matches(study, there, n=3, cutoff=0.5)
    known = f"closest: {', '.join(close)}" if close else f"the studies there are: {', '.join(there) or 'none yet'}"
    raise ArcgateError(f"no study {study!r}; {known}", where=store.uri, todo="choose one of them: study=<name>")


def _latest_runs(runs: list[Run]) -> dict[str, Run]:
    """Of each variant name the run opened last, in the order of the names' first start."""
    latest: dict[str, Run] = {}
    for run in runs:
        name = run.data.tags[names.VARIANT]
        if name not in latest or _opened_ms(run) >= _opened_ms(latest[name]):
            latest[name] = run  # a name that is in the dictionary keeps its place
    return latest


def _opened_ms(run: Run) -> int:
    return int(run.data.tags[names.OPENED])


def _row(variant: str, run: Run) -> dict[str, object]:
    tags, metrics = run.data.tags, run.data.metrics
    row: dict[str, object] = {
        "variant": variant,
        "run_status": tags[names.OUTCOME],
        "safe": tags.get(names.SAFE),
        "gates_failed": metrics.get(names.GATES_FAILED),
        "worst_gate": tags.get(names.WORST_GATE),
        "worst_distance": metrics.get(names.WORST_DISTANCE),
        "cause": tags.get(names.CAUSE),
        "cause_sentence": tags.get(names.CAUSE_SENTENCE),
        "gate_sections": tags.get(names.SECTIONS),
        "key": tags[names.KEY],
        "run_id": run.info.run_id,
        "data_digest": tags.get(names.DATA_DIGEST),
        "commit": tags.get(names.COMMIT),
        "model": tags.get(names.MODEL),
    }
    # Metrics of the training's epochs have no slash.
    row |= {name: value for name, value in metrics.items() if "/" in name}
    row |= {f"{name}/{names.STATUS}": value for name, value in tags.items() if name.startswith(names.JUDGED_PREFIXES)}
    return row


def _evidence(store: Store, study: str, run: Run) -> dict[str, object]:
    """What the evidence of a run says; nothing of a run that was not judged."""
    if names.SAFE not in run.data.tags:
        return {}
    path = artifacts_folder(store, study, run.info.run_id) / EVIDENCE
    if not path.is_file():
        raise ArcgateError(
            f"the evidence of variant {run.data.tags[names.VARIANT]!r} is gone, which its run in MLflow keeps as an artifact",
            where=path,
            todo="run the variant again",
        )
    return _judged(read_evidence(path))


def _judged(evidence: Evidence) -> dict[str, object]:
    """What evidence says beyond the run's metrics: intervals, sensitivities, strata."""
    row: dict[str, object] = {}
    for result in evidence.results:
        name = names.result(result.role, result.name, result.view, result.stratum)
        row |= {name: result.value, f"{name}/{names.LOW}": result.low, f"{name}/{names.HIGH}": result.high}
        row |= {f"{name}/{names.STATUS}": result.status}
        row |= {f"{name}/{names.DETECTED}": result.detected_sensitivity, f"{name}/{names.REQUIRED}": result.required_sensitivity}
    for one in evidence.cause.measured:
        name = names.verdict(one.name, one.band)
        row |= {name: one.value, f"{name}/{names.LOW}": one.low, f"{name}/{names.HIGH}": one.high}
    return {name: value for name, value in row.items() if value is not None}


def _differing(params: list[Mapping[str, str]]) -> list[str]:
    """Parameters with more than one value among the variants that have parameters, in alphabetical order."""
    logged = [values for values in params if values]
    every = sorted(
        {name for values in logged for name in values if name.startswith(PREFIXES) and not name.startswith(_SHOWN_ELSEWHERE)}
    )
    return [name for name in every if len({values.get(name) for values in logged}) > 1]


def _typed(values: list[str | None]) -> pd.Series:
    """Numbers where every value is a number, text otherwise; MLflow keeps parameters as text."""
    numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
    if all(value is None or not missing for value, missing in zip(values, numbers.isna(), strict=True)):
        return numbers
    return pd.Series(values, dtype=object)


def _measured_order(name: str) -> tuple[int, str, int]:
    """Gates, diagnostics, the refit, test, common, other grounds; a value before its interval and its status."""
    known = [index for index, start in enumerate(names.RESULT_PREFIXES) if name.startswith(start)]
    prefix = known[0] if known else len(names.RESULT_PREFIXES)
    stem, _, last = name.rpartition("/")
    endings = {names.LOW: 1, names.HIGH: 2, names.STATUS: 3, names.DETECTED: 4, names.REQUIRED: 5}
    return (prefix, stem, endings[last]) if last in endings else (prefix, name, 0)
