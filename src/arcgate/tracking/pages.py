"""MLflow's pages of a study: which columns the list of runs shows, and the address of that list.

MLflow 3.17 has no interface for either. A view that a user shares is a tag of the experiment, in a private format, which an
address names by its key. That format is known to this file alone; `tests/tracking/test_pages.py` opens such an address in a
browser. Where a later MLflow no longer knows it, the list shows its own columns, and the experiment's description still holds the
study's table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from mlflow.entities import Experiment

from arcgate.tracking.store import Store

_TAG: Final = "mlflow.sharedViewState."
_KEY: Final = "arcgate-"
_KIND: Final = {"mlflow.experimentKind": "custom_model_development"}
"""Without it an experiment opens on its traces, of which there are none."""
_WORKFLOW: Final = "machine_learning"
_MARK: Final = 12
# A number of runs up to which charts show all of them by themselves.
_SHOWN: Final = "FIRST_20_RUNS"


def show_columns(
    store: Store, experiment: Experiment, metrics: Sequence[str], tags: Sequence[str], params: Sequence[str]
) -> None:
    """Let the page of `runs_page` show these columns; a view that a user shared stays.

    Parameters
    ----------
    store : Store
        From `open_store`.
    experiment : Experiment
        The study's.
    metrics, tags, params : sequence of str
        Names of what is shown beside the name of the run. MLflow groups them in the order metrics, parameters, tags.
    """
    columns = [*_columns("metrics", metrics), *_columns("params", params), *_columns("tags", tags)]
    state = json.dumps(_view(columns))
    # The page keeps what it knows by key: another view needs another.
    tag = f"{_TAG}{_KEY}{hashlib.sha256(state.encode()).hexdigest()[:_MARK]}"
    for name in experiment.tags:
        if name.startswith(f"{_TAG}{_KEY}") and name != tag:
            store.client.delete_experiment_tag(experiment.experiment_id, name)
    for name, value in {tag: state, **_KIND}.items():
        store.client.set_experiment_tag(experiment.experiment_id, name, value)


def runs_page(experiment: Experiment) -> str:
    """Address of an experiment's list of runs, behind the server's: `/#/experiments/1/runs?...`."""
    keys = [name.removeprefix(_TAG) for name in experiment.tags if name.startswith(f"{_TAG}{_KEY}")]
    query = {"workflowType": _WORKFLOW} | ({"viewStateShareKey": keys[0]} if keys else {})
    return f"/#/experiments/{experiment.experiment_id}/runs?{urlencode(query)}"


def _columns(kind: str, names: Sequence[str]) -> list[str]:
    return [f"{kind}.`{name}`" for name in names]


def _view(columns: Sequence[str]) -> dict[str, object]:
    """The whole state of MLflow's page: what it does not find it takes as undefined, and stumbles over some of that."""
    return {
        "selectedColumns": columns,
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": _SHOWN,
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "searchFilter": "",
        "orderByKey": "attributes.start_time",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
    }
