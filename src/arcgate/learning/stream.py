"""Batches of viewed stamps, streamed from shards in an order that only (seed, epoch) decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import StampBatch, whole_pairs
from arcgate.ground.draws import text_ids, words
from arcgate.ground.errors import ArcgateError
from arcgate.learning.batches import Batch
from arcgate.learning.looking import columns_for, stamps_of_batch
from arcgate.sampling import admitted, columns_of, row_weights
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.data_node import Split
    from arcgate.learning_node import Sampling

LABELLED_ROLES: Final = ("positive", "control")
COLUMNS: Final = ("sample_id", "host_id", "label")
ARC_COLUMNS: Final = ("pair_id", "theta_e_arcsec", "arc_snr_injected")
MEMORY_BUDGET_BYTES: Final = 512 * 1024**2
Ids = NDArray[np.int64]


class Blocks:
    """The labelled rows of one split that a policy lets through, in blocks that fit into memory.

    A split whose viewed stamps take at most `budget_bytes` is a single block, viewed once and kept, so that nothing
    about it depends on how it was cut into shards. A larger split has one block a shard, read and viewed whenever it is
    asked for.

    Parameters
    ----------
    dataset : Dataset
        Read shard by shard.
    split : {'train', 'val', 'test'}
        Which rows; of them the positives and controls.
    viewer : Viewer
        From stamp to network input. Pairs with a stamp that it cannot scale are left out, as the gates leave them out.
    sampling : Sampling
        Which rows take part, and with what weight.
    budget_bytes : int
        See above; by default 512 MiB, about 10,900 stamps.

    Attributes
    ----------
    rows : DataFrame
        sample_id, pair_id, label and weight of the rows that are given out, in the order of the shards.
    positives : DataFrame
        pair_id, and what policies and objectives want to know of the arcs of all pairs of the split.
    unscalable : tuple of int
        Positives and controls that the view cannot scale.

    Raises
    ------
    ArcgateError
        No pair is left, or no row of one class.
    """

    def __init__(
        self, dataset: Dataset, split: Split, viewer: Viewer, sampling: Sampling, budget_bytes: int = MEMORY_BUDGET_BYTES
    ) -> None:
        self._dataset = dataset
        self._split: Split = split
        self._viewer = viewer
        self._columns = list(dict.fromkeys((*COLUMNS, *columns_for(viewer))))
        arcs = list(dict.fromkeys((*ARC_COLUMNS, *columns_of(sampling))))
        self.positives = dataset.table(arcs, split=split, roles=("positive",))
        # The batches of an epoch are counted before it begins, and so are the rows that are in none of them.
        self.rows, self.unscalable = self._counted(sampling)
        self._weight = pd.Series(self.rows["weight"].to_numpy(), index=self.rows["sample_id"].to_numpy())
        self._n_shards = len(dataset.shards(split, LABELLED_ROLES))
        self.in_memory = len(self.rows) * dataset.schema.image_bytes * len(viewer.planes) <= budget_bytes
        self._kept: Batch | None = None

    def __len__(self) -> int:
        return 1 if self.in_memory else self._n_shards

    def load(self, block: int) -> Batch:
        """Rows of a block in the order of the shards."""
        if not self.in_memory:
            return next(self._shards([block]))
        if self._kept is None:
            self._kept = Batch.joined(list(self._shards(list(range(self._n_shards)))))
        return self._kept

    def _counted(self, sampling: Sampling) -> tuple[pd.DataFrame, tuple[int, int]]:
        """Rows that take part, and how many positives and controls cannot be scaled, with which their pairs leave."""
        kept, flat = [], [0, 0]
        for batch in self._dataset.batches(self._columns, self._split, LABELLED_ROLES, arcs=False):
            spoiled = ~self._viewer.scalable(stamps_of_batch(batch, self._viewer)).numpy()
            for label in (0, 1):
                flat[label] += int((spoiled & (batch.table["label"] == label).to_numpy()).sum())
            # The members of a pair are never in two shards.
            kept.append(batch.table.loc[whole_pairs(batch.table, spoiled), ["sample_id", "pair_id", "label"]])
        rows = pd.concat(kept, ignore_index=True).astype("int64")
        if rows.empty:
            raise ArcgateError(
                f"no pair of the split {self._split!r} can be scaled by the view: its stamps are constant",
                where=self._dataset.path,
                todo="use view=raw, or give stamps with pixels that differ",
            )
        pair, label_ = rows["pair_id"].to_numpy(), rows["label"].to_numpy()
        rows = rows.assign(weight=row_weights(pair, label_, self.positives, sampling))
        rows = rows[rows["weight"] > 0].reset_index(drop=True)
        for label, what in ((1, "positive"), (0, "negative")):
            if not (rows["label"] == label).any():
                raise ArcgateError(
                    f"the sampling {sampling.name!r} leaves no {what} in the split {self._split!r}",
                    where="learning.sampling",
                    todo="lower its floors, or give more pairs (data.n_pairs)",
                )
        return rows, (flat[1], flat[0])

    def _shards(self, order: list[int]) -> Iterator[Batch]:
        for batch in self._dataset.batches(self._columns, self._split, LABELLED_ROLES, arcs=False, shard_order=order):
            yield self._viewed(batch)

    def _viewed(self, batch: StampBatch) -> Batch:
        weight = batch.table["sample_id"].map(self._weight)
        # A view may need the control of a positive whose control takes no part itself.
        paired = batch.table["pair_id"].isin(batch.table.loc[weight.notna(), "pair_id"]).to_numpy(bool)
        batch, weight = replace(batch, table=batch.table[paired], image=batch.image[paired]), weight[paired]
        given = np.flatnonzero(weight.notna())
        stamps = stamps_of_batch(batch, self._viewer)
        table = batch.table.assign(weight=weight).iloc[given]
        arcs = self.positives.set_index("pair_id").reindex(table["pair_id"])
        chosen = torch.from_numpy(given)
        return Batch(
            images=self._viewer(stamps)[chosen],
            labels=torch.from_numpy(table["label"].to_numpy(np.float32)),
            weights=torch.from_numpy(table["weight"].to_numpy(np.float32)),
            sample=torch.from_numpy(table["sample_id"].to_numpy(np.int64)),
            pair=torch.from_numpy(table["pair_id"].to_numpy(np.int64)),
            galaxy=torch.from_numpy(text_ids(table["host_id"].astype(str).tolist())),
            theta_e_arcsec=torch.from_numpy(arcs["theta_e_arcsec"].to_numpy(np.float32)),
            arc_snr=torch.from_numpy(arcs["arc_snr_injected"].to_numpy(np.float32)),
            x_pix=stamps.x_pix[chosen],
            y_pix=stamps.y_pix[chosen],
        )


class ViewedBatches:
    """One epoch of batches each time it is iterated; Lightning takes it for a data loader.

    In training, blocks and what lies within a block come in the order of a hash of (seed, epoch, identity); so an epoch's batches
    are the same whether it is reached in one go or after a resume. Otherwise blocks come in order and their rows by sample_id. A
    plain iterable rather than torch's DataLoader: there is one process, and no global generator may be touched.

    Parameters
    ----------
    blocks : Blocks
        The rows.
    batch_size : int
        Upper limit; an epoch is cut into as few batches as possible of equal length within 1, so that none is tiny and
        no row is dropped.
    seed : int
        Seed of the order.
    epoch : int or None
        0-based; None leaves rows in order.
    by_pair : bool
        Whether members of a pair come in one batch.
    progress : float
        Share of the epochs that is over, for a curriculum.
    sampling : Sampling or None
        Whose curriculum decides what takes part; None lets everything through.
    at_most : int or None
        Batches after which the epoch ends.

    Attributes
    ----------
    sizes : list of int
        Rows, or pairs, of each batch.
    change : callable or None
        What is done to each batch, as augmentation.
    """

    def __init__(
        self,
        blocks: Blocks,
        batch_size: int,
        *,
        seed: int,
        epoch: int | None,
        by_pair: bool = False,
        progress: float = 1.0,
        sampling: Sampling | None = None,
        at_most: int | None = None,
    ) -> None:
        self.change: Callable[[Batch], Batch] | None = None
        self._blocks, self._seed, self._epoch, self._by_pair = blocks, seed, epoch, by_pair
        curriculum = None if sampling is None else sampling.curriculum
        pair = blocks.rows["pair_id"].to_numpy()
        # A share of all pairs of the split could be pairs that a policy leaves out, or none that it lets through.
        known = blocks.positives[blocks.positives["pair_id"].isin(pair)]
        taking_part = admitted(pair, known, curriculum, progress)
        self._late = set(pair[~taking_part].tolist())
        units = blocks.rows.loc[taking_part, "pair_id" if by_pair else "sample_id"].nunique()
        self.sizes = batch_sizes(units, max(batch_size // 2, 1) if by_pair else batch_size)
        self._count = len(self.sizes) if at_most is None else min(at_most, len(self.sizes))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Batch]:
        for _, batch in zip(range(self._count), self._cut(), strict=False):
            yield batch if self.change is None else self.change(batch)

    def _cut(self) -> Iterator[Batch]:
        """Rows in batches of `sizes` units; what is left of a block goes into the next batch."""
        sizes = iter(self.sizes)
        missing = next(sizes)
        parts: list[Batch] = []
        for block in self._by_key(np.arange(len(self._blocks), dtype=np.int64)):
            rows = self._blocks.load(int(block))
            order, begins = self._units(rows)
            start = 0
            while start < len(begins) - 1:
                stop = min(start + missing, len(begins) - 1)
                parts.append(rows.take(torch.from_numpy(order[begins[start] : begins[stop]])))
                missing -= stop - start
                start = stop
                if missing == 0:
                    yield Batch.joined(parts)
                    parts, missing = [], next(sizes, 0)

    def _units(self, rows: Batch) -> tuple[Ids, Ids]:
        """Order of a block's rows, and where its units begin in it, and end."""
        sample, pair = rows.sample.numpy(), rows.pair.numpy()
        kept = np.flatnonzero(~np.isin(pair, list(self._late))) if self._late else np.arange(len(sample))
        unit = (pair if self._by_pair else sample)[kept]
        names, place = np.unique(unit, return_inverse=True)
        rank = np.empty(len(names), dtype=np.int64)
        rank[self._by_key(names)] = np.arange(len(names))
        inside = np.lexsort((sample[kept], rank[place]))
        begins = np.searchsorted(rank[place][inside], np.arange(len(names) + 1))
        return kept[inside].astype(np.int64), begins.astype(np.int64)

    def _by_key(self, identity: Ids) -> Ids:
        key = identity if self._epoch is None else words(self._seed, f"order in epoch {self._epoch}", identity)
        return np.argsort(key, kind="stable")


def batch_sizes(n_units: int, batch_size: int) -> list[int]:
    """Lengths of the batches of an epoch: as few as `batch_size` allows, equal within 1, longer ones first."""
    n_batches = -(-n_units // batch_size)
    return [n_units // n_batches + (k < n_units % n_batches) for k in range(n_batches)]
