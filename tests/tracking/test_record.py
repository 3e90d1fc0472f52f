from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from mlflow.utils import validation

from arcgate.gates.core.result import Evidence, read_evidence
from arcgate.ground.commit import commit
from arcgate.ground.errors import ArcgateError
from arcgate.naming import STUDY_LENGTH
from arcgate.tracking import names
from arcgate.tracking.record import (
    flatten,
    log_artifacts,
    log_dataset,
    log_evidence,
    log_history,
    log_metrics,
    log_origin,
    log_params,
    set_tags,
)
from arcgate.tracking.runs import artifacts_folder, variant_run
from arcgate.tracking.store import Store


@pytest.fixture
def run(store: Store) -> str:
    return variant_run(store, "controls", "paired", "k1")


def test_parameters_are_flat_text(store: Store, run: str) -> None:
    log_params(store, run, flatten({"data": {"psf": {"beta": None}, "seed": 1, "grid": [0.5, 1.0]}, "augment": True}))
    expected = {"data.psf.beta": "none", "data.seed": "1", "data.grid": "0.5, 1.0", "augment": "true"}
    assert store.client.get_run(run).data.params == expected


def test_a_reopened_run_gets_only_the_parameters_it_lacks(store: Store, run: str) -> None:
    log_params(store, run, {"data.seed": 1})
    log_params(store, run, {"data.seed": 2, "data.n_pairs": 10})
    assert store.client.get_run(run).data.params == {"data.seed": "1", "data.n_pairs": "10"}


def test_a_run_gets_only_the_epochs_it_lacks_where_lightning_would_log_them(store: Store, run: str) -> None:
    log_metrics(store, run, {"epoch": 0, "val_auroc": 0.6}, step=3)
    history = pd.DataFrame({"epoch": [0, 1, 2], "val_auroc": [0.6, 0.7, 0.8]})
    for _ in range(2):
        log_history(store, run, history, steps=[4, 8, 12])
        points = store.client.get_metric_history(run, "val_auroc")
        assert [(point.step, point.value) for point in points] == [(3, 0.6), (7, 0.7), (11, 0.8)]


def test_more_entries_than_mlflow_takes_at_once(store: Store, run: str) -> None:
    log_params(store, run, {f"data.p{index}": index for index in range(250)})
    set_tags(store, run, {f"t{index}": index for index in range(250)})
    log_metrics(store, run, {f"test/m{index}": index for index in range(250)})
    data = store.client.get_run(run).data
    assert len(data.params) == 250
    assert len(data.metrics) == 250
    assert data.tags["t249"] == "249"


def test_metrics_without_a_value_are_left_out(store: Store, run: str) -> None:
    log_metrics(store, run, {"test/auroc": 0.9, "test/nan": math.nan, "test/inf": math.inf, "test/none": None})
    assert store.client.get_run(run).data.metrics == {"test/auroc": 0.9}


@pytest.mark.parametrize(("name", "says"), [("auc>=2", "'=', '>'"), ("", "empty"), ("gate//x", "normal"), ("m" * 251, "251")])
def test_names_that_mlflow_refuses_are_refused_with_a_reason(store: Store, run: str, name: str, says: str) -> None:
    with pytest.raises(ArcgateError, match=says):
        log_metrics(store, run, {name: 1.0})


def test_evidence_becomes_metrics_and_tags(store: Store, run: str, evidence: Evidence) -> None:
    log_evidence(store, run, evidence)
    data = store.client.get_run(run).data
    name = "gate/core/raw/overall"
    assert (data.metrics[name], data.tags[name]) == (0.53, "undetermined")
    assert data.tags["gate/psf/raw/overall"] == "not_run"
    assert "gate/psf/raw/overall" not in data.metrics
    assert (data.metrics["safe"], data.metrics["gates_failed"]) == (0.0, 1.0)
    assert (data.tags["worst_gate"], round(data.metrics["worst_distance"], 2)) == ("ring/raw", 0.22)
    # Intervals and sensitivities are in the artifact: metrics are what people sort and filter by.
    assert not any(name.endswith(("/low", "/high", "_sensitivity")) for name in data.metrics)
    assert read_evidence(artifacts_folder(store, "controls", run) / "evidence.json") == evidence
    assert (data.tags[names.SAFE], data.tags[names.CAUSE]) == ("failed", "sigma_for_fwhm + mask_edge")
    assert data.tags[names.CAUSE_SENTENCE] == "The arcs are 2.35 times as wide as declared."
    assert json.loads(data.tags[names.SECTIONS])["core"] == "residual"
    assert data.metrics["verdict/psf_width/r"] == 2.35


