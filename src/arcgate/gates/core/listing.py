"""The gates that a configuration lists, by the names of their modules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, cast

from arcgate.gates.core.gate import Gate
from arcgate.gates.core.words import SECTIONS
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
        There is no such module, it exports none, or one whose section the report does not have.
    """
    gate = getattr(listed_module(name, GATES, _SETTING), "GATE", None)
    if gate is None:
        raise ArcgateError(
            f"{full_name(name, GATES)} exports no gate",
            where=_SETTING,
            todo="let the module state GATE (CONTRIBUTING, a new gate)",
        )
    section = cast("Gate", gate).words(cast("Gate", gate).name).section
    if section not in SECTIONS:
        raise ArcgateError(
            f"{full_name(name, GATES)} is to be shown in the section {section!r}, which the report does not have",
            where=_SETTING,
            todo=f"let its section be one of {', '.join(SECTIONS)}",
        )
    return cast("Gate", gate)


def gates_of(names: Sequence[str]) -> list[Gate]:
    """The gates of several modules, in their order; errors as `gate_of`."""
    return [gate_of(name) for name in names]
