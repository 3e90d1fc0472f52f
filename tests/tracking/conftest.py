"""A tracking database that is made once and copied for each test: MLflow's migrations take seconds."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # MLflow 3.17 maps its tables with an option that SQLAlchemy 2.1 deprecates; it says so once, at import.
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # imported for that warning

from arcgate.tracking.store import DATABASE, Store, open_store


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracking")
    open_store(folder)
    return folder / DATABASE


@pytest.fixture
def mlruns(made_database: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "mlruns"
    folder.mkdir()
    shutil.copy(made_database, folder / DATABASE)
    return folder


@pytest.fixture
def store(mlruns: Path) -> Store:
    return open_store(mlruns)
