"""What a training minimises, found by the name of its module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from arcgate.ground.errors import ArcgateError
from arcgate.ground.listed import full_name, listed_module
from arcgate.learning.batches import Batch

if TYPE_CHECKING:
    from arcgate.learning_node import Objective

ROOM = "arcgate.learning.objectives"


@dataclass(frozen=True)
class Output:
    """What a network gives for a batch.

    Attributes
    ----------
    logits : Tensor, shape (n,)
    embeddings : Tensor, shape (n, k), or None
        What the last layer gets; where the objective asks for it.
    """

    logits: Tensor
    embeddings: Tensor | None = None


@dataclass(frozen=True)
class Minimised:
    """An objective.

    Attributes
    ----------
    loss : callable
        From output and batch to a number, a mean over rows by their weights.
    needs_embeddings : bool
    needs_pairs : bool
        Whether both members of a pair must lie in one batch.
    """

    loss: Callable[[Output, Batch], Tensor]
    needs_embeddings: bool = False
    needs_pairs: bool = False


def minimised(settings: Objective) -> Minimised:
    """The objective that a configuration names.

    Raises
    ------
    ArcgateError
        There is no such module, it exports no `objective`, or that does not take these parameters.
    """
    whole = full_name(settings.module, ROOM)
    make = getattr(listed_module(whole, "learning.objective.module"), "objective", None)
    if not callable(make):
        raise ArcgateError(
            f"{whole} exports no objective",
            where="learning.objective.module",
            todo="let the module define objective(**parameters), which returns arcgate.learning.objective.Minimised",
        )
    try:
        found = make(**settings.parameters)
    except TypeError as error:
        raise ArcgateError(
            f"{whole}: {error}", where="learning.objective.parameters", todo="give the parameters that its objective() takes"
        ) from error
    if not isinstance(found, Minimised):
        raise ArcgateError(
            f"objective() of {whole} gives no Minimised", where="learning.objective.module", todo="let it return one"
        )
    return found
