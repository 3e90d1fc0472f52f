"""Engines: who does work on many items. Processes of this machine here; a cluster in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TypeVar

from arcgate.ground.workers import completed

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Does the same work on each of many items; no result depends on which engine does it.

    What it is given must bear a second attempt: an item whose process was lost, or is slow, may be worked on once more, at the
    same time even. Work that writes does so under a temporary name (`arcgate.ground.atomic`).
    """

    def completed(self, work: Callable[[Item], Result], items: Sequence[Item], where: Path) -> Iterator[tuple[int, Result]]:
        """Do `work` on each item and yield (position, result) as they are done, each item once.

        Parameters
        ----------
        work : callable
            Picklable: a function of a module.
        items : sequence
            Picklable too. What is finished is left out by whoever calls.
        where : Path
            Folder in which the work writes.

        Raises
        ------
        ArcgateError
            A process ended before its work did, or `work` raised it.
        """
        ...

    def spreads(self, count: int) -> bool:
        """Whether several processes share so many items."""
        ...

    def for_little(self) -> Self:
        """The engine for work that is done sooner than processes are started."""
        ...


@dataclass(frozen=True)
class Local:
    """Processes of this machine, which end with the one that started them.

    Attributes
    ----------
    workers : int
        Processes; with 1 the work is done by this one.
    """

    workers: int = 1

    def completed(self, work: Callable[[Item], Result], items: Sequence[Item], where: Path) -> Iterator[tuple[int, Result]]:
        """Do `work` on each item (see `Engine`); whatever it raises passes through."""
        return completed(work, items, self.workers, where)

    def spreads(self, count: int) -> bool:
        """Whether several processes share so many items."""
        return min(self.workers, count) > 1

    def for_little(self) -> Local:
        """No processes but this one."""
        return Local(1)
