"""The published figures beside those of this study, line by line: `python experiments/13-gates/published.py`, after `run.py`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
from run import plan

from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.gates.published.figures import PUBLISHED
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.injection.core_mask import radius_from

HERE = Path(__file__).parent
PILOT = HERE.parent / "08-pilot-new-renderer" / "results.csv"
# The data sets without a mask, by what distinguishes them.
SETS = {
    "paired, naive": ("paired", "none", "moffat_naive", "v4_sota"),
    "paired, converted": ("paired", "none", "moffat_converted", "v4_sota"),
    "unpaired, converted": ("unpaired", "none", "moffat_converted", "v4_sota"),
    "paired, Gaussian": ("paired", "none", "gaussian", "v4_sota"),
    "faint, naive": ("paired", "none", "moffat_naive", "realistic"),
    "faint, converted": ("paired", "none", "moffat_converted", "realistic"),
}
DRAWS, FEW = 10_000, 20


def figures() -> Iterator[list[str]]:
    """Each published figure, ours in every data set, and in which it is reproduced."""
    table = pd.read_csv(HERE / "published.csv", keep_default_na=False)
    parts = {
        name: table[(table[["controls", "mask", "psf", "grid"]] == list(chosen)).all(axis=1)].set_index("quantity")
        for name, chosen in SETS.items()
    }
    for figure in PUBLISHED:
        rows = {name: part.loc[figure.quantity] for name, part in parts.items()}
        held = [name for name, row in rows.items() if row["answer"] == "reproduced"]
        here = [row["here"] + (f" ({row['interval'].replace(' to ', ', ')})" if row["interval"] else "") for row in rows.values()]
        yield [figure.quantity, figure.shown, *here, "; ".join(held) or "none"]


def few(dataset: Dataset) -> None:
    """How far the mean core light of twenty pairs with theta_E >= 2 arcsec scatters, in each band."""
    stamps, controls = [], []
    for batch in dataset.batches(
        ["pair_id", "role", "theta_e_arcsec", "host_x_pix", "host_y_pix"], roles=("positive", "control")
    ):
        centre = (batch.table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
        core = (radius_from(*centre, DECALS.size_pix) < DECALS.core_pix)[:, None]
        mean = (batch.image * core).sum(axis=(2, 3)) / core.sum(axis=(2, 3))
        light = batch.table[["pair_id", "role", "theta_e_arcsec"]].assign(g=mean[:, 0], r=mean[:, 1], z=mean[:, 2])
        positive = light[(light["role"] == "positive") & (light["theta_e_arcsec"] >= 2.0)].set_index("pair_id")
        stamps.append(positive)
        controls.append(light[light["role"] == "control"].set_index("pair_id").loc[positive.index])
    stamp, control = (pd.concat(parts)[["g", "r", "z"]].to_numpy() for parts in (stamps, controls))
    chosen = np.random.default_rng(13).integers(len(stamp), size=(DRAWS, FEW))
    for name, values in (("stamp", stamp), ("control", control), ("difference", stamp - control)):
        low, high = np.quantile(values[chosen].mean(axis=1), (0.05, 0.95), axis=0)
        ends = ", ".join(
            f"{band} {mean:.4f} ({a:.4f} to {b:.4f})"
            for band, mean, a, b in zip("grz", values.mean(axis=0), low, high, strict=True)
        )
        print(f"mean core of {name}, theta_E >= 2, {len(values)} pairs (means of {FEW}: 5 to 95 %), nmgy: {ends}")


def goals() -> None:
    """The published goals: which audits reach the one on core AUC, and what their gates say; scores of the pilot."""
    audits = pd.read_csv(HERE / "audits.csv")
    audits = audits[audits["grid"] == "v4_sota"]
    reached = audits[audits["core_published_overall"] < 0.65]
    print(f"core AUC below 0.65: {len(reached)} of {len(audits)} audits; safe? {reached['safe'].value_counts().to_dict()}")
    # The stored table bears the names of its day: the common test set was called deploy.
    pilot = pd.read_csv(PILOT).set_index("variant").rename(columns={"deploy/auroc": "common/auroc"})
    shown = pilot[["test/auroc", "test/core_masked_auroc", "test/core_masked_auroc_drop", "common/auroc"]]
    print(f"scores of {PILOT.parent.name}:\n{shown.round(4).to_string()}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=800)
    parser.add_argument("--data-dir", default="data", help="where data sets lie")
    options = parser.parse_args()
    columns = ["quantity", "published", *SETS, "reproduced by"]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for row in figures():
        print("| " + " | ".join(row) + " |")
    tasks = {task.factors: task for task in plan(options.data_dir, options.pairs)}
    for name in ("paired, naive", "faint, converted"):
        spec = tasks[SETS[name]].spec
        dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
        print(f"\n{name}: rows by split and role {dataset.card['counts']}")
        few(dataset)
    goals()


if __name__ == "__main__":
    main()
