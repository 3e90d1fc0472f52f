"""The Spark engine, the one module that knows Spark: each task writes its own file, and returns a receipt.

Shards cannot travel through Spark, whose tables know no fixed-size binary columns, and need not: tasks go out pickled, what they
return comes back by an accumulator, which counts each task once however often it was tried.
"""

from __future__ import annotations

import os
import pickle
import secrets
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from arcgate.dataset.card import device
from arcgate.ground.atomic import TEMPORARY, write_json
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import say, step
from arcgate.injection.engines.on_worker import Done, Errand, Failure, deliver, surroundings
from arcgate.injection.engines.spark_settings import check_java, check_master, spark_conf
from arcgate.injection.engines.spark_words import meaning, not_started

if TYPE_CHECKING:
    from pyspark import SparkContext

    from arcgate.variant import SparkSettings

Item = TypeVar("Item")
Result = TypeVar("Result")

PYTHON: Final = "PYSPARK_PYTHON"
# Java holds the tasks of two jobs: while the last ones of one job are worked on, those of the next fill the cluster.
_JOB_BYTES: Final = 2**26
_JOBS_AT_ONCE: Final = 2
_LOOK_S: Final = 0.25


class Spark:
    """Tasks of a cluster, or of `local[n]`, for as long as a `with` block lasts.

    Spark is started when there is something to do.

    Parameters
    ----------
    settings : SparkSettings
    """

    def __init__(self, settings: SparkSettings) -> None:
        self._settings = settings
        self._context: SparkContext | None = None
        self._devices = {device()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._context is not None:
            self._context.stop()
            self._context = None

    def completed(self, work: Callable[[Item], Result], items: Sequence[Item], where: Path) -> Iterator[tuple[int, Result]]:
        """Do `work` on each item (see `arcgate.ground.engine.Engine`).

        Raises
        ------
        ArcgateError
            Spark cannot be started, a worker has no arcgate or another one, does not see the folder, or was lost several times
            with the same task; the cluster did nothing for `patience_s`; or what `work` raised.
        """
        if not items:
            return
        if self._context is None:
            self._context = _started(self._settings)
        with _mark(where) as mark, ThreadPoolExecutor(_JOBS_AT_ONCE) as pool:
            errand = Errand(work, Path.cwd(), mark, surroundings())
            arrivals = _arrivals(self._context)
            jobs = [pool.submit(_job, self._context, part, partial(deliver, errand, arrivals)) for part in parts(items)]
            whole = False
            try:
                for done in self._arriving(self._context, jobs, arrivals):
                    yield done.position, cast("Result", self._result(done))
                whole = True
            finally:
                if not whole:
                    # What is still under way would otherwise be waited for.
                    for job in jobs:
                        job.cancel()
                    self.__exit__()

    def spreads(self, count: int) -> bool:
        """Whether several processes share so many items."""
        return count > 1

    def for_little(self) -> Self:
        """The same: once it is asked for, all work is done there."""
        return self

    def _arriving(self, context: SparkContext, jobs: Sequence[Future[None]], arrivals: Any) -> Iterator[Done]:
        seen, moved = 0, time.monotonic()
        while True:
            over = all(job.done() for job in jobs)
            self._check(jobs)
            fresh: list[Done] = arrivals.value[seen:]
            seen += len(fresh)
            yield from fresh
            if over:
                return
            if fresh or _under_way(context):
                moved = time.monotonic()
            self._check_patience(time.monotonic() - moved)
            wait([job for job in jobs if not job.done()], _LOOK_S, FIRST_COMPLETED)

    def _check(self, jobs: Sequence[Future[None]]) -> None:
        for job in jobs:
            error = job.exception() if job.done() else None
            if error is not None:
                raise meaning(str(error), self._settings.master, os.environ[PYTHON]) or error from error

    def _check_patience(self, quiet_s: float) -> None:
        if quiet_s > self._settings.patience_s:
            raise ArcgateError(
                f"the cluster has worked on nothing for {quiet_s:.0f} s: it has no worker, or none with what was asked for",
                where=f"runtime.spark.master={self._settings.master}",
                todo="look at its web page, start workers, ask for less (runtime.spark.memory, runtime.spark.conf), or wait for "
                "longer (runtime.spark.patience_s); finished parts are kept",
            )

    def _result(self, done: Done) -> object:
        if done.device not in self._devices:
            self._devices.add(done.device)
            say(f"note: a worker is of another type than this machine ({done.device}): last bits of pixels may differ")
        if isinstance(done.result, Failure):
            raise done.result.error
        return done.result


def parts(items: Sequence[object], most_bytes: int = _JOB_BYTES) -> list[list[tuple[int, object]]]:
    """Items with their positions, divided into jobs of so many bytes at most, or of one item."""
    jobs: list[list[tuple[int, object]]] = []
    filled = most_bytes
    for numbered in enumerate(items):
        size = len(pickle.dumps(numbered))
        if filled + size > most_bytes:
            jobs.append([])
            filled = 0
        jobs[-1].append(numbered)
        filled += size
    return jobs


def _job(context: SparkContext, part: list[tuple[int, object]], work: Callable[[tuple[int, object]], None]) -> None:
    context.parallelize(part, len(part)).foreach(work)


def _arrivals(context: SparkContext) -> Any:
    from pyspark.accumulators import AddingAccumulatorParam

    return context.accumulator([], AddingAccumulatorParam([]))


def _under_way(context: SparkContext) -> bool:
    """Whether the cluster works on any task."""
    tracker = context.statusTracker()
    stages = (tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds())
    return any(stage is not None and stage.numActiveTasks > 0 for stage in stages)


@contextmanager
def _mark(folder: Path) -> Iterator[Path]:
    """A file by which workers know the folder; what a kill leaves of it is removed like any half-written file."""
    mark = folder / f".seen-by-all.{secrets.token_hex(4)}{TEMPORARY}"
    write_json(mark, None)
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def _started(settings: SparkSettings) -> SparkContext:
    try:
        import pyspark
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkRuntimeError
    except ImportError as error:
        raise ArcgateError(
            "runtime.engine=spark needs pyspark, which is not installed",
            where=sys.executable,
            todo="install it: `make spark` in a checkout, else pip install 'arcgate[spark]'",
        ) from error
    check_java(os.environ)
    check_master(settings.master)
    os.environ.setdefault(PYTHON, sys.executable)
    conf = pyspark.SparkConf().setAll(spark_conf(settings, os.environ).items())
    with step(f"starting Spark, {settings.master}"), _own_interrupt(), warnings.catch_warnings():
        # Its tables, which are not used here, want an older pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        try:
            return pyspark.SparkContext(conf=conf)
        except (Py4JError, PySparkRuntimeError, ValueError) as error:
            raise not_started(str(error), settings.master, os.environ[PYTHON]) from error


@contextmanager
def _own_interrupt() -> Iterator[None]:
    """Keep what Ctrl+C does: Spark's own handler would outlive the session, and then fail."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
