"""The galaxies that a data set may choose from: their splits, their order, which may carry arcs, what they are matched on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import Data
from arcgate.dataset.references import NONE, References, write_references
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.injection.library import EMPTY, Library
from arcgate.injection.matching import Space, space_of, with_colours
from arcgate.survey.splits import split_of

Rows = NDArray[np.int64]


def may_carry_arcs(data: Data, catalogue: pd.DataFrame) -> NDArray[np.bool_]:
    """Which galaxies lie in the ranges of those that may carry arcs, shape (len(catalogue),).

    Raises
    ------
    ArcgateError
        A column of these ranges is not there.
    """
    table, allowed = with_colours(catalogue, data.imaging), np.ones(len(catalogue), dtype=bool)
    for column, (low, high) in data.entry.hosts.items():
        if column not in table:
            raise ArcgateError(
                f"galaxies that may carry arcs are chosen by {column}, which the catalogue does not have",
                where="data.entry.hosts",
                todo=f"choose from: {', '.join(sorted(map(str, table)))}",
            )
        # A galaxy of which it is not known is not in the range.
        values = table[column].to_numpy(np.float64, na_value=np.nan)
        allowed &= (values >= (-np.inf if low is None else low)) & (values <= (np.inf if high is None else high))
    return allowed


@dataclass(frozen=True, eq=False)
class Candidates:
    """A catalogue as a data set sees it; what is derived is derived once.

    Attributes
    ----------
    data : Data
        Specification of the data set.
    catalogue : pandas.DataFrame
        Of the parents.
    library : Library
        Measured PSFs and source images, where the specification asks for them.

    Raises
    ------
    ArcgateError
        The catalogue is empty.
    """

    data: Data
    catalogue: pd.DataFrame
    library: Library = EMPTY

    def __post_init__(self) -> None:
        if self.catalogue.empty:
            raise ArcgateError(
                "no hosts are left after the cuts", where="data.hosts", todo="widen the selection or take another survey"
            )

    @cached_property
    def split(self) -> NDArray[np.str_]:
        """Of each galaxy."""
        return split_of(self.catalogue)

    @cached_property
    def space(self) -> Space:
        """What controls are matched on; ArcgateError where a column is not there."""
        return space_of(self.data.controls, self.data.seed, self.catalogue, self.data.imaging)

    @cached_property
    def order(self) -> Rows:
        """Catalogue rows of the galaxies of the wanted splits, in hash order."""
        names = text_ids(self.catalogue["host_id"].tolist())
        order = np.argsort(uniform(self.data.seed, "host_order", names), kind="stable")
        return order if self.data.only_split is None else order[self.split[order] == self.data.only_split]

    @cached_property
    def hosts(self) -> Rows:
        """Those of them that may carry arcs; ArcgateError where a column that says so is not there."""
        return self.order[may_carry_arcs(self.data, self.catalogue)[self.order]]

    @cached_property
    def _written(self) -> TemporaryDirectory[str]:
        return TemporaryDirectory(prefix="arcgate-references-")

    @cached_property
    def references(self) -> References:
        """Kernels and images of the library, for the renderer, which finds them in a folder."""
        kernels, images = (table if len(table) else None for table in (self.library.kernels, self.library.images))
        if kernels is None and images is None:
            return NONE
        return write_references(Path(self._written.name), kernels, images)
