"""The gates that a configuration lists, by the names of their modules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from arcgate.gates.core.gate import Gate
from arcgate.gates.core.words import SECTIONS
from arcgate.ground.errors import ArcgateError
from arcgate.ground.listed import full_name, listed_module, modules_of
from arcgate.variant import GATE_LISTS, GATES


@cache
def gate_of(name: str) -> Gate:
    """The gate that a module exports as `GATE`.

    Raises
    ------
    ArcgateError
        There is no such module, it exports none, or one that the report has no section for.
    """
    whole = full_name(name, GATES)
    gate = getattr(listed_module(whole, GATE_LISTS), "GATE", None)
    if not isinstance(gate, Gate):
        raise ArcgateError(
            f"{whole} exports no gate", where=GATE_LISTS, todo="let the module state GATE (CONTRIBUTING, a new gate)"
        )
    section = gate.words(gate.name).section
    if section not in SECTIONS:
        raise ArcgateError(
            f"{whole} is to be shown in the section {section!r}, which the report does not have",
            where=GATE_LISTS,
            todo=f"let its section be one of {', '.join(SECTIONS)}",
        )
    return gate


def gates_of(names: Sequence[str]) -> list[Gate]:
    """The gates of several modules, in their order.

    Raises
    ------
    ArcgateError
        As `gate_of`; or two gates have one name, so that one would stand for both.
    """
    gates = [gate_of(name) for name in names]
    called = [gate.name for gate in gates]
    if twice := next((name for name in called if called.count(name) > 1), None):
        raise ArcgateError(f"two gates are called {twice}", where=GATE_LISTS, todo="list one of them, or give it another name")
    return gates


def shipped_gates() -> list[Gate]:
    """Arcgate's own gates, listed or not: what a pass needs does not depend on the list."""
    return gates_of(modules_of(GATES))
