"""Where networks see arcs: maps of what the logit drops by, beside the arc's light."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arcgate.figures.style import TEXT, TITLE, WIDEST_INCH, new_figure

MAPS: Final = 4
_COLUMNS: Final = {"arc_light": "light of the arc", "drop": "drop of the logit", "drop_untrained": "drop, untrained"}
_MARK: Final = 22.0


def occlusion_maps(table: pd.DataFrame, size_pix: int) -> Figure:
    """Maps of the first pairs: the arc's light, and the logit's drop without it, of the network and before it was trained.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.evaluation.occlusion.occlusion`, not empty.
    size_pix : int
        Side of the stamps.

    Returns
    -------
    Figure
        Each map in units of its own largest value, so that shapes are compared: red drops, blue rises.
    """
    pairs = table["pair_id"].unique()[:MAPS]
    figure = new_figure(WIDEST_INCH, 0.8 + 2.2 * len(_COLUMNS))
    panels = figure.subplots(len(_COLUMNS), len(pairs), squeeze=False, sharex=True, sharey=True)
    for row, (column, words) in zip(panels, _COLUMNS.items(), strict=True):
        for axes, pair in zip(row, pairs, strict=True):
            _map(axes, table[table["pair_id"] == pair], column)
        row[0].set_ylabel(words, fontsize=TEXT)
    for axes, pair in zip(panels[0], pairs, strict=True):
        axes.set_title(f"pair {pair}", fontsize=TEXT)
        axes.set_xlim(-0.5, size_pix - 0.5)
        axes.set_ylim(-0.5, size_pix - 0.5)
    figure.suptitle("squares of 5 x 5 pixels without the arc's light, each map over its largest value", fontsize=TITLE)
    return figure


def _map(axes: Axes, part: pd.DataFrame, column: str) -> None:
    values = part[column].to_numpy(np.float64)
    # A network that nothing changes has a map of zeros.
    largest = np.abs(values).max() or 1.0
    axes.scatter(part["x_pix"], part["y_pix"], c=values / largest, s=_MARK, marker="s", cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
