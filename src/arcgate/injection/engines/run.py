"""All shards of a data set, made by whichever engine there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from arcgate.dataset.receipts import Receipt, finished
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import say, step
from arcgate.injection.shard import ShardTask, run_shard

if TYPE_CHECKING:
    from arcgate.ground.engine import Engine


def run_tasks(tasks: Sequence[ShardTask], engine: Engine) -> list[Receipt]:
    """Make every shard and return the receipts in the order of the tasks. One that fails does not stop the others.

    Parameters
    ----------
    tasks : sequence of ShardTask
        Finished ones are not made again, and the engine never sees them.
    engine : Engine
        Who makes them.

    Raises
    ------
    ArcgateError
        Shards could not be made: how many, and what went wrong with the first, which is said at once. Errors that nobody foresaw
        are not waited with.
    """
    found = {number: receipt for number, task in enumerate(tasks) if (receipt := _kept(task)) is not None}
    made: dict[int, Receipt | ArcgateError] = {**found}
    wanting = [number for number in range(len(tasks)) if number not in found]
    with step("building shards", len(tasks)) as advance:
        advance(len(found))
        for place, result in engine.completed(_attempted, [tasks[number] for number in wanting], tasks[0].path.parent):
            made[wanting[place]] = result
            advance(1)
            if isinstance(result, ArcgateError) and sum(isinstance(one, ArcgateError) for one in made.values()) == 1:
                say(f"a shard cannot be made, the others go on: {result}")
    results = [made[number] for number in range(len(tasks))]
    receipts = [result for result in results if isinstance(result, Receipt)]
    failures = [result for result in results if isinstance(result, ArcgateError)]
    if failures:
        raise _together(failures, len(tasks))
    return receipts


def _kept(task: ShardTask) -> Receipt | None:
    return finished(task.path, task.rows["sample_id"].tolist())


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
        f"{len(failures)} of {count_of(tasks, 'shard')} could not be made; the others are kept. The first: {first.what}",
        where=first.where,
        todo=f"{first.todo or 'mend what is wrong'}; the same command then makes those that are missing",
    )
