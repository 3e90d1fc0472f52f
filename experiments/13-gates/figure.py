"""The study's figures, from its tables: every audit against every gate, and the published core AUC against the gates' answer."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

COLOURS = {
    "passed": "#8fc58f",
    "failed": "#c8393b",
    "undetermined": "#f2c14e",
    "insensitive": "#9a86b8",
    "not_run": "#e3e3e3",
    "does not apply": "#ffffff",
}
MASKS = {"none": "none", "hard_r5": "5 px", "hard_r7": "7 px", "hard_r10": "10 px", "tanh_r5": "tanh 5"}
VIEWS = {"raw": "raw", "stamp_robust": "stamp", "annulus_robust": "annulus"}


def draw(folder: Path) -> None:
    """Write matrix.png and core_auc.png."""
    mpl.use("Agg")
    # The stored table bears the names of its day.
    gates = pd.read_csv(folder / "results.csv", keep_default_na=False).replace({"status": {"blind": "insensitive"}})
    audits = pd.read_csv(folder / "audits.csv", keep_default_na=False)
    gates, audits = (table[(table["grid"] == "v4_sota") & (table["psf"] != "gaussian")] for table in (gates, audits))
    matrix(gates, audits, folder / "matrix.png")
    core_auc(audits, folder / "core_auc.png")


def matrix(gates: pd.DataFrame, audits: pd.DataFrame, place: Path) -> None:
    """One row an audit, one column a gate, statuses as colours; a block for each kind of controls and PSF."""
    gates = gates.assign(column=gates["gate"] + ", " + gates["gate_view"])
    columns = list(dict.fromkeys(gates["column"]))
    statuses = list(COLOURS)
    blocks = [(controls, psf) for controls in ("paired", "unpaired") for psf in ("moffat_converted", "moffat_naive")]
    drawn, panels = plt.subplots(len(blocks), 1, figsize=(15.0, 17.0), layout="constrained", sharex=True)
    colours, norm = ListedColormap(list(COLOURS.values())), BoundaryNorm(np.arange(len(COLOURS) + 1) - 0.5, len(COLOURS))
    for axes, (controls, psf) in zip(panels, blocks, strict=True):
        rows = [(mask, view) for mask in MASKS for view in VIEWS]
        here = gates[(gates["controls"] == controls) & (gates["psf"] == psf)]
        found = {(row.mask, row.view, row.column): row.status for row in here.itertuples()}
        codes = [[statuses.index(found.get((*row, column), "does not apply")) for column in columns] for row in rows]
        axes.imshow(codes, cmap=colours, norm=norm, aspect="auto")
        axes.set_yticks(
            range(len(rows)), [f"{MASKS[mask]}, {VIEWS[view]}{_answer(audits, controls, mask, psf, view)}" for mask, view in rows]
        )
        axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(0, len(rows) + 1, len(VIEWS)) - 0.5, minor=True)
        axes.grid(which="minor", color="white", lw=2)
        axes.tick_params(which="both", length=0)
        axes.set_title(
            f"{controls} controls, {psf.replace('_', ' ')} (rows: mask, normalisation: cause)", loc="left", fontsize=11
        )
    panels[-1].set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=9)
    handles = [Patch(facecolor=colour, edgecolor="0.6", label=name.replace("_", " ")) for name, colour in COLOURS.items()]
    drawn.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
    drawn.savefig(place, dpi=100)
    plt.close(drawn)


def _answer(audits: pd.DataFrame, controls: str, mask: str, psf: str, view: str) -> str:
    chosen = audits[
        (audits["controls"] == controls) & (audits["mask"] == mask) & (audits["psf"] == psf) & (audits["view"] == view)
    ]
    return "".join(f": {cause.replace('psfsize_as_moffat_fwhm', 'psfsize as FWHM')}" for cause in chosen["cause"])


def core_auc(audits: pd.DataFrame, place: Path) -> None:
    """The published core AUC by mask, against its goal, and what the gates say."""
    drawn, axes = plt.subplots(figsize=(8.0, 4.2), layout="constrained")
    raw = audits[audits["view"] == "annulus_robust"]
    for offset, (controls, psf) in enumerate(
        (controls, psf) for controls in ("paired", "unpaired") for psf in ("moffat_converted", "moffat_naive")
    ):
        part = raw[(raw["controls"] == controls) & (raw["psf"] == psf)].set_index("mask").loc[list(MASKS)]
        x = np.arange(len(MASKS)) + 0.18 * (offset - 1.5)
        axes.bar(
            x,
            part["core_published_overall"].astype(float),
            0.16,
            color=f"C{offset}",
            label=f"{controls}, {psf.replace('_', ' ')}",
        )
        for place_x, value, safe in zip(x, part["core_published_overall"].astype(float), part["safe"], strict=True):
            axes.text(place_x, value + 0.01, {"passed": "✓", "failed": "×"}.get(safe, "?"), ha="center", fontsize=9)
    axes.axhline(0.65, color="0.3", lw=1, ls="--")
    axes.text(2.5, 0.66, "published goal: below 0.65", ha="center", fontsize=8)
    axes.set_xticks(range(len(MASKS)), [f"mask {name}" for name in MASKS.values()])
    axes.set_ylabel("core AUC as published")
    axes.set_ylim(0, 1.3)
    axes.legend(fontsize=8, ncols=4, loc="upper center")
    axes.set_title("× failed, ✓ passed, ? undetermined (all gates, annulus view)", fontsize=9)
    drawn.savefig(place, dpi=130)
    plt.close(drawn)


if __name__ == "__main__":
    draw(Path(__file__).parent)
