"""How much of the arc is left in the annulus of normalised stamps: AUC of boosted trees and of a ridge; writes traces.csv."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from normalised import host_rows, positions
from numpy.typing import NDArray
from sets import specs

from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.gates.core.held_out_auc import Rule, Sample, held_out_auc
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.summaries import features, pixels, power, radial, ring_sums, spectra
from arcgate.ground.draws import text_ids
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.variant import Variant, View
from arcgate.views.arrays import ArrayViewer

# What the gates would know of galaxies, as study 09 makes it.
sys.path.append(str(Path(__file__).parents[1] / "09-intervals"))
from model import context_of

HERE = Path(__file__).parent
Pixels = NDArray[np.float32]
# The galaxy under the statistics of the stamp with its arc, which is the trace alone; and stamps with their arcs.
SUBJECTS = ("trace alone", "stamp, normalised with the arc", "stamp, normalised from the galaxy")
# Rings where the view takes its statistics, beyond 20 px; and the battery's summaries of the annulus at 8 to 20 px.
OUTER_PIX = (20, 24, 28, 32)
SUMMARIES = ("means beyond 20 px", "radial", "pca", "power")
RULES: tuple[Rule, ...] = ("trees", "ridge")
COLUMNS = ("subject", "summary", "rule", "value", "low", "high", "n", "n_groups")


def viewed(dataset: Dataset, view: View) -> dict[str, NDArray[np.generic]]:
    """All labelled rows of a paired set as the network may get them: controls, the subjects, their centres and galaxies."""
    viewer, parts = ArrayViewer(view, DECALS), []
    columns = ["sample_id", "pair_id", "host_id", "role", "host_x_pix", "host_y_pix"]
    for batch in dataset.batches(columns, roles=("positive", "control"), arcs=False):
        x, y = positions(batch.table)
        own = viewer.normaliser(batch.image, x, y)
        row = np.flatnonzero((batch.table["role"] == "positive").to_numpy())
        control = host_rows(batch.table)[row]
        arc, host = ([part[rows] for part in own] for rows in (row, control))
        parts.append(
            {
                "control": viewer.apply(batch.image[control], *host),
                SUBJECTS[0]: viewer.apply(batch.image[control], *arc),
                SUBJECTS[1]: viewer.apply(batch.image[row], *arc),
                SUBJECTS[2]: viewer.apply(batch.image[row], *host),
                "x": x[row],
                "y": y[row],
                "galaxy": batch.table["host_id"].to_numpy(str)[row],
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def summarised(image: Pixels, x: NDArray[np.float64], y: NDArray[np.float64], summary: str) -> Pixels:
    """Features of normalised stamps, (n, k)."""
    if summary == SUMMARIES[0]:
        sums, counts = ring_sums(image, x, y, OUTER_PIX)
        return (sums / counts[:, None]).reshape(len(image), -1).astype(np.float32)
    regions = Regions(DECALS)
    if summary == "radial":
        return radial(image, x, y, "annulus", regions)
    if summary == "pca":
        return pixels(image, "annulus", regions)
    return features(power(spectra(image, "annulus", regions), "annulus", regions), "power")


def measured(dataset: Dataset, spec: Variant) -> Iterator[dict[str, object]]:
    """A line for each subject, summary and rule."""
    rows = viewed(dataset, spec.view)
    x, y, names = rows["x"].astype(float), rows["y"].astype(float), rows["galaxy"].astype(str)
    context, galaxy, pair = context_of(np.unique(names).tolist(), spec), text_ids(names.tolist()), np.arange(len(names))
    for summary in SUMMARIES:
        control = Sample(summarised(rows["control"].astype(np.float32), x, y, summary), galaxy, pair)
        for subject in SUBJECTS:
            positive = Sample(summarised(rows[subject].astype(np.float32), x, y, summary), galaxy, pair)
            for rule in RULES:
                auc = held_out_auc(positive, control, rule, context)
                values = {name: f"{getattr(auc, name):.4f}" for name in ("value", "low", "high")}
                yield {"subject": subject, "summary": summary, "rule": rule, **values, "n": auc.n, "n_groups": auc.n_groups}


def main() -> None:
    """Measure the training set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default="data", help="where data sets lie")
    spec, _ = specs(parser.parse_args().data_dir)
    dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
    write(measured(dataset, spec))


def write(lines: Iterator[dict[str, object]]) -> None:
    """traces.csv."""
    with (HERE / "traces.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
