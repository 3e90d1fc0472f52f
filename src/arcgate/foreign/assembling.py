"""From what a layout recorded of its rows to a source in pairs: the same steps for tables and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from arcgate.foreign.exact_names import Place
from arcgate.foreign.foreign_source import ForeignSource, StampStore, alone_note, foreign_facts, measuring_notes, require_pairs
from arcgate.foreign.left_out import LeftOut
from arcgate.foreign.pairing import Pairs, arrange, pair_names, pair_rows
from arcgate.foreign.recorded import require_plausible, with_declared_arcs
from arcgate.foreign.rows import Recorded, believed
from arcgate.foreign.same_look import SameLook, coarsest
from arcgate.foreign.units import InNanomaggies, converted, unit_notes
from arcgate.imaging import ZERO_POINT


@dataclass(frozen=True, eq=False)
class Stored:
    """Where stamps lie and how.

    Attributes
    ----------
    layout : str
    path : Path
    digest : str
        Of all content.
    store : StampStore
    has_arc : bool
        Arcs are stored.
    types : frozenset of str
        Floating-point types in which pixels were written.
    """

    layout: str
    path: Path
    digest: str
    store: StampStore
    has_arc: bool
    types: frozenset[str]


@dataclass(frozen=True, eq=False)
class Kept:
    """Rows with a stamp: n of them.

    Attributes
    ----------
    recorded : Recorded
    is_control : ndarray of bool, shape (n,)
    own : str or None
        What holds each positive's galaxy beside it; None where controls are rows.
    left : LeftOut
        Which stored rows these are, and what was left out.
    runs : mapping of str to ndarray, shape (n,)
        Within which runs of rows names of pairs may start again.
    look : SameLook
        Of the stored rows that share a galaxy's name.
    place : callable
        File and row of a stored row, for messages.
    """

    recorded: Recorded
    is_control: NDArray[np.bool_]
    own: str | None
    left: LeftOut
    runs: Mapping[str, NDArray[np.generic]]
    look: SameLook
    place: Place

    def kept_place(self, row: int) -> str:
        """File and row of one of the n rows."""
        return self.place(int(self.left.kept[row]))


def assembled(rows: Kept, stored: Stored, notes: list[str]) -> ForeignSource:
    """A source: rows in pairs, with what was recorded, measured and left out.

    Parameters
    ----------
    rows : Kept
    stored : Stored
    notes : list of str
        Of the layout.

    Raises
    ------
    ArcgateError
        For pairs that cannot be told apart, galaxies that do not look like themselves, one class only, or for values
        that cannot be meant or rendered.
    """
    rows, stored, notes = _in_nanomaggies(rows, stored, notes)
    pairs, pairing = _paired(rows)
    scalars = rows.recorded.table
    own = rows.own is not None
    imaging = rows.recorded.imaging
    require_plausible(scalars, rows.is_control, own, imaging, rows.kept_place)
    arcs = with_declared_arcs(scalars, rows.is_control, own, imaging)
    if arcs.declared:
        # Imports torch, which takes seconds: only where arcs will be rendered.
        from arcgate.foreign.renderable import require_renderable

        require_renderable(arcs.table, rows.is_control, own, imaging, rows.kept_place)
    arranged = arrange(arcs.table, rows.is_control, pairs)
    require_pairs(stored.path, arranged, rows.is_control)
    same = pairs is None or pairs.same_galaxy
    facts = foreign_facts(
        stored.layout,
        arranged,
        same_galaxy=same,
        has_arc=stored.has_arc,
        declared=arcs.declared,
        galaxies_named=rows.recorded.identity.by != "row",
        recorded=scalars,
        imaging=imaging,
        precision=coarsest(stored.types),
        left_out_p=rows.left.p,
        nanomaggies_per_count=stored.store.factor if isinstance(stored.store, InNanomaggies) else 1.0,
    )
    said = (
        *rows.recorded.notes,
        *pairing,
        *rows.left.notes,
        *notes,
        *alone_note(arranged),
        *measuring_notes(scalars, same, imaging),
        *arcs.notes,
    )
    return ForeignSource(stored.path, stored.digest, facts, said, stored.store, arranged.at(rows.left.kept))


def _in_nanomaggies(rows: Kept, stored: Stored, notes: list[str]) -> tuple[Kept, Stored, list[str]]:
    """The same with counts converted, where the imaging's zero point is another."""
    recorded = rows.recorded
    imaging = recorded.imaging
    if imaging.zero_point == ZERO_POINT:
        return rows, stored, notes
    inside = replace(recorded, table=converted(recorded.table, imaging), imaging=imaging.in_nanomaggies)
    store = InNanomaggies(stored.store, imaging.nanomaggies_per_count)
    return replace(rows, recorded=inside), replace(stored, store=store), [*notes, *unit_notes(recorded.table, imaging)]


def _paired(rows: Kept) -> tuple[Pairs | None, list[str]]:
    """Pairs, None where each positive has its galaxy beside it; and how they were found."""
    scalars, notes = rows.recorded.table, list[str]()
    if rows.own is not None:
        pairs, rule = None, f"each positive is compared with its own galaxy ({rows.own})"
    else:
        if "pair_id" in scalars:
            names, notes = pair_names(scalars["pair_id"], rows.is_control, rows.runs, rows.kept_place)
            scalars = scalars.assign(pair_id=names)
        pairs = pair_rows(rows.is_control, scalars)
        rule = pairs.rule
    pairs, doubts = believed(pairs, rows.look, rows.recorded.identity, rows.place)
    return pairs, [rule, *notes, *doubts]
