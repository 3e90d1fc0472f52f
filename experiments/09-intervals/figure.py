"""The study's figure, from its results.csv."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

METHODS = ("independent", "former", "former, logit", "project")


def draw(results: Path, place: Path) -> None:
    """Coverage by leak for pairs and for unpaired controls; power of the gates by leak, with the leak they state."""
    mpl.use("Agg")
    table = pd.read_csv(results)
    drawn, panels = plt.subplots(1, 3, figsize=(13.0, 4.2), layout="constrained")
    for axes, controls in zip(panels[:2], ("paired", "unpaired"), strict=True):
        coverage(axes, table[table["part"].str.startswith("coverage") & (table["controls"] == controls)])
        axes.set_title(f"{controls}, 200 galaxies, one row each (full) and three (dashed)", fontsize=9)
    power(panels[2], table[table["part"].str.startswith("project")])
    drawn.savefig(place, dpi=130)
    plt.close(drawn)


def coverage(axes: plt.Axes, table: pd.DataFrame) -> None:
    """Share of intervals that hold the truth: full lines one row a galaxy, dashed three."""
    axes.axhspan(87, 93, color="0.9")
    leaks = np.unique(table["leak_sky_sigma"])
    axes.set_xticks(np.arange(len(leaks)), [f"{leak:g}" for leak in leaks])
    for colour, method in enumerate(METHODS):
        for rows, line in ((1, "-"), (3, "--")):
            part = table[(table["method"] == method) & (table["rows"] == rows)].sort_values("leak_sky_sigma")
            if len(part):
                place, label = np.searchsorted(leaks, part["leak_sky_sigma"]), method if rows == 1 else None
                y, error = 100.0 * part["value"], 100.0 * part["error"]
                axes.errorbar(place, y, error, color=f"C{colour}", ls=line, marker=".", label=label)
    axes.set_ylim(60, 101)
    axes.set_xlabel("leak, sky sigma a pixel")
    axes.set_ylabel("coverage of 90 % intervals, %")
    axes.legend(fontsize=8, loc=(0.02, 0.2))


def power(axes: plt.Axes, table: pd.DataFrame) -> None:
    """Power curves; dots mark the smallest leak as stated, in the median, with 5 to 95 %."""
    for line, controls in (("-", "paired"), ("--", "unpaired")):
        for colour, galaxies in enumerate(sorted(table["galaxies"].unique())):
            part = table[(table["controls"] == controls) & (table["galaxies"] == galaxies)]
            curve, found = part[part["method"] == "failed"], part.set_index("method")["value"]
            axes.plot(curve["leak_sky_sigma"], curve["value"], line, color=f"C{colour}", label=f"{controls}, {galaxies}")
            stated = found["stated, 50 %"]
            spread = [[stated - found["stated, 5 %"]], [found["stated, 95 %"] - stated]]
            axes.errorbar([stated], [0.95], xerr=spread, color=f"C{colour}", marker="o" if controls == "paired" else "s")
    axes.axhline(0.95, color="0.7", lw=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("leak, sky sigma a pixel")
    axes.set_ylabel("share failed at margin 0.05")
    axes.legend(fontsize=7)
