"""How many batches each epoch has: known before the first one, since the learning rate follows from it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arcgate.ground.errors import ArcgateError
from arcgate.learning.stream import Blocks, ViewedBatches

if TYPE_CHECKING:
    from arcgate.learning_node import Learning


@dataclass(frozen=True)
class Epoch:
    """Number of an epoch, the share of all that is over when it begins, and its batches."""

    number: int
    progress: float
    batches: int


def epochs_of(blocks: Blocks, learning: Learning, by_pair: bool) -> tuple[Epoch, ...]:
    """The epochs of a training.

    With `learning.steps` there are as many as these optimiser steps need, the last of which may be short. A curriculum goes by
    the share of the epochs, or of the steps, that is over.

    Parameters
    ----------
    blocks : Blocks
        Of the training rows.
    learning : Learning
    by_pair : bool
        As of the batches.

    Raises
    ------
    ArcgateError
        An epoch would have no batches.
    """
    steps, accumulate = learning.steps, learning.trainer.accumulate
    found: list[Epoch] = []
    # Epochs, or optimiser steps.
    done, wanted = 0, learning.epochs if steps is None else steps
    while done < wanted:
        progress = done / wanted
        batches = len(batches_of(blocks, learning, by_pair, Epoch(len(found), progress, 0)))
        if batches == 0:
            # Epochs without a step would never make up the steps that are asked for.
            raise ArcgateError(
                f"epoch {len(found)} has no batches: no row takes part in it",
                where="learning.sampling.curriculum",
                todo="raise its begin, or take learning.sampling.curriculum=null",
            )
        if steps is not None:
            batches = min(batches, (steps - done) * accumulate)
        found.append(Epoch(len(found), progress, batches))
        done += 1 if steps is None else _steps_of(batches, accumulate)
    return tuple(found)


def batches_of(blocks: Blocks, learning: Learning, by_pair: bool, epoch: Epoch) -> ViewedBatches:
    """The batches of one epoch, before anything is changed in them; all of them where none were counted yet."""
    return ViewedBatches(
        blocks,
        learning.batch_size,
        seed=learning.seed,
        epoch=epoch.number,
        by_pair=by_pair,
        progress=epoch.progress,
        sampling=learning.sampling,
        at_most=epoch.batches or None,
    )


def steps_at_ends(epochs: tuple[Epoch, ...], accumulate: int) -> list[int]:
    """Optimiser steps that are done when each epoch ends: gradients that are left by then make a step too."""
    return list(itertools.accumulate(_steps_of(epoch.batches, accumulate) for epoch in epochs))


def _steps_of(batches: int, accumulate: int) -> int:
    """Optimiser steps of an epoch: its last batches make one however few they are."""
    return -(-batches // accumulate)
