"""By what rows are halved and clustered that share conditions: a brick of 300 rows is one measurement of its depth. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from astropy import units
from astropy_healpix import lonlat_to_healpix
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.survey.columns import HEALPIX_NSIDE
from arcgate.survey.legacy.brick_scheme import brick_centres

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

LEAST: Final = 20
"""Fewer bricks or cells of a class than this leave a gate undetermined."""
_CONDITIONS: Final = ("psfsize", "depth", "psfdepth", "galdepth")
# Share of a condition's variance that lies within bricks, below which a brick's rows share it.
_WITHIN: Final = 0.5


@dataclass(frozen=True, eq=False)
class Clustered:
    """Rows of two classes by what they share.

    Attributes
    ----------
    one, zero : ndarray of int
        The cluster of each row of either class.
    context : Context
        Its halves and intervals are those of the clusters.
    remark : str
        What they are, for the reason; empty for galaxies.
    """

    one: Ids
    zero: Ids
    context: Context
    remark: str


def clustered(positive: pd.DataFrame, control: pd.DataFrame, of_one: Ids, of_zero: Ids, context: Context) -> Clustered:
    """By brick where its rows share conditions, by cell of the sky where only positions are known, else by galaxy.

    Parameters
    ----------
    positive, control : DataFrame
        Columns of either class: brick, ra, dec and conditions, as far as they are recorded.
    of_one, of_zero : ndarray of int
        Galaxy of each row.
    context : Context

    Notes
    -----
    Pairs have the same conditions in both classes, whatever brick they lie in: they stay with galaxies.
    """
    by_galaxy = Clustered(of_one, of_zero, context, "")
    if context.facts.paired:
        return by_galaxy
    both, galaxy = pd.concat([positive, control], ignore_index=True), np.concatenate([of_one, of_zero])
    found = _shared(both, galaxy, context.facts)
    if found is None:
        return by_galaxy
    names, groups = found
    ids, grouped = context.by(names, groups, LEAST)
    remark = f"; halves and intervals by {groups}, of which there are {len(grouped.galaxies)}"
    return Clustered(ids[: len(positive)], ids[len(positive) :], grouped, remark)


def _shared(table: pd.DataFrame, galaxy: Ids, facts: Facts) -> tuple[list[object], str] | None:
    """Name of each row's brick or cell, and what these are; None where rows of one share nothing."""
    if not facts.pixels:
        return sky_cells(table).tolist(), "sky cells"
    if "brick" in table and table["brick"].notna().any():
        # A row without a brick is a measurement of its own.
        own = pd.Series([f"galaxy {number}" for number in galaxy], index=table.index)
        names = table["brick"].astype(object).where(table["brick"].notna(), own).tolist()
        return (names, "bricks") if shares_conditions(table, names, galaxy) else None
    if facts.on_the_sky and {"ra", "dec"} <= set(table) and table[["ra", "dec"]].notna().all(axis=None):
        cells = sky_cells(table).tolist()
        return (cells, "sky cells") if shares_conditions(table, cells, galaxy) else None
    return None


def sky_cells(table: pd.DataFrame) -> Ids:
    """HEALPix cell (nside 64, nested) of the centre of each row's brick, so that no brick lies in two cells."""
    ra, dec = brick_centres(table["ra"].to_numpy(np.float64), table["dec"].to_numpy(np.float64))
    cells: Ids = np.asarray(lonlat_to_healpix(ra * units.deg, dec * units.deg, HEALPIX_NSIDE, order="nested"), dtype=np.int64)
    return cells


def shares_conditions(table: pd.DataFrame, names: Sequence[object], galaxy: Ids) -> bool:
    """Whether seeing or depth varies less among galaxies of one brick than among bricks."""
    conditions = [str(name) for name in table if str(name).startswith(_CONDITIONS)]
    first = pd.DataFrame({"galaxy": galaxy}).drop_duplicates().index.to_numpy()
    code = pd.factorize(np.asarray(names, dtype=object)[first])[0]
    several = np.bincount(code)[code] > 1
    if not several.any():
        return False
    for name in conditions:
        values = table[name].to_numpy(np.float64, na_value=np.nan)[first]
        known = several & np.isfinite(values)
        if known.sum() > 1 and _within(values[known], code[known]) < _WITHIN * float(np.var(values[np.isfinite(values)])):
            return True
    return False


def _within(values: Array, code: Ids) -> float:
    """Variance about the means of groups, unbiased; infinite where no group has two values."""
    count = np.bincount(code)
    mean = np.bincount(code, values) / np.maximum(count, 1)
    degrees = int(np.maximum(count - 1, 0).sum())
    return float(np.sum((values - mean[code]) ** 2) / degrees) if degrees else np.inf
