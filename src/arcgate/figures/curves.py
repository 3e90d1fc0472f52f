"""ROC curves and completeness."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import auc, roc_curve

from arcgate.figures.style import BLACK, GREY, SERIES, SMALL, TEXT, TITLE, WIDEST_INCH, new_figure, tidy

_SCORES: Final = (("logit", "-", ""), ("logit_core_masked", "--", ", core masked"))
_AXES: Final = {"theta_e_arcsec": "Einstein radius [arcsec]", "arc_snr": "S/N of the arc"}
_SPREAD: Final = 0.5
_MARKERS: Final = "os^Dv<"


def roc(predictions: Mapping[str, pd.DataFrame], fpr: float) -> Figure:
    """ROC curves on test sets, with and without the test-time core mask.

    Parameters
    ----------
    predictions : mapping of str to DataFrame
        Predictions by the name of their test set, for example `own test` and `common test`: columns label (1 or 0),
        logit, and logit_core_masked if there is one.
    fpr : float
        False-positive rate at which recall and completeness are stated; a line and a marker on each curve show it.

    Returns
    -------
    Figure
        The false-positive rate is logarithmic: the networks differ at its low end.
    """
    figure = new_figure(6.6, 5.6)
    axes = figure.subplots()
    lowest = 1.0
    for colour, marker, (name, table) in zip(SERIES, _MARKERS, predictions.items(), strict=False):
        label = table["label"].to_numpy(dtype=np.int64)
        lowest = min(lowest, 1.0 / max(int((label == 0).sum()), 1))
        for column, line, suffix in _SCORES:
            if column in table:
                rate, recall, _ = roc_curve(label, table[column].to_numpy(dtype=np.float64), drop_intermediate=False)
                area = auc(rate, recall)
                axes.plot(rate, recall, color=colour, linestyle=line, linewidth=1.6, label=f"{name}{suffix}: AUROC {area:.3f}")
                # The most recall that so many false positives allow, as `arcgate.evaluation.metrics` states it.
                axes.plot(fpr, recall[rate <= fpr].max(), color=colour, marker=marker, markersize=6)
    chance = np.geomspace(lowest, 1.0, 200)
    axes.plot(chance, chance, color=GREY, linestyle=":", linewidth=1.2, label="chance")
    axes.axvline(fpr, color=BLACK, linestyle="-.", linewidth=1.0, label=f"false-positive rate of {_percent(fpr)}")
    axes.set_xscale("log")
    axes.set_xlim(lowest, 1.0)
    axes.set_ylim(0.0, 1.01)
    axes.set_xlabel("false-positive rate (share of controls called lenses)", fontsize=TEXT)
    axes.set_ylabel("recall (share of positives called lenses)", fontsize=TEXT)
    tidy(axes)
    figure.legend(fontsize=SMALL, loc="outside lower center", ncols=1, frameon=False)
    return figure


def completeness(tables: Mapping[str, pd.DataFrame], fpr: float) -> Figure:
    """Completeness by Einstein radius and by S/N of the arc, with Wilson intervals.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the name of the test set, rows of `arcgate.evaluation.completeness.completeness` for both properties: columns
        by, bin_low, bin_high, n, completeness, low, high.
    fpr : float
        False-positive rate of each test set at which these were found.

    Returns
    -------
    Figure
        Below each bin stand the numbers of positives, in the order of the test sets.
    """
    figure = new_figure(WIDEST_INCH, 7.0)
    panels = figure.subplots(len(_AXES), 1, sharey=True)
    for axes, (by, name) in zip(panels, _AXES.items(), strict=True):
        _completeness_panel(axes, {key: table[table["by"] == by] for key, table in tables.items()})
        axes.set_xlabel(name, fontsize=TEXT)
        axes.set_ylabel("completeness", fontsize=TEXT)
    panels[0].set_ylim(-0.05, 1.05)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=SMALL, loc="outside lower center", ncols=len(SERIES), frameon=False)
    figure.suptitle(f"recall of positives at a false-positive rate of {_percent(fpr)}, 90 % Wilson intervals", fontsize=TITLE)
    return figure


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _completeness_panel(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    bins = sorted({edges for table in tables.values() for edges in _edges(table)})
    place = {edges: position for position, edges in enumerate(bins)}
    step = _SPREAD / max(len(tables), 1)
    for index, (colour, (name, table)) in enumerate(zip(SERIES, tables.items(), strict=False)):
        shift = (index - (len(tables) - 1) / 2) * step
        x = [place[edges] + shift for edges in _edges(table)]
        errors = [table["completeness"] - table["low"], table["high"] - table["completeness"]]
        axes.errorbar(
            x, table["completeness"], yerr=errors, fmt=_MARKERS[index], color=colour, markersize=6, capsize=3, label=name
        )
    counts = [[_count(table, edges) for table in tables.values()] for edges in bins]
    axes.set_xticks(range(len(bins)), [f"{_bin(*edges)}\n{_counts(n)}" for edges, n in zip(bins, counts, strict=True)])
    tidy(axes)
    axes.set_xlim(-0.6, len(bins) - 0.4)


def _edges(table: pd.DataFrame) -> list[tuple[float, float]]:
    return list(zip(table["bin_low"].astype(float), table["bin_high"].astype(float), strict=True))


def _count(table: pd.DataFrame, edges: tuple[float, float]) -> int:
    return int(table.loc[(table["bin_low"] == edges[0]) & (table["bin_high"] == edges[1]), "n"].sum())


def _counts(counts: list[int]) -> str:
    return "n = " + ", ".join(f"{count:,}" for count in counts)


def _bin(low: float, high: float) -> str:
    return f"\u2265 {low:g}" if math.isinf(high) else f"{low:g}\u2013{high:g}"
