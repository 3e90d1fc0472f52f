"""What the diagnostics share: one table of small numbers a shard, and results made of intervals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Arrays, Kept
from arcgate.gates.core.result import RAW, GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.published.clustering import NotEstimableError
from arcgate.ground.statistics import Interval
from arcgate.variant import Gates

OVERALL: Final = "overall"
_TABLE: Final = "table"


class Diagnostic(ABC):
    """A diagnostic that keeps one table, and reports from it. Diagnostics look at pixels as stored, whatever the view.

    Parameters
    ----------
    context : Context
        What is judged.
    arrays : mapping
        What was kept of all shards; nothing while shards are measured.
    """

    def __init__(self, context: Context, arrays: Arrays | None = None) -> None:
        self.context, self.arrays = context, arrays or {}

    @property
    def facts(self) -> Facts:
        """What the data set holds."""
        return self.context.facts

    @property
    def settings(self) -> Gates:
        """Level of the intervals, among others."""
        return self.context.settings

    @abstractmethod
    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Small numbers of one shard; None where the shard has nothing for this diagnostic."""

    @abstractmethod
    def judge(self) -> list[GateResult]:
        """Results over everything that was kept."""

    @abstractmethod
    def exhibits(self) -> list[Exhibit]:
        """Figures and tables; called after `judge`."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """What is kept of a shard."""
        table = self.measure(shard)
        return {_TABLE: table} if table is not None and len(table) else {}

    @property
    def rows(self) -> pd.DataFrame:
        """All rows of the table; without rows, a table without columns."""
        rows: pd.DataFrame = self.arrays.get(_TABLE, pd.DataFrame())
        return rows

    def table(self, *needed: str) -> pd.DataFrame:
        """All rows for which the columns `needed` are finite; without rows, a table without columns."""
        rows = self.rows
        if not len(rows):
            return rows
        finite: pd.DataFrame = rows[np.isfinite(rows[list(needed)].to_numpy(np.float64)).all(axis=1)].reset_index(drop=True)
        return finite


def identities(stamps: Stamps) -> pd.DataFrame:
    """Galaxy and pair of each row, the start of a table."""
    return stamps.table[["host_id", "pair_id"]].reset_index(drop=True)


def galaxies(table: pd.DataFrame) -> NDArray[np.str_]:
    """The galaxy of each row."""
    return table["host_id"].to_numpy(np.str_)


def reported(name: str, found: Interval, reason: str, stratum: str = OVERALL) -> GateResult:
    """A diagnostic with its interval."""
    return _result(name, stratum, found.value, found.low, found.high, found.n, found.n_groups, reason)


def stated(name: str, value: float | None, n: int, n_groups: int, reason: str, stratum: str = OVERALL) -> GateResult:
    """A diagnostic without an interval."""
    return _result(name, stratum, value, None, None, n, n_groups, reason)


def not_run(name: str, reason: str, stratum: str = OVERALL) -> GateResult:
    """A diagnostic that the data at hand cannot feed."""
    return GateResult(name=name, view=RAW, stratum=stratum, role="diagnostic", status="not_run", reason=reason)


def attempted(name: str, estimate: Callable[[], Interval], reason: str, stratum: str = OVERALL) -> GateResult:
    """What an estimate gives, or why it cannot be made."""
    try:
        return reported(name, estimate(), reason, stratum)
    except NotEstimableError as error:
        return not_run(name, str(error), stratum)


def _result(
    name: str, stratum: str, value: float | None, low: float | None, high: float | None, n: int, n_groups: int, reason: str
) -> GateResult:
    return GateResult(
        name=name,
        view=RAW,
        stratum=stratum,
        role="diagnostic",
        value=value,
        low=low,
        high=high,
        n=n,
        n_groups=n_groups,
        status="reported",
        reason=reason,
    )
