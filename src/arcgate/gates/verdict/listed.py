"""The bug models that the settings list."""

from __future__ import annotations

from functools import lru_cache

from arcgate.gates.verdict import unnamed
from arcgate.gates.verdict.bug_model import BugModel
from arcgate.ground.errors import ArcgateError
from arcgate.ground.listed import known_name, listed_module
from arcgate.variant import BUG_MODEL_LISTS, BUG_MODELS


@lru_cache
def bug_models(names: tuple[str, ...]) -> tuple[BugModel, ...]:
    """The models that modules export as `MODEL`, in the order of the list, and what has no name behind them.

    Parameters
    ----------
    names : tuple of str
        Of modules of the package `bug_models`, or with a dot, whole names of modules of any package.

    Raises
    ------
    ArcgateError
        A module is not there or has no model, or two models have one name.
    """
    models = [_model(name) for name in names] + [unnamed.MODEL]
    called = [model.name for model in models]
    if twice := next((name for name in called if called.count(name) > 1), None):
        both = " and ".join(name for name, model in zip((*names, unnamed.__name__), models, strict=True) if model.name == twice)
        raise ArcgateError(
            f"two bug models are called {twice}: those of {both}",
            where=BUG_MODEL_LISTS,
            todo="list one of them, or give it another name",
        )
    return tuple(models)


def _model(name: str) -> BugModel:
    whole = known_name(name, BUG_MODELS)
    model = getattr(listed_module(whole, BUG_MODEL_LISTS), "MODEL", None)
    if not isinstance(model, BugModel):
        raise ArcgateError(
            f"{whole} exports no bug model",
            where=BUG_MODEL_LISTS,
            todo="let the module state MODEL = BugModel(...)",
        )
    return model
