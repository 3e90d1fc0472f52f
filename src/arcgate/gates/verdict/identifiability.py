"""Which bugs can be named on which data: the table bug x kind of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arcgate.dataset.source import Facts
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.verdict.bug_model import BugModel, Kind

KINDS: Final[tuple[Kind, ...]] = ("arc stored", "paired without arc", "unpaired without arc")


def kind_of(facts: Facts) -> Kind | None:
    """The kind of data that a verdict rests on; None where no arc is declared, so that nothing can be refitted."""
    if not facts.declared:
        return None
    if facts.paired or facts.has_null:
        return "paired without arc"
    return "arc stored" if facts.has_arc else "unpaired without arc"


def identifiability(facts: Facts, models: Sequence[BugModel]) -> Exhibit:
    """The table of the bugs that are looked for and that such stamps can have, with this data set's column marked.

    Each entry of arcgate's own models was tried (experiments/11-bug-or-physics). A stored arc alone shows what the renderer did,
    not what happened to the stamp afterwards; between different galaxies small amounts are bounded by what hosts and neighbours
    hide.
    """
    kind = kind_of(facts)
    columns = ["bug", *[f"{name} (this data set)" if name == kind else name for name in KINDS]]
    caption = (
        "identifiable: named when it is there; bounded: an interval is given, small amounts stay unnoticed; noticed: an alarm "
        "without the name; impossible: the light that is compared does not depend on it, so that it is not run (shifted cutouts: "
        "the diagnostics on alignment compare galaxies with their recorded centres). A data set with its own hosts (paired "
        "controls or null rows) is judged on stamp minus host, whether or not it stores arcs. Bugs that act alike share a name: "
        "any common ratio of fluxes is flux_unit, any offset of the arcs from their hosts centre_offset; its size is given."
    )
    if kind is None:
        caption = "Nothing is declared about this data set's arcs, so that no bug was looked for. " + caption
    rows = [
        [what, *standings]
        for model in models
        if model.exists_for(facts.imaging)
        for what, standings in model.identifiability.items()
    ]
    return Exhibit("identifiability", "Which bugs can be named here", caption, "table", {"columns": columns, "rows": rows})
