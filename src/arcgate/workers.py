"""Work spread over processes that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Thread
from typing import TypeVar

from arcgate.errors import ArcgateError

Item = TypeVar("Item")
Result = TypeVar("Result")


def completed(work: Callable[[Item], Result], items: Sequence[Item], workers: int, where: Path) -> Iterator[tuple[int, Result]]:
    """Do `work` on each item and yield (position, result) as they are done.

    Parameters
    ----------
    work : callable
        Picklable, with light imports: each worker process imports its module.
    items : sequence
        Picklable too.
    workers : int
        Processes; with 1, or one item, this process does the work.
    where : Path
        What is being built, for messages.

    Raises
    ------
    ArcgateError
        A worker process ended before its work did. Whatever `work` raises passes through.
    """
    if workers == 1 or len(items) <= 1:
        for position, item in enumerate(items):
            yield position, work(item)
        return
    # Spawned, not forked: a fork would copy the locks of threads that this process may run.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(items)), mp_context=context, initializer=_end_with_parent) as pool:
        positions = {pool.submit(work, item): position for position, item in enumerate(items)}
        try:
            for done in as_completed(positions):
                yield positions[done], done.result()
        except BrokenProcessPool as error:
            raise ArcgateError(
                "a worker process ended before its work did (killed, or out of memory)",
                where=where,
                todo="run again: finished parts are kept; if memory is short, with fewer workers (runtime.workers)",
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """End this worker when the process that started it is gone, killed or not; it would wait for work for ever."""
    Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
