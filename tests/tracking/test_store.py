from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from arcgate.ground.errors import ArcgateError
from arcgate.tracking.results import results
from arcgate.tracking.runs import experiment_runs
from arcgate.tracking.store import DATABASE, open_store

OPENS_COLD = """
import sys
from arcgate.tracking.runs import finish, variant_run
from arcgate.tracking.store import open_store

store = open_store(sys.argv[1])
for name in ("paired", "unpaired", "mask7"):
    finish(store, variant_run(store, "controls", name, f"key of {name}"), "finished")
"""


@pytest.mark.long
def test_two_processes_that_open_a_cold_store_make_one_run_a_variant(tmp_path: Path) -> None:
    folder = tmp_path / "ml runs"
    command = [sys.executable, "-c", OPENS_COLD, str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    # On a slow machine one waits for the other for more than a second, and says so.
    assert all("waiting for it" in line for said in errors for line in said.splitlines()), errors
    store = open_store(folder)
    experiment = store.client.get_experiment_by_name("controls")
    assert experiment is not None
    assert len(experiment_runs(store, experiment)) == 4
    assert list(results("controls", folder)["variant"]) == ["paired", "unpaired", "mask7"]


def test_usage_reports_are_off() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_artifacts_and_database_lie_in_the_folder(mlruns: Path) -> None:
    store = open_store(mlruns)
    assert store.uri == f"sqlite:///{mlruns.resolve()}/{DATABASE}"
    assert store.artifacts == mlruns.resolve() / "artifacts"


def _set_version(database: Path, version: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


@pytest.mark.parametrize(
    ("version", "says", "todo"),
    [
        ("451aebb31d03", "of an older MLflow", "mlflow db upgrade sqlite:////"),
        ("ffffffffffff", "probably of a newer MLflow", "install the MLflow that wrote it"),
    ],
)
def test_another_schema_version_is_refused_and_left_alone(mlruns: Path, version: str, says: str, todo: str) -> None:
    _set_version(mlruns / DATABASE, version)
    before = (mlruns / DATABASE).read_bytes()
    with pytest.raises(ArcgateError, match=f"schema version {version}.*{says}; MLflow 3.* needs [0-9a-f]+") as caught:
        open_store(mlruns)
    assert todo in str(caught.value)
    assert "move the file away" in str(caught.value)
    assert (mlruns / DATABASE).read_bytes() == before


def test_a_file_that_is_no_database_is_refused(mlruns: Path) -> None:
    (mlruns / DATABASE).write_bytes(b"this is not a database, " * 100)
    with pytest.raises(ArcgateError, match="damaged or no SQLite file"):
        open_store(mlruns)


def test_a_truncated_database_is_refused(mlruns: Path) -> None:
    content = (mlruns / DATABASE).read_bytes()
    (mlruns / DATABASE).write_bytes(content[: len(content) // 2])
    with pytest.raises(ArcgateError, match="damaged"):
        open_store(mlruns)


def test_another_programs_database_is_refused(mlruns: Path) -> None:
    (mlruns / DATABASE).unlink()
    with closing(sqlite3.connect(mlruns / DATABASE)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(ArcgateError, match=r"no MLflow schema version \(it has recipes\)"):
        open_store(mlruns)


def test_what_a_killed_creation_left_is_replaced(made_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{DATABASE}.new").write_bytes(b"half made")
    (tmp_path / DATABASE).touch()

    def create(uri: str, artifacts: str) -> object:
        target = Path(uri.removeprefix("sqlite:///"))
        assert not target.exists()
        shutil.copy(made_database, target)
        return _Created()

    monkeypatch.setattr("arcgate.tracking.store.SqlAlchemyStore", create)
    open_store(tmp_path)
    assert not (tmp_path / f"{DATABASE}.new").exists()


class _Created:
    @property
    def engine(self) -> _Created:
        return self

    def dispose(self) -> None:
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ArcgateError, match="cannot be made") as caught:
        open_store(tmp_path / "taken" / "mlruns")
    assert str(tmp_path / "taken" / "mlruns") in str(caught.value)


@pytest.mark.parametrize("name", ["50%25", "what?"])
def test_a_path_that_no_database_uri_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArcgateError, match="cannot hold the characters"):
        open_store(tmp_path / name)
