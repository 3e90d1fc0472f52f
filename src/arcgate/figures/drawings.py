"""Everything of an evidence that is a figure."""

from __future__ import annotations

from matplotlib.figure import Figure

from arcgate.figures.exhibits import draw_exhibit, is_drawn
from arcgate.figures.refit import refit_chart
from arcgate.gates.core.result import Evidence

REFIT_CHART = "refit_chart"
REFIT_TITLE = "Refit of the injection, in units of the margins"


def drawings_of(evidence: Evidence) -> dict[str, Figure]:
    """The exhibits that are not tables, by name, and the chart of the refit where there is one.

    They are laid out once: finding room for the labels takes most of the time of writing a figure, and both the report and the
    tracking database write them.
    """
    drawn = {exhibit.name: draw_exhibit(exhibit) for exhibit in evidence.exhibits if is_drawn(exhibit)}
    if evidence.cause.measured:
        drawn[REFIT_CHART] = refit_chart(evidence.cause.measured)
    for figure in drawn.values():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return drawn
