"""Lightning data module: the train and val splits of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytorch_lightning import LightningDataModule

from arcgate.dataset.reader import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.learning.stream import LABELLED_ROLES, Blocks, ViewedBatches
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.data_node import Split
    from arcgate.variant import Learning, View

VALIDATION_BATCH: Final = 256


class StampData(LightningDataModule):
    """Batches of viewed stamps for training and validation.

    Shards are streamed: one shard is in memory at a time, unless the viewed stamps of a split take at most 512 MiB, in
    which case they are viewed once and kept (see `arcgate.learning.stream.Blocks`).

    Parameters
    ----------
    dataset : Dataset
        Rows of the roles positive and control are used, no others.
    view : View
        What the network sees.
    learning : Learning
        Its batch_size, augment and seed.

    Raises
    ------
    ArcgateError
        If the split train or val lacks positives or controls.
    """

    def __init__(self, dataset: Dataset, view: View, learning: Learning) -> None:
        super().__init__()
        self._learning = learning
        viewer = Viewer(view, dataset.imaging)
        self._train = _checked_blocks(dataset, "train", viewer)
        self._val = _checked_blocks(dataset, "val", viewer)

    @property
    def steps_per_epoch(self) -> int:
        """Training batches in an epoch."""
        return len(self.train_dataloader())

    def train_dataloader(self) -> ViewedBatches:
        """Shuffled and, if so configured, augmented; keyed on the trainer's current epoch."""
        learning = self._learning
        return ViewedBatches(self._train, learning.batch_size, seed=learning.seed, epoch=self._epoch, augmented=learning.augment)

    def val_dataloader(self) -> ViewedBatches:
        """In order, unchanged."""
        return ViewedBatches(self._val, VALIDATION_BATCH, seed=self._learning.seed, epoch=None)

    def _epoch(self) -> int:
        if self.trainer is None:
            raise RuntimeError("the data module is not attached to a trainer yet")
        return self.trainer.current_epoch


def _checked_blocks(dataset: Dataset, split: Split, viewer: Viewer) -> Blocks:
    counts = dataset.card["counts"].get(split, {})
    missing = [role for role in LABELLED_ROLES if not counts.get(role)]
    if missing:
        raise ArcgateError(
            f"the split {split!r} has no rows of role {' or '.join(missing)}: nothing to tell apart",
            where=dataset.path,
            todo="build a larger data set (data.n_pairs), or one that is not restricted by data.only_split",
        )
    blocks = Blocks(dataset, split, viewer)
    if any(blocks.unscalable):
        positives, controls = blocks.unscalable
        print(
            f"{split}: {positives} positives and {controls} controls cannot be scaled by the view; their pairs are left out",
            flush=True,
        )
    return blocks
