"""What a battery knows before it reads any stamp: facts, settings, the pairs that are judged, and their galaxies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts, Source
from arcgate.gates.features.regions import Regions
from arcgate.ground.draws import text_ids, uniform
from arcgate.variant import Gates, View
from arcgate.views.arrays import ArrayViewer

Ids = NDArray[np.int64]

DIAGNOSED_PAIRS: Final = 5000
"""Pairs that diagnostics look at: about as many show an AUC to 0.005 and a share to 0.01."""


@dataclass(frozen=True)
class Context:
    """What gates are told; small to pickle.

    Attributes
    ----------
    facts : Facts
        What the data set holds.
    viewer : ArrayViewer
        The view of the network.
    settings : Gates
        Margin, level, sizes.
    pairs : ndarray of int, ascending
        The pairs that are judged.
    galaxies : ndarray of int, ascending
        Their galaxies (`Stamps.galaxy`).
    first_pairs : ndarray of int
        Of each of the galaxies the first of the pairs whose control it is; where it is no control, of those that it occurs in.
    ranks : ndarray of int
        Place of each of the galaxies in the order of their names.
    groups : str
        What `galaxies` are, in words: rows of one are one measurement, and are never on both sides.
    lenses : ndarray, shape (k, 2)
        Known lenses, of which none may be a negative: ra, dec, degrees.
    """

    facts: Facts
    viewer: ArrayViewer
    settings: Gates
    pairs: Ids
    galaxies: Ids
    first_pairs: Ids
    ranks: Ids
    groups: str = "galaxies"
    lenses: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))

    @property
    def regions(self) -> Regions:
        """Where gates look on these stamps."""
        return Regions(self.facts.imaging)

    def fits(self, galaxy: Ids) -> NDArray[np.bool_]:
        """Whether each galaxy belongs to the half on which rules are fitted: every second one in hash order.

        Galaxies are halved once for all gates, so that a galaxy is on one side in every comparison, and halves are equal.
        """
        fits: NDArray[np.bool_] = self._fitting[np.searchsorted(self.galaxies, galaxy)]
        return fits

    def ranked(self, galaxy: Ids) -> Ids:
        """Galaxies by their places in the order of names: sums over galaxies then do not depend on the hash."""
        ranks: Ids = self.ranks[np.searchsorted(self.galaxies, galaxy)]
        return ranks

    @cached_property
    def _fitting(self) -> NDArray[np.bool_]:
        fitting = np.zeros(len(self.galaxies), dtype=bool)
        fitting[np.argsort(uniform(self.settings.seed, "half", self.galaxies))[::2]] = True
        return fitting

    def by(self, names: Sequence[object], groups: str, least: int) -> tuple[Ids, Context]:
        """The group of each row, and the context of a comparison whose rows are halved and clustered by these groups.

        Parameters
        ----------
        names : sequence
            What each row belongs to: the name of its brick, the number of its cell.
        groups : str
            What these are, in words.
        least : int
            Fewer of them than this in a class leave a gate undetermined.
        """
        group, known, ranks = known_groups(names)
        settings = replace(self.settings, min_hosts=max(least // 2, 1))
        return group, replace(self, galaxies=known, first_pairs=known, ranks=ranks, groups=groups, settings=settings)

    def first(self, stream: str, count: int) -> Ids:
        """At most `count` of the pairs, those that come first by hash, ascending."""
        order = np.argsort(uniform(self.settings.seed, stream, self.pairs), kind="stable")
        return np.sort(self.pairs[order[:count]])

    def shown_first(self, galaxy: Ids, pair: Ids) -> NDArray[np.bool_]:
        """Rows in the first pair of their galaxy, if controls are looked at before others: each need be looked at once."""
        first: NDArray[np.bool_] = self.first_pairs[np.searchsorted(self.galaxies, galaxy)] == pair
        return first

    def drawn(self, pairs: Ids, at_most: int) -> NDArray[np.bool_]:
        """Which of some pairs are among about `at_most` of all, by hash; fewer are a part of more."""
        if at_most >= len(self.pairs):
            return np.ones(len(pairs), dtype=bool)
        few: NDArray[np.bool_] = uniform(self.settings.seed, "diagnosed", pairs) < at_most / len(self.pairs)
        return few

    @property
    def diagnosed_words(self) -> str:
        """What a diagnostic's reason says about the pairs that it looks at; empty where these are all."""
        few = len(self.pairs) > DIAGNOSED_PAIRS
        return f"; on about {DIAGNOSED_PAIRS} of {len(self.pairs)} pairs, chosen by hash" if few else ""


def known_groups(names: Sequence[object]) -> tuple[Ids, Ids, Ids]:
    """Of rows by what they belong to: each row's group; the groups, ascending; the place of each in the order of names."""
    code, distinct = pd.factorize(np.asarray(names, dtype=object))
    ids = text_ids([str(name) for name in distinct])
    order = np.argsort(ids)
    return ids[code], ids[order], np.argsort(np.argsort(np.array(distinct, dtype=np.str_)))[order]


def context_of(source: Source, view: View, settings: Gates, lenses: NDArray[np.float64] | None = None) -> Context:
    """Choose the pairs that are judged: at most `settings.max_pairs` by hash.

    Where null rows are stored, pairs that have one are chosen, so that a gate and its null pair are judged on the same galaxies.

    Raises
    ------
    ArcgateError
        Stamps that are smaller than what is looked at; none has been read then.
    """
    facts = source.facts
    Regions(facts.imaging)
    table = source.table(["pair_id", "role", "host_id"])
    role = "null" if facts.has_null else "positive"
    pairs = table.loc[table["role"] == role, "pair_id"].to_numpy(np.int64)
    order = np.argsort(uniform(settings.seed, "audit", pairs), kind="stable")
    pairs = np.sort(pairs[order[: settings.max_pairs]])
    judged = table[np.isin(table["pair_id"].to_numpy(np.int64), pairs)]
    galaxy, galaxies, ranks = known_groups(judged["host_id"].astype(str).tolist())
    first = np.full(len(galaxies), np.iinfo(np.int64).max)
    place, pair = np.searchsorted(galaxies, galaxy), judged["pair_id"].to_numpy(np.int64)
    control = (judged["role"] == "control").to_numpy()
    # Not every class shows a galaxy that is there: one without null rows may be seen as a control only.
    shows = control | ~np.isin(place, place[control])
    np.minimum.at(first, place[shows], pair[shows])
    context = Context(facts, ArrayViewer(view, facts.imaging), settings, pairs, galaxies, first, ranks)
    return context if lenses is None else replace(context, lenses=lenses)


def context_of_rows(source: Source, view: View, settings: Gates, lenses: NDArray[np.float64]) -> Context:
    """Of a table without pixels, all rows of which are judged; gates on pixels have nothing to look at."""
    facts, none = source.facts, np.zeros(0, dtype=np.int64)
    return Context(facts, ArrayViewer(view, facts.imaging), settings, none, none, none, none, lenses=lenses)
