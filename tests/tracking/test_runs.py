from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from arcgate.gates.core.result import Safe
from arcgate.ground.errors import ArcgateError
from arcgate.tracking import names
from arcgate.tracking.runs import (
    experiment_runs,
    finish,
    finish_study,
    is_latest,
    require_usable,
    study_run,
    variant_run,
    want,
    wanted,
)
from arcgate.tracking.store import Store, open_store


def _status(store: Store, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_a_variant_stands_beside_its_study_and_is_tagged(store: Store) -> None:
    study = study_run(store, "controls")
    run = store.client.get_run(variant_run(store, "controls", "paired", "k1"))
    assert run.info.run_name == "paired"
    expected = {
        names.STUDY: "controls",
        names.KEY: "k1",
        names.KIND: "variant",
        names.VARIANT: "paired",
    }
    assert expected.items() <= run.data.tags.items()
    # MLflow folds away what has a parent.
    assert "mlflow.parentRunId" not in run.data.tags
    assert store.client.get_run(study).data.tags[names.KIND] == "study"


def test_runs_are_found_again_by_study_name_and_key(store: Store) -> None:
    first = variant_run(store, "controls", "paired", "k1")
    assert variant_run(store, "controls", "paired", "k1") == first
    assert variant_run(store, "controls", "paired", "k2") != first
    assert variant_run(store, "controls", "same key, other name", "k1") != first
    assert variant_run(store, "masks", "paired", "k1") != first
    assert study_run(store, "controls") == study_run(store, "controls")
    experiment = store.client.get_experiment_by_name("controls")
    assert experiment is not None
    assert len(experiment_runs(store, experiment)) == 4


@pytest.mark.parametrize("left", ["running", "interrupted", "failed", "finished"])
def test_whatever_a_run_was_left_as_it_is_taken_up_again(store: Store, left: str) -> None:
    run = variant_run(store, "controls", "paired", "k1")
    if left != "running":  # a killed process leaves the run as it was
        finish(store, run, left)  # type: ignore[arg-type]  # parametrised with the allowed words
    assert variant_run(open_store(store.folder), "controls", "paired", "k1") == run
    assert _status(store, run) == "RUNNING"
    assert store.client.get_run(run).data.tags[names.OUTCOME] == "running"
    finish(store, run, "finished")
    assert _status(store, run) == "FINISHED"


@pytest.mark.parametrize(("safe", "status"), [("failed", "FAILED"), ("undetermined", "FINISHED"), ("passed", "FINISHED")])
def test_a_run_whose_gates_failed_does_not_look_like_a_success(store: Store, safe: Safe, status: str) -> None:
    run = variant_run(store, "controls", "paired", "k1")
    finish(store, run, "finished", safe)
    assert (_status(store, run), store.client.get_run(run).data.tags[names.OUTCOME]) == (status, "finished")
    assert is_latest(store, "controls", "paired", run)


def test_a_variant_that_was_asked_for_is_known_without_a_run(store: Store) -> None:
    for name in ("unpaired", "paired", "paired"):
        want(store, "controls", name)
    experiment = store.client.get_experiment_by_name("controls")
    assert experiment is not None
    assert wanted(experiment) == ["paired", "unpaired"]


def test_the_study_ends_with_the_last_variant_that_runs(store: Store) -> None:
    parent = study_run(store, "controls")
    runs = [variant_run(store, "controls", name, "k") for name in ("paired", "unpaired")]
    finish(store, runs[0], "finished")
    finish_study(store, "controls")
    assert _status(store, parent) == "RUNNING"
    finish(store, runs[1], "failed")
    finish_study(store, "controls")
    assert _status(store, parent) == "FINISHED"


def test_names_with_quotes_and_dots_are_kept(store: Store) -> None:
    study = 'what\'s ../this "study"?'
    run = variant_run(store, study, "it's", "k'")
    assert variant_run(store, study, "it's", "k'") == run
    location = store.client.get_run(run).info.artifact_uri
    assert location.startswith(f"{store.artifacts.as_uri()}/what_s____this")


def test_a_study_without_a_name_is_refused(store: Store) -> None:
    with pytest.raises(ArcgateError, match="a study needs a name"):
        study_run(store, " ")


def test_a_deleted_study_is_not_brought_back(store: Store) -> None:
    study_run(store, "controls")
    experiment = store.client.get_experiment_by_name("controls")
    assert experiment is not None
    store.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(ArcgateError, match="was deleted in MLflow") as caught:
        study_run(store, "controls")
    assert "mlflow experiments restore" in str(caught.value)


def test_a_moved_folder_is_noticed_before_artifacts_go_to_the_old_place(store: Store, tmp_path: Path) -> None:
    study_run(store, "controls")
    shutil.copytree(store.folder, tmp_path / "moved")
    with pytest.raises(ArcgateError, match="this folder was moved"):
        study_run(open_store(tmp_path / "moved"), "controls")


def test_a_name_that_is_longer_than_mlflow_allows_is_shortened_and_kept_whole_in_a_tag(store: Store) -> None:
    name = " ".join(f"gates.setting_{index}={index}" for index in range(60))
    other = f"{name}0"
    run = variant_run(store, "controls", name, "k")
    assert variant_run(store, "controls", name, "k") == run
    assert variant_run(store, "controls", other, "k") != run
    found = store.client.get_run(run)
    assert len(found.info.run_name) == names.RUN_NAME_LENGTH
    assert found.info.run_name.startswith("gates.setting_0=0 gates.setting_1=1 ")
    assert found.data.tags[names.VARIANT] == name
    # Longer than a tag may be: still known again, and told from others that begin alike.
    longest = "x" * 9000
    run = variant_run(store, "controls", longest, "k")
    assert variant_run(store, "controls", longest, "k") == run
    assert variant_run(store, "controls", f"{longest}y", "k") != run


def test_whether_a_study_can_be_used_is_asked_without_making_anything(store: Store, tmp_path: Path) -> None:
    require_usable(store, "controls")
    assert store.client.get_experiment_by_name("controls") is None
    study_run(store, "controls")
    require_usable(store, "controls")
    with pytest.raises(ArcgateError, match="this folder was moved"):
        # MLflow makes this one itself, elsewhere.
        require_usable(store, "Default")
    experiment = store.client.get_experiment_by_name("controls")
    assert experiment is not None
    store.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(ArcgateError, match="was deleted in MLflow"):
        require_usable(store, "controls")
