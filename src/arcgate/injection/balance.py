"""How far apart two groups of galaxies are in what is known of them: standardised mean differences, with intervals.

A standardised mean difference is the difference of the means in units of the standard deviation, that of both groups pooled
(Austin 2009, Stat. Med. 28, 3083): unlike a test it does not shrink with the number of rows, and 0.1 is what that paper calls
negligible. Groups may share galaxies, and rows may belong together as pairs; the interval counts them as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from arcgate.imaging import Imaging
from arcgate.injection.matching import with_colours
from arcgate.selection_node import COLOUR

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Row = dict[str, float | str | None]

LEVEL: Final = 0.9


@dataclass(frozen=True)
class Difference:
    """A standardised mean difference, first group less second, and its interval."""

    value: float
    low: float
    high: float


def standardised(first: Array, second: Array, clusters: tuple[tuple[Rows, Rows], ...], level: float = LEVEL) -> Difference | None:
    """Standardised mean difference of two groups.

    Parameters
    ----------
    first, second : ndarray, shapes (n,), (m,)
        A quantity of each row; rows where it is not known (NaN) do not count.
    clusters : tuple of pairs of ndarray of int, shapes (n,), (m,)
        What rows of both groups share, one way or two: rows of one number are not independent.
    level : float
        Coverage of the interval: normal, with the variance of the difference linearised in the rows' values, summed over
        clusters; for two ways after Cameron, Gelbach & Miller (2011, J. Bus. Econ. Stat. 29, 238), and no less than the first
        way alone.

    Returns
    -------
    Difference or None
        None where a group has fewer than two known rows, or nothing varies.
    """
    known = np.isfinite(first), np.isfinite(second)
    x, y = first[known[0]], second[known[1]]
    if len(x) < 2 or len(y) < 2:
        return None
    variance = (x.var(ddof=1) + y.var(ddof=1)) / 2.0
    # The last bits of a column that is constant are no spread.
    if variance <= (1e-12 * max(abs(x.mean()), abs(y.mean()), 1e-300)) ** 2:
        return None
    spread = np.sqrt(variance)
    value = float((x.mean() - y.mean()) / spread)
    pulls = np.r_[_pulls(x, value, spread, 1.0), _pulls(y, value, spread, -1.0)]
    ways = [np.unique(np.r_[one[known[0]], two[known[1]]], return_inverse=True)[1] for one, two in clusters]
    total = _summed(ways[0], pulls)
    if len(ways) == 2:
        both = np.unique(ways[0] * (int(ways[1].max()) + 1) + ways[1], return_inverse=True)[1]
        total = max(total, total + _summed(ways[1], pulls) - _summed(both, pulls))
    half = float(ndtri(0.5 + level / 2.0) * np.sqrt(total))
    return Difference(value, value - half, value + half)


def _pulls(values: Array, difference: float, spread: float, sign: float) -> Array:
    """How much each row moves the difference, to first order: through its group's mean, and through the pooled spread."""
    away = (values - values.mean()) / spread
    pulls: Array = (sign * away - difference * (away**2 - values.var(ddof=1) / spread**2) / 4.0) / len(values)
    return pulls


def _summed(cluster: Rows, pulls: Array) -> float:
    """Sum over clusters of the squared sums of their pulls."""
    return float(np.square(np.bincount(cluster, pulls)).sum())


def compared(imaging: Imaging) -> tuple[str, ...]:
    """Columns that are compared: brightness, colours, size, observing conditions, dust, declination."""
    bands = imaging.bands
    colours = [f"{COLOUR}_{blue}{red}" for blue, red in pairwise(bands)]
    stems = ("psfsize", "depth")
    conditions = [f"{stem}_{band}" for stem in stems for band in bands]
    return (*(f"host_mag_{band}" for band in bands), *colours, "host_reff_arcsec", *conditions, "ebv", "dec")


def balance(catalogue: pd.DataFrame, imaging: Imaging, pool: Rows, host: Rows, control: Rows) -> list[Row]:
    """Table of differences: positives against the whole pool (before), and against their controls (after).

    Parameters
    ----------
    catalogue : DataFrame
        Of the parents.
    imaging : Imaging
        Whose bands have columns.
    pool : ndarray of int
        Catalogue rows of all galaxies that the data set could choose from.
    host, control : ndarray of int, shape (n,)
        Catalogue rows of each pair's galaxies.

    Returns
    -------
    list of dict
        A row a column of `compared`: `column`, and value, low and high end `before` and `after`; None where there is nothing to
        compare.
    """
    table = with_colours(catalogue, imaging)
    rows: list[Row] = []
    for name in compared(imaging):
        values = table[name].to_numpy(np.float64, na_value=np.nan) if name in table else np.full(len(table), np.nan)
        before = standardised(values[host], values[pool], ((host, pool),))
        # A pair's rows belong together, and so do all rows of a galaxy.
        after = standardised(values[host], values[control], ((host, host), (host, control)))
        row: Row = {"column": name}
        for when, found in (("before", before), ("after", after)):
            ends = (None, None, None) if found is None else (found.value, found.low, found.high)
            row |= dict(zip((when, f"{when}_low", f"{when}_high"), ends, strict=True))
        rows.append(row)
    return rows


def resolvability(theta_e_over_psf: Array) -> list[float]:
    """Shares of arcs whose theta_E / psfsize lies below 0.5, from 0.5 to 1, and at 1 or more."""
    counts = np.bincount(np.searchsorted((0.5, 1.0), theta_e_over_psf, side="right"), minlength=3)
    return [float(count) / max(len(theta_e_over_psf), 1) for count in counts]
