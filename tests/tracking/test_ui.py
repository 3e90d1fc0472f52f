from __future__ import annotations

import socket
from pathlib import Path

import pytest

from arcgate.ground.errors import ArcgateError
from arcgate.tracking import ui
from arcgate.tracking.store import Store
from arcgate.tracking.ui import HOST, serve


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def test_the_server_gets_database_artifacts_and_no_usage_reports(
    store: Store, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def run(command: list[str], environment: dict[str, str]) -> int:
        calls.append((command, environment))
        return 7

    monkeypatch.setattr(ui, "run_to_the_end", run)
    assert ui.serve(store.folder, free_port) == 7
    command, environment = calls[0]
    assert command[command.index("--backend-store-uri") + 1] == store.uri
    assert command[command.index("--default-artifact-root") + 1] == store.artifacts.as_uri()
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_taken_port_is_named(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ArcgateError, match=f"port {port} is taken"):
            serve(store.folder, port)


def test_without_a_database_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match="no tracking database"):
        serve(tmp_path, 5000)
    assert list(tmp_path.iterdir()) == []
