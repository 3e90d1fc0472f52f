"""Counts of the study: `python experiments/11-bug-or-physics/summary.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("agg")
import matplotlib.pyplot as plt
from scipy.stats import binomtest
from sets import CALLED, OUTSIDE

HERE = Path(__file__).parent


def wilson(hits: int, n: int) -> str:
    """Share with Wilson's 95 % limits."""
    if n == 0:
        return "no sets"
    low, high = binomtest(hits, n).proportion_ci(method="wilson")
    return f"{hits}/{n} = {100 * hits / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def summarise(results: Path) -> None:
    """Print the tables, write misses.csv and confusion.png."""
    table = pd.read_csv(results)
    clean = table[table["planted"] == "none"]
    alarms = ~clean["verdict"].isin(["physics", "undetermined"])
    print(f"clean sets named physics: {wilson(int((clean['verdict'] == 'physics').sum()), len(clean))}")
    print(f"clean sets with an alarm: {wilson(int(alarms.sum()), len(clean))}")
    for (controls, arcs), part in clean.groupby(["controls", "arcs"]):
        shown = part["verdict"].value_counts().to_dict()
        print(f"  {controls}, {arcs}: {shown}")
    single = table[~table["planted"].str.contains(r"\+") & (table["planted"] != "none")]
    right = single["verdict"] == single["planted"].replace(CALLED | {OUTSIDE: "unknown_bug"})
    print("\n| bug | small | medium | large | medium and large | paired | unpaired |\n|---|---|---|---|---|---|---|")
    for bug, part in single.groupby("planted", sort=False):
        hit = right[part.index]
        sizes = [
            wilson(int(hit[part["size"] == size].sum()), int((part["size"] == size).sum()))
            for size in ("small", "medium", "large")
        ]
        upper = part["size"] != "small"
        kinds = [
            wilson(int(hit[upper & (part["controls"] == kind)].sum()), int((upper & (part["controls"] == kind)).sum()))
            for kind in ("paired", "unpaired")
        ]
        print(f"| {bug} | {' | '.join(sizes)} | {wilson(int(hit[upper].sum()), int(upper.sum()))} | {' | '.join(kinds)} |")
    two = table[table["planted"].str.contains(r"\+")]
    print("\ntwo defects at once:")
    for planted, part in two.groupby("planted", sort=False):
        both = sum(set(verdict.split(" + ")) == set(planted.split("+")) for verdict in part["verdict"])
        print(f"  {planted}: both named, and nothing else, in {both} of {len(part)}; {part['verdict'].value_counts().to_dict()}")
    missed = single[~right & (single["size"] != "small")]
    missed = pd.concat([missed, clean[clean["verdict"] != "physics"]])
    missed.to_csv(HERE / "misses.csv", index=False)
    minutes = table["seconds"].sum() / 60
    print(
        f"\n{len(missed)} sets in misses.csv; {minutes:.0f} minutes of work, {table['seconds'].max():.0f} s for the longest set"
    )
    _draw(table, HERE / "confusion.png")


def _draw(table: pd.DataFrame, path: Path) -> None:
    """Planted against verdict, medium and large sizes and clean sets."""
    chosen = table[(table["size"] != "small") & ~table["planted"].str.contains(r"\+")]
    counts = pd.crosstab(chosen["planted"], chosen["verdict"])
    planted = ["none", *[name for name in counts.index if name != "none"]]
    verdicts = ["physics", *[name for name in planted if name in counts], *sorted(set(counts) - {"physics", *planted})]
    share = counts.reindex(index=planted, columns=verdicts, fill_value=0)
    share = share.div(share.sum(axis=1), axis=0)
    figure, axes = plt.subplots(figsize=(10, 7), layout="constrained")
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for y, x in zip(*np.nonzero(share.to_numpy()), strict=True):
        value = share.iloc[y, x]
        axes.text(
            x,
            y,
            f"{100 * value:.0f}" if value >= 0.01 else "<1",
            ha="center",
            va="center",
            color="white" if value > 0.5 else "black",
        )
    axes.set_xticks(range(len(verdicts)), verdicts, rotation=45, ha="right")
    axes.set_yticks(range(len(planted)), planted)
    axes.set_xlabel("verdict")
    axes.set_ylabel("planted")
    axes.set_title("Verdicts in % of the sets of each kind (clean; medium and large)")
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    summarise(HERE / "results.csv")
