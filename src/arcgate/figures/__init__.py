"""Figures of a data set, a training, a battery and a study. Each function returns a matplotlib Figure; `save` writes it."""

from arcgate.figures.curves import completeness, roc
from arcgate.figures.exhibits import draw_exhibit, is_drawn
from arcgate.figures.gates import gate_chart
from arcgate.figures.maps import core_difference
from arcgate.figures.refit import refit_chart
from arcgate.figures.stamps import contact_sheet, pair_title, spread_over
from arcgate.figures.study import own_against_common, parallel_coordinates
from arcgate.figures.style import caption_of, save

__all__ = [
    "caption_of",
    "completeness",
    "contact_sheet",
    "core_difference",
    "draw_exhibit",
    "gate_chart",
    "is_drawn",
    "own_against_common",
    "pair_title",
    "parallel_coordinates",
    "refit_chart",
    "roc",
    "save",
    "spread_over",
]
