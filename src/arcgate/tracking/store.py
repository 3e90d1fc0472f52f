"""The tracking database: one SQLite file and one folder of artifacts, safe to open from several processes at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked
from arcgate.tracking.database import check_database

DATABASE: Final = "mlflow.db"
_REFUSED_IN_PATH: Final = "%?"


@dataclass(frozen=True)
class Store:
    """An open tracking database.

    Attributes
    ----------
    folder : Path
        Absolute folder of the database and its artifacts.
    uri : str
        `sqlite:///<folder>/mlflow.db`, the tracking URI.
    client : MlflowClient
        Client of that URI.
    """

    folder: Path
    uri: str
    client: MlflowClient

    @property
    def artifacts(self) -> Path:
        """Folder of the artifacts, one folder a study inside it."""
        return self.folder / "artifacts"


def open_store(mlruns_dir: str | Path) -> Store:
    """Open the tracking database in a folder, and create both if there is none.

    Several processes may call this at once on a folder that does not exist yet. A database is created beside its final
    name and renamed when it is complete, so a process that is killed meanwhile leaves none that is half made. A
    database that exists is checked and never migrated.

    Parameters
    ----------
    mlruns_dir : str or Path
        Folder of the database, absolute or relative to the working directory.

    Returns
    -------
    Store

    Raises
    ------
    ArcgateError
        If the folder cannot be used, or the file in it is damaged, is no tracking database or was written by another
        version of MLflow.
    """
    folder = _usable_folder(mlruns_dir)
    database = folder / DATABASE
    uri = f"sqlite:///{database}"
    with locked(folder, "database"):
        if not database.exists() or database.stat().st_size == 0:
            _create(database, folder / "artifacts")
        check_database(database)
        client = MlflowClient(tracking_uri=uri)
    return Store(folder=folder, uri=uri, client=client)


def _usable_folder(mlruns_dir: str | Path) -> Path:
    folder = Path(mlruns_dir).expanduser().resolve()
    refused = [character for character in _REFUSED_IN_PATH if character in str(folder)]
    if refused:
        raise ArcgateError(
            f"a database URI cannot hold the characters {refused} of this path",
            where=folder,
            todo="choose another folder with runtime.mlruns_dir",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArcgateError(
            f"the tracking folder cannot be made: {error.strerror}", where=folder, todo="choose another with runtime.mlruns_dir"
        ) from error
    return folder


def _create(database: Path, artifacts: Path) -> None:
    unfinished = database.with_name(f"{DATABASE}.new")
    for leftover in (unfinished, database.with_name(f"{DATABASE}.new-journal")):
        leftover.unlink(missing_ok=True)
    with _quiet("mlflow.store.db.utils"):
        store_class: Any = SqlAlchemyStore  # its methods carry no annotations
        created = store_class(f"sqlite:///{unfinished}", artifacts.as_uri())
    created.engine.dispose()
    os.replace(unfinished, database)


@contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """MLflow announces each new database at INFO on stderr."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
