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
from arcgate.injection.entry import ADMITTED, Admission
from arcgate.injection.matching import Pool

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Array = NDArray[np.float64]

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


def choose_pairs(candidates: Candidates, admission: Admission, unusable: Flags, left_out: Mapping[str, int]) -> Pairs:
    """Choose the pairs of a data set.

    Hosts come in hash order, each used `injections_per_host` times in turn. A galaxy that cannot be used takes its pair along,
    whichever class it is in; so does an arc that does not meet the rules, and a positive without a control within the calipers
    leaves. The pair's place is taken by a spare: a pair of the next galaxies in that order, with a number beyond `n_pairs`. The
    other pairs are what they would be without it.

    Parameters
    ----------
    candidates : Candidates
        The catalogue as the data set sees it.
    admission : Admission
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
    broken = admission.broken(pairs.pair_id, pairs.host)
    refused = broken != ADMITTED
    pairs = replace(pairs, unmatched=int((~matched).sum()), refused=Counter(broken[refused].tolist()))
    if not (usable & ~refused).all():
        # Unused galaxies first, then hosts whose pairs were all lost to their controls.
        spares = np.r_[order[wanted:], order[:wanted]]
        alone = usable & refused & (data.entry.drops == "positive")
        lone = np.zeros(len(unusable), dtype=bool)
        lone[pairs.host[~matched]] = True
        filling = _Filling(candidates, admission, pairs.take(usable & ~refused), pairs.control[alone], unusable, lone)
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


def spare_numbers(data: Data, spares: int, slots: Rows) -> Rows:
    """Numbers, beyond `n_pairs`, of the pairs that some of so many spares make, shape (len(slots), injections_per_host)."""
    return data.n_pairs + np.arange(data.injections_per_host) * spares + slots[:, None]


class PairsMade:
    """Pairs that are there, and those that are made after them.

    Parameters
    ----------
    candidates : Candidates
    kept : Pairs
        What is there.
    pools : mapping of str to Pool
        Galaxies of each split that may serve as controls.
    """

    def __init__(self, candidates: Candidates, kept: Pairs, pools: Mapping[str, Pool]) -> None:
        self._apart, self._split = candidates.data.controls.apart, candidates.split
        self._kept, self._pools, self._made = kept, pools, list[tuple[int, int, int]]()
        self.is_control = np.isin(np.arange(len(candidates.catalogue)), kept.control)

    def __len__(self) -> int:
        return len(self._kept.pair_id) + len(self._made)

    def control_of(self, host: int, point: Array | None = None) -> int | None:
        """The nearest galaxy that is left in the host's split (see `Pool.take`)."""
        return self._pools[str(self._split[host])].take(host, point)

    def add(self, pair_id: int, host: int, control: int) -> None:
        """Make a pair; where no galaxy serves in both classes, its host is no control from now on, and its control no host."""
        if self._apart:
            self._pools[str(self._split[host])].withdraw(host)
            self.is_control[control] = True
        self._made.append((pair_id, host, control))

    def joined(self, unmatched: int, refused: Counter[int]) -> Pairs:
        """Those that were there and those that were made."""
        ids, hosts, controls = np.array(self._made, dtype=np.int64).reshape(-1, 3).T
        kept = self._kept
        rows = (np.r_[kept.pair_id, ids], np.r_[kept.host, hosts], np.r_[kept.control, controls])
        return Pairs(*rows, unmatched, refused)


class _Filling:
    """Pairs that are left, and spares in the place of those that are missing.

    Parameters
    ----------
    candidates, admission, unusable
        As `choose_pairs` takes them.
    kept : Pairs
        What is left.
    waiting : ndarray of int
        Catalogue rows of controls that stay although their positives left.
    lone : ndarray of bool, shape (len(catalogue),)
        Galaxies that found no control within the calipers.
    """

    def __init__(
        self, candidates: Candidates, admission: Admission, kept: Pairs, waiting: Rows, unusable: Flags, lone: Flags
    ) -> None:
        data, split = candidates.data, candidates.split
        self._candidates, self._admission, self._unusable, self._lone = candidates, admission, unusable, lone
        self.lost = data.n_pairs - len(kept.pair_id)
        self._is_host = np.isin(np.arange(len(unusable)), kept.host)
        self._waiting = {str(name): waiting[split[waiting] == name].tolist() for name in np.unique(split)}
        self._free = self.lost - len(waiting)
        controls, serving, pools = data.controls, np.r_[kept.control, waiting], dict[str, Pool]()
        if not controls.paired:
            may = ~unusable & ~(self._is_host & controls.apart)
            pools = spare_pools(controls, candidates.space, split, may, serving, data.injections_per_host)
        self._made = PairsMade(candidates, kept, pools)
        self._made.is_control[waiting] = True
        self._unmatched, self._refused = kept.unmatched, kept.refused.copy()

    def pairs(self, spares: Rows) -> Pairs:
        """All pairs, fewer than wanted where galaxies run out: those in order make them that find a control."""
        for pair_ids, host, broken in self._looked_at(spares):
            if not self._fits(host):
                continue
            for pair_id, rule in zip(pair_ids[: self._missing], broken, strict=False):
                if rule != ADMITTED:
                    self._refused[rule] += 1
                elif not self._pair(pair_id, host):
                    break
        return self._made.joined(self._unmatched, self._refused)

    def _looked_at(self, spares: Rows) -> Iterator[tuple[list[int], int, list[int]]]:
        """Galaxies in order until enough pairs are made: numbers of their pairs, the galaxy, the rule that each breaks."""
        data, begin = self._candidates.data, 0
        while begin < len(spares) and self._missing:
            end = min(begin + max(_LOOKED_AT, self._missing), len(spares))
            slots = np.array([slot for slot in range(begin, end) if self._fits(int(spares[slot]))], dtype=np.int64)
            begin = end
            ids = spare_numbers(data, len(spares), slots).T
            hosts = np.broadcast_to(spares[slots], ids.shape)
            broken = self._admission.broken(ids.ravel(), hosts.ravel()).reshape(ids.shape)
            for place, host in enumerate(spares[slots].tolist()):
                if not self._missing:
                    return
                yield ids[:, place].tolist(), host, broken[:, place].tolist()

    @property
    def _missing(self) -> int:
        return self._candidates.data.n_pairs - len(self._made)

    def _fits(self, host: int) -> bool:
        serves = self._is_host[host] or (self._candidates.data.controls.apart and self._made.is_control[host])
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
            control = host if self._candidates.data.controls.paired else self._made.control_of(host)
            self._free -= 1
        if control is None:
            self._free += 1
            self._lone[host] = True
            self._unmatched += int(self._candidates.space.limited)
            return False
        self._made.add(pair_id, host, control)
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
