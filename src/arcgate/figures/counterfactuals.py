"""What a network finds of arcs faded in, and of light as bright that is no arc."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arcgate.figures.style import BLACK, BLUE, GREY, SMALL, TEXT, TITLE, VERMILLION, WIDEST_INCH, new_figure, tidy

_MEANINGS: Final = {
    "arc": "the arc\nitself",
    "unlensed": "its source,\nunlensed",
    "ring": "a\nring",
    "shuffled": "its light,\nshuffled",
}


def counterfactuals(fade_in: pd.DataFrame, roles: pd.DataFrame, half_found_snr: float | None, fpr: float) -> Figure:
    """Share found as arcs are faded in, and of the certifying rows.

    Parameters
    ----------
    fade_in : DataFrame
        From `arcgate.evaluation.counterfactuals.fade_in`: snr, found, low, high.
    roles : DataFrame
        From `arcgate.evaluation.counterfactuals.of_roles`: role, n, found, low, high; may be empty.
    half_found_snr : float or None
        S/N at which half are found, if it is known.
    fpr : float
        False-positive rate of the threshold.

    Returns
    -------
    Figure
        S/N on a scale that is linear up to 1, so that 0 is there: the galaxies without any arc.
    """
    figure = new_figure(WIDEST_INCH, 4.4)
    faded, bars = figure.subplots(1, 2, sharey=True, width_ratios=(1.7, 1.0))
    faded.plot(fade_in["snr"], fade_in["found"], color=BLUE, marker="o", markersize=5, label="the pairs' arcs, scaled")
    faded.fill_between(fade_in["snr"], fade_in["low"], fade_in["high"], color=BLUE, alpha=0.18, linewidth=0)
    faded.axhline(0.5, color=GREY, linestyle=":", linewidth=1.2)
    if half_found_snr is not None:
        faded.axvline(half_found_snr, color=BLACK, linestyle="--", linewidth=1.2, label=f"half found at S/N {half_found_snr:.3g}")
    faded.set_xscale("symlog", linthresh=1.0)
    ticks = [snr for snr in (0, 1, 3, 10, 30, 100, 300) if snr <= fade_in["snr"].max()]
    faded.set_xlim(-0.15, 1.25 * fade_in["snr"].max())
    faded.set_xticks(ticks, [str(snr) for snr in ticks])
    faded.minorticks_off()
    faded.set_ylim(-0.03, 1.03)
    faded.set_xlabel("S/N to which each arc is scaled", fontsize=TEXT)
    faded.set_ylabel("share found", fontsize=TEXT)
    faded.legend(fontsize=SMALL, frameon=False, loc="upper left")
    tidy(faded)
    _certifying(bars, roles)
    figure.suptitle(f"common test set, at a false-positive rate of {100 * fpr:g} %; 90 % intervals", fontsize=TITLE)
    return figure


def _certifying(axes: Axes, roles: pd.DataFrame) -> None:
    if len(roles):
        errors = np.array([roles["found"] - roles["low"], roles["high"] - roles["found"]])
        axes.errorbar(range(len(roles)), roles["found"], yerr=errors, fmt="s", color=VERMILLION, markersize=7, capsize=4)
        names = [f"{_MEANINGS[role]}\nn = {n:,}" for role, n in zip(roles["role"], roles["n"], strict=True)]
        axes.set_xticks(range(len(roles)), names)
        axes.set_xlim(-0.6, len(roles) - 0.4)
    else:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no such rows in this set", transform=axes.transAxes, ha="center", fontsize=TEXT)
    axes.set_xlabel("as bright as each arc", fontsize=TEXT)
    tidy(axes)
