"""The gates that a configuration lists, by the names of their modules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Final, cast

from arcgate.gates.core.gate import Gate
from arcgate.ground.errors import ArcgateError

ROOM: Final = "arcgate.gates"


def module_of(name: str) -> str:
    """Module of a listed gate: one of arcgate's own by its name, any other by its path with dots."""
    return name if "." in name else f"{ROOM}.{name}"


@cache
def gate_of(name: str) -> Gate:
    """The gate of a module, which names it `GATE`.

    Raises
    ------
    ArcgateError
        There is no such module, or it holds no gate.
    """
    module = _imported(name)
    gate = getattr(module, "GATE", None)
    if gate is None:
        raise ArcgateError(
            f"the module {module.__name__} holds no gate",
            where="gates.listed",
            todo="let it define GATE (CONTRIBUTING, a new gate)",
        )
    return cast("Gate", gate)


def gates_of(names: Sequence[str]) -> list[Gate]:
    """The gates of several modules, in their order; errors as `gate_of`."""
    return [gate_of(name) for name in names]


def _imported(name: str) -> ModuleType:
    place = module_of(name)
    try:
        known = find_spec(place) is not None
    except ModuleNotFoundError:
        known = False
    if not known:
        raise ArcgateError(
            f"there is no module {place} for the gate {name}",
            where="gates.listed",
            todo="list a module of arcgate.gates by its name, or one of your own by its path with dots, which Python can import",
        )
    return import_module(place)
