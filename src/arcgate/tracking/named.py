"""What the runs of all studies name: data sets, keys, and the runs themselves."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow.entities import ViewType

from arcgate.tracking import names
from arcgate.tracking.runs import experiment_runs
from arcgate.tracking.store import Store


@dataclass(frozen=True)
class Named:
    """What is named by at least one run that is not deleted.

    Attributes
    ----------
    data_digests : frozenset of str
        Of the data sets that variants were trained, scored and judged on, and of audits.
    keys : frozenset of str
        Of variants and audits.
    run_ids : frozenset of str
    """

    data_digests: frozenset[str]
    keys: frozenset[str]
    run_ids: frozenset[str]


def named_by_runs(store: Store) -> Named:
    """What the runs of all experiments name that are not deleted."""
    experiments = store.client.search_experiments(ViewType.ACTIVE_ONLY)
    runs = [run for experiment in experiments for run in experiment_runs(store, experiment)]
    tags = [item for run in runs for item in run.data.tags.items()]
    return Named(
        frozenset(value for name, value in tags if name == names.DATA_DIGEST or name.startswith(f"{names.DATA_DIGEST}.")),
        frozenset(value for name, value in tags if name == names.KEY),
        frozenset(str(run.info.run_id) for run in runs),
    )
