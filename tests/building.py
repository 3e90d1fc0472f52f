"""Data sets built in processes of their own, which tests may kill; they are forked from one that has imported everything."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from arcgate.data_node import Data
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.ground.atomic import atomically
from arcgate.injection import build
from arcgate.variant import Runtime

LIMIT_S = 240.0
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["building", "arcgate.injection.build", "arcgate.survey.mock.parents", "arcgate.survey.mock.hosts"]
)


def start(data: Data, runtime: Runtime) -> ForkServerProcess:
    """A process that builds a data set, whatever its size by as many workers as it is given."""
    return _started(_build, data, runtime)


def finish(process: ForkServerProcess) -> None:
    """Wait for a process that is to end well."""
    process.join(LIMIT_S)
    assert process.exitcode == 0


def kill(process: ForkServerProcess) -> bool:
    """kill -9; False if it had ended before, and well."""
    process.kill()
    process.join()
    assert process.exitcode in (0, -9)
    return process.exitcode == -9


def outcome(function: Callable[..., object], *arguments: object, folder: Path) -> Any:
    """What a function returns in a process of its own, by way of JSON."""
    finish(_started(_note, function, arguments, folder / "outcome.json"))
    return json.loads((folder / "outcome.json").read_text())


def made(folder: Path) -> list[Path]:
    """Places and shards that lie finished below a data folder."""
    return sorted([*folder.glob("hosts/*/place-*.parquet"), *folder.glob("sets/*/*.receipt.json")])


def whole(folder: Path) -> Dataset:
    """The one data set below a data folder, every checksum recomputed; nothing half-written lies there."""
    (card,) = folder.glob("sets/*/dataset.json")
    dataset = open_dataset(card.parent)
    dataset.verify()
    assert not list(folder.glob("*/*/.*"))
    return dataset


def wait_until(reached: Callable[[], object], process: ForkServerProcess) -> None:
    """Wait for the files to say that a process has come so far."""
    end = time.monotonic() + LIMIT_S
    while not reached():
        assert process.exitcode is None, "it ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.01)


def _started(function: Callable[..., object], *arguments: object) -> ForkServerProcess:
    process = _CONTEXT.Process(target=function, args=arguments)
    process.start()
    return process


def _build(data: Data, runtime: Runtime) -> None:
    build.ROWS_ALONE = 0  # type: ignore[misc]  # of this process alone
    build.build_dataset(data, runtime)


def _note(function: Callable[..., object], arguments: tuple[object, ...], place: Path) -> None:
    place.write_text(json.dumps(function(*arguments)))


def process_of(_: object) -> int:
    """Where work is done."""
    return os.getpid()


def on_a_full_disk(path: Path) -> None:
    """Work whose disk is full."""
    with atomically(path) as temporary:
        temporary.write_text("half of it")
        raise OSError(28, "No space left on device")


def ending(_: object) -> None:
    """Work that the system ends."""
    os._exit(1)


def mistaken(number: int) -> float:
    """Work with a mistake in it."""
    return 1 / number
