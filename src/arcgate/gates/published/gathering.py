"""What the diagnostics share: one table of small numbers a shard, and results made of intervals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Stamps
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.published.clustering import NotEstimableError
from arcgate.gates.result import RAW, GateResult
from arcgate.ground.statistics import Interval
from arcgate.variant import Gates
from arcgate.views.view import Viewer

OVERALL = "overall"


@dataclass
class Diagnostic(ABC):
    """A collector that keeps one table a shard and reports from all of them.

    Diagnostics look at pixels as stored, whatever the view.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _tables: list[pd.DataFrame] = field(default_factory=list, init=False)

    @abstractmethod
    def measure(self, arms: Arms) -> pd.DataFrame | None:
        """Small numbers of one shard; None where the shard has nothing for this diagnostic."""

    @abstractmethod
    def judge(self) -> list[GateResult]:
        """Results over everything gathered."""

    @abstractmethod
    def exhibits(self) -> list[Exhibit]:
        """Figures and tables."""

    def add(self, arms: Arms) -> None:
        """Take one shard's numbers."""
        table = self.measure(arms)
        if table is not None and len(table):
            self._tables.append(table)

    def merge(self, other: Self) -> None:
        """Take over what another copy gathered from a later shard."""
        self._tables.extend(other._tables)

    def table(self, *needed: str) -> pd.DataFrame:
        """All rows for which the columns `needed` are finite; without rows, a table without columns."""
        if not self._tables:
            return pd.DataFrame()
        rows = pd.concat(self._tables, ignore_index=True)
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
    return GateResult(
        name, RAW, stratum, "diagnostic", None, None, None, None, None, 0, 0, "not_run", reason, null=None, leak_unit=""
    )


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
        name, RAW, stratum, "diagnostic", value, low, high, None, None, n, n_groups, "reported", reason, null=None, leak_unit=""
    )
