from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from arcgate.dataset.reader import Dataset
from arcgate.gates.core.result import Evidence
from arcgate.ground.errors import ArcgateError
from arcgate.study import Study, open_study
from arcgate.tracking.record import log_dataset, log_evidence
from arcgate.tracking.runs import variant_run
from arcgate.tracking.store import open_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, built: Callable[..., Dataset]) -> Path:
    """Where a study lies: one variant judged, one whose data set is gone, one that has just begun."""
    folder = tmp_path_factory.mktemp("study")
    store = open_store(folder / "mlruns")
    dataset = built()
    (folder / "data" / "sets").mkdir(parents=True)
    (folder / "data" / "sets" / dataset.path.name).symlink_to(dataset.path)
    log_dataset(store, variant_run(store, "masks", "hard_r5", "k"), "hard_r5", dataset.data_digest)
    log_dataset(store, variant_run(store, "masks", "gone", "k"), "gone", "f" * 64)
    variant_run(store, "masks", "just begun", "k")
    return folder


def test_a_study_is_found_from_any_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "notebooks" / "mine").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder / "notebooks" / "mine")
    study = open_study("masks")
    assert study == Study("masks", Path("../../mlruns"), Path("../../data"))
    assert study.dataset("hard_r5").table(["pair_id"]).shape[0] > 0


def test_a_variant_has_its_data_set(folder: Path, built: Callable[..., Dataset]) -> None:
    study = open_study("masks", folder)
    assert study.dataset("hard_r5").data_digest == built().data_digest
    with pytest.raises(ArcgateError, match=r"'gone' is not there: none has the data digest ffffffffffff"):
        study.dataset("gone")
    with pytest.raises(ArcgateError, match="'just begun' has no data set yet"):
        study.dataset("just begun")
    with pytest.raises(ArcgateError, match="no variant 'hard_r7'; there are: hard_r5"):
        study.dataset("hard_r7")


def test_a_variant_has_what_the_gates_said(folder: Path, evidence: Evidence) -> None:
    store = open_store(folder / "mlruns")
    with pytest.raises(ArcgateError, match="'just begun' was not judged yet"):
        open_study("masks", folder).evidence("just begun")
    log_evidence(store, variant_run(store, "masks", "hard_r5", "k"), evidence)
    assert open_study("masks", folder).evidence("hard_r5").results == evidence.results


def test_a_study_that_is_not_there_is_said_with_the_closest(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match="no study 'mask'; closest: masks"):
        open_study("mask", folder)
    with pytest.raises(ArcgateError, match="there is no tracking database"):
        open_study("masks", tmp_path)
    assert list(tmp_path.iterdir()) == []
