"""A data set as a network gets it: the rows that a sampling policy lets through, for gates to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import Facts, Source, StampPart
from arcgate.sampling import columns_of, row_weights, thinned

if TYPE_CHECKING:
    from arcgate.learning_node import Sampling


@dataclass(frozen=True)
class SampledPart:
    """A part of which some rows are judged.

    Attributes
    ----------
    part : StampPart
    pairs : ndarray of int
        Pairs of which rows are left out.
    roles : ndarray of str
        The role that is left out of each.
    """

    part: StampPart
    pairs: NDArray[np.int64]
    roles: NDArray[np.str_]

    def read(self) -> StampBatch:
        """The rows that are judged."""
        batch = self.part.read()
        kept = np.flatnonzero(~_among(batch.table, self.pairs, self.roles))
        arc = None if batch.arc is None else batch.arc[kept]
        return StampBatch(batch.table.iloc[kept].reset_index(drop=True), batch.image[kept], arc)


@dataclass(frozen=True)
class SampledSource:
    """A source without the rows that a policy leaves out; of weighted rows as many as their weights say, chosen by hash.

    Attributes
    ----------
    whole : Source
    sampling : Sampling
    """

    whole: Source
    sampling: Sampling

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.whole.path

    @property
    def digest(self) -> str:
        """Of the whole: the policy counts in the key of the evidence by itself."""
        return self.whole.digest

    @property
    def facts(self) -> Facts:
        """What the whole holds."""
        return self.whole.facts

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """Scalar columns of the rows that are judged."""
        needed = list(dict.fromkeys([*columns, "pair_id", "role"]))
        table = self.whole.table(needed)
        return table.loc[~_among(table, *self._left_out), list(columns)].reset_index(drop=True)

    def parts(self) -> list[SampledPart]:
        """Those of the whole."""
        return [SampledPart(part, *self._left_out) for part in self.whole.parts()]

    @cached_property
    def _left_out(self) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
        """Pairs and roles of rows that are left out; a null row leaves with its control."""
        table = self.whole.table(list(dict.fromkeys(["pair_id", "role", *columns_of(self.sampling)])))
        role, pair = table["role"].to_numpy(np.str_), table["pair_id"].to_numpy(np.int64)
        weight = row_weights(pair, (role == "positive").astype(np.int64), table[role == "positive"], self.sampling)
        gone = ~thinned(pair, weight)
        return pair[gone], role[gone]


def judged(source: Source, sampling: Sampling) -> Source:
    """What gates look at of a source."""
    return source if sampling.whole else SampledSource(source, sampling)


def _among(table: pd.DataFrame, pairs: NDArray[np.int64], roles: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Rows of these pairs and roles."""
    found = np.zeros(len(table), dtype=bool)
    role, pair = table["role"].to_numpy(np.str_), table["pair_id"].to_numpy(np.int64)
    for name in np.unique(roles):
        found |= (role == name) & np.isin(pair, pairs[roles == name])
    return found
