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
    if controls.name == "paired":
        return hosts.copy()
    scaled = _scaled(catalogue, controls.match_on)
    chosen = np.full(len(hosts), -1, dtype=np.int64)
    for name in np.unique(split[hosts]):
        pairs = np.flatnonzero(split[hosts] == name)
        pool = np.flatnonzero(split == name)
        if controls.pool == "free_hosts":
            pool = np.setdiff1d(pool, hosts)
            capacity = per_host
        else:
            # One more than an even share, so that the last pair is not left with its own host alone.
            capacity = -(-len(pairs) // max(len(pool), 1)) + 1
        if len(pool) < 2 or len(pool) * capacity < len(pairs):
            raise ArcgateError(
                f"too few control galaxies in split {name!r}: {len(pairs)} pairs need them, {len(pool)} hosts are in the pool "
                f"{controls.pool!r}, each used at most {capacity} times",
                where="data.controls",
                todo="take more hosts, fewer pairs, or `controls.pool=any_other_host` (each galaxy then serves in both classes)",
            )
        chosen[pairs] = _nearest_free(scaled, pool, hosts[pairs], capacity)
    return chosen


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


def _nearest_free(scaled: NDArray[np.float64], pool: Rows, own: Rows, capacity: int) -> Rows:
    """Nearest pool member that still has capacity, pair by pair; the neighbourhood doubles until one is free."""
    tree = cKDTree(scaled[pool])
    left = np.full(len(pool), capacity)
    chosen = np.empty(len(own), dtype=np.int64)
    first = min(32, len(pool))
    _, nearest = tree.query(scaled[own], k=first)
    for i, host in enumerate(own):
        candidates, count = np.atleast_1d(nearest[i]), first
        while True:
            usable = candidates[(left[candidates] > 0) & (pool[candidates] != host)]
            if usable.size:
                break
            if count == len(pool):
                raise ArcgateError(
                    "no control galaxy is left for a pair", where="data.controls", todo="take more hosts or fewer pairs"
                )
            count = min(2 * count, len(pool))
            candidates = np.atleast_1d(tree.query(scaled[host], k=count)[1])
        left[usable[0]] -= 1
        chosen[i] = pool[usable[0]]
    return chosen
