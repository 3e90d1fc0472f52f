"""What *passed* needs, per layout: the one list, which decides and is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arcgate.dataset.source import Facts
from arcgate.gates.gate_list import gates_for
from arcgate.gates.regions import Regions
from arcgate.gates.result import NETWORK, RAW, GateResult, Requirement, Status
from arcgate.variant import Gates, View

PIXELS: Final = Requirement(
    "pixels that are numbers, and stored alike in both classes", (f"finite_pixels/{RAW}", f"stored_values/{RAW}")
)
ARC_STORED: Final = Requirement("control + stored arc = stamp", (f"deinjection/{RAW}",))
ARC_DECLARED: Final = Requirement("what was added is the declared arc in every row", (f"declared_arc/{RAW}",))
NULL_PAIRED: Final = Requirement("null rows equal their controls", (f"null_equal/{RAW}", f"null_equal/{NETWORK}"))
NULL_UNPAIRED: Final = Requirement("null rows are told from controls by nothing", (f"null/{RAW}", f"null/{NETWORK}"))
NULL_CONTROLS: Final = Requirement(
    "controls against controls: every planted leak is heard, nothing else is", (f"null_pair/{RAW}",)
)
METADATA: Final = Requirement("columns beside the pixels tell nothing", ("metadata_ridge/table", "metadata_trees/table"))
TAILS: Final = "what a few rows alone hold tells nothing"
SPLITS: Final = Requirement("no galaxy in two splits", ("split_integrity/table",))


def required_of(facts: Facts, view: View, settings: Gates, several_splits: bool) -> tuple[Requirement, ...]:
    """What *passed* needs on a data set.

    What is not in the list and cannot run does not prevent *passed*: gates on null rows where none are stored (the null pair made
    of controls stands in for them), the equality of the stored arc where none is stored (every row is then held against its
    declared arc), the reference renderer where no row is asked for.

    Parameters
    ----------
    facts : Facts
        What is stored and declared.
    view, settings : View, Gates
        Which gates on features and which cells of the two-sample battery there are.
    several_splits : bool
        Whether more than one split is recorded.
    """
    null = (NULL_PAIRED if facts.paired else NULL_UNPAIRED) if facts.has_null else NULL_CONTROLS
    return (
        PIXELS,
        *([ARC_STORED] if facts.has_arc else []),
        ARC_DECLARED,
        null,
        _features(facts, view),
        *_cells(settings),
        _tails(facts),
        METADATA,
        *([SPLITS] if several_splits else []),
    )


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


def _tails(facts: Facts) -> Requirement:
    """Counted without the declared arc, and without the stored one."""
    names = [name for name, there in (("tails", facts.declared), ("tails_stored", facts.has_arc)) if there]
    return Requirement(TAILS, tuple(f"{name}/{RAW}" for name in names or ["tails"]))


def _features(facts: Facts, view: View) -> Requirement:
    """Gates on features; those whose arm is the null rows only where such rows are stored."""
    listed = gates_for(view.normalisation, facts.paired, Regions(facts.imaging))
    gates = [gate for gate in listed if gate.arm != "null" or facts.has_null]
    return Requirement(
        "stamps without their arcs are told from controls by nothing", tuple(f"{gate.name}/{gate.view}" for gate in gates)
    )


def _cells(settings: Gates) -> list[Requirement]:
    cells = tuple(f"two_sample_{cell.region}_{cell.summary}_{cell.probe}/{RAW}" for cell in settings.cells)
    return [Requirement("nor by any cell of the two-sample battery", cells)] if cells else []
