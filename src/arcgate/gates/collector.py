"""How a gate takes part in the one pass over a data set."""

from __future__ import annotations

from typing import Protocol, Self

from arcgate.gates.arms import Arms
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.result import GateResult


class Collector(Protocol):
    """Gathers small features shard by shard, in any process, and judges them at the end.

    Instances are picklable: each worker fills a fresh copy with one shard, and the copies are merged in shard order, so
    that no result depends on the number of workers.
    """

    def add(self, arms: Arms) -> None:
        """Take what is needed from one shard's stamps."""
        ...

    def merge(self, other: Self) -> None:
        """Take over what another copy gathered from a later shard."""
        ...

    def judge(self) -> list[GateResult]:
        """Results over everything gathered; what cannot run is not_run, with the reason."""
        ...

    def exhibits(self) -> list[Exhibit]:
        """Figures and tables for the report; called after `judge`."""
        ...
