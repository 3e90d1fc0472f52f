"""Settings of Spark, and what must be there before it is started. Imports no Spark."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arcgate.ground.errors import ArcgateError

if TYPE_CHECKING:
    from arcgate.variant import SparkSettings

LEAST_JAVA: Final = 17
_STANDALONE: Final = "spark://"
_PORT: Final = 7077
_KNOCK_S: Final = 5.0


def spark_conf(settings: SparkSettings, environment: Mapping[str, str]) -> dict[str, str]:
    """Settings as Spark takes them: arcgate's, and over them those of `runtime.spark.conf`.

    Parameters
    ----------
    settings : SparkSettings
    environment : mapping of str to str
        Of the driver. PYTHONPATH is handed over to the workers.
    """
    conf = {
        "spark.master": settings.master,
        "spark.app.name": "arcgate",
        "spark.driver.memory": settings.memory,
        "spark.executor.memory": settings.memory,
        # What goes wrong is said in arcgate's words.
        "spark.log.level": "OFF",
        "spark.ui.showConsoleProgress": "false",
    }
    if settings.master.startswith("local"):
        # Nothing beyond this machine is to be heard or served.
        conf |= {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    if environment.get("PYTHONPATH"):
        folders = environment["PYTHONPATH"].split(os.pathsep)
        conf["spark.executorEnv.PYTHONPATH"] = os.pathsep.join(os.path.abspath(folder) for folder in folders if folder)
    return conf | {name: _text(value) for name, value in settings.conf.items()}


def check_java(environment: Mapping[str, str]) -> None:
    """Refuse to start without a Java that runs Spark.

    Raises
    ------
    ArcgateError
        There is none, it does not run, or it is too old.
    """
    home = environment.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=environment.get("PATH"))
    todo = f"install Java {LEAST_JAVA} (a JRE will do) and put it on the PATH, or name its folder in JAVA_HOME"
    if java is None:
        raise ArcgateError("Spark needs Java, and there is no java on the PATH", where="runtime.engine=spark", todo=todo)
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError) as error:
        raise ArcgateError(f"Java does not run: {error}", where=java, todo=todo) from error
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found.group(1)) < LEAST_JAVA:
        line = told.strip().splitlines()[0] if told.strip() else "nothing"
        raise ArcgateError(f"Spark needs Java {LEAST_JAVA} or later, and this one says: {line}", where=java, todo=todo)


def check_master(master: str) -> None:
    """Knock at the masters of a standalone cluster, of which one must answer: Spark itself would try for a minute.

    Raises
    ------
    ArcgateError
        Nobody answers.
    """
    if not master.startswith(_STANDALONE):
        return
    refused = [(place, why) for place in master.removeprefix(_STANDALONE).split(",") if (why := _refusal(place)) is not None]
    if len(refused) == len(master.split(",")):
        raise ArcgateError(
            f"no Spark master answers: {'; '.join(f'{place}: {why}' for place, why in refused)}",
            where=f"runtime.spark.master={master}",
            todo="start the cluster, or correct host and port; its web page states the address, spark://<host>:<port>",
        )


def _refusal(place: str) -> str | None:
    """Why nobody answers at `host:port`; None if somebody does."""
    host, _, port = place.rpartition(":") if ":" in place else (place, "", str(_PORT))
    if not port.isdecimal():
        return f"{port!r} is no port"
    try:
        with socket.create_connection((host, int(port)), timeout=_KNOCK_S):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
