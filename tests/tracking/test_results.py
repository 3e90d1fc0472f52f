from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import arcgate
from arcgate.gates.core.result import Evidence
from arcgate.ground.errors import ArcgateError
from arcgate.report import print_study
from arcgate.tracking import names
from arcgate.tracking.record import flatten, log_evidence, log_metrics, log_params
from arcgate.tracking.results import ANSWERS, IDENTITY, results
from arcgate.tracking.runs import artifacts_folder, finish, is_latest, variant_run
from arcgate.tracking.store import Store


def _variant(store: Store, name: str, controls: str, radius: float, key: str = "k") -> str:
    run = variant_run(store, "masks", name, key)
    mask = {"name": f"hard_{radius:g}" if radius else "none", "radius_pix": radius}
    data = {"seed": 1, "controls": {"name": controls}, "core_mask": mask}
    log_params(store, run, flatten({"data": data, "view": {"normalisation": "raw"}, "runtime": {"workers": len(name)}}))
    return run


@pytest.fixture
def study(store: Store, evidence: Evidence) -> Store:
    finished = _variant(store, "unpaired", "unpaired", 0.0)
    log_evidence(store, finished, evidence)
    log_metrics(store, finished, {"test/auroc": 0.97, "test/auroc/low": 0.96, "test/auroc/high": 0.98, "train_loss": 0.1})
    finish(store, finished, "finished", "failed")
    _variant(store, "mask 7", "unpaired", 7.0)
    variant_run(store, "masks", "just begun", "k")
    return store


def test_a_row_a_variant_in_the_order_of_their_start(study: Store) -> None:
    table = results("masks", study.folder)
    assert list(table["variant"]) == ["unpaired", "mask 7", "just begun"]
    assert list(table["run_status"]) == ["finished", "running", "running"]
    assert table["safe"][0] == "failed"
    assert table["safe"].isna().tolist() == [False, True, True]


def test_only_factors_that_differ_are_columns_and_numbers_are_numbers(study: Store) -> None:
    table = results("masks", study.folder)
    factors = [name for name in table.columns if name.startswith(("data.", "view.", "runtime."))]
    assert factors == ["data.core_mask.name", "data.core_mask.radius_pix"]
    assert table["data.core_mask.radius_pix"].tolist()[:2] == [0.0, 7.0]
    assert table["data.core_mask.name"].tolist()[:2] == ["none", "hard_7"]
    assert table["data.core_mask.radius_pix"].isna()[2]


def test_gates_and_scores_come_with_interval_and_status(study: Store) -> None:
    table = results("masks", study.folder, full=True)
    first = table.iloc[0]
    assert (first["gate/ring/raw/overall/low"], first["gate/ring/raw/overall/status"]) == (0.58, "failed")
    sensitivities = [first[f"gate/ring/raw/overall/{which}_sensitivity"] for which in ("detected", "required")]
    assert sensitivities == [0.02, 0.1]
    assert first["test/auroc/high"] == 0.98
    assert (first["cause"], first["verdict/psf_width/r/high"]) == ("sigma_for_fwhm + mask_edge", 2.4)
    assert "train_loss" not in table
    assert pd.isna(table["test/auroc"]).tolist() == [False, True, True]
    columns = list(table.columns)
    at = columns.index("gate/core/raw/overall")
    assert columns[at : at + 4] == [f"gate/core/raw/overall{end}" for end in ("", "/low", "/high", "/status")]
    assert columns.index("test/auroc") > columns.index("gate/ring/raw/overall")


def test_of_several_runs_of_a_variant_the_one_opened_last_counts(study: Store) -> None:
    newer = _variant(study, "unpaired", "unpaired", 5.0, key="k after a change")
    table = results("masks", study.folder, full=True)
    assert list(table["variant"]) == ["unpaired", "mask 7", "just begun"]
    assert table["run_id"][0] == newer
    older = variant_run(study, "masks", "unpaired", "k")
    assert results("masks", study.folder, full=True)["run_id"][0] == older


def test_runs_of_another_schema_are_apart_and_never_taken_up_again(study: Store, capsys: pytest.CaptureFixture[str]) -> None:
    older = _variant(study, "mask 7", "unpaired", 7.0)
    study.client.set_tag(older, names.SCHEMA, "2")
    oldest = variant_run(study, "masks", "of long ago", "k")
    study.client.delete_tag(oldest, names.SCHEMA)
    finish(study, older, "finished")
    assert not {"mask 7", "of long ago"} & set(results("masks", study.folder)["variant"])
    assert not is_latest(study, "masks", "mask 7", older)
    assert _variant(study, "mask 7", "unpaired", 7.0) != older
    assert list(results("masks", study.folder)["variant"]) == ["unpaired", "just begun", "mask 7"]
    print_study("masks", str(study.folder), "data")
    said = " ".join(capsys.readouterr().out.split())
    assert "left out, since another version of arcgate wrote their runs: mask 7, of long ago; run them again" in said


def test_one_variant_has_no_differing_factors(store: Store) -> None:
    _variant(store, "paired", "paired", 0.0)
    table = results("masks", store.folder)
    assert list(table.columns) == [*IDENTITY, *ANSWERS]


def test_the_short_table_has_factors_answers_and_the_first_scores_of_each_ground(study: Store) -> None:
    log_metrics(study, results("masks", study.folder, full=True)["run_id"][0], {"deploy/auroc": 0.6, "common/recall_at_fpr": 0.3})
    table = results("masks", study.folder)
    factors, scores = ["data.core_mask.name", "data.core_mask.radius_pix"], ["test/auroc", "common/recall_at_fpr", "deploy/auroc"]
    assert list(table.columns) == [*IDENTITY, *factors, *ANSWERS, *scores]
    assert (table["gates_failed"][0], table["worst_gate"][0]) == (1, "ring/raw")


def test_evidence_that_is_gone_is_missed_by_the_full_table_alone(study: Store) -> None:
    run_id = str(results("masks", study.folder, full=True)["run_id"][0])
    (artifacts_folder(study, "masks", run_id) / "evidence.json").unlink()
    assert len(results("masks", study.folder)) == 3
    with pytest.raises(ArcgateError, match="the evidence of variant 'unpaired' is gone"):
        results("masks", study.folder, full=True)


def test_a_moved_folder_can_still_be_read_whole(study: Store, tmp_path: Path) -> None:
    there = results("masks", study.folder, full=True)
    study.folder.rename(tmp_path / "moved")
    pd.testing.assert_frame_equal(results("masks", tmp_path / "moved", full=True), there)


def test_an_unknown_study_names_the_closest_and_else_all(study: Store) -> None:
    with pytest.raises(ArcgateError, match="no study 'mask'; closest: masks"):
        results("mask", study.folder)
    with pytest.raises(ArcgateError, match="no study 'pilot'; the studies there are: masks"):
        results("pilot", study.folder)


def test_no_database_is_said_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match="no tracking database"):
        results("masks", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_results_are_at_the_top_of_the_package(study: Store) -> None:
    assert arcgate.results("masks", study.folder).equals(results("masks", study.folder))
