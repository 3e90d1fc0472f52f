"""Work spread over processes that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Lock, Thread
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
            self._pool = ProcessPoolExecutor(self._others, mp_context=_spawning(), initializer=_begin)
        try:
            if self._takes_part:
                yield from self._shared(self._pool, work, items)
                return
            positions = {self._pool.submit(work, item): position for position, item in enumerate(items)}
            for done in as_completed(positions):
                yield positions[done], done.result()
        except BrokenProcessPool as error:
            raise ArcgateError(
                "a worker process ended before its work did (killed, or out of memory)",
                where=self._where,
                todo="run again: finished parts are kept; if memory is short, with fewer workers (runtime.workers)",
            ) from error

    @property
    def _others(self) -> int:
        return self._count - 1 if self._takes_part else self._count

    def _shared(
        self, pool: ProcessPoolExecutor, work: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Whoever is free takes the next item: a pool's own queue holds items for one process while another has none left."""
        waiting, lock = deque(enumerate(items)), Lock()
        positions: dict[Future[Result], int] = {}

        def hand_over(done: Future[Result] | None = None) -> None:
            if done is not None and (done.cancelled() or done.exception() is not None):
                return
            with lock:
                if not waiting:
                    return
                position, item = waiting.popleft()
                future = pool.submit(work, item)
                positions[future] = position
            future.add_done_callback(hand_over)

        for _ in range(self._others):
            hand_over()
        try:
            while True:
                with lock:
                    done = [(positions.pop(future), future) for future in list(positions) if future.done()]
                    own = waiting.popleft() if waiting else None
                for position, future in done:
                    yield position, future.result()
                if own is None:
                    break
                yield own[0], work(own[1])
            for future in as_completed(positions):
                yield positions[future], future.result()
        finally:
            with lock:
                waiting.clear()


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
