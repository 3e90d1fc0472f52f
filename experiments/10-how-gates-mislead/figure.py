"""The study's figure: what the wrong ways and the right ones read as the leak grows."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

Row = dict[str, object]


def draw(rows: list[Row], place: Path) -> None:
    """One panel a question, core features."""
    mpl.use("Agg")
    drawn, panels = plt.subplots(1, 4, figsize=(15.0, 3.9), layout="constrained", sharey=True)
    core = [row for row in rows if row["features"] == "core"]
    panels[0].set_title("rows or galaxies divided", fontsize=10)
    lines(panels[0], core, (("null rows", "ungrouped 5-fold"), ("null rows", "grouped 5-fold"), ("null rows", "marginal")))
    panels[1].set_title("stamps one by one or pairs", fontsize=10)
    lines(panels[1], core, (("null rows", "marginal, clustered"), ("null rows", "within pair")))
    panels[2].set_title("interval: independent or clustered", fontsize=10)
    lines(panels[2], core, (("null rows", "marginal, independent rows"), ("null rows", "marginal, clustered")))
    panels[3].set_title("leak planted among arcs or without", fontsize=10)
    subjects = ("with arcs", "arc taken away", "null rows")
    lines(panels[3], core, tuple((subject, "marginal, clustered") for subject in subjects), by_subject=True)
    panels[0].set_ylabel("AUC, or share of pairs")
    drawn.savefig(place, dpi=130)
    plt.close(drawn)


def lines(axes: plt.Axes, rows: list[Row], wanted: tuple[tuple[str, str], ...], by_subject: bool = False) -> None:
    """A line with intervals (or ranges) for each subject of a comparison and way."""
    for shift, (subject, way) in enumerate(wanted):
        part = [row for row in rows if (row["subject"], row["way"]) == (subject, way)]
        value = np.array([row["value"] for row in part], dtype=float)
        low, high = (np.array([row.get(end, row["value"]) for row in part], dtype=float) for end in ("low", "high"))
        place = np.arange(len(part)) + 0.08 * shift
        error = np.maximum([value - low, high - value], 0.0)
        axes.errorbar(place, value, error, marker="o", capsize=3, label=subject if by_subject else way)
        axes.set_xticks(np.arange(len(part)), [f"{row['leak_sky_sigma']:g}" for row in part])
    axes.axhline(0.5, color="0.7", lw=0.8)
    axes.set_xlabel("core pedestal, sky sigma a pixel")
    axes.legend(fontsize=8)
