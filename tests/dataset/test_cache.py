"""The cache: one build for any number of jobs, and none lost to a killed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import arcgate.dataset
from arcgate.dataset.cache import build_once, is_built, set_folder
from arcgate.dataset.card import CARD
from arcgate.dataset.receipts import finished
from arcgate.ground.errors import ArcgateError

SetMaker = Callable[..., Path]

JOB = """
import shutil, sys, time
from pathlib import Path
from arcgate.dataset.cache import build_once

folder, source, log, go = (Path(argument) for argument in sys.argv[1:])

def build(folder):
    with log.open("a") as file:
        file.write("building\\n")
    (folder / ".half.parquet.1.tmp").write_text("half a shard")
    while not go.exists():
        time.sleep(0.01)
    shutil.copytree(source, folder, dirs_exist_ok=True)

print(build_once(folder, build), flush=True)
"""


@dataclass
class Place:
    """Folder to build, set to copy into it, and the files through which test and jobs speak."""

    folder: Path
    source: Path
    log: Path
    said: Path
    go: Path

    def job(self) -> subprocess.Popen[str]:
        """A process that builds once, copying only when `go` exists."""
        arguments = [str(path) for path in (self.folder, self.source, self.log, self.go)]
        with self.said.open("a") as said:
            return subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", JOB, *arguments],
                env={**os.environ, "PYTHONPATH": str(Path(arcgate.dataset.__file__).parents[2])},
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )

    def copy(self, folder: Path) -> None:
        """Build the set in this process."""
        shutil.copytree(self.source, folder, dirs_exist_ok=True)


@pytest.fixture
def place(tmp_path: Path, make_set: SetMaker) -> Place:
    return Place(set_folder(tmp_path / "data", "abc"), make_set(), tmp_path / "log", tmp_path / "said", tmp_path / "go")


def _wait_for(file: Path, text: str) -> None:
    end = time.monotonic() + 60
    while not (file.exists() and text in file.read_text()):
        assert time.monotonic() < end, f"{text!r} never appeared in {file}"
        time.sleep(0.01)


def _must_not_build(folder: Path) -> None:
    pytest.fail(f"built {folder} again")


def test_second_call_reuses(place: Place, tmp_path: Path) -> None:
    assert place.folder == tmp_path / "data" / "sets" / "abc"
    assert not is_built(place.folder)
    assert build_once(place.folder, place.copy) == "built"
    assert is_built(place.folder)
    assert build_once(place.folder, _must_not_build) == "reused"


def test_of_two_jobs_at_once_one_builds_and_the_other_says_once_that_it_waits(place: Place) -> None:
    jobs = [place.job(), place.job()]
    _wait_for(place.said, "waiting")
    place.go.touch()
    answers = sorted(job.communicate(timeout=60)[0] for job in jobs)
    assert answers == ["built\n", "reused\n"]
    assert place.log.read_text() == "building\n"
    assert place.said.read_text() == f"arcgate: another job is working on {place.folder}; waiting for it\n"


def test_lock_and_leftovers_die_with_a_killed_job(place: Place) -> None:
    with place.job() as job:
        _wait_for(place.log, "building")
        job.kill()
    (place.folder / ".half.parquet.2.tmp").touch()
    assert build_once(place.folder, place.copy) == "built"
    assert not list(place.folder.glob(".*.tmp"))


def test_build_that_fails_is_tried_again(place: Place) -> None:
    def failing(folder: Path) -> None:
        raise ArcgateError("the disk is full")

    with pytest.raises(ArcgateError, match="the disk is full"):
        build_once(place.folder, failing)
    assert build_once(place.folder, place.copy) == "built"


def test_build_without_card_is_an_error(place: Place) -> None:
    with pytest.raises(ArcgateError, match="without writing the card"):
        build_once(place.folder, lambda folder: None)


@pytest.mark.parametrize("keep", [None, 1000])
def test_deleted_or_truncated_shard_is_rebuilt(place: Place, keep: int | None) -> None:
    build_once(place.folder, place.copy)
    shard = place.folder / "train-00001.parquet"
    whole = shard.read_bytes()
    shard.unlink() if keep is None else shard.write_bytes(whole[:keep])

    def rebuild(folder: Path) -> None:
        assert not (folder / CARD).exists()
        assert [path.name for path in sorted(folder.glob("*.parquet")) if finished(path) is None] == (
            [shard.name] if keep else []
        )
        place.copy(folder)

    assert not is_built(place.folder)
    assert build_once(place.folder, rebuild) == "built"
    assert shard.read_bytes() == whole


def test_damaged_card_is_not_overwritten_silently(make_set: SetMaker) -> None:
    folder = make_set()
    (folder / CARD).write_text("{")
    with pytest.raises(ArcgateError, match="card is damaged"):
        build_once(folder, _must_not_build)
