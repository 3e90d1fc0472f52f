from __future__ import annotations

import socket
from contextlib import nullcontext
from pathlib import Path
from urllib.error import URLError

import pytest

from arcgate.ground.errors import ArcgateError
from arcgate.tracking import ui
from arcgate.tracking.runs import study_run
from arcgate.tracking.store import Store
from arcgate.tracking.table import rebuild
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


def test_the_address_of_the_study_that_changed_last_is_printed_and_others_are_named(
    store: Store, free_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(ui, "run_to_the_end", lambda command, environment: 0)
    for study in ("masks", "controls"):
        study_run(store, study)
        rebuild(store, study, tmp_path / study)
    serve(store.folder, free_port)
    said = capsys.readouterr().out
    assert f"study controls: http://127.0.0.1:{free_port}/#/experiments/2/runs?workflowType=machine_learning&view" in said
    assert "by study=<name>: masks" in said
    serve(store.folder, free_port, "masks")
    assert f"study masks: http://127.0.0.1:{free_port}/#/experiments/1/runs?" in capsys.readouterr().out
    with pytest.raises(ArcgateError, match="no study 'mask'; closest: masks"):
        serve(store.folder, free_port, "mask")


def test_a_moved_folder_is_said(
    store: Store, free_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(ui, "run_to_the_end", lambda command, environment: 0)
    study_run(store, "masks")
    store.folder.rename(tmp_path / "moved")
    serve(tmp_path / "moved", free_port)
    said = capsys.readouterr().out
    assert "this folder was moved since: figures and reports of masks are not shown, tables are; move it back" in said


def test_the_browser_waits_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, opened = iter([URLError("not yet"), ConnectionRefusedError()]), []

    def urlopen(url: str, timeout: float) -> nullcontext[None]:
        if (error := next(answers, None)) is not None:
            raise error
        return nullcontext()

    monkeypatch.setattr(ui.urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(ui.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(ui.webbrowser, "open", opened.append)
    ui._open("http://127.0.0.1:1", "http://127.0.0.1:1/#/page")
    assert opened == ["http://127.0.0.1:1/#/page"]
