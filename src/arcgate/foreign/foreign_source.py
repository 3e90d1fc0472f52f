"""A source over stamps that arcgate did not write: rows in pairs, what is not recorded is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import Facts, needed
from arcgate.foreign.measuring import ANNULUS, centres, sky_sigma
from arcgate.foreign.pairing import Arranged
from arcgate.foreign.recorded import CENTRE, sky_names
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

# Rows of a part: a thousand pairs, about 100 MB of stamps.
ROWS_PER_PART = 2000


class StampStore(Protocol):
    """Stamps by stored row. Instances are small to pickle."""

    def stamps(self, rows: NDArray[np.int64], own: NDArray[np.bool_]) -> tuple[Pixels, Pixels | None]:
        """Stamps (n, band, y, x) of stored rows, where `own` those before the injection; and arcs where they are stored."""
        ...


@dataclass(frozen=True, eq=False)
class ForeignPart:
    """A run of pairs."""

    store: StampStore
    table: pd.DataFrame
    stored: NDArray[np.int64]
    own: NDArray[np.bool_]
    same_galaxy: bool
    imaging: Imaging

    def read(self) -> StampBatch:
        """Rows with stamps; centres and noise are measured where they are not recorded.

        Raises
        ------
        ArcgateError
            A stamp cannot be read.
        """
        image, arc = self.store.stamps(self.stored, self.own)
        # The positive of a pair has its control's galaxy and sky: both are measured where no arc is in the way.
        clean, times = (image[1::2], 2) if self.same_galaxy else (image, 1)
        # Stamps with missing pixels are judged by no gate but `finite_pixels`: what is measured on them does not matter.
        clean = np.where(np.isfinite(clean), clean, np.float32(0.0))
        added: dict[str, NDArray[np.float64]] = {}
        if CENTRE[0] not in self.table:
            added |= {name: np.repeat(values, times) for name, values in zip(CENTRE, centres(clean, self.imaging), strict=True)}
        if sky_names(self.imaging)[0] not in self.table:
            measured = zip(sky_names(self.imaging), sky_sigma(clean).T, strict=True)
            added |= {name: np.repeat(values, times) for name, values in measured}
        return StampBatch(self.table.assign(**added), image, arc)


@dataclass(frozen=True, eq=False)
class ForeignSource:
    """Stamps of another maker as a source.

    Attributes
    ----------
    path : Path
        File or folder.
    digest : str
        SHA-256 of its content.
    facts : Facts
        What it holds.
    notes : tuple of str
        What was taken as recorded, what was measured or assumed, and what was left out; sentences for the reader.
    """

    path: Path
    digest: str
    facts: Facts
    notes: tuple[str, ...]
    store: StampStore
    arranged: Arranged

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """Columns of all rows; centres and noise of rows without a partner are null where they would have to be measured.

        Raises
        ------
        ArcgateError
            For a column that the source does not hold.
        """
        unknown = [name for name in columns if name not in self.facts.columns]
        if unknown:
            raise ArcgateError(f"no such columns: {unknown}", where=self.path, todo="ask `facts.columns` first")
        table = self.arranged.table
        measured = [name for name in columns if name not in table]
        if not measured:
            return table[list(columns)].copy()
        found = pd.concat([part.read().table[measured] for part in self.parts()], ignore_index=True)
        return table.join(found)[list(columns)]

    def parts(self) -> list[ForeignPart]:
        """Runs of a thousand pairs."""
        rows = self.arranged
        return [
            ForeignPart(
                self.store,
                rows.table.iloc[begin : min(begin + ROWS_PER_PART, rows.n_paired)].reset_index(drop=True),
                rows.stored[begin : min(begin + ROWS_PER_PART, rows.n_paired)],
                rows.own[begin : min(begin + ROWS_PER_PART, rows.n_paired)],
                self.facts.paired,
                self.facts.imaging,
            )
            for begin in range(0, rows.n_paired, ROWS_PER_PART)
        ]


def foreign_facts(
    layout: str,
    arranged: Arranged,
    *,
    same_galaxy: bool,
    has_arc: bool,
    declared: bool,
    galaxies_named: bool,
    recorded: pd.DataFrame,
    imaging: Imaging,
    precision: str,
    left_out_p: float | None,
    nanomaggies_per_count: float,
) -> Facts:
    """Facts of stamps of another maker.

    Parameters
    ----------
    layout : str
    arranged : Arranged
    same_galaxy : bool
        Controls are the positives' own galaxies, on which everything is measured.
    has_arc, galaxies_named, imaging, precision, left_out_p, nanomaggies_per_count
        As in `Facts`.
    declared : bool
        What `arcgate.foreign.recorded` found.
    recorded : DataFrame
        Columns of the schema that the file holds.
    """
    measured = frozenset(name for name in (*CENTRE, *sky_names(imaging)) if name not in recorded)
    return Facts(
        layout=layout,
        paired=same_galaxy,
        has_arc=has_arc,
        has_null=False,
        declared=declared,
        columns=frozenset([*arranged.table.columns, *needed(imaging)]),
        galaxies_named=galaxies_named,
        measured_on_arcs=frozenset() if same_galaxy else measured,
        precision=precision,
        imaging=imaging,
        left_out_p=left_out_p,
        nanomaggies_per_count=nanomaggies_per_count,
        several_splits="split" in arranged.table and arranged.table["split"].nunique() > 1,
        positions="ra" in arranged.table,
    )


def measuring_notes(recorded: pd.DataFrame, same_galaxy: bool, imaging: Imaging) -> list[str]:
    """Say what the pixels had to tell, given the recorded columns."""
    where = "on the control of each pair" if same_galaxy else "on each stamp, with its arc, which pulls it towards the arc"
    notes = []
    if CENTRE[0] not in recorded:
        notes.append(
            f"the galaxies' centres are not recorded: they are measured {where}, as a windowed centroid in the "
            f"{imaging.reference_band} band ({imaging.middle_pix:g} where no light is found)"
        )
    if sky_names(imaging)[0] not in recorded:
        reach = ANNULUS * imaging.size_pix / 2
        notes.append(f"the noise of the sky is not recorded: it is measured at r >= {reach:g} px (median absolute deviation)")
    return notes


def alone_note(arranged: Arranged) -> list[str]:
    """Say how many rows have no partner."""
    alone = arranged.table.iloc[arranged.n_paired :]
    if alone.empty:
        return []
    controls = int((alone["label"] == 0).sum())
    return [
        f"{len(alone) - controls} positives and {controls} controls have no partner and take part in split integrity only; "
        f"{arranged.n_paired // 2} pairs are judged"
    ]


def require_pairs(path: Path, arranged: Arranged, is_control: NDArray[np.bool_]) -> None:
    """Raise ArcgateError unless there is something to compare."""
    if arranged.n_paired == 0:
        positives, controls = int((~is_control).sum()), int(is_control.sum())
        raise ArcgateError(
            f"{positives} positives and {controls} controls give no pair: one class cannot be told from nothing",
            where=path,
            todo="give both classes; where pairs are recorded, with a control to each positive",
        )
