"""The local engine: shards made one after the other, or by several processes."""

from __future__ import annotations

from collections.abc import Sequence

from arcgate.dataset.receipts import Receipt
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import step
from arcgate.ground.workers import completed
from arcgate.injection.shard import ShardTask, run_shard


def run_tasks(tasks: Sequence[ShardTask], workers: int) -> list[Receipt]:
    """Make every shard and return the receipts in the order of the tasks. One that fails does not stop the others.

    Parameters
    ----------
    tasks : sequence of ShardTask
        Finished ones are not made again.
    workers : int
        Processes; 1 works in this process.

    Raises
    ------
    ArcgateError
        Some shards could not be made: how many, and what went wrong with the first. What `run_shard` raises is raised again,
        after the others are made, where it is no ArcgateError or where all else was made.
    """
    made: dict[int, Receipt | Exception] = {}
    with step("building shards", len(tasks)) as advance:
        for number, result in completed(_attempted, tasks, workers, tasks[0].path.parent):
            made[number] = result
            advance(1)
    results = [made[number] for number in range(len(tasks))]
    receipts = [result for result in results if isinstance(result, Receipt)]
    failures = [result for result in results if isinstance(result, Exception)]
    if failures:
        raise _together(failures, len(tasks))
    return receipts


def _attempted(task: ShardTask) -> Receipt | Exception:
    """A shard, or what went wrong with it: raised again once the others are made."""
    try:
        return run_shard(task)
    except Exception as error:  # noqa: BLE001  # whatever it is, the other shards are not to suffer from it
        return error


def _together(failures: Sequence[Exception], tasks: int) -> Exception:
    first = failures[0]
    if len(failures) == 1 or not isinstance(first, ArcgateError):
        return first
    return ArcgateError(
        f"{len(failures)} of {tasks} shards could not be made; the others are kept. The first: {first.what}",
        where=first.where,
        todo=f"{first.todo or 'mend what is wrong'}; the same command then makes those that are missing",
    )
