"""Batches of viewed stamps, streamed from shards in an order that only (seed, epoch) decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import StampBatch, whole_pairs
from arcgate.ground.draws import words
from arcgate.ground.errors import ArcgateError
from arcgate.learning.augmentation import augment
from arcgate.learning.looking import columns_for, stamps_of_batch
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.data_node import Split

LABELLED_ROLES: Final = ("positive", "control")
COLUMNS: Final = ("sample_id", "label")
MEMORY_BUDGET_BYTES: Final = 512 * 1024**2


@dataclass(frozen=True, eq=False)
class ViewedStamps:
    """Viewed stamps with their labels.

    Attributes
    ----------
    images : Tensor of float32, shape (n, channels, y, x)
        What the network sees.
    labels : Tensor of float32, shape (n,)
        1 for positives, 0 for controls.
    sample_id : ndarray of int64, shape (n,)
    """

    images: Tensor
    labels: Tensor
    sample_id: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sample_id)

    def take(self, index: NDArray[np.int64]) -> ViewedStamps:
        """Copy the rows at these places."""
        place = torch.from_numpy(index)
        return ViewedStamps(self.images[place], self.labels[place], self.sample_id[index])

    @staticmethod
    def joined(parts: list[ViewedStamps]) -> ViewedStamps:
        """One after another."""
        if len(parts) == 1:
            return parts[0]
        images, labels = torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
        return ViewedStamps(images, labels, np.concatenate([part.sample_id for part in parts]))


class Blocks:
    """The labelled rows of one split, in blocks that fit into memory.

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
    budget_bytes : int
        See above; by default 512 MiB, about 10,900 stamps.

    Attributes
    ----------
    n_rows : int
        Rows that are given out.
    unscalable : tuple of int
        Positives and controls that the view cannot scale.

    Raises
    ------
    ArcgateError
        No pair is left.
    """

    def __init__(self, dataset: Dataset, split: Split, viewer: Viewer, budget_bytes: int = MEMORY_BUDGET_BYTES) -> None:
        self._dataset = dataset
        self._split: Split = split
        self._viewer = viewer
        self._left_out: set[int] = set()
        self._columns = list(dict.fromkeys((*COLUMNS, *columns_for(viewer))))
        # The batches of an epoch are counted before it begins, and so are the rows that are in none of them.
        self.n_rows, self.unscalable = self._counted()
        self._n_shards = len(dataset.shards(split, LABELLED_ROLES))
        self.in_memory = self.n_rows * dataset.schema.image_bytes * len(viewer.planes) <= budget_bytes
        self._kept: ViewedStamps | None = None

    def __len__(self) -> int:
        return 1 if self.in_memory else self._n_shards

    def load(self, block: int) -> ViewedStamps:
        """Rows of a block in the order of the shards."""
        if not self.in_memory:
            return next(self._shards([block]))
        if self._kept is None:
            self._kept = self._gathered()
        return self._kept

    def _counted(self) -> tuple[int, tuple[int, int]]:
        """Rows of scalable pairs, and how many positives and controls cannot be scaled; their pairs are `_left_out`."""
        rows, flat = 0, [0, 0]
        for batch in self._dataset.batches(self._columns, self._split, LABELLED_ROLES, arcs=False):
            spoiled = ~self._viewer.scalable(stamps_of_batch(batch, self._viewer)).numpy()
            self._left_out |= set(batch.table.loc[spoiled, "pair_id"].tolist())
            for label in (0, 1):
                flat[label] += int((spoiled & (batch.table["label"] == label).to_numpy()).sum())
            # The members of a pair are never in two shards.
            rows += int(whole_pairs(batch.table, spoiled).sum())
        if not rows:
            raise ArcgateError(
                f"no pair of the split {self._split!r} can be scaled by the view: its stamps are constant",
                where=self._dataset.path,
                todo="use view=raw, or give stamps with pixels that differ",
            )
        return rows, (flat[1], flat[0])

    def _shards(self, order: list[int]) -> Iterator[ViewedStamps]:
        for batch in self._dataset.batches(self._columns, self._split, LABELLED_ROLES, arcs=False, shard_order=order):
            yield self._viewed(batch)

    def _viewed(self, batch: StampBatch) -> ViewedStamps:
        if self._left_out:
            kept = ~batch.table["pair_id"].isin(self._left_out).to_numpy(bool)
            batch = replace(batch, table=batch.table[kept], image=batch.image[kept])
        table = batch.table
        images = self._viewer(stamps_of_batch(batch, self._viewer))
        labels = torch.from_numpy(table["label"].to_numpy(dtype=np.float32))
        return ViewedStamps(images, labels, table["sample_id"].to_numpy(dtype=np.int64))

    def _gathered(self) -> ViewedStamps:
        whole = ViewedStamps(
            torch.empty(self.n_rows, self._viewer.channels, *self._dataset.imaging.shape[1:]),
            torch.empty(self.n_rows),
            np.empty(self.n_rows, dtype=np.int64),
        )
        filled = 0
        for rows in self._shards(list(range(self._n_shards))):
            place = slice(filled, filled + len(rows))
            whole.images[place], whole.labels[place], whole.sample_id[place] = rows.images, rows.labels, rows.sample_id
            filled += len(rows)
        return whole


class ViewedBatches:
    """One epoch of batches each time it is iterated; Lightning takes it for a data loader.

    In training, blocks and the rows within a block come in the order of a hash of (seed, epoch, identity), and each
    stamp may be flipped and turned by a key of its own; so an epoch's batches are the same whether it is reached in one
    go or after a resume. Otherwise blocks come in order and their rows by sample_id, unchanged. A plain iterable rather
    than torch's DataLoader: there is one process, and no global generator may be touched.

    Parameters
    ----------
    blocks : Blocks
        The rows.
    batch_size : int
        Upper limit; an epoch is cut into as few batches as possible of equal length within 1, so that none is tiny and
        no row is dropped.
    seed : int
        Seed of order and augmentation.
    epoch : callable or None
        Gives the current epoch (0-based), asked when the first batch is; None leaves rows in order.
    augmented : bool
        Whether to flip and turn.
    """

    def __init__(
        self, blocks: Blocks, batch_size: int, *, seed: int, epoch: Callable[[], int] | None, augmented: bool = False
    ) -> None:
        self._blocks = blocks
        self._seed = seed
        self._epoch = epoch
        self._augmented = augmented
        self.sizes = batch_sizes(blocks.n_rows, batch_size)

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch = None if self._epoch is None else self._epoch()
        for rows in self._cut(self._ordered(epoch)):
            images = rows.images
            if self._augmented and epoch is not None:
                images = augment(images, rows.sample_id, seed=self._seed, epoch=epoch)
            yield images, rows.labels

    def _ordered(self, epoch: int | None) -> Iterator[tuple[ViewedStamps, NDArray[np.int64]]]:
        """Each block with the order of its rows."""
        for block in self._by_key(np.arange(len(self._blocks), dtype=np.int64), epoch):
            rows = self._blocks.load(int(block))
            yield rows, self._by_key(rows.sample_id, epoch)

    def _by_key(self, identity: NDArray[np.int64], epoch: int | None) -> NDArray[np.int64]:
        return np.argsort(identity if epoch is None else words(self._seed, f"order in epoch {epoch}", identity), kind="stable")

    def _cut(self, blocks: Iterator[tuple[ViewedStamps, NDArray[np.int64]]]) -> Iterator[ViewedStamps]:
        """Rows in batches of `sizes`; what is left of a block goes into the next batch."""
        sizes = iter(self.sizes)
        missing = next(sizes)
        parts: list[ViewedStamps] = []
        for rows, order in blocks:
            start = 0
            while start < len(order):
                parts.append(rows.take(order[start : start + missing]))
                start += len(parts[-1])
                missing -= len(parts[-1])
                if missing == 0:
                    yield ViewedStamps.joined(parts)
                    parts, missing = [], next(sizes, 0)


def batch_sizes(n_rows: int, batch_size: int) -> list[int]:
    """Lengths of the batches of an epoch: as few as `batch_size` allows, equal within 1, longer ones first."""
    n_batches = -(-n_rows // batch_size)
    return [n_rows // n_batches + (k < n_rows % n_batches) for k in range(n_batches)]
