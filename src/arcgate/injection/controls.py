"""Choice of the galaxy that serves as control: the same one, or another matched on its observing conditions."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.injection.matching import Pool, Space
from arcgate.selection_node import Controls

Rows = NDArray[np.int64]

UNMATCHED: Final = -1
"""In place of a control: no galaxy within the calipers may serve."""


def control_hosts(controls: Controls, space: Space, split: NDArray[np.str_], hosts: Rows, per_host: int) -> Rows:
    """Catalogue row of each pair's control: the nearest that is left, pair by pair in their order.

    Parameters
    ----------
    controls : Controls
        Unpaired ones of whatever kind.
    space : Space
        What they are matched on.
    split : ndarray of str, shape (len(catalogue),)
        Split of each host; a control never crosses splits.
    hosts : ndarray of int, shape (n,)
        Catalogue row of each pair's own host.
    per_host : int
        How often a host may serve as control, as many times as a host carries arcs.

    Returns
    -------
    ndarray of int, shape (n,)
        `UNMATCHED` where calipers leave none.

    Raises
    ------
    ArcgateError
        Too few other hosts in a split.
    """
    chosen = np.full(len(hosts), UNMATCHED, dtype=np.int64)
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
        pool = Pool(space, members, np.full(len(members), capacity))
        for pair in pairs:
            control = pool.take(hosts[pair])
            if control is None and not space.limited:
                raise ArcgateError(
                    "no control galaxy is left for a pair", where="data.controls", todo="take more hosts or fewer pairs"
                )
            chosen[pair] = UNMATCHED if control is None else control
    return chosen


def most_uses(controls: Controls, pairs: int, members: int, per_host: int) -> int:
    """How often a galaxy of a pool may serve as control of a split's pairs."""
    # One more than an even share, so that the last pair is not left with its own host alone.
    return per_host if controls.pool == "free_hosts" else -(-pairs // max(members, 1)) + 1


def spare_pools(
    controls: Controls, space: Space, split: NDArray[np.str_], usable: NDArray[np.bool_], used: Rows, per_host: int
) -> dict[str, Pool]:
    """Galaxies of each split that may serve as controls once more.

    Parameters
    ----------
    controls, space, split, per_host
        As `control_hosts` takes them.
    usable : ndarray of bool, shape (len(catalogue),)
        Galaxies that may serve at all.
    used : ndarray of int
        Catalogue rows of galaxies that serve already, one a pair.
    """
    pools, times = {}, np.bincount(used, minlength=len(split))
    for name in np.unique(split):
        members = np.flatnonzero((split == name) & usable)
        capacity = most_uses(controls, int((split[used] == name).sum()), len(members), per_host)
        pools[str(name)] = Pool(space, members, np.maximum(capacity - times[members], 0))
    return pools
