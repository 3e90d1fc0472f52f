"""The figures of a variant, drawn from its data set, evidence and predictions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from arcgate.dataset.card import selection_on
from arcgate.dataset.pairs import pairs_of
from arcgate.dataset.reader import Dataset
from arcgate.figures.balance import love_plot
from arcgate.figures.counterfactuals import counterfactuals
from arcgate.figures.curves import completeness, roc
from arcgate.figures.drawings import REFIT_CHART, REFIT_TITLE
from arcgate.figures.gates import gate_chart
from arcgate.figures.maps import core_difference
from arcgate.figures.occlusion import occlusion_maps
from arcgate.figures.reliability import reliability_chart
from arcgate.figures.stamps import contact_sheet, pair_title, spread_over
from arcgate.figures.style import caption_of, save
from arcgate.gates.core.result import Evidence

SHEET_PAIRS = 12
CHART = "gates.png"
SETS = {"own": "own test set", "common": "common test set", "realistic": "realistic test set"}


def figures_of(name: str, dataset: Dataset, evidence: Evidence, scores: Path, folder: Path) -> Path:
    """Draw what is not drawn yet.

    Parameters
    ----------
    name : str
        The variant's, written above each figure with the data digest.
    dataset : Dataset
        For the contact sheet and the mean difference of the core.
    evidence : Evidence
        For the chart of the gates. The refit and the exhibits are in the report, which draws them.
    scores : Path
        Folder with predictions.parquet, the tables of completeness, reliability, counterfactuals and
        occlusion, and scores.json.
    folder : Path
        Where the figures go: a folder of this name, this data set, this evidence, these scores and this drawing code.

    Returns
    -------
    Path
        Folder of the figures.
    """
    content = json.loads((scores / "scores.json").read_text(encoding="utf-8"))
    fpr = float(content["fpr"])
    wanted: dict[str, Callable[[], Figure]] = {
        "contact_sheet.png": lambda: sheet_of(dataset),
        "core_difference.png": lambda: core_difference(*_mean_difference(dataset), dataset.imaging),
        "roc.png": lambda: roc(_predictions(scores), fpr),
    }
    # Test sets too small for the false-positive rate have no completeness; scores.json says so.
    if tables := _completeness(scores):
        wanted["completeness.png"] = lambda: completeness(tables, fpr)
    bins = {title: path for name, title in SETS.items() if (path := scores / f"reliability_{name}.csv").exists()}
    if bins:
        wanted["reliability.png"] = lambda: reliability_chart({title: pd.read_csv(path) for title, path in bins.items()})
    asked = [scores / f"counterfactuals_common_{name}.csv" for name in ("fade_in", "roles")]
    if all(path.exists() for path in asked):
        fade_in, roles = map(pd.read_csv, asked)
        wanted["counterfactuals.png"] = lambda: counterfactuals(
            fade_in, roles, content["metrics"].get("common/half_found_snr"), fpr
        )
    taken_out = scores / "occlusion_common.parquet"
    if taken_out.exists() and len(squares := pd.read_parquet(taken_out)):
        wanted["occlusion.png"] = lambda: occlusion_maps(squares, dataset.imaging.size_pix)
    selection = selection_on(dataset.card)
    if selection is not None and (plot := love_plot(selection["balance"])) is not None:
        wanted["balance.png"] = lambda: plot
    folder.mkdir(parents=True, exist_ok=True)
    caption = caption_of(name, dataset.data_digest)
    for file, draw in (wanted | {CHART: lambda: gate_chart(evidence.results)}).items():
        if not (folder / file).exists():
            save(draw(), folder / file, caption)
    return folder


def evidence_figures(caption: str, evidence: Evidence, drawings: Mapping[str, Figure], folder: Path) -> Path:
    """Write the figures of the evidence alone, anew: the chart of the gates, and in the folder `gates` what the report shows.

    Parameters
    ----------
    caption : str
        Whose figures they are, see `caption_of`. Those of the report have their titles beside it, which stand in the text there.
    evidence : Evidence
        Its results and the titles of its exhibits.
    drawings : mapping of str to Figure
        From `drawings_of`.
    folder : Path
        Where they go.

    Returns
    -------
    Path
        Folder of the figures.
    """
    save(gate_chart(evidence.results), folder / CHART, caption)
    titles = {REFIT_CHART: REFIT_TITLE} | {exhibit.name: exhibit.title for exhibit in evidence.exhibits}
    for name, figure in drawings.items():
        save(figure, folder / "gates" / f"{name}.png", f"{caption}: {titles[name]}")
    return folder


def sheet_of(dataset: Dataset) -> Figure:
    """Contact sheet of a data set: pairs of the first test shard (or the first shard), spread over theta_E."""
    split = "test" if dataset.shards("test") else None
    batch = next(dataset.batches(split=split, roles=["positive", "control"]))
    pairs = pairs_of(batch)
    chosen = spread_over(pairs.table["theta_e_arcsec"].to_numpy(np.float64), SHEET_PAIRS)
    rows = pairs.table.loc[chosen]
    titles = [pair_title(*row) for row in zip(rows["theta_e_arcsec"], rows["arc_snr"], strict=True)]
    return contact_sheet(pairs.stamp[chosen], pairs.control[chosen], pairs.arc[chosen], titles, dataset.imaging)


def _mean_difference(dataset: Dataset) -> tuple[NDArray[np.float64], int]:
    """Mean positive minus mean control, nanomaggies per pixel, and the number of positives."""
    sums = {role: np.zeros(dataset.imaging.shape) for role in ("positive", "control")}
    counts = dict.fromkeys(sums, 0)
    for batch in dataset.batches(roles=list(sums), arcs=False):
        for role, total in sums.items():
            rows = (batch.table["role"] == role).to_numpy()
            total += batch.image[rows].sum(axis=0, dtype=np.float64)
            counts[role] += int(rows.sum())
    return sums["positive"] / counts["positive"] - sums["control"] / counts["control"], counts["positive"]


def _predictions(scores: Path) -> dict[str, pd.DataFrame]:
    """By test set, as far as there are any; without what the network was trained on."""
    table = pd.read_parquet(scores / "predictions.parquet")
    clean = table[~table["leaked"]]
    return {title: clean[clean["set"] == name] for name, title in SETS.items() if name in set(clean["set"])}


def _completeness(scores: Path) -> dict[str, pd.DataFrame]:
    found = {title: sorted(scores.glob(f"completeness_{name}_*.csv")) for name, title in SETS.items()}
    return {title: pd.concat([pd.read_csv(path) for path in paths], ignore_index=True) for title, paths in found.items() if paths}
