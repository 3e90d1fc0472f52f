"""Which galaxies make a pair, and what takes its place where one of them cannot be used, or the pair may not enter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.data_node import Data
from arcgate.dataset.schema import SPLITS
from arcgate.ground.errors import ArcgateError
from arcgate.injection.candidates import Candidates
from arcgate.injection.controls import UNMATCHED, control_hosts, spare_pools
from arcgate.injection.entry import ADMITTED, Entry
from arcgate.injection.matching import Pool

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Spares whose arcs are held against the rules together, at least.
_LOOKED_AT: Final = 64


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs by number, with the catalogue rows of the galaxy that gets an arc and of the control, each of shape (n,).

    Attributes
    ----------
    pair_id, host, control : ndarray of int, shape (n,)
    unmatched : int
        Positives that left, or did not enter, for want of a control within the calipers.
    refused : Counter of int
        Positives that the rules refused, by the number of the first rule that each did not meet.
    """

    pair_id: Rows
    host: Rows
    control: Rows
    unmatched: int = 0
    refused: Counter[int] = field(default_factory=Counter)

    def take(self, which: Flags) -> Pairs:
        """Some of them."""
        return replace(self, pair_id=self.pair_id[which], host=self.host[which], control=self.control[which])


def choose_pairs(candidates: Candidates, entry: Entry, unusable: Flags, left_out: Mapping[str, int]) -> Pairs:
    """Choose the pairs of a data set.

    Hosts come in hash order, each used `injections_per_host` times in turn. A galaxy that cannot be used takes its pair along,
    whichever class it is in; so does an arc that does not meet the rules, and a positive without a control within the calipers
    leaves. The pair's place is taken by a spare: a pair of the next galaxies in that order, with a number beyond `n_pairs`. The
    other pairs are what they would be without it.

    Parameters
    ----------
    candidates : Candidates
        The catalogue as the data set sees it.
    entry : Entry
        Rules for what enters.
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
    data, order, split = candidates.data, candidates.hosts, candidates.split
    wanted = -(-data.n_pairs // data.injections_per_host)
    pairs = first_positives(candidates, left_out)
    if not data.controls.paired:
        controls = control_hosts(data.controls, candidates.space, split, pairs.host, data.injections_per_host)
        pairs = replace(pairs, control=controls)
    matched = pairs.control != UNMATCHED
    usable = matched & ~unusable[pairs.host] & ~unusable[pairs.control]
    broken = entry.broken(pairs.pair_id, pairs.host)
    refused = broken != ADMITTED
    pairs = replace(pairs, unmatched=int((~matched).sum()), refused=Counter(broken[refused].tolist()))
    if not (usable & ~refused).all():
        # Unused galaxies first, then hosts whose pairs were all lost to their controls.
        spares = np.r_[order[wanted:], order[:wanted]]
        alone = usable & refused & (data.entry.drops == "positive")
        lone = np.zeros(len(unusable), dtype=bool)
        lone[pairs.host[~matched]] = True
        filling = _Filling(candidates, entry, pairs.take(usable & ~refused), pairs.control[alone], unusable, lone)
        pairs = filling.pairs(spares)
        if len(pairs.pair_id) < data.n_pairs:
            reasons = (
                ("galaxies that cannot be used", bool((matched & ~usable).any())),
                ("the rules for what enters", bool(refused.any())),
                ("controls that lie outside the calipers", not matched.all()),
            )
            why = " and to ".join(words for words, holds in reasons if holds)
            lost, made = filling.lost, len(pairs.pair_id) - data.n_pairs + filling.lost
            raise too_few(data, f"{lost} pairs were lost to {why}, and the others make {made} in their place", left_out)
    check_splits(candidates, pairs, left_out)
    return pairs


def check_splits(candidates: Candidates, pairs: Pairs, left_out: Mapping[str, int]) -> None:
    """ArcgateError where a split that the data set needs has no positive."""
    data = candidates.data
    needed = SPLITS if data.only_split is None else (data.only_split,)
    empty = [name for name in needed if not (candidates.split[pairs.host] == name).any()]
    if empty:
        raise ArcgateError(
            f"no host of {len(np.unique(pairs.host))} falls into split {', '.join(empty)}{_counts(left_out)}",
            where="data.n_pairs",
            todo="take more hosts or pairs, from more places: splits go by cells of the sky; data.only_split=test does with one",
        )


def first_positives(candidates: Candidates, left_out: Mapping[str, int] = MappingProxyType({})) -> Pairs:
    """The positives that there are if nothing is lost, each its own control; ArcgateError for too few galaxies."""
    data, order = candidates.data, candidates.hosts
    wanted = -(-data.n_pairs // data.injections_per_host)
    if wanted > len(order):
        raise too_few(data, f"there are {len(order)}", left_out)
    hosts = np.tile(order[:wanted], data.injections_per_host)[: data.n_pairs]
    return Pairs(np.arange(data.n_pairs, dtype=np.int64), hosts, hosts.copy())


class _Filling:
    """Pairs that are left, and spares in the place of those that are missing.

    Parameters
    ----------
    candidates, entry, unusable
        As `choose_pairs` takes them.
    kept : Pairs
        What is left.
    waiting : ndarray of int
        Catalogue rows of controls that stay although their positives left.
    lone : ndarray of bool, shape (len(catalogue),)
        Galaxies that found no control within the calipers.
    """

    def __init__(self, candidates: Candidates, entry: Entry, kept: Pairs, waiting: Rows, unusable: Flags, lone: Flags) -> None:
        data, split = candidates.data, candidates.split
        self._candidates, self._entry, self._kept, self._unusable, self._lone = candidates, entry, kept, unusable, lone
        self.lost = data.n_pairs - len(kept.pair_id)
        self._unpaired = not data.controls.paired
        self._apart = self._unpaired and data.controls.pool == "free_hosts"
        serving = np.r_[kept.control, waiting]
        self._is_host, self._is_control = (np.isin(np.arange(len(unusable)), rows) for rows in (kept.host, serving))
        self._waiting = {str(name): waiting[split[waiting] == name].tolist() for name in np.unique(split)}
        self._free = self.lost - len(waiting)
        self._pools: dict[str, Pool] = {}
        if self._unpaired:
            may = ~unusable & ~(self._is_host & self._apart)
            self._pools = spare_pools(data.controls, candidates.space, split, may, serving, data.injections_per_host)
        self._made: list[tuple[int, int, int]] = []
        self._unmatched, self._refused = kept.unmatched, kept.refused.copy()

    def pairs(self, spares: Rows) -> Pairs:
        """All pairs, fewer than wanted where galaxies run out: those in order make them that find a control."""
        for pair_ids, host, broken in self._looked_at(spares):
            if not self._fits(host):
                continue
            for pair_id, rule in zip(pair_ids[: self.lost - len(self._made)], broken, strict=False):
                if rule != ADMITTED:
                    self._refused[rule] += 1
                elif not self._pair(pair_id, host):
                    break
        ids, hosts, controls = np.array(self._made, dtype=np.int64).reshape(-1, 3).T
        kept = self._kept
        joined = (np.r_[kept.pair_id, ids], np.r_[kept.host, hosts], np.r_[kept.control, controls])
        return Pairs(*joined, self._unmatched, self._refused)

    def _looked_at(self, spares: Rows) -> Iterator[tuple[list[int], int, list[int]]]:
        """Galaxies in order until enough pairs are made: numbers of their pairs, the galaxy, the rule that each breaks."""
        data, begin = self._candidates.data, 0
        turns = np.arange(data.injections_per_host)[:, None]
        while begin < len(spares) and len(self._made) < self.lost:
            end = min(begin + max(_LOOKED_AT, self.lost - len(self._made)), len(spares))
            slots = np.array([slot for slot in range(begin, end) if self._fits(int(spares[slot]))], dtype=np.int64)
            begin = end
            ids = data.n_pairs + turns * len(spares) + slots
            hosts = np.broadcast_to(spares[slots], ids.shape)
            broken = self._entry.broken(ids.ravel(), hosts.ravel()).reshape(ids.shape)
            for place, host in enumerate(spares[slots].tolist()):
                if len(self._made) == self.lost:
                    return
                yield ids[:, place].tolist(), host, broken[:, place].tolist()

    def _fits(self, host: int) -> bool:
        serves = self._is_host[host] or (self._apart and self._is_control[host])
        return not (self._unusable[host] or self._lone[host] or serves)

    def _pair(self, pair_id: int, host: int) -> bool:
        """Make a pair, if there is a control for it."""
        split = str(self._candidates.split[host])
        if waiting := self._waiting[split]:
            control: int | None = waiting.pop(0)
        elif self._free == 0:
            # What is missing is missing in other splits, where controls wait.
            return False
        else:
            control = self._pools[split].take(host) if self._unpaired else host
            self._free -= 1
        if control is None:
            self._free += 1
            self._lone[host] = True
            self._unmatched += int(self._candidates.space.limited)
            return False
        if self._apart:
            self._pools[split].withdraw(host)
            self._is_control[control] = True
        self._made.append((pair_id, host, control))
        return True


def too_few(data: Data, found: str, left_out: Mapping[str, int]) -> ArcgateError:
    """Not enough galaxies: what they were to make, and what was found."""
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
