"""Callbacks of Lightning that the user names by `_target_`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from pytorch_lightning.callbacks import Callback

from arcgate.ground.errors import ArcgateError

if TYPE_CHECKING:
    from arcgate.learning_node import TrainerSettings

SETTING = "learning.trainer.callbacks"


def own_callbacks(settings: TrainerSettings) -> list[Callback]:
    """The callbacks of a configuration.

    Raises
    ------
    ArcgateError
        There is no such class, it does not take these arguments, or is no callback.
    """
    found = []
    for number, each in enumerate(settings.callbacks):
        if "_target_" not in each:
            raise ArcgateError(f"callback {number} names no _target_", where=SETTING, todo="give the class: {_target_: package.Class}")
        try:
            made = instantiate(each)
        except InstantiationException as error:
            raise ArcgateError(f"{each['_target_']} cannot be made: {error}", where=SETTING, todo="correct its name or arguments") from error
        if not isinstance(made, Callback):
            raise ArcgateError(f"{each['_target_']} is no callback of Lightning", where=SETTING, todo="name a subclass of Callback")
        found.append(made)
    return found
