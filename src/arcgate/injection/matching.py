"""What galaxies are compared in when controls are matched: columns of the catalogue in units of their spread, and calipers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.selection_node import COLOUR, Controls

Rows = NDArray[np.int64]
Array = NDArray[np.float64]

# So many of the nearest are looked at first, and at most so many before all within the calipers are.
_FIRST, _MOST_NEAREST = 32, 512
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Space:
    """Galaxies as points, and how far a control may lie from its positive.

    Attributes
    ----------
    points : ndarray, shape (len(catalogue), k)
        Matched columns less their means, in units of their standard deviations over the catalogue.
    within : ndarray, shape (k,)
        Largest difference in each; infinite without a caliper.
    """

    points: Array
    within: Array

    @property
    def limited(self) -> bool:
        """Whether there are calipers."""
        return bool(np.isfinite(self.within).any())


def with_colours(catalogue: pd.DataFrame, imaging: Imaging) -> pd.DataFrame:
    """Columns of the catalogue that are numbers, and a colour for every two of its bands."""
    table = catalogue.select_dtypes("number").copy()
    for place, blue in enumerate(imaging.bands):
        for red in imaging.bands[place + 1 :]:
            table[f"{COLOUR}_{blue}{red}"] = table[f"host_mag_{blue}"] - table[f"host_mag_{red}"]
    return table


def matched_columns(columns: Sequence[str], catalogue: pd.DataFrame, imaging: Imaging) -> pd.DataFrame:
    """Columns that controls are matched on, of all galaxies.

    Raises
    ------
    ArcgateError
        One is not there, no number, or missing for a galaxy.
    """
    table = with_colours(catalogue, imaging)
    known = sorted(str(name) for name in table if not table[name].isna().any())
    if unknown := [name for name in columns if name not in known]:
        raise ArcgateError(
            f"cannot match controls on {', '.join(unknown)}: not there, or missing for galaxies",
            where="data.controls.match_on",
            todo=f"choose from: {', '.join(known)}",
        )
    return table[list(columns)]


def space_of(controls: Controls, seed: int, catalogue: pd.DataFrame, imaging: Imaging) -> Space:
    """Points of all galaxies in what controls are matched on.

    Without a column each galaxy is a number drawn by its name: the nearest is then any galaxy, whatever its order and neighbours.

    Raises
    ------
    ArcgateError
        A column is not there, no number, or missing for a galaxy.
    """
    columns, calipers = controls.in_bands(imaging.bands)
    if not columns:
        drawn = uniform(seed, "control_order", text_ids(catalogue["host_id"].tolist()))
        return Space(drawn[:, None], np.array([np.inf]))
    values = matched_columns(columns, catalogue, imaging).to_numpy(np.float64)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    # What varies by rounding alone, such as the colours of galaxies that are alike, tells none from another.
    unit = np.where(spread > _ROUNDING * np.maximum(np.abs(mean), 1.0), spread, 1.0)
    return Space((values - mean) / unit, np.array([calipers.get(name, np.inf) for name in columns]) / unit)


class Pool:
    """Galaxies that may serve as controls, each so many times.

    Parameters
    ----------
    space : Space
        What controls are matched on.
    members : ndarray of int, shape (n,)
        Catalogue rows.
    left : ndarray of int, shape (n,)
        How often each may still serve.
    """

    def __init__(self, space: Space, members: Rows, left: Rows) -> None:
        self._space, self._members, self._left = space, members, left.copy()
        self._points = space.points[members]
        self._tree = cKDTree(self._points) if len(members) else None
        self._boxed: cKDTree | None = None

    def take(self, host: int, point: Array | None = None) -> int | None:
        """Catalogue row of the nearest galaxy within the calipers that may still serve, other than the host; None without one.

        Parameters
        ----------
        host : int
            Catalogue row of the positive.
        point : ndarray, shape (k,), optional
            Where it lies, if not where its row does.
        """
        wanted = self._space.points[host] if point is None else point
        found = None if self._tree is None else self._nearest(self._tree, host, wanted)
        if found is None:
            return None
        self._left[found] -= 1
        return int(self._members[found])

    def withdraw(self, host: int) -> None:
        """Let a galaxy serve no more."""
        place = np.searchsorted(self._members, host)
        if place < len(self._members) and self._members[place] == host:
            self._left[place] = 0

    def _nearest(self, tree: cKDTree, host: int, point: Array) -> int | None:
        """Place of the nearest that may serve; the neighbourhood doubles until one is free."""
        count = min(_FIRST, len(self._members))
        while True:
            near = np.atleast_1d(tree.query(point, k=count)[1])
            if (free := self._free(near, host, point)).size:
                return int(free[0])
            if count == len(self._members):
                return None
            if self._space.limited and count >= _MOST_NEAREST:
                return self._nearest_within(host, point)
            count = min(2 * count, len(self._members))

    def _nearest_within(self, host: int, point: Array) -> int | None:
        """The same among all within the calipers, where the nearest in all columns lie outside one of them."""
        limited = np.isfinite(self._space.within)
        reach = self._space.within[limited]
        if self._boxed is None:
            self._boxed = cKDTree(self._points[:, limited] / reach)
        # A last bit beyond, since what is exactly at the caliper is allowed.
        near = self._boxed.query_ball_point(point[limited] / reach, 1.0 + 1e-9, p=np.inf, return_sorted=True)
        free = self._free(np.asarray(near, dtype=np.int64), host, point)
        if not free.size:
            return None
        return int(free[np.argmin(np.square(self._points[free] - point).sum(axis=1))])

    def _free(self, near: Rows, host: int, point: Array) -> Rows:
        """Those that may serve, in their order."""
        free: Rows = near[(self._left[near] > 0) & (self._members[near] != host)]
        if self._space.limited and free.size:
            free = free[(np.abs(self._points[free] - point) <= self._space.within).all(axis=1)]
        return free
