"""The local engine: shards made one after the other, or by several processes."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from arcgate.dataset.receipts import Receipt
from arcgate.errors import ArcgateError
from arcgate.injection.shard import ShardTask, run_shard


def run_tasks(tasks: Sequence[ShardTask], workers: int) -> list[Receipt]:
    """Make every shard and return the receipts in the order of the tasks.

    Parameters
    ----------
    tasks : sequence of ShardTask
        Finished ones are not made again.
    workers : int
        Processes; 1 works in this process.
    """
    receipts: dict[int, Receipt] = {}
    columns = (TextColumn("building shards"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("shards", total=len(tasks))
        for number, receipt in _completed(tasks, workers):
            receipts[number] = receipt
            progress.advance(bar)
    return [receipts[number] for number in range(len(tasks))]


def _completed(tasks: Sequence[ShardTask], workers: int) -> Iterator[tuple[int, Receipt]]:
    if workers == 1 or len(tasks) == 1:
        for number, task in enumerate(tasks):
            yield number, run_shard(task)
        return
    # spawn: a forked child of a process that has started threads (torch, MLflow) may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        futures = {pool.submit(run_shard, task): number for number, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise ArcgateError(
                "a worker process ended while building shards (killed, or out of memory)",
                where=f"{len(tasks)} shards, {workers} workers",
                todo="run again: finished shards are kept; with too little memory use runtime.workers=1",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)
