"""Work spread over processes that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Self, TypeVar

from arcgate.ground.errors import ArcgateError
from arcgate.ground.memory import keep_memory

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Processes that stay for as long as a `with` block lasts, so that several rounds of work share what they imported.

    Parameters
    ----------
    count : int
        Processes; with 1 this process does the work.
    where : Path
        What is being made, for messages.
    takes_part : bool
        Whether this process is one of them, where its own work would otherwise have to be imported once more.
    """

    def __init__(self, count: int, where: Path, takes_part: bool = False) -> None:
        self._count, self._where, self._takes_part = count, where, takes_part
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def completed(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """Do `work` on each item and yield (position, result) as they are done.

        Parameters
        ----------
        work : callable
            Picklable, with light imports: each worker process imports its module.
        items : sequence
            Picklable too.

        Raises
        ------
        ArcgateError
            A worker process ended before its work did. Whatever `work` raises passes through.
        """
        if self._count == 1 or (len(items) <= 1 and self._pool is None):
            for position, item in enumerate(items):
                yield position, work(item)
            return
        if self._pool is None:
            others = self._count - 1 if self._takes_part else self._count
            self._pool = ProcessPoolExecutor(others, mp_context=_spawning(), initializer=_begin)
        try:
            positions = {self._pool.submit(work, item): position for position, item in enumerate(items)}
            for future in reversed(list(positions)) if self._takes_part else ():
                # The others begin at the front: what is left at the end is this process's, as long as nobody has it.
                if future.cancel():
                    position = positions.pop(future)
                    yield position, work(items[position])
            for done in as_completed(positions):
                yield positions[done], done.result()
        except BrokenProcessPool as error:
            raise ArcgateError(
                "a worker process ended before its work did (killed, or out of memory)",
                where=self._where,
                todo="run again: finished parts are kept; if memory is short, with fewer workers (runtime.workers)",
            ) from error


def completed(work: Callable[[Item], Result], items: Sequence[Item], workers: int, where: Path) -> Iterator[tuple[int, Result]]:
    """One round of work by processes of its own; see `Workers.completed`."""
    with Workers(max(min(workers, len(items)), 1), where) as crew:
        yield from crew.completed(work, items)


def _spawning() -> multiprocessing.context.SpawnContext:
    """Processes that are spawned, not forked: a fork would copy the locks of threads that this process may run.

    A process is told its parent's start method as it begins. In a job that joblib started that is `loky`, which processes that
    joblib did not start do not know.
    """
    if multiprocessing.get_start_method(allow_none=True) not in (None, *multiprocessing.get_all_start_methods()):
        multiprocessing.set_start_method("spawn", force=True)
    return multiprocessing.get_context("spawn")


def _begin() -> None:
    """What a worker does before any work."""
    _end_with_parent()
    keep_memory()


def _end_with_parent() -> None:
    """End this worker when the process that started it is gone, killed or not; it would wait for work for ever.

    Ctrl+C reaches all processes of a terminal at once: a worker ends without a word, the parent says what there is to say.
    """
    signal.signal(signal.SIGINT, _exit_at_once)
    Thread(target=_exit_after_parent, daemon=True).start()


def _exit_at_once(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
