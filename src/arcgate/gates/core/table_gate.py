"""Gates that look at columns of all rows and at no stamps, as those on positions do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arcgate.gates.core.counted import CountStatistic, Noticed
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate
from arcgate.gates.core.gate import Judgement, Kept, StatedGate
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.sky_rows import NOTICED
from arcgate.ground.statistics import Interval


@dataclass(frozen=True, kw_only=True)
class TableGate(StatedGate):
    """What such gates share; each adds `columns` and `judge`."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Nothing: no stamps are looked at."""
        return {}

    def stated(self, allowed: float = 0.0) -> Statement:
        """That no more than a share of rows may be off."""
        return Statement(self.name, self.view, 0.0, allowed, NOTICED)

    def counted(self, value: Interval, shown: Outcome, planted: Mapping[str, Noticed], allowed: float = 0.0) -> Judgement:
        """What a share shows that is known exactly, where no more than `allowed` may be off."""
        found = evaluate(self.stated(allowed), CountStatistic(self.name, self.view, value, shown, planted))
        return Judgement([found.result], [], list(found.curves))
