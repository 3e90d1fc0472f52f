"""The gates that a configuration lists, by the names of their modules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, cast

from arcgate.gates.core.gate import Gate
from arcgate.ground.errors import ArcgateError
from arcgate.ground.listed import full_name, listed_module
from arcgate.variant import GATES

_SETTING: Final = "gates.listed"


@cache
def gate_of(name: str) -> Gate:
    """The gate that a module exports as `GATE`.

    Raises
    ------
    ArcgateError
        There is no such module, or it exports none.
    """
    gate = getattr(listed_module(name, GATES, _SETTING), "GATE", None)
    if gate is None:
        raise ArcgateError(
            f"{full_name(name, GATES)} exports no gate",
            where=_SETTING,
            todo="let the module state GATE (CONTRIBUTING, a new gate)",
        )
    return cast("Gate", gate)


def gates_of(names: Sequence[str]) -> list[Gate]:
    """The gates of several modules, in their order; errors as `gate_of`."""
    return [gate_of(name) for name in names]