def test_a_diagnostic_is_a_metric_over_all_rows_and_has_no_status(store: Store, run: str, evidence: Evidence, make_gate) -> None:
    stratum = make_gate("mean_light", stratum="theta_e_lt_1", role="diagnostic", status="reported")
    log_evidence(store, run, Evidence("e", "failed", evidence.cause, (*evidence.results, stratum)))
    data = store.client.get_run(run).data
    assert {name for name in data.metrics if name.startswith("diagnostic/")} == {"diagnostic/core_published/raw/overall"}
    assert not any(name.startswith("diagnostic/") for name in data.tags)


def test_a_runs_page_says_the_verdict_and_its_gates_the_failed_ones_first(store: Store, run: str, evidence: Evidence) -> None:
    log_evidence(store, run, evidence)
    note = store.client.get_run(run).data.tags["mlflow.note.content"]
    assert note.startswith("**safe? No.** 1 of 6 gates failed, worst `ring/raw`. **cause? ")
    assert "The arcs are 2.35 times as wide as declared." in note
    rows = [line for line in note.splitlines() if line.startswith("| ")]
    assert rows[2].startswith("| `ring` | pixels as stored | 0.61 | 0.58 to 0.64 | **FAILED** |")
    assert len(rows) == 2 + sum(result.role == "gate" and result.status != "passed" for result in evidence.results)
    assert note.endswith("Passed: pair_identity/raw.\n")


def test_a_run_says_where_it_comes_from(store: Store, run: str) -> None:
    log_origin(store, run, "mask_r5", "arcgate run variant=mask_r5", {"data": {"seed": 1, "hosts": {"kind": "mock"}}})
    tags = store.client.get_run(run).data.tags
    assert tags["mlflow.source.name"] == tags[names.COMMAND] == "arcgate run variant=mask_r5"
    assert tags[names.COMMIT] == str(commit())
    assert (
        artifacts_folder(store, "controls", run) / "config.yaml"
    ).read_text() == "data:\n  seed: 1\n  hosts:\n    kind: mock\n"


def test_a_dataset_is_an_input_with_a_short_digest_and_a_tag_with_the_whole(store: Store, run: str) -> None:
    digest = "0123456789abcdef" * 4
    for _ in range(2):
        log_dataset(store, run, "pilot", digest)
    log_dataset(store, run, "common", digest[::-1], context="common_test")
    found = store.client.get_run(run)
    assert found.inputs is not None
    assert {(entry.dataset.name, entry.dataset.digest) for entry in found.inputs.dataset_inputs} == {
        ("pilot", digest[:32]),
        ("common", digest[::-1][:32]),
    }
    assert len(found.inputs.dataset_inputs) == 2
    assert found.data.tags[names.DATA_DIGEST] == digest
    assert found.data.tags[f"{names.DATA_DIGEST}.common_test"] == digest[::-1]


def test_artifacts_are_copied_into_the_folder(store: Store, run: str, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "roc.png").write_bytes(b"png")
    (tmp_path / "evidence.json").write_text("{}")
    log_artifacts(store, run, tmp_path / "figures", into="figures")
    log_artifacts(store, run, tmp_path / "evidence.json")
    assert len(list(store.artifacts.glob("*/*/artifacts/figures/roc.png"))) == 1
    assert [entry.path for entry in store.client.list_artifacts(run)] == ["evidence.json", "figures"]
    with pytest.raises(ArcgateError, match="no such file"):
        log_artifacts(store, run, tmp_path / "missing.json")


def test_what_is_longer_than_mlflow_allows_is_shortened_and_still_told_apart(store: Store, run: str) -> None:
    grid = [index / 1000 for index in range(2000)]
    log_params(store, run, {"data.grid.one": grid, "data.grid.other": [*grid[:-1], 7.0]})
    set_tags(store, run, {"sentence": "word " * 3000})
    log_dataset(store, run, "x" * 600, "d" * 64)
    found = store.client.get_run(run)
    one, other = (found.data.params[f"data.grid.{name}"] for name in ("one", "other"))
    assert len(one) == len(other) == names.PARAM_LENGTH
    assert one != other
    assert len(found.data.tags["sentence"]) == names.TAG_LENGTH
    assert len(found.inputs.dataset_inputs[0].dataset.name) == names.DATASET_NAME_LENGTH


def test_the_limits_are_those_of_the_installed_mlflow() -> None:
    assert names.PARAM_LENGTH <= validation.MAX_PARAM_VAL_LENGTH
    assert names.TAG_LENGTH <= validation.MAX_TAG_VAL_LENGTH
    assert names.DATASET_NAME_LENGTH <= validation.MAX_DATASET_NAME_SIZE
    assert names.NAME_LENGTH <= validation.MAX_ENTITY_KEY_LENGTH
    assert STUDY_LENGTH <= validation.MAX_EXPERIMENT_NAME_LENGTH
