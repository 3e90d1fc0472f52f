"""Lightning data module: the train and val splits of a data set."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from pytorch_lightning import LightningDataModule

from arcgate.dataset.reader import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import say
from arcgate.learning.augmentation import augmented
from arcgate.learning.looking import require_paired
from arcgate.learning.objective import minimised
from arcgate.learning.schedule import Epoch, batches_of, epochs_of
from arcgate.learning.stream import LABELLED_ROLES, Blocks, ViewedBatches
from arcgate.sampling import below_a_floor
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.data_node import Split
    from arcgate.learning_node import Learning, Sampling
    from arcgate.variant import View

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
        Its batch_size, augmentation, sampling, objective and seed.

    Attributes
    ----------
    epochs : tuple of Epoch
        Of the training.

    Raises
    ------
    ArcgateError
        If the split train or val lacks positives or controls, or the view needs controls that the set does not have.
    """

    def __init__(self, dataset: Dataset, view: View, learning: Learning) -> None:
        super().__init__()
        self._learning = learning
        self._viewer = Viewer(view, dataset.imaging)
        require_paired(dataset, self._viewer)
        self._by_pair = minimised(learning.objective).needs_pairs
        self._train = _checked_blocks(dataset, "train", self._viewer, learning.sampling)
        self._val = _checked_blocks(dataset, "val", self._viewer, learning.sampling)
        self.epochs: tuple[Epoch, ...] = epochs_of(self._train, learning, self._by_pair)

    def train_dataloader(self) -> ViewedBatches:
        """Shuffled and, if so configured, augmented; keyed on the trainer's current epoch."""
        if self.trainer is None:
            raise RuntimeError("the data module is not attached to a trainer yet")
        learning, epoch = self._learning, self.epochs[min(self.trainer.current_epoch, len(self.epochs) - 1)]
        batches = batches_of(self._train, learning, self._by_pair, epoch)
        batches.change = partial(
            augmented, settings=learning.augmentation, viewer=self._viewer, seed=learning.seed, epoch=epoch.number
        )
        return batches

    def val_dataloader(self) -> ViewedBatches:
        """In order, unchanged."""
        return ViewedBatches(self._val, VALIDATION_BATCH, seed=self._learning.seed, epoch=None)


def _checked_blocks(dataset: Dataset, split: Split, viewer: Viewer, sampling: Sampling) -> Blocks:
    counts = dataset.card["counts"].get(split, {})
    missing = [role for role in LABELLED_ROLES if not counts.get(role)]
    if missing:
        raise ArcgateError(
            f"the split {split!r} has no rows of role {' or '.join(missing)}: nothing to tell apart",
            where=dataset.path,
            todo="build a larger data set (data.n_pairs), or one that is not restricted by data.only_split",
        )
    blocks = Blocks(dataset, split, viewer, sampling)
    if any(blocks.unscalable):
        positives, controls = blocks.unscalable
        say(f"{split}: {positives} positives and {controls} controls cannot be scaled by the view; their pairs are left out")
    if not sampling.whole:
        by_label = blocks.rows["label"].value_counts()
        say(f"{split}: {by_label[1]:,} positives and {by_label[0]:,} negatives, all different rows ({sampling.name})")
    if sampling.least and not below_a_floor(blocks.positives, sampling).any():
        say(f"{split}: every arc meets the floors of {sampling.name}, which leave no row out and weight none")
    return blocks
