"""The gates that arcgate's own settings list, and which of them a result belongs to."""

from __future__ import annotations

from composing import composed

from arcgate.gates.core.gate import Gate
from arcgate.gates.core.listing import gate_of

NAMES = composed().gates.listed


def owner_of(result: str) -> Gate | None:
    """The gate whose name a result has, or begins with."""
    names = [name for name in NAMES if f"{result}_".startswith(f"{name}_")]
    return gate_of(max(names, key=len)) if names else None
