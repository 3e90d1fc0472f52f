"""The local engine: shards made one after the other, or by several processes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from arcgate.dataset.receipts import Receipt
from arcgate.injection.shard import ShardTask, run_shard
from arcgate.workers import completed


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
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("shards", total=len(tasks))
        for number, receipt in completed(run_shard, tasks, workers, tasks[0].path.parent):
            receipts[number] = receipt
            progress.advance(bar)
    return [receipts[number] for number in range(len(tasks))]
