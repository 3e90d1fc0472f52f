from __future__ import annotations

import json

from arcgate.tracking.pages import metric, parameter, runs_page, show_columns, tag
from arcgate.tracking.runs import study_run
from arcgate.tracking.store import Store

SHARED = "mlflow.sharedViewState."


def _experiment(store: Store):
    study_run(store, "masks")
    return store.client.get_experiment_by_name("masks")


def test_the_address_names_a_view_with_the_wanted_columns(store: Store) -> None:
    show_columns(store, _experiment(store), [metric("safe"), tag("worst_gate"), metric("test/auroc"), parameter("data.psf.name")])
    experiment = _experiment(store)
    (view,) = [name for name in experiment.tags if name.startswith(SHARED)]
    assert f"viewStateShareKey={view.removeprefix(SHARED)}" in runs_page(experiment)
    assert runs_page(experiment).startswith(f"/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning&")
    columns = json.loads(experiment.tags[view])["selectedColumns"]
    assert columns == ["metrics.`safe`", "tags.`worst_gate`", "metrics.`test/auroc`", "params.`data.psf.name`"]


def test_other_columns_have_another_address_and_leave_those_of_users(store: Store) -> None:
    """An address that was given away before shows the new columns, too; one that comes back is the one that it was."""
    experiment = _experiment(store)
    store.client.set_experiment_tag(experiment.experiment_id, f"{SHARED}of-a-user", "{}")
    pages = []
    for columns in (["safe"], ["safe", "gates_failed"], ["safe"]):
        show_columns(store, _experiment(store), [metric(name) for name in columns])
        pages.append(runs_page(_experiment(store)))
        views = {name: view for name, view in _experiment(store).tags.items() if name.startswith(SHARED)}
        assert views.pop(f"{SHARED}of-a-user") == "{}"
        assert {("gates_failed" in view) for view in views.values()} == {"gates_failed" in columns}
    assert len(views) == 2
    assert pages[0] == pages[2] != pages[1]


def test_an_experiment_without_a_view_still_opens_on_its_runs(store: Store) -> None:
    experiment = _experiment(store)
    assert runs_page(experiment) == f"/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
