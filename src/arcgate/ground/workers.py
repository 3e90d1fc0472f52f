"""Work spread over processes that end with the one that started them."""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.context
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Final, Self, TypeVar

from arcgate.ground.errors import ArcgateError

# M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD of malloc.h: no array apart from the heap, and the heap stays as large as it became.
_MALLOC: Final = {-4: 0, -1: 2**31 - 1, -2: 2**26}

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
    modules : sequence of str
        Modules that the work needs beside its own: imported once for all processes.
    """

    def __init__(self, count: int, where: Path, modules: Sequence[str] = ()) -> None:
        self._count, self._where, self._modules = count, where, modules
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
            context = _starting([work.__module__, *self._modules])
            self._pool = ProcessPoolExecutor(self._count, mp_context=context, initializer=_begin)
        try:
            positions = {self._pool.submit(work, item): position for position, item in enumerate(items)}
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


def _starting(modules: Sequence[str]) -> multiprocessing.context.BaseContext:
    """How processes start: forked from a process that has imported the modules and started no thread of its own.

    What takes seconds to import is imported once, however many processes there are, and its memory is shared. A fork of this
    process would copy the locks of threads that it may run. Where there are no forks, each process is spawned and imports by
    itself.

    A process is told its parent's start method as it begins. In a job that joblib started that is `loky`, which processes that
    joblib did not start do not know.
    """
    known = multiprocessing.get_all_start_methods()
    if multiprocessing.get_start_method(allow_none=True) not in (None, *known):
        multiprocessing.set_start_method("spawn", force=True)
    if "forkserver" not in known:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # Of effect for the first processes that this one starts; later ones import what these did not need.
    context.set_forkserver_preload([module for module in modules if module != "__main__"])
    return context


def _begin() -> None:
    """What a worker does before any work."""
    _end_with_parent()
    _keep_memory()


def _keep_memory() -> None:
    """Take large arrays from memory that the process already has, where the C library is glibc; elsewhere nothing is done.

    It would ask the kernel for each array of tens of megabytes anew, and the kernel clears every page once more: a sixth of the
    time of processes that do little but go through stamps.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        for parameter, value in _MALLOC.items():
            library.mallopt(parameter, value)


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
