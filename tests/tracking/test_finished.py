"""A finished variant is found by its record, its files and the tracking database, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from composing import composed

from arcgate import finished
from arcgate.finished import OWN, Keys, Record, found, record_path, runs_folder, write_record
from arcgate.ground.errors import ArcgateError
from arcgate.tracking.runs import finish, variant_run
from arcgate.tracking.store import Store
from arcgate.variant import Variant

KEYS = Keys("data", "evidence", "training", "scoring")


@pytest.fixture
def spec(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Variant:
    monkeypatch.setattr(finished, "keys_of", lambda spec: KEYS)
    return composed(f"runtime.data_dir={tmp_path / 'data'}", f"runtime.mlruns_dir={store.folder}", "study=masks")


@pytest.fixture
def record(store: Store, spec: Variant) -> Record:
    run_id = variant_run(store, spec.study, spec.variant, KEYS.run)
    finish(store, run_id, "finished")
    file = runs_folder(spec) / "evidence" / "evidence.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    left = Record(run_id, "failed", {OWN: 0.9, "common/auroc": 0.8}, ["evidence/evidence.json"])
    record_path(spec, KEYS).parent.mkdir(parents=True)
    write_record(spec, KEYS, left)
    return left


def test_a_finished_variant_is_found(spec: Variant, record: Record) -> None:
    assert found(spec) == record
    assert found(composed(f"runtime.data_dir={spec.runtime.data_dir}", f"runtime.mlruns_dir={spec.runtime.mlruns_dir}")) is None


def test_a_missing_file_leaves_it_unfinished(spec: Variant, record: Record) -> None:
    (runs_folder(spec) / record.files[0]).unlink()
    assert found(spec) is None


def test_a_run_that_is_not_the_last_word_in_mlflow_is_run_again(store: Store, spec: Variant, record: Record) -> None:
    other = variant_run(store, spec.study, spec.variant, "other settings")
    finish(store, other, "finished")
    assert found(spec) is None
    variant_run(store, spec.study, spec.variant, KEYS.run)
    assert found(spec) is None, "still running"
    finish(store, record.run_id, "finished")
    assert found(spec) == record


def test_an_empty_database_knows_nothing(spec: Variant, record: Record, store: Store) -> None:
    experiment = store.client.get_experiment_by_name(spec.study)
    assert experiment is not None
    store.client.delete_experiment(experiment.experiment_id)
    assert found(spec) is None


def test_a_damaged_record_is_named(spec: Variant, record: Record) -> None:
    record_path(spec, KEYS).write_text("{")
    with pytest.raises(ArcgateError, match="record of a finished variant is damaged"):
        found(spec)
