"""The study's figure: a panel a leak, lost recall against the AUC of its gate."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from curves import curve
from leaks import LEAKS
from numpy.typing import NDArray

SHOWN = {"recall_10pc": ("C0", "at 10 % false positives"), "recall_1pc": ("C1", "at 1 %")}
# An AUC of 0.5 has no place on a logarithmic axis: it is drawn here.
LEAST = 5e-4


def draw(ladder: pd.DataFrame, losses: dict[str, NDArray[np.float64]], place: Path) -> None:
    """Points with 90 % intervals, fitted curves with bands, the two margins and one point lost."""
    mpl.use("Agg")
    drawn, panels = plt.subplots(3, 3, figsize=(12.0, 9.5), layout="constrained", sharex=True, sharey=True)
    for axes, leak in zip(panels.flat, LEAKS.values(), strict=True):
        for offset, (name, (colour, label)) in enumerate(SHOWN.items()):
            chosen = np.flatnonzero(ladder["leak"] == leak.name)
            part = ladder.iloc[chosen]
            excess, lost = np.maximum(part["value"].to_numpy() - 0.5, 0.0), part[f"lost_{name}"].to_numpy()
            inside = np.geomspace(LEAST, max(excess.max(), 2 * LEAST), 100)
            curves = np.array([np.interp(inside, *curve(excess, one[chosen])) for one in losses[name]])
            axes.fill_between(inside, *(100 * np.quantile(curves, (0.05, 0.95), axis=0)), color=colour, alpha=0.15, lw=0)
            axes.plot(inside, 100 * np.interp(inside, *curve(excess, lost)), color=colour, lw=1)
            error = 100 * np.array([lost - part[f"low_{name}"], part[f"high_{name}"] - lost]).clip(0.0)
            shown = np.maximum(excess, LEAST) * (1.0 + 0.06 * offset)
            axes.errorbar(shown, 100 * lost, error, fmt="o", color=colour, ms=4, lw=1, label=label)
        for margin, line in ((0.05, "--"), (0.02, ":")):
            axes.axvline(margin, color="0.3", lw=0.8, ls=line)
        axes.axhline(1.0, color="C3", lw=0.8)
        axes.set_title(f"{leak.name}: {leak.gate.rsplit('/', 1)[0]}", fontsize=9)
    panels[0, 0].set_xscale("log")
    panels[0, 0].set_yscale("symlog", linthresh=4.0)
    panels[0, 0].set_yticks([-10, -4, -2, 0, 1, 2, 4, 10, 30, 80], ["-10", "-4", "-2", "0", "1", "2", "4", "10", "30", "80"])
    panels[0, 0].legend(fontsize=8)
    for axes in panels[-1]:
        axes.set_xticks([0.001, 0.005, 0.02, 0.05, 0.2, 0.5], ["0.501", "0.505", "0.52", "0.55", "0.7", "1"])
        axes.set_xlabel("AUC of the gate")
    for axes in panels[:, 0]:
        axes.set_ylabel("lost recall, points")
    drawn.savefig(place, dpi=110)
    plt.close(drawn)
