"""MLflow's list of runs as a browser shows it: the format of its views is private, and another version may have another."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from arcgate.gates.core.result import Evidence
from arcgate.tracking.pages import runs_page
from arcgate.tracking.record import log_evidence, log_metrics, log_params
from arcgate.tracking.runs import finish, variant_run
from arcgate.tracking.store import Store
from arcgate.tracking.table import rebuild
from arcgate.tracking.ui import ENVIRONMENT, HOST, server_command

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 120.0


@pytest.fixture
def address(store: Store, evidence: Evidence, tmp_path: Path) -> Iterator[str]:
    for name in ("paired", "unpaired"):
        run = variant_run(store, "controls", name, "k")
        log_params(store, run, {"data.controls.name": name})
        log_evidence(store, run, evidence)
        log_metrics(store, run, {"test/auroc": 0.97, "common/auroc": 0.81})
        finish(store, run, "finished", "failed")
    rebuild(store, "controls", tmp_path / "files")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(server_command(store, port), env=os.environ | ENVIRONMENT, start_new_session=True)
    try:
        until = time.monotonic() + PATIENCE
        while not _answers(f"http://{HOST}:{port}/health"):
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.3)
        experiment = store.client.get_experiment_by_name("controls")
        assert experiment is not None
        yield f"http://{HOST}:{port}{runs_page(experiment)}"
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2.0):
            return True
    except (URLError, ConnectionError, TimeoutError):
        return False


def _text(url: str) -> str:
    """Words of the page once its scripts have run."""
    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--window-size=1900,900"]
        command = [browser, *options, "--virtual-time-budget=30000", "--dump-dom", url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return re.sub(r"<[^>]+>", "\n", done.stdout)


@pytest.mark.long
def test_the_printed_address_shows_every_variant_with_the_wanted_columns(address: str) -> None:
    words = [line.strip() for line in _text(address).splitlines() if line.strip()]
    assert {"controls", "paired", "unpaired"} <= set(words)
    # Where they stand is a matter of style sheets, which the text does not tell.
    assert {"safe", "gates_failed", "worst_gate", "test/auroc", "common/auroc"} <= set(words)
    # Of each variant in the list, and in the table of the experiment's description.
    assert words.count("ring/raw") == 4
