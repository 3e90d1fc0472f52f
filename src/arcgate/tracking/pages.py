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
_DURATION: Final = "duration"
_PIXELS, _FRAME, _NARROW, _WIDE = 7, 22, 60, 180


def show_columns(store: Store, experiment: Experiment, columns: Sequence[str]) -> None:
    """Let the page of `runs_page` show these columns; a view that a user shared stays.

    Parameters
    ----------
    store : Store
        From `open_store`.
    experiment : Experiment
        The study's.
    columns : sequence of str
        Beside the name of the run, in this order; from `metric`, `parameter` and `tag`.
    """
    state = json.dumps(_view(columns))
    # Addresses that were given away before go on working, and show the same.
    earlier = dict.fromkeys((name for name in experiment.tags if name.startswith(f"{_TAG}{_KEY}")), state)
    for name, value in {**earlier, _tag_of(state): state, **_KIND}.items():
        store.client.set_experiment_tag(experiment.experiment_id, name, value)


def metric(name: str) -> str:
    """Column of a metric."""
    return f"metrics.`{name}`"


def parameter(name: str) -> str:
    """Column of a parameter."""
    return f"params.`{name}`"


def tag(name: str) -> str:
    """Column of a tag."""
    return f"tags.`{name}`"


def runs_page(experiment: Experiment) -> str:
    """Address of an experiment's list of runs, behind the server's: `/#/experiments/1/runs?...`."""
    keys = [name.removeprefix(_TAG) for name, state in experiment.tags.items() if name == _tag_of(state)]
    query = {"workflowType": _WORKFLOW} | ({"viewStateShareKey": keys[0]} if keys else {})
    return f"/#/experiments/{experiment.experiment_id}/runs?{urlencode(query)}"


def _tag_of(state: str) -> str:
    """Name of the tag that holds a view. A browser keeps what it knows by key: another view needs another."""
    return f"{_TAG}{_KEY}{hashlib.sha256(state.encode()).hexdigest()[:_MARK]}"


def _width(column: str) -> int:
    """Pixels for a heading; tags, which are words, get room for them, and long numbers are cut off."""
    kind, _, name = column.rstrip("`").partition("`")
    return _WIDE if kind == "tags." else max(_NARROW, min(_PIXELS * len(name) + _FRAME, _WIDE))


def _view(columns: Sequence[str]) -> dict[str, object]:
    """The whole state of MLflow's page: what it does not find it takes as undefined, and stumbles over some of that."""
    return {
        "selectedColumns": columns,
        "columnOrder": [*columns, _DURATION],
        "columnWidths": {column: _width(column) for column in (*columns, _DURATION)},
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
