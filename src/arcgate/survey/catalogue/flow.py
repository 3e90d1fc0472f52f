"""The cut flow: how many rows each cut leaves, with magnitudes as observed and corrected for extinction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arcgate.survey.catalogue.cuts import Values
from arcgate.survey.catalogue.rows import Extinction, Rows
from arcgate.survey.catalogue.selection import Cut, OfMagnitudes, Selection

OTHER: dict[Extinction, Extinction] = {"observed": "dereddened", "dereddened": "observed"}


@dataclass(frozen=True)
class Counts:
    """Rows that are left after each cut of a selection.

    Attributes
    ----------
    chosen, other : tuple of int
        With the selection's choice of extinction, and with the other one.
    """

    chosen: tuple[int, ...]
    other: tuple[int, ...]

    @staticmethod
    def none(selection: Selection) -> Counts:
        """No rows at all."""
        return Counts((0,) * len(selection.cuts), (0,) * len(selection.cuts))

    def __add__(self, more: Counts) -> Counts:
        return Counts(
            tuple(a + b for a, b in zip(self.chosen, more.chosen, strict=True)),
            tuple(a + b for a, b in zip(self.other, more.other, strict=True)),
        )


def select(rows: Rows, selection: Selection) -> tuple[Rows, Counts]:
    """Apply the cuts of a selection, each to what the ones before it left.

    Returns
    -------
    Rows
        Those that passed all cuts, with the selection's choice of extinction.
    Counts
    """
    cuts = list(selection.cuts.values())
    shared = next((number for number, cut in enumerate(cuts) if isinstance(cut, OfMagnitudes)), len(cuts))
    begun, first = _through(rows, cuts[:shared])
    chosen, last = _through(begun.with_extinction(selection.extinction), cuts[shared:])
    _, other = _through(begun.with_extinction(OTHER[selection.extinction]), cuts[shared:])
    return chosen, Counts((*first, *last), (*first, *other))


def left_out(selection: Selection, fields: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the cuts that a file with these columns is spared, since it lacks what they look at."""
    return tuple(name for name, cut in selection.cuts.items() if not _applies(cut, fields))


def _through(rows: Rows, cuts: list[Cut]) -> tuple[Rows, list[int]]:
    counts = []
    for cut in cuts:
        if rows.size and _applies(cut, rows.piece):
            rows = rows.only(cut.passes(rows))
        counts.append(rows.size)
    return rows, counts


def _applies(cut: Cut, columns: Mapping[str, object]) -> bool:
    return not (isinstance(cut, Values) and cut.if_present) or all(name in columns for name in cut.columns)
