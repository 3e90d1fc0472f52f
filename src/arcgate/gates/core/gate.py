"""What a gate is: one module that measures stamps, judges what was measured, and says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import RAW, Cause, GateResult, Status
from arcgate.gates.core.sensitivity import SensitivityCurve
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.words import DesignLeak, Words
from arcgate.gates.features.regions import Regions
from arcgate.variant import Gates, View


@dataclass(frozen=True)
class Total:
    """An array that is added over shards, where rows would be appended."""

    value: NDArray[Any]


Kept = NDArray[Any] | pd.DataFrame | Total
"""What is kept of a shard: rows, which are appended to those of other shards, or a total, which is added to theirs."""
Arrays = Mapping[str, Any]
"""What was kept of all shards, by the keys that `extract` gave it: arrays, tables, and the arrays of totals."""


@dataclass(frozen=True)
class Judgement:
    """What a gate adds to the evidence.

    Attributes
    ----------
    results : list of GateResult
    exhibits : list of Exhibit
        Figures and tables of the report.
    curves : list of SensitivityCurve
        How it sees its planted leaks.
    cause : Cause or None
        Of the refit alone.
    """

    results: list[GateResult]
    exhibits: list[Exhibit]
    curves: list[SensitivityCurve]
    cause: Cause | None = None


@runtime_checkable
class Gate(Protocol):
    """A gate, or a diagnostic. Stateless: any process may extract or judge."""

    @property
    def name(self) -> str:
        """Of its module."""
        ...

    @property
    def requires(self) -> str:
        """What *passed* needs of it, in words; gates with the same words are one requirement. Empty for diagnostics."""
        ...

    @property
    def cause(self) -> DesignLeak | None:
        """What its failure names; None where the refit, or nobody, knows the cause."""
        ...

    @property
    def bounds_light(self) -> bool:
        """Whether it bounds light that was added beyond the declared arcs: the cause is physics only if it has passed."""
        ...

    def words(self, result: str) -> Words:
        """What one of its results is called."""
        ...

    def compared_words(self) -> str:
        """What is held against what."""
        ...

    def planted_words(self, settings: Gates, regions: Regions) -> str:
        """Which leaks are planted, and the size at which each must be detected, on stamps with these regions."""
        ...

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Results (`<name>/<view>`) that must have passed before such a data set is called safe."""
        ...

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Small arrays of one shard, a row a stamp or pair; the same keys from every shard in which there is something."""
        ...

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """Results from what was kept of all shards; what cannot run is not_run, with the reason."""
        ...


@dataclass(frozen=True, kw_only=True)
class StatedGate:
    """What a gate states of itself; a gate adds `extract` and `judge`.

    Attributes
    ----------
    name : str
        Of its module, and of its result.
    section, title, asks, failing, advice : str
        See `Words`.
    view : str
        Of its result.
    compares, plants : str
        What is held against what, and which leaks are planted and must be detected, in words.
    requires, cause, bounds_light
        See `Gate`.
    """

    name: str
    section: str
    title: str
    asks: str = ""
    failing: str = ""
    advice: str = ""
    view: str = RAW
    compares: str = ""
    plants: str = ""
    requires: str = ""
    cause: DesignLeak | None = None
    bounds_light: bool = False

    def words(self, result: str) -> Words:
        """See `Gate`."""
        return Words(self.section, self.title, self.asks, self.failing, self.advice)

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Its result, where anything is required of it."""
        return [f"{self.name}/{self.view}"] if self.requires else []

    def compared_words(self) -> str:
        """What is held against what."""
        return self.compares

    def planted_words(self, settings: Gates, regions: Regions) -> str:
        """Which leaks are planted, and the size at which each must be detected."""
        return self.plants

    def result_of(self, status: Status, reason: str, **fields: Any) -> GateResult:
        """A result with its name and view."""
        return GateResult(**({"name": self.name, "view": self.view, "status": status, "reason": reason} | fields))


@runtime_checkable
class ReadsColumns(Protocol):
    """A gate that looks at columns of all rows of the data set, judged or not; it finds them under `ALL_ROWS`."""

    def columns(self, facts: Facts) -> list[str]:
        """The columns that it needs."""
        ...


@runtime_checkable
class Summary(Protocol):
    """A gate that is judged after the others, from what they found."""

    def summarise(self, judged: Mapping[str, Judgement], context: Context) -> Judgement:
        """Results from those of the other gates, by their names."""
        ...


@runtime_checkable
class LeftOut(Protocol):
    """A gate that no pass needs, and that says so where no list has it."""

    def left_out(self) -> GateResult:
        """Its result then."""
        ...


ALL_ROWS: Final = "all rows"
