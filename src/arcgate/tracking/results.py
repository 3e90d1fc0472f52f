"""A study as one table: a row a variant, with the factors that differ, gates and scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd
from mlflow.entities import Experiment, Run, ViewType

from arcgate.ground.errors import ArcgateError
from arcgate.tracking import names
from arcgate.tracking.runs import experiment_runs, variant_runs
from arcgate.tracking.store import DATABASE, Store, open_store

FACTOR_PREFIXES: Final = ("data.", "view.", "gates.", "learning.", "evaluation.")
# The common test set takes its hosts from the data node, where they are shown.
_SHOWN_ELSEWHERE: Final = "evaluation.common.hosts."
LEADING: Final = ("variant", "run_status", "key", "run_id", "data_digest", "safe", "cause", "cause_sentence", "gate_sections")


def results(study: str, mlruns_dir: str | Path = "mlruns") -> pd.DataFrame:
    """Read a study's variants from the tracking database.

    Parameters
    ----------
    study : str
        Name of the study.
    mlruns_dir : str or Path
        Folder of the tracking database.

    Returns
    -------
    DataFrame
        A row a variant, finished or not, in the order in which the variants were first started; of several runs of one
        variant name the one opened last. Runs on data sets of another schema are left out (`apart` lists them). Columns:
        variant, run_status (MLflow's), key, run_id, data_digest, safe, cause, cause_sentence, gate_sections (JSON: section of
        the report of each gate); the parameters that differ between the variants (`data.controls.name`, ...); for each gate
        `gate/<name>/<view>/<stratum>` with `/low`, `/high`, `/status`, `/detected_sensitivity`, `/required_sensitivity`, and for
        each diagnostic, which decides nothing, the same under `diagnostic/`; the refit
        `verdict/<quantity>/<band>` with `/low`, `/high`; scores `test/...` and `common/...`. What a variant does not have is
        missing (NaN or None).

    Raises
    ------
    ArcgateError
        If there is no such study (naming those there are) or the database cannot be used.
    """
    database = Path(mlruns_dir) / DATABASE
    if not database.is_file():
        raise ArcgateError(
            f"no study {study!r}: there is no tracking database",
            where=database.absolute(),
            todo="run a study first, or name the right folder (runtime.mlruns_dir)",
        )
    return study_table(open_store(mlruns_dir), study)


def study_table(store: Store, study: str) -> pd.DataFrame:
    """Read the table of `results` from an open store."""
    latest = _latest_runs(variant_runs(experiment_runs(store, _known_experiment(store, study)))[0])
    rows = [_row(name, run) for name, run in latest.items()]
    factors = _differing([run.data.params for run in latest.values()])
    measured = sorted({name for row in rows for name in row if name.startswith(names.RESULT_PREFIXES)}, key=_measured_order)
    table = pd.DataFrame(rows, columns=[*LEADING, *measured])
    for position, name in enumerate(factors):
        values = [run.data.params.get(name) for run in latest.values()]
        table.insert(len(LEADING) + position, name, _typed(values))
    return table


def apart(study: str, mlruns_dir: str | Path = "mlruns") -> list[str]:
    """Names of a study's variants that were run on data sets of another schema, and are in no table; each once."""
    store = open_store(mlruns_dir)
    others = variant_runs(experiment_runs(store, _known_experiment(store, study)))[1]
    return list(dict.fromkeys(run.data.tags[names.VARIANT] for run in others))


def _known_experiment(store: Store, study: str) -> Experiment:
    experiments = store.client.search_experiments(ViewType.ACTIVE_ONLY)
    for experiment in experiments:
        if experiment.name == study:
            return experiment
    there = sorted(experiment.name for experiment in experiments if experiment.name != "Default")
    raise ArcgateError(
        f"no study {study!r}; the studies there are: {', '.join(there) or 'none yet'}", where=store.uri, todo="choose one of them"
    )


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
    tags = run.data.tags
    row: dict[str, object] = {
        "variant": variant,
        "run_status": run.info.status,
        "key": tags[names.KEY],
        "run_id": run.info.run_id,
        "data_digest": tags.get(names.DATA_DIGEST),
        "safe": tags.get(names.SAFE),
        "cause": tags.get(names.CAUSE),
        "cause_sentence": tags.get(names.CAUSE_SENTENCE),
        "gate_sections": tags.get(names.SECTIONS),
    }
    row |= {name: value for name, value in run.data.metrics.items() if name.startswith(names.RESULT_PREFIXES)}
    row |= {f"{name}/{names.STATUS}": value for name, value in tags.items() if name.startswith(names.JUDGED_PREFIXES)}
    return row


def _differing(params: list[Mapping[str, str]]) -> list[str]:
    """Parameters with more than one value among the variants that have parameters, in alphabetical order."""
    logged = [values for values in params if values]
    every = sorted(
        {
            name
            for values in logged
            for name in values
            if name.startswith(FACTOR_PREFIXES) and not name.startswith(_SHOWN_ELSEWHERE)
        }
    )
    return [name for name in every if len({values.get(name) for values in logged}) > 1]


def _typed(values: list[str | None]) -> pd.Series:
    """Numbers where every value is a number, text otherwise; MLflow keeps parameters as text."""
    numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
    if all(value is None or not missing for value, missing in zip(values, numbers.isna(), strict=True)):
        return numbers
    return pd.Series(values, dtype=object)


def _measured_order(name: str) -> tuple[int, str, int]:
    """Gates, diagnostics, the refit, test, common; a value before its interval and its status."""
    prefix = next(index for index, start in enumerate(names.RESULT_PREFIXES) if name.startswith(start))
    stem, _, last = name.rpartition("/")
    endings = {names.LOW: 1, names.HIGH: 2, names.STATUS: 3, names.DETECTED: 4, names.REQUIRED: 5}
    return (prefix, stem, endings[last]) if last in endings else (prefix, name, 0)
