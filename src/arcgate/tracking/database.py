"""Check that a file is a tracking database which the installed MLflow can use as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import mlflow
from alembic.script import ScriptDirectory
from mlflow.store.db import utils

from arcgate.ground.errors import ArcgateError

BUSY_SECONDS: Final = 60.0
_MOVE: Final = "move the file away (a new one is then created)"


def check_database(database: Path) -> None:
    """Check that a file is an undamaged tracking database of the installed MLflow's schema version.

    MLflow checks the version itself when it first uses a database. It is asked here which version that is, but the file is read
    without it: its own check tells no damaged file and no other program's from an old one, and fails without advice on one
    that is held.

    Parameters
    ----------
    database : Path
        SQLite file.

    Raises
    ------
    ArcgateError
        Saying which version was found, which is needed and what to do. The file is left as it is.
    """
    found = _found_version(database)
    schema: Any = utils  # its functions carry no annotations
    needed = schema._get_latest_schema_revision()
    if found == needed:
        return
    known = {step.revision for step in ScriptDirectory.from_config(schema._get_alembic_config(db_url="")).walk_revisions()}
    wanted = f"MLflow {mlflow.__version__} needs {needed}"
    if found in known:
        raise ArcgateError(
            f"the tracking database has the schema version {found} of an older MLflow; {wanted}",
            where=database,
            todo=f"copy the file, then run `mlflow db upgrade sqlite:///{database}`, or {_MOVE}",
        )
    raise ArcgateError(
        f"the tracking database has the schema version {found}, which is unknown here, probably of a newer MLflow; {wanted}",
        where=database,
        todo=f"install the MLflow that wrote it, or {_MOVE}",
    )


def _found_version(database: Path) -> str:
    """Read the schema version; the file is opened for writing, so that SQLite can roll back what a killed process began."""
    address = f"{database.as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "alembic_version" not in tables:
                raise _not_ours(database, tables)
            versions = [str(version) for (version,) in connection.execute("SELECT version_num FROM alembic_version")]
            problems = [str(text) for (text,) in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError as error:
        raise ArcgateError(
            f"the tracking database cannot be opened: {error}",
            where=database,
            todo="see that no other program holds it and that the file and its folder are writable",
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(database, str(error)) from error
    if problems != ["ok"]:
        raise _damaged(database, problems[0])
    if len(versions) != 1:
        raise _not_ours(database, tables)
    return versions[0]


def _damaged(database: Path, problem: str) -> ArcgateError:
    return ArcgateError(
        f"the tracking database is damaged or no SQLite file: {problem}; needed is one of MLflow {mlflow.__version__}",
        where=database,
        todo=f"restore a copy, or {_MOVE}",
    )


def _not_ours(database: Path, tables: set[str]) -> ArcgateError:
    shown = ", ".join(sorted(tables)[:5]) or "no tables"
    return ArcgateError(
        f"this SQLite file carries no MLflow schema version (it has {shown}); needed is one of MLflow {mlflow.__version__}",
        where=database,
        todo=_MOVE,
    )
