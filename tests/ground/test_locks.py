"""Locks between processes: who waits says so, who has no patience is told, and nothing outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import arcgate
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import HeldElsewhereError, lock_file, locked

HOLDER = """
import sys
from pathlib import Path
from arcgate.ground.locks import locked

with locked(Path(sys.argv[1]), *sys.argv[2:]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def other_process(folder: Path, *name: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is told to go on, or killed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(arcgate.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), *name],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_folder_that_another_process_holds_is_not_had_and_dies_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with other_process(folder) as process:
        with pytest.raises(HeldElsewhereError, match=r"held this lock for 0\.05 s") as caught, locked(folder, patience_s=0.05):
            pass
        assert caught.value.where == tmp_path / "set.lock"
        process.kill()
        with locked(folder):
            assert folder.is_dir()


def test_who_waits_says_once_what_for(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arcgate.ground.locks._SILENT_S", 0.01)
    with locked(tmp_path, "study"), pytest.raises(HeldElsewhereError), locked(tmp_path, "study", patience_s=0.05):
        pass
    assert capfd.readouterr().err == f"arcgate: another job is working on 'study' in {tmp_path}; waiting for it\n"
    with locked(tmp_path, "study"):
        pass
    assert capfd.readouterr().err == ""


def test_names_are_held_apart_whatever_characters_they_have(tmp_path: Path) -> None:
    with locked(tmp_path, "table of a/b"), locked(tmp_path, "a/b"), locked(tmp_path):
        assert {path.parent for path in (lock_file(tmp_path, "table of a/b"), lock_file(tmp_path, "a/b"))} == {tmp_path / "locks"}
        with pytest.raises(HeldElsewhereError), locked(tmp_path, "a/b", patience_s=0):
            pass


def test_an_error_under_a_lock_releases_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path, patience_s=0):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ArcgateError, match="the lock cannot be taken") as caught, locked(tmp_path / "taken" / "set"):
        pass
    assert caught.value.where == tmp_path / "taken" / "set.lock"
