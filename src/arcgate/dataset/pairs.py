"""Positives beside their controls: what notebooks and exports read, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from arcgate.dataset.digests import Pixels
from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import StampBatch
from arcgate.ground.errors import ArcgateError


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a data set; row i of each is pair i.

    Attributes
    ----------
    table, control_table : DataFrame
        All columns of the positives, and of the controls; index from 0.
    stamp, control, arc : ndarray of float32, shape (n, band, y, x)
        The positive, its control, and the light as it was added to the positive; nanomaggies per pixel.
    """

    table: pd.DataFrame
    control_table: pd.DataFrame
    stamp: Pixels
    control: Pixels
    arc: Pixels


def read_pairs(dataset: Dataset, n: int | None = None, split: str | None = None) -> Pairs:
    """Read the first pairs of a data set.

    Parameters
    ----------
    dataset : Dataset
        From `open_dataset`.
    n : int, optional
        At most so many; all by default, which may be more than the memory holds.
    split : {'train', 'val', 'test'}, optional
        Only pairs of this split.

    Returns
    -------
    Pairs

    Raises
    ------
    ArcgateError
        If there is no pair.
    """
    parts: list[Pairs] = []
    for batch in dataset.batches(split=split, roles=["positive", "control"]):
        still = None if n is None else n - sum(len(part.table) for part in parts)
        if still == 0:
            break
        parts.append(pairs_of(batch, still))
    if not sum(len(part.table) for part in parts):
        where = "" if split is None else f" in the split {split}"
        raise ArcgateError(f"the data set has no pair of a positive and a control{where}", where=dataset.path)
    return Pairs(
        pd.concat([part.table for part in parts], ignore_index=True),
        pd.concat([part.control_table for part in parts], ignore_index=True),
        np.concatenate([part.stamp for part in parts]),
        np.concatenate([part.control for part in parts]),
        np.concatenate([part.arc for part in parts]),
    )


def pairs_of(batch: StampBatch, most: int | None = None) -> Pairs:
    """The pairs of a batch that was read with its arcs, at most so many."""
    rows = batch.table.reset_index().set_index("pair_id")["index"]
    roles = batch.table.set_index("pair_id")["role"]
    positive, control = rows[roles == "positive"], rows[roles == "control"]
    pairs = positive.index.intersection(control.index, sort=False)[:most]
    one, other = positive.loc[pairs].to_numpy(), control.loc[pairs].to_numpy()
    assert batch.arc is not None  # arcs are read by default
    tables = (batch.table.iloc[one].reset_index(drop=True), batch.table.iloc[other].reset_index(drop=True))
    return Pairs(*tables, batch.image[one], batch.image[other], batch.arc[one])
