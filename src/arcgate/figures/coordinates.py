"""The axes of parallel coordinates: where each run's line crosses them, between 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.figures.variants import factors, numbers

OWN: Final = "test/auroc"
COMMON: Final = "common/auroc"
FAULTS: Final = {"gates_failed": "gates failed", "worst_distance": "worst gate's distance"}
"""Columns that are the better the smaller they are, with their headings: their axes point down."""
SCORES: Final = {OWN: "own AUROC", COMMON: "common AUROC", "common/recall_at_fpr": "recall, common"}
"""Columns that are the better the larger they are. Both AUROC have one scale, so that a line that falls shows a leak."""
MOST_FACTORS: Final = 6
_MOST_CHOICES: Final = 8
_FILLED: Final = 0.42
_SPREAD: Final = 0.34


@dataclass(frozen=True)
class Coordinate:
    """One axis.

    Attributes
    ----------
    heading : str
        What it shows.
    heights : ndarray
        Of each run, 0 to 1; NaN where it has no value.
    boxes : tuple of (float, float, str)
        Middle, half height and words of each choice; none on an axis of numbers.
    ends : (str, str) or None
        Numbers at 0 and at 1.
    """

    heading: str
    heights: NDArray[np.float64]
    boxes: tuple[tuple[float, float, str], ...] = ()
    ends: tuple[str, str] | None = None

    @property
    def has_missing(self) -> bool:
        """Whether some run has no value."""
        return bool(np.isnan(self.heights).any())


def coordinates(table: pd.DataFrame, first: Sequence[int]) -> tuple[list[Coordinate], list[str]]:
    """Axes of a study's table, from left to right, and the factors for which there is no room.

    Parameters
    ----------
    table : DataFrame
        A row a run.
    first : sequence of int
        For each row the first one of its variant: the runs of one variant share their place in a choice.
    """
    both = pd.concat([numbers(table, OWN), numbers(table, COMMON)])
    ends = (float(both.min()), float(both.max()))
    outcomes = [_numeric(heading, -numbers(table, name)) for name, heading in FAULTS.items()]
    outcomes += [
        _numeric(heading, numbers(table, name), ends if name in (OWN, COMMON) else None) for name, heading in SCORES.items()
    ]
    # Lines that share a choice lie in the order of their ends, so that they cross as little as may be.
    keys = np.array([np.nan_to_num(one.heights, nan=-1.0) for one in outcomes])
    rank = np.empty(len(table))
    rank[np.lexsort(keys)] = np.arange(len(table))
    differing = factors(table)
    shown = [_of_factor(table[name], name, rank, np.asarray(first)) for name in differing[:MOST_FACTORS]]
    return [*shown, *outcomes], differing[MOST_FACTORS:]


def _of_factor(values: pd.Series[float], name: str, rank: NDArray[np.float64], first: NDArray[np.int64]) -> Coordinate:
    heading = ".".join(name.removesuffix(".name").split(".")[-2:]).removeprefix("data.")
    as_numbers = pd.to_numeric(values, errors="coerce")
    if as_numbers.notna().all() and values.nunique() > _MOST_CHOICES:
        return _numeric(heading, as_numbers.astype(float))
    return _choices(heading, [_text(value) for value in values], rank, first)


def _choices(heading: str, texts: list[str], rank: NDArray[np.float64], first: NDArray[np.int64]) -> Coordinate:
    """A box a choice, in which its lines lie side by side."""
    names = sorted(set(texts), key=_by_number)
    step = 1.0 / len(names)
    heights = np.empty(len(texts))
    for place, name in enumerate(names):
        rows = np.array([row for row, text in enumerate(texts) if text == name and first[row] == row], dtype=np.int64)
        ordered = rows[np.argsort(rank[rows], kind="stable")]
        beside = np.linspace(-1.0, 1.0, len(rows)) if len(rows) > 1 else np.zeros(1)
        heights[ordered] = (place + 0.5 + _SPREAD * beside) * step
    heights = heights[first]
    boxes = tuple(((place + 0.5) * step, _FILLED * step, name) for place, name in enumerate(names))
    return Coordinate(heading, heights, boxes)


def _numeric(heading: str, values: pd.Series[float], ends: tuple[float, float] | None = None) -> Coordinate:
    """From the least to the largest number, or between ends; one number alone lies in the middle."""
    found = np.asarray(values, dtype=np.float64)
    if not np.isfinite(found).any():
        return Coordinate(heading, np.full(len(found), np.nan), ends=("", ""))
    low, high = ends if ends is not None else (float(np.nanmin(found)), float(np.nanmax(found)))
    if low == high:
        heights, words = 0.5 + 0.0 * found, ("", _number(high))
    else:
        heights, words = (found - low) / (high - low), (_number(low), _number(high))
    return Coordinate(heading, heights.astype(np.float64), ends=words)


def _number(value: float) -> str:
    """As it stands at the end of an axis; those that point down have negative numbers."""
    size = abs(value)
    return f"{size:g}" if size == round(size) and size != 1.0 else f"{size:.3f}" if size >= 0.0005 else f"{size:.1g}"


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if value is None or value is pd.NA or value != value:
        return "not known"
    return f"{float(value):.3g}" if isinstance(value, int | float | np.integer | np.floating) else str(value)


def _by_number(text: str) -> tuple[bool, float, str]:
    """Numbers in their order, and words behind them."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
