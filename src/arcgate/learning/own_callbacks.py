"""Callbacks of Lightning that the user names by `_target_`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from pytorch_lightning.callbacks import Callback

from arcgate.ground.errors import ArcgateError

if TYPE_CHECKING:
    from arcgate.learning_node import TrainerSettings

SETTING: Final = "learning.trainer.callbacks"


def own_callbacks(settings: TrainerSettings) -> list[Callback]:
    """The callbacks of a configuration.

    Raises
    ------
    ArcgateError
        There is no such class, it does not take these arguments, or is no callback.
    """
    return [_made(number, each) for number, each in enumerate(settings.callbacks)]


def _made(number: int, each: dict[str, Any]) -> Callback:
    name = each.get("_target_")
    if name is None:
        raise ArcgateError(f"callback {number} names no class", where=SETTING, todo="give it: {_target_: package.Class, ...}")
    try:
        made = instantiate(each)
    except InstantiationException as error:
        raise ArcgateError(f"{name} cannot be made: {error}", where=SETTING, todo="correct its name or arguments") from error
    if not isinstance(made, Callback):
        raise ArcgateError(f"{name} is no callback of Lightning", where=SETTING, todo="name a subclass of Callback")
    return made
