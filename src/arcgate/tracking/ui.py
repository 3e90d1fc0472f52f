"""MLflow's pages on this machine."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Final

from arcgate.children import run_to_the_end
from arcgate.ground.errors import ArcgateError
from arcgate.tracking.store import DATABASE, Store, open_store

HOST: Final = "127.0.0.1"
ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    # MLflow's server imports a module that starlette deprecates; users cannot act on it.
    "PYTHONWARNINGS": "ignore:starlette.middleware.wsgi is deprecated",
}
"""No usage reports (the pages ask the server before they send any) and no scheduler of periodic jobs."""


def serve(mlruns_dir: str | Path, port: int) -> int:
    """Serve MLflow's pages until interrupted.

    Parameters
    ----------
    mlruns_dir : str or Path
        Folder of the tracking database.
    port : int
        On 127.0.0.1; other machines cannot reach it.

    Returns
    -------
    int
        Exit status: 0 after an interrupt, else the server's (see `arcgate.children.run_to_the_end`). The server and its
        workers end with this process.

    Raises
    ------
    ArcgateError
        If there is no tracking database, it cannot be used, or the port is taken.
    """
    database = Path(mlruns_dir) / DATABASE
    if not database.is_file():
        raise ArcgateError(
            "there is no tracking database to show",
            where=database.absolute(),
            todo="run a study first, or name the right folder (runtime.mlruns_dir)",
        )
    store = open_store(mlruns_dir)
    _require_free(port)
    print(f"runs of {store.folder} on http://{HOST}:{port} (Ctrl+C ends it)", flush=True)
    return run_to_the_end(server_command(store, port), os.environ | ENVIRONMENT)


def server_command(store: Store, port: int) -> list[str]:
    """Compose the command that serves a store's runs and artifacts."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", store.uri),
        *("--default-artifact-root", store.artifacts.as_uri()),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
    ]


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ArcgateError(
                f"the port {port} is taken: {error.strerror}", where=HOST, todo="choose another with port=<n>"
            ) from error
