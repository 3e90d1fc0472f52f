"""Which galaxies make a pair, and what takes its place where one of them cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import Data
from arcgate.dataset.schema import SPLITS
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.injection.controls import Pool, control_hosts, spare_pools

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs by number, with the catalogue rows of the galaxy that gets an arc and of the control, each of shape (n,)."""

    pair_id: Rows
    host: Rows
    control: Rows

    def take(self, which: NDArray[np.bool_]) -> Pairs:
        """Some of them."""
        return Pairs(self.pair_id[which], self.host[which], self.control[which])


def choose_pairs(
    data: Data, catalogue: pd.DataFrame, split: NDArray[np.str_], unusable: NDArray[np.bool_], left_out: Mapping[str, int]
) -> Pairs:
    """Choose the pairs of a data set.

    Hosts come in hash order, each used `injections_per_host` times in turn. A galaxy that cannot be used takes its pair along,
    whichever class it is in, and the pair's place is taken by a spare: a pair of the next galaxies in that order, with a number
    beyond `n_pairs`. The other pairs are what they would be without it.

    Parameters
    ----------
    data : Data
    catalogue : DataFrame
        Of the parents.
    split : ndarray of str, shape (len(catalogue),)
    unusable : ndarray of bool, shape (len(catalogue),)
        Galaxies that are known to be of no use.
    left_out : mapping of str to int
        How many galaxies cannot be used, by reason, for messages.

    Returns
    -------
    Pairs

    Raises
    ------
    ArcgateError
        Too few galaxies for the pairs, a split or the controls.
    """
    order = np.argsort(uniform(data.seed, "host_order", text_ids(catalogue["host_id"].tolist())), kind="stable")
    if data.only_split is not None:
        order = order[split[order] == data.only_split]
    wanted = -(-data.n_pairs // data.injections_per_host)
    if wanted > len(order):
        raise _too_few(data, f"there are {len(order)}", left_out)
    hosts = np.tile(order[:wanted], data.injections_per_host)[: data.n_pairs]
    controls = control_hosts(data.controls, catalogue, split, hosts, data.injections_per_host)
    pairs = Pairs(np.arange(data.n_pairs, dtype=np.int64), hosts, controls)
    usable = ~(unusable[hosts] | unusable[controls])
    if not usable.all():
        # Unused galaxies first, then hosts whose pairs were all lost to their controls.
        spares = np.r_[order[wanted:], order[:wanted]]
        pairs = _with_spares(data, catalogue, split, pairs.take(usable), spares, unusable, left_out)
    needed = SPLITS if data.only_split is None else (data.only_split,)
    empty = [name for name in needed if not (split[pairs.host] == name).any()]
    if empty:
        raise ArcgateError(
            f"no host of {wanted} falls into split {', '.join(empty)}{_counts(left_out)}",
            where="data.n_pairs",
            todo="take more hosts (or more pairs)",
        )
    return pairs


def _with_spares(
    data: Data,
    catalogue: pd.DataFrame,
    split: NDArray[np.str_],
    kept: Pairs,
    spares: Rows,
    unusable: NDArray[np.bool_],
    left_out: Mapping[str, int],
) -> Pairs:
    """Pairs that are left, and as many spares as are missing: galaxies in order, passing over those that find no control."""
    lost, unpaired = data.n_pairs - len(kept.pair_id), not data.controls.paired
    apart = unpaired and data.controls.pool == "free_hosts"
    is_host, is_control = (np.isin(np.arange(len(unusable)), rows) for rows in (kept.host, kept.control))
    pools: dict[str, Pool] = {}
    if unpaired:
        serving = ~unusable & ~(is_host & apart)
        pools = spare_pools(data.controls, catalogue, split, serving, kept.control, data.injections_per_host)
    made: list[tuple[int, int, int]] = []
    for slot, host in enumerate(spares.tolist()):
        if len(made) == lost:
            break
        if unusable[host] or is_host[host] or (apart and is_control[host]):
            continue
        for turn in range(min(data.injections_per_host, lost - len(made))):
            control = pools[str(split[host])].take(host) if unpaired else host
            if control is None:
                break
            if apart:
                pools[str(split[host])].withdraw(host)
                is_control[control] = True
            made.append((data.n_pairs + turn * len(spares) + slot, host, control))
    if len(made) < lost:
        found = f"{lost} pairs were lost to galaxies that cannot be used, and the others make {len(made)} in their place"
        raise _too_few(data, found, left_out)
    ids, hosts, controls = np.array(made, dtype=np.int64).T
    return Pairs(np.r_[kept.pair_id, ids], np.r_[kept.host, hosts], np.r_[kept.control, controls])


def _too_few(data: Data, found: str, left_out: Mapping[str, int]) -> ArcgateError:
    wanted = -(-data.n_pairs // data.injections_per_host)
    return ArcgateError(
        f"{data.n_pairs} pairs with {data.injections_per_host} injections a host need {wanted} hosts, but {found}"
        + (f" in split {data.only_split!r}" if data.only_split else "")
        + _counts(left_out),
        where="data.n_pairs, data.injections_per_host",
        todo="take more hosts, fewer pairs or more injections a host",
    )


def _counts(left_out: Mapping[str, int]) -> str:
    lost = "; ".join(f"{count} left out for {reason}" for reason, count in left_out.items())
    return f" ({lost})" if lost else ""
