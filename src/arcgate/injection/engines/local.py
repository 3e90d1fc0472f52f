"""The local engine: shards made one after the other, or by several processes."""

from __future__ import annotations

from collections.abc import Sequence

from arcgate.dataset.receipts import Receipt
from arcgate.ground.progress import step
from arcgate.ground.workers import completed
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
    with step("building shards", len(tasks)) as advance:
        for number, receipt in completed(run_shard, tasks, workers, tasks[0].path.parent):
            receipts[number] = receipt
            advance(1)
    return [receipts[number] for number in range(len(tasks))]
