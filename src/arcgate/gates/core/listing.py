"""The gates that a configuration lists, by the names of their modules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from arcgate.gates.core.auc_gate import AucGate
from arcgate.gates.core.gate import Gate
from arcgate.gates.core.words import SECTIONS
from arcgate.ground.errors import ArcgateError
from arcgate.ground.listed import known_name, listed_module, modules_of
from arcgate.variant import GATE_LISTS, GATES


@cache
def gate_of(name: str) -> Gate:
    """The gate that a module exports as `GATE`.

    Raises
    ------
    ArcgateError
        There is no such module, it exports none, or one that the report has no section for; its names will not do.
    """
    whole = known_name(name, GATES)
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
    _check_names(whole, gate)
    return gate


def _check_names(whole: str, gate: Gate) -> None:
    names = _names(gate)
    if wrong := next((name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)), None):
        raise ArcgateError(
            f"{whole} calls a gate or a result {wrong!r}",
            where=GATE_LISTS,
            todo="take a name of small letters, digits and underscores, as sky_slope",
        )
    for other in () if whole.startswith("arcgate.") else modules_of(GATES):
        if taken := names & _names(gate_of(other)):
            raise ArcgateError(
                f"{whole} calls a gate or a result {min(taken)}, as {other} does",
                where=GATE_LISTS,
                todo=f"give that of {whole} another name",
            )


def _names(gate: Gate) -> set[str]:
    """What it is called, and results that it states beforehand."""
    looks = gate.looks if isinstance(gate, AucGate) else ()
    return {str(gate.name), *(look.name for look in looks if look.name)}


def module_of(gate: Gate, listed: Sequence[str]) -> str:
    """The module that exports a gate, of those that are listed and those of arcgate."""
    return next((name for name in (*listed, *modules_of(GATES)) if gate_of(name) is gate), gate.name)


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
        both = " and ".join(name for name, gate in zip(names, gates, strict=True) if gate.name == twice)
        raise ArcgateError(
            f"two gates are called {twice}: those of {both}", where=GATE_LISTS, todo="list one of them, or give it another name"
        )
    return gates


def shipped_gates() -> list[Gate]:
    """Arcgate's own gates, listed or not: what a pass needs does not depend on the list."""
    return gates_of(modules_of(GATES))
