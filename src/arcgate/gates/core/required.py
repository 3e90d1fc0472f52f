"""What *passed* needs of a data set: the one list, which decides and is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from arcgate.gates.core.result import GateResult, Requirement, Status

if TYPE_CHECKING:
    # Whoever asks what is still unmet needs no gates, which take seconds to import.
    from arcgate.dataset.source import Facts
    from arcgate.gates.core.gate import Gate
    from arcgate.variant import Gates, View


def required_of(gates: Sequence[Gate], facts: Facts, view: View, settings: Gates) -> tuple[Requirement, ...]:
    """What *passed* needs: gates say which of their results must have passed on such a data set, and what that is in words.

    It does not depend on which gates are listed. What is not needed and cannot run does not prevent *passed*: gates on null rows
    where none are stored (the null pair made of controls stands in for them), the equality of the stored arc where none is stored
    (every row is then held against its declared arc), the reference renderer where no row is asked for.
    """
    needed: dict[str, list[str]] = {}
    for gate in gates:
        if found := gate.needed(facts, view, settings):
            needed.setdefault(gate.requires, []).extend(found)
    return tuple(Requirement(what, tuple(results)) for what, results in needed.items())


def unmet(required: Sequence[Requirement], results: Sequence[GateResult]) -> dict[Requirement, dict[str, Status]]:
    """Requirements that are not met, each with those of its gates that did not pass, and their statuses."""
    status = {f"{result.name}/{result.view}": result.status for result in results if result.role == "gate"}
    found = {}
    for requirement in required:
        still: dict[str, Status] = {
            gate: status.get(gate, "not_run") for gate in requirement.gates if status.get(gate) != "passed"
        }
        if still:
            found[requirement] = still
    return found
