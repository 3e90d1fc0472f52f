from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from arcgate.gates.core.result import Evidence
from arcgate.tracking.columns import shown_factors
from arcgate.tracking.descriptions import study_description
from arcgate.tracking.record import flatten, log_evidence, log_metrics, log_params
from arcgate.tracking.results import results
from arcgate.tracking.runs import finish, study_run, variant_run
from arcgate.tracking.store import Store
from arcgate.tracking.study_figures import log_study_figures
from arcgate.tracking.table import CSV, JSON, MARKDOWN, print_table, rebuild

SCORES = {"test/auroc": 0.9712, "common/auroc": 0.8123, "test/core_masked_auroc_drop": 0.0051}


def table_text(table: pd.DataFrame, width: int = 160) -> str:
    """What is printed to a terminal of that width."""
    text = io.StringIO()
    print_table(table, Console(width=width, file=text, color_system=None))
    return text.getvalue()


@pytest.fixture
def study(store: Store, evidence: Evidence) -> Store:
    for name, controls in (("paired|a", "paired"), ("unpaired", "unpaired")):
        run = variant_run(store, "controls", name, "k")
        log_params(store, run, flatten({"data": {"controls": {"name": controls, "pool": f"pool of {controls}"}}}))
        if controls == "paired":
            log_evidence(store, run, evidence)
            log_metrics(store, run, SCORES | {"test/auroc/low": 0.9601, "test/auroc/high": 0.9799})
            finish(store, run, "finished", "failed")
    return store


@pytest.fixture
def table(study: Store) -> pd.DataFrame:
    return results("controls", study.folder, full=True)


def test_one_wide_table_reads_value_interval_and_status(table: pd.DataFrame) -> None:
    text = table_text(table, width=260)
    # One table of gates and scores, and one of sensitivities.
    assert text.count("variant") == 2
    assert "0.53 [0.50, 0.56] undet." in text
    assert "0.61 [0.58, 0.64] FAIL" in text
    assert "[0.50, 0.56] insens." in text
    assert "not run" in text
    assert "0.00 pass" in text
    assert "0.971 [0.960, 0.980]" in text
    assert "unpaired (running)" in text
    assert "sigma_for_fwhm + mask_edge" in text
    assert "paired|a: The arcs are 2.35 times as wide as declared." in text


@pytest.mark.parametrize("width", [100, 120, 150])
def test_a_narrow_terminal_gets_stacked_tables_that_fit(table: pd.DataFrame, width: int) -> None:
    text = table_text(table, width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("variant") > 2
    assert "…" not in text
    gates, scores = text.index("undet."), text.index("0.971")
    assert gates < scores


def test_the_core_diagnostics_stand_beside_the_gates_and_strata_are_left_to_the_csv(table: pd.DataFrame) -> None:
    text = table_text(table, width=240)
    assert "core_published" in text
    assert "(diagnostic)" in text
    assert "theta_e_lt_1" not in text
    assert {"diagnostic/core_published/raw/overall", "gate/core/raw/theta_e_lt_1"} <= set(table.columns)


def test_a_factor_that_a_shown_one_decides_is_left_out(table: pd.DataFrame) -> None:
    assert "data.controls.pool" in table
    assert shown_factors(table) == ["data.controls.name"]
    same_name = table.assign(**{"data.controls.name": ["paired", "paired"]})
    assert shown_factors(same_name) == ["data.controls.name", "data.controls.pool"]


def test_factors_without_a_name_are_all_shown() -> None:
    table = pd.DataFrame({"data.seed": [1, 2], "data.n_pairs": [10, 20]})
    assert shown_factors(table) == ["data.seed", "data.n_pairs"]


def test_long_variant_names_are_folded(study: Store) -> None:
    name = f"controls=unpaired,core_mask=hard_7,{'x' * 40}"
    variant_run(study, "controls", name, "k")
    text = table_text(results("controls", study.folder, full=True), width=100)
    assert max(map(len, text.splitlines())) <= 100
    assert "controls=unpaired," in text
    assert "(running)" in text


def test_a_study_without_variants_has_an_empty_table(store: Store, tmp_path: Path) -> None:
    study_run(store, "empty")
    assert len(rebuild(store, "empty", tmp_path)) == 0
    assert "safe?" in table_text(results("empty", store.folder, full=True))


def test_markdown_has_a_row_a_variant(table: pd.DataFrame) -> None:
    lines = study_description(table).splitlines()
    assert lines[0] == "**0 of 2 variants are safe**; own test AUROC 0.971 to 0.971; common test AUROC 0.812 to 0.812."
    scores = "own test AUROC | common test AUROC | core masked drop"
    assert lines[2] == f"| variant | safe? | {scores} | gates failed | worst gate | cause? | differs by |"
    assert lines[4] == "| paired\\|a | **FAIL** | 0.971 | 0.812 | 0.005 | 1 | ring/raw | sigma for fwhm, mask edge | - |"
    assert lines[5] == "| unpaired (running) | - | - | - | - | - | - | - | unpaired |"
    assert lines[-1] == "- 1 of 2 variants is not finished: unpaired (running); the same command goes on with them"


def test_rebuilding_writes_the_folder_and_the_parent_run(study: Store, tmp_path: Path) -> None:
    folder = tmp_path / "experiments" / "controls"
    table = rebuild(study, "controls", folder)
    assert sorted(path.name for path in folder.iterdir()) == [CSV, JSON, MARKDOWN]
    again = pd.read_csv(folder / CSV)
    assert list(again.columns) == list(table.columns)
    assert again["test/auroc"][0] == SCORES["test/auroc"]
    parent = study.client.get_run(study_run(study, "controls"))
    assert [entry.path for entry in study.client.list_artifacts(parent.info.run_id)] == [CSV, JSON, MARKDOWN]
    content = json.loads((folder / JSON).read_text())
    assert content["columns"] == list(table.columns)
    assert len(content["data"]) == 2
    assert json.loads(parent.data.tags["mlflow.loggedArtifacts"]) == [{"path": JSON, "type": "table"}]
    experiment = study.client.get_experiment_by_name("controls")
    assert experiment is not None
    assert experiment.tags["mlflow.note.content"] == parent.data.tags["mlflow.note.content"] == (folder / MARKDOWN).read_text()


def test_rebuilding_follows_the_runs_and_ends_the_study_with_the_last(study: Store, tmp_path: Path) -> None:
    rebuild(study, "controls", tmp_path)
    experiment = study.client.get_experiment_by_name("controls")
    assert experiment is not None
    runs = study.client.search_runs([experiment.experiment_id], "tags.`arcgate.kind` = 'study'")
    assert [run.info.status for run in runs] == ["RUNNING"]
    finish(study, variant_run(study, "controls", "unpaired", "k"), "failed")
    table = rebuild(study, "controls", tmp_path)
    assert list(table["run_status"]) == ["finished", "failed"]
    assert "unpaired (failed)" in (tmp_path / MARKDOWN).read_text()
    assert study.client.get_run(runs[0].info.run_id).info.status == "FINISHED"


def test_the_studys_run_holds_its_figures(study: Store) -> None:
    log_study_figures(study, "controls")
    run_id = study_run(study, "controls")
    drawn = {entry.path for entry in study.client.list_artifacts(run_id, "figures")}
    assert drawn == {"figures/own_against_common.png", "figures/parallel_coordinates.png"}
