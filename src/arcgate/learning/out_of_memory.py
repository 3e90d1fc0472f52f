"""A batch that does not fit into memory, said in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import torch

from arcgate.ground.errors import ArcgateError

if TYPE_CHECKING:
    from arcgate.learning_node import Learning

# What torch says on a CPU, on Apple's GPUs and in libraries of CUDA, where it raises no class of its own; an illegal memory
# access is something else.
_SAID: Final = re.compile(r"out of memory|not enough memory|(can't|cannot|could not) allocate|alloc_failed", re.IGNORECASE)
_LONGEST: Final = 160


@contextmanager
def batches_fit(learning: Learning) -> Iterator[None]:
    """Turn errors of a memory that does not suffice into one message, for as long as a `with` block lasts.

    Parameters
    ----------
    learning : Learning
        Of the training in the block.

    Raises
    ------
    ArcgateError
        Naming the setting of the batch's size.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _of_memory(error):
            raise
        size, steps = learning.batch_size, learning.trainer.accumulate
        smaller = f"learning.batch_size={size // 2} learning.trainer.accumulate={2 * steps} makes about as many steps; or take "
        raise ArcgateError(
            f"a batch of {size} stamps does not fit into memory: {_short(error)}",
            where="learning.batch_size",
            todo=f"{smaller if size > 1 else 'take '}a smaller learning.backbone",
        ) from error


def _of_memory(error: MemoryError | RuntimeError) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or _SAID.search(str(error)) is not None


def _short(error: BaseException) -> str:
    """The beginning of what an error says, on one line; torch goes on about its settings."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
