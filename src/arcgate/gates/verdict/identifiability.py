"""Which bugs can be named on which data: the table bug x kind of data."""

from __future__ import annotations

from typing import Final, Literal

from arcgate.dataset.source import Facts
from arcgate.gates.core.exhibit import Exhibit

Kind = Literal["arc stored", "paired without arc", "unpaired without arc"]
Standing = Literal["identifiable", "bounded", "noticed", "impossible"]

KINDS: Final[tuple[Kind, ...]] = ("arc stored", "paired without arc", "unpaired without arc")
# Each entry was tried (experiments/11-bug-or-physics). A stored arc alone shows what the renderer did, not what happened to the
# stamp afterwards; between different galaxies small amounts are bounded by what hosts and neighbours hide. A cutout of the wrong
# place moves the galaxy, not the arc: a difference of two cutouts of the same wrong place shows nothing of it.
TABLE: Final[dict[str, tuple[Standing, Standing, Standing]]] = {
    "pedestal": ("impossible", "identifiable", "bounded"),
    "sigma_for_fwhm": ("identifiable", "identifiable", "identifiable"),
    "psfsize_as_moffat_fwhm": ("identifiable", "identifiable", "identifiable"),
    "gaussian_for_moffat": ("identifiable", "identifiable", "identifiable"),
    "double_psf": ("identifiable", "identifiable", "identifiable"),
    "orientation": ("identifiable", "identifiable", "identifiable"),
    "angle_convention": ("identifiable", "identifiable", "identifiable"),
    "centre_offset": ("identifiable", "identifiable", "identifiable"),
    "cutouts of positives shifted": ("impossible", "noticed", "impossible"),
    "all cutouts shifted": ("impossible", "impossible", "impossible"),
    "angular_unit": ("identifiable", "identifiable", "identifiable"),
    "pixel_scale": ("identifiable", "identifiable", "identifiable"),
    "pixel_scale off by 0.2 to 2 %": ("identifiable", "identifiable", "impossible"),
    "band_swap": ("identifiable", "identifiable", "identifiable"),
    "flux_unit": ("identifiable", "identifiable", "identifiable"),
    "extra_sky_noise": ("impossible", "identifiable", "bounded"),
}


def kind_of(facts: Facts) -> Kind | None:
    """The kind of data that a verdict rests on; None where no arc is declared, so that nothing can be refitted."""
    if not facts.declared:
        return None
    if facts.paired or facts.has_null:
        return "paired without arc"
    return "arc stored" if facts.has_arc else "unpaired without arc"


def identifiability(facts: Facts) -> Exhibit:
    """The table, with this data set's column marked; one band cannot be mistaken for another."""
    kind, bands = kind_of(facts), len(facts.imaging.bands)
    table = {bug: row for bug, row in TABLE.items() if bands > 1 or bug != "band_swap"}
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
    return Exhibit(
        "identifiability",
        "Which bugs can be named here",
        caption,
        "table",
        {"columns": columns, "rows": [[bug, *row] for bug, row in table.items()]},
    )
