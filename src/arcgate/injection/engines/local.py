"""The local engine: shards made one after the other, or by several processes."""

from __future__ import annotations

from collections.abc import Sequence

from arcgate.dataset.receipts import Receipt
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import say, step
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
        Shards could not be made: how many, and what went wrong with the first, which is said at once. Errors that nobody foresaw
        are not waited with.
    """
    made: dict[int, Receipt | ArcgateError] = {}
    with step("building shards", len(tasks)) as advance:
        for number, result in completed(_attempted, tasks, workers, tasks[0].path.parent):
            made[number] = result
            advance(1)
            if isinstance(result, ArcgateError) and sum(isinstance(one, ArcgateError) for one in made.values()) == 1:
                say(f"a shard cannot be made, the others go on: {result}")
    results = [made[number] for number in range(len(tasks))]
    receipts = [result for result in results if isinstance(result, Receipt)]
    failures = [result for result in results if isinstance(result, ArcgateError)]
    if failures:
        raise _together(failures, len(tasks))
    return receipts


def _attempted(task: ShardTask) -> Receipt | ArcgateError:
    """A shard, or what is wrong with it: raised once the others are made."""
    try:
        return run_shard(task)
    except ArcgateError as error:
        return error


def _together(failures: Sequence[ArcgateError], tasks: int) -> ArcgateError:
    first = failures[0]
    if len(failures) == 1:
        return first
    return ArcgateError(
        f"{len(failures)} of {tasks} shards could not be made; the others are kept. The first: {first.what}",
        where=first.where,
        todo=f"{first.todo or 'mend what is wrong'}; the same command then makes those that are missing",
    )
