"""Shares of rows none of which may be off, as a statistic, with leaks planted in a row of each shard. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arcgate.gates.core.evaluator import Outcome
from arcgate.gates.core.sensitivity import SensitivityCurve
from arcgate.ground.statistics import Interval

NOTICED = "in a planted row"


@dataclass(frozen=True)
class Noticed:
    """Whether a planted leak was noticed wherever it was planted.

    Attributes
    ----------
    noticed : bool
        At the size that is required.
    detected, required : float
        The smallest size that is noticed, and the one that must be.
    unit : str
        Of both; empty for a leak that is there or not.
    """

    noticed: bool
    detected: float = 1.0
    required: float = 1.0
    unit: str = ""


@dataclass(frozen=True)
class CountStatistic:
    """A share that is known exactly; see `evaluator.Statistic`.

    Attributes
    ----------
    gate, view : str
    value : Interval
        The share, with how many rows and galaxies it is of.
    shown : Outcome
        What it shows.
    planted : mapping of str to Noticed
        By leak.
    """

    gate: str
    view: str
    value: Interval
    shown: Outcome
    planted: Mapping[str, Noticed]

    def measured(self) -> Interval:
        """The share."""
        return self.value

    def alarm(self) -> str:
        """A row that is held against itself is never off."""
        return ""

    def curves(self) -> list[SensitivityCurve]:
        """One size a leak: noticed or not."""
        found = []
        for leak, seen in self.planted.items():
            share = exactly(float(seen.noticed), self.value.n, self.value.n_groups)
            detected = seen.detected if seen.noticed else None
            found.append(
                SensitivityCurve(self.gate, self.view, leak, seen.unit, (seen.required,), (share,), detected, seen.required)
            )
        return found

    def outcome(self, measured: Interval) -> Outcome:
        """As it was found."""
        return self.shown


def exactly(share: float, rows: int, galaxies: int) -> Interval:
    """A share that is known without an error."""
    return Interval(share, share, share, rows, galaxies)
