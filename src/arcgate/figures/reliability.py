"""Reliability: what the probabilities of a network are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from arcgate.figures.style import GREY, SERIES, SMALL, TEXT, new_figure, tidy

_MARKERS: Final = "os^"


def reliability_chart(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of positives against the probability that the network gives, with Wilson intervals.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the name of the test set, from `arcgate.evaluation.calibration.reliability`.

    Returns
    -------
    Figure
        On the diagonal probabilities are what they claim, at the test set's own share of positives.
    """
    figure = new_figure(5.6, 5.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="as claimed")
    for colour, marker, (name, table) in zip(SERIES, _MARKERS, tables.items(), strict=False):
        # Wilson's limits at shares of 0 and 1 may miss these by a rounding, which is no length of a bar.
        errors = [(table["found"] - table["low"]).clip(lower=0.0), (table["high"] - table["found"]).clip(lower=0.0)]
        axes.errorbar(
            table["predicted"], table["found"], yerr=errors, fmt=marker, color=colour, markersize=6, capsize=3, label=name
        )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("probability that the network gives", fontsize=TEXT)
    axes.set_ylabel("share of positives, 90 % Wilson intervals", fontsize=TEXT)
    tidy(axes)
    figure.legend(fontsize=SMALL, loc="outside lower center", ncols=2, frameon=False)
    return figure
