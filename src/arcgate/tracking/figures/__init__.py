"""Figures of a data set, a training and a battery. Each function returns a matplotlib Figure; `save` writes it."""

from arcgate.tracking.figures.curves import completeness, roc
from arcgate.tracking.figures.exhibits import draw_exhibit, is_drawn
from arcgate.tracking.figures.gates import gate_chart
from arcgate.tracking.figures.maps import core_difference
from arcgate.tracking.figures.refit import refit_chart
from arcgate.tracking.figures.stamps import contact_sheet, pair_title, spread_over
from arcgate.tracking.figures.style import save

__all__ = [
    "completeness",
    "contact_sheet",
    "core_difference",
    "draw_exhibit",
    "gate_chart",
    "is_drawn",
    "pair_title",
    "refit_chart",
    "roc",
    "save",
    "spread_over",
]
