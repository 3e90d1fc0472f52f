"""What the trace costs: the table, cost.csv and the figure, from results.csv and the logits that `run.py` left."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from normalised import FORMS
from numpy.typing import NDArray
from paired import ONE_POINT, Cost, cost, over_galaxies, recalls
from sets import FPR, RESULTS, label_of, place_of
from sklearn.metrics import roc_auc_score

HERE = Path(__file__).parent
Array = NDArray[np.float64]


def logits(seeds: list[int], data_dir: str) -> dict[str, Array]:
    """Of each form, (seed, row)."""
    return {
        form: np.stack([np.load(place_of(data_dir, form, seed) / "logit.npy") for seed in seeds]).astype(float) for form in FORMS
    }


def draw(differences: Array, seeds: list[int], found: Cost, place: Path) -> None:
    """Points a seed, the mean with both intervals, and the margin."""
    mpl.use("Agg")
    drawn, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    axes.axhline(0.0, color="0.6", lw=0.8)
    axes.axhline(100 * ONE_POINT, color="C3", lw=1, ls="--", label="margin")
    axes.plot(seeds, 100 * differences, "o", color="C0", label="a seed")
    last = max(seeds) + 1.5
    for place_x, (low, high), label in (
        (last, found.seeds, "mean, other seeds"),
        (last + 1, (found.low, found.high), "... and galaxies"),
    ):
        error = 100 * np.array([[found.value - low], [high - found.value]])
        axes.errorbar(
            [place_x], [100 * found.value], error, fmt="s", color="C1" if place_x == last else "C2", capsize=3, label=label
        )
    axes.set_xticks(seeds)
    axes.set_xlabel("seed")
    axes.set_ylabel("recall, host minus arc (points)")
    axes.legend(fontsize=8, ncols=2)
    drawn.savefig(place, dpi=110)
    plt.close(drawn)


def main() -> None:
    """Write cost.csv and cost.png and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default="data", help="where the logits lie")
    data_dir = parser.parse_args().data_dir
    table = pd.read_csv(RESULTS).pivot(index="seed", columns="form", values="recall_10pc").dropna()
    seeds = [int(seed) for seed in table.index]
    label, values = label_of(data_dir), logits(seeds, data_dir)
    host, arc = (recalls(values[form], label, FPR) for form in ("host", "arc"))
    found = cost(host - arc, over_galaxies(values["host"], values["arc"], label, FPR))
    areas = np.array([[roc_auc_score(label, logit) for logit in values[form]] for form in ("host", "arc")])
    # The area's scatter over galaxies is left out: it decides nothing.
    area = cost(areas[0] - areas[1], np.zeros(2))
    lines = [
        {"measure": "recall_10pc", "arc": arc.mean(), "host": host.mean(), "difference": found.value}
        | dict(zip(("low_seeds", "high_seeds"), found.seeds, strict=True))
        | {"low": found.low, "high": found.high, "seeds": len(seeds), "galaxies": len(label), "verdict": found.verdict},
        {"measure": "auroc", "arc": areas[1].mean(), "host": areas[0].mean(), "difference": area.value}
        | dict(zip(("low_seeds", "high_seeds"), area.seeds, strict=True))
        | {"seeds": len(seeds), "galaxies": len(label)},
    ]
    pd.DataFrame(lines).to_csv(HERE / "cost.csv", index=False, float_format="%.5f", lineterminator="\n")
    draw(host - arc, seeds, found, HERE / "cost.png")
    print(pd.DataFrame(lines).to_string(index=False))


if __name__ == "__main__":
    main()
