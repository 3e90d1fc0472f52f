"""Figures of a data set, a training and a battery. Each function returns a matplotlib Figure; `save` writes it."""

from arcgate.tracking.figures.curves import completeness, roc
from arcgate.tracking.figures.gates import gate_chart
from arcgate.tracking.figures.maps import core_difference
from arcgate.tracking.figures.stamps import contact_sheet, pair_title, spread_over
from arcgate.tracking.figures.style import save

__all__ = ["completeness", "contact_sheet", "core_difference", "gate_chart", "pair_title", "roc", "save", "spread_over"]
