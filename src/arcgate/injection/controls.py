"""Choice of the galaxy that serves as control: the same one, or another matched on its observing conditions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from arcgate.data_node import Controls
from arcgate.ground.errors import ArcgateError

Rows = NDArray[np.int64]


def control_hosts(controls: Controls, catalogue: pd.DataFrame, split: NDArray[np.str_], hosts: Rows, per_host: int) -> Rows:
    """Catalogue row of each pair's control.

    Parameters
    ----------
    controls : Controls
        Paired, or unpaired with the pool and the matched columns.
    catalogue : DataFrame
        Hosts of the survey.
    split : ndarray of str, shape (len(catalogue),)
        Split of each host; a control never crosses splits.
    hosts : ndarray of int, shape (n,)
        Catalogue row of each pair's own host.
    per_host : int
        How often a host may serve as control, as many times as a host carries arcs.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    ArcgateError
        Too few other hosts in a split, or an unknown column to match on.
    """
    if controls.paired:
        return hosts.copy()
    scaled = _scaled(catalogue, controls.match_on)
    chosen = np.full(len(hosts), -1, dtype=np.int64)
    for name in np.unique(split[hosts]):
        pairs = np.flatnonzero(split[hosts] == name)
        members = np.flatnonzero(split == name)
        if controls.pool == "free_hosts":
            members = np.setdiff1d(members, hosts)
        capacity = most_uses(controls, len(pairs), len(members), per_host)
        if len(members) < 2 or len(members) * capacity < len(pairs):
            raise ArcgateError(
                f"too few control galaxies in split {str(name)!r}: {len(pairs)} pairs need them, {len(members)} hosts are in the "
                f"pool {controls.pool!r}, each used at most {capacity} times",
                where="data.controls",
                todo="take more hosts, fewer pairs, or `controls.pool=any_other_host` (each galaxy then serves in both classes)",
            )
        pool = Pool(scaled, members, np.full(len(members), capacity))
        for pair in pairs:
            control = pool.take(hosts[pair])
            if control is None:
                raise ArcgateError(
                    "no control galaxy is left for a pair", where="data.controls", todo="take more hosts or fewer pairs"
                )
            chosen[pair] = control
    return chosen


def most_uses(controls: Controls, pairs: int, members: int, per_host: int) -> int:
    """How often a galaxy of a pool may serve as control of a split's pairs."""
    # One more than an even share, so that the last pair is not left with its own host alone.
    return per_host if controls.pool == "free_hosts" else -(-pairs // max(members, 1)) + 1


def spare_pools(
    controls: Controls, catalogue: pd.DataFrame, split: NDArray[np.str_], usable: NDArray[np.bool_], used: Rows, per_host: int
) -> dict[str, Pool]:
    """Galaxies of each split that may serve as controls once more, matched in the units of the whole catalogue.

    Parameters
    ----------
    controls, catalogue, split, per_host
        As `control_hosts` takes them.
    usable : ndarray of bool, shape (len(catalogue),)
        Galaxies that may serve at all.
    used : ndarray of int
        Catalogue rows of galaxies that serve already, one a pair.
    """
    scaled, pools = _scaled(catalogue, controls.match_on), {}
    times = np.bincount(used, minlength=len(catalogue))
    for name in np.unique(split):
        members = np.flatnonzero((split == name) & usable)
        capacity = most_uses(controls, int((split[used] == name).sum()), len(members), per_host)
        pools[str(name)] = Pool(scaled, members, np.maximum(capacity - times[members], 0))
    return pools


def _scaled(catalogue: pd.DataFrame, columns: tuple[str, ...]) -> NDArray[np.float64]:
    numbers = catalogue.select_dtypes("number").columns
    unknown = [name for name in columns if name not in numbers or catalogue[name].isna().any()]
    if unknown or not columns:
        raise ArcgateError(
            f"cannot match controls on {unknown or 'no column'}",
            where="data.controls.match_on",
            todo=f"choose from: {', '.join(sorted(name for name in numbers if not catalogue[name].isna().any()))}",
        )
    values = catalogue[list(columns)].to_numpy(np.float64)
    spread = values.std(axis=0)
    scaled: NDArray[np.float64] = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


class Pool:
    """Galaxies that may serve as controls, each so many times.

    Parameters
    ----------
    scaled : ndarray, shape (len(catalogue), columns)
        What controls are matched on.
    members : ndarray of int, shape (n,)
        Catalogue rows.
    left : ndarray of int, shape (n,)
        How often each may still serve.
    """

    def __init__(self, scaled: NDArray[np.float64], members: Rows, left: Rows) -> None:
        self._scaled, self._members, self._left = scaled, members, left.copy()
        self._tree = cKDTree(scaled[members]) if len(members) else None

    def take(self, host: int) -> int | None:
        """Catalogue row of the nearest galaxy that may still serve, other than the host itself; None if there is none."""
        count = min(32, len(self._members))
        while self._tree is not None:
            # The neighbourhood doubles until one is free.
            candidates = np.atleast_1d(self._tree.query(self._scaled[host], k=count)[1])
            usable = candidates[(self._left[candidates] > 0) & (self._members[candidates] != host)]
            if usable.size:
                self._left[usable[0]] -= 1
                return int(self._members[usable[0]])
            if count == len(self._members):
                break
            count = min(2 * count, len(self._members))
        return None

    def withdraw(self, host: int) -> None:
        """Let a galaxy serve no more."""
        self._left[self._members == host] = 0
