"""MLflow's pages on this machine."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.error import URLError

from mlflow.entities import Experiment, ViewType

from arcgate.children import run_to_the_end
from arcgate.ground.errors import ArcgateError
from arcgate.tracking.pages import runs_page
from arcgate.tracking.results import known_experiment
from arcgate.tracking.runs import moved
from arcgate.tracking.store import DATABASE, Store, open_store

HOST: Final = "127.0.0.1"
ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    # MLflow's server imports a module that starlette deprecates; users cannot act on it.
    "PYTHONWARNINGS": "ignore:starlette.middleware.wsgi is deprecated",
}
"""No usage reports (the pages ask the server before they send any) and no scheduler of periodic jobs."""
_DEFAULT: Final = "Default"
_PATIENCE: Final = 120.0


def serve(mlruns_dir: str | Path, port: int, study: str | None = None, *, browser: bool = False) -> int:
    """Serve MLflow's pages until interrupted, and say where the runs of a study are.

    Parameters
    ----------
    mlruns_dir : str or Path
        Folder of the tracking database.
    port : int
        On 127.0.0.1; other machines cannot reach it.
    study : str, optional
        Whose runs are shown; else those of the study that changed last.
    browser : bool
        Open the page as soon as the server answers.

    Returns
    -------
    int
        Exit status: 0 after an interrupt, else the server's (see `arcgate.children.run_to_the_end`). The server and its
        workers end with this process.

    Raises
    ------
    ArcgateError
        If there is no tracking database, it cannot be used, it has no such study, or the port is taken.
    """
    database = Path(mlruns_dir) / DATABASE
    if not database.is_file():
        raise ArcgateError(
            "there is no tracking database to show",
            where=database.absolute(),
            todo="run a study first, or name the right folder (runtime.mlruns_dir)",
        )
    store = open_store(mlruns_dir)
    studies = _studies(store)
    shown = next(iter(studies), None) if study is None else known_experiment(store, study)
    _require_free(port)
    address = f"http://{HOST}:{port}"
    page = address if shown is None else f"{address}{runs_page(shown)}"
    for line in _said(store, studies, shown, page):
        print(line, flush=True)
    if browser:
        threading.Thread(target=_open, args=(address, page), daemon=True).start()
    return run_to_the_end(server_command(store, port), os.environ | ENVIRONMENT)


def has_display() -> bool:
    """Whether a browser that is opened has a screen; without one the browsers of the terminal would take this one."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def server_command(store: Store, port: int) -> list[str]:
    """Compose the command that serves a store's runs and artifacts."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", store.uri, "--registry-store-uri", store.uri),
        *("--default-artifact-root", store.artifacts.as_uri()),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        *("--uvicorn-opts", "--log-level warning"),
    ]


def _studies(store: Store) -> list[Experiment]:
    """The experiments, those first that changed last."""
    found = [one for one in store.client.search_experiments(ViewType.ACTIVE_ONLY) if one.name != _DEFAULT]
    return sorted(found, key=lambda one: int(one.last_update_time or 0), reverse=True)


def _said(store: Store, studies: Sequence[Experiment], shown: Experiment | None, page: str) -> list[str]:
    where = "" if shown is None else f"study {shown.name}: "
    lines = [f"runs of {store.folder}; Ctrl+C ends this server", f"{where}{page}"]
    if others := [one.name for one in studies if shown is not None and one.name != shown.name]:
        lines.append(f"other studies, on the page or by study=<name>: {', '.join(others)}")
    if astray := [one.name for one in studies if moved(store, one)]:
        lines.append(
            f"this folder was moved since: figures and reports of {', '.join(astray)} are not shown, tables are; "
            "move it back to see them"
        )
    return lines


def _open(address: str, page: str) -> None:
    """Wait until the server answers, then open the page."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2.0):
                webbrowser.open(page)
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ArcgateError(
                f"the port {port} is taken: {error.strerror}", where=HOST, todo="choose another with port=<n>"
            ) from error
