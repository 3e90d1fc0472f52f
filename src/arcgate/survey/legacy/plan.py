"""Which bricks: galaxies at random over the sky touch nearly every brick, whole bricks give as many galaxies for far fewer bytes.

What that costs is independence: galaxies of one brick share depth and seeing, and leave parts of the sky unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.draws import text_ids, uniform
from arcgate.survey.legacy.layout import Footprint

Plan = Literal["whole_bricks", "spread"]
PLANS: Final[tuple[Plan, ...]] = get_args(Plan)

# Depth and seeing are divided into so many classes each, of about as many bricks.
_CLASSES: Final = 3


def bricks_of(table: pd.DataFrame) -> tuple[NDArray[np.int64], list[tuple[Footprint, str]]]:
    """Number of each galaxy's brick, and (footprint, name) of bricks, sorted.

    Parameters
    ----------
    table : DataFrame
        With `footprint` and `brick`: both footprints have bricks of the same names, which are other images.
    """
    together = pd.MultiIndex.from_frame(table[["footprint", "brick"]])
    codes, names = pd.factorize(together, sort=True)
    return codes.astype(np.int64), [("south" if footprint == "south" else "north", str(brick)) for footprint, brick in names]


def chosen(table: pd.DataFrame, plan: Plan, n_hosts: int | None, seed: int, band: str) -> NDArray[np.int64]:
    """Rows of the galaxies that a plan takes, ascending.

    Parameters
    ----------
    table : DataFrame
        Parents with `host_id`, `footprint`, `brick`, `depth_<band>`, `psfsize_<band>`.
    plan : {'whole_bricks', 'spread'}
    n_hosts : int or None
        Galaxies at least; None, or more than there are, takes all.
    seed : int
        Draws are keyed on it and on names: a plan of more galaxies contains that of fewer.
    band : str
        Of the depth and seeing by which bricks are drawn in proportion.
    """
    if n_hosts is None or n_hosts >= len(table):
        return np.arange(len(table), dtype=np.int64)
    if plan == "spread":
        drawn = uniform(seed, "spread_hosts", text_ids(table["host_id"].tolist()))
        return np.sort(np.argsort(drawn, kind="stable")[:n_hosts]).astype(np.int64)
    places, names = bricks_of(table)
    counts = np.bincount(places, minlength=len(names))
    order = brick_order(names, counts, strata(table, places, band), seed)
    enough = int(np.searchsorted(np.cumsum(counts[order]), n_hosts)) + 1
    return np.flatnonzero(np.isin(places, order[:enough])).astype(np.int64)


def strata(table: pd.DataFrame, places: NDArray[np.int64], band: str) -> NDArray[np.int64]:
    """Class of each brick by the medians of depth and seeing of its galaxies, shape (bricks,)."""
    medians = table[[f"depth_{band}", f"psfsize_{band}"]].groupby(places).median()
    edges = [i / _CLASSES for i in range(1, _CLASSES)]
    number = np.zeros(len(medians), dtype=np.int64)
    for name in medians:
        values = medians[name].to_numpy(np.float64)
        number = number * _CLASSES + np.searchsorted(np.quantile(values, edges), values, side="right")
    return number


def brick_order(
    names: Sequence[tuple[str, str]], counts: NDArray[np.int64], stratum: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Order in which bricks are taken: random within a stratum, and at any length in proportion to the galaxies of each.

    A brick comes at the share of its stratum's galaxies that lie before its middle.
    """
    drawn = uniform(seed, "whole_bricks", text_ids([f"{footprint}/{brick}" for footprint, brick in names]))
    position = np.empty(len(names))
    for number in np.unique(stratum):
        members = np.flatnonzero(stratum == number)
        members = members[np.argsort(drawn[members], kind="stable")]
        taken = np.cumsum(counts[members])
        position[members] = (taken - 0.5 * counts[members]) / taken[-1]
    return np.lexsort((drawn, position)).astype(np.int64)
