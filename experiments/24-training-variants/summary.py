"""Each policy against its baseline: differences over seeds and test galaxies, and what could have been seen.

python experiments/24-training-variants/summary.py --data-dir data
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from policies import BASELINE, COMPARED, POLICIES, SEEDS
from run import FOLDER
from scipy.stats import t

from arcgate.evaluation.rates import Scored, weighted_recall
from arcgate.evaluation.resampling import REPLICATES, weights_of
from arcgate.ground.draws import text_ids
from arcgate.ground.statistics import holm

HERE = Path(__file__).parent
LEVEL = 0.05
RATE = 0.1
FREE = len(SEEDS) - 1


def auroc(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Of rows with weights (replicates, n); rows of one logit count half."""
    _, place = np.unique(scored.logit, return_inverse=True)
    out = np.empty(len(weights))
    for line, each in enumerate(weights):
        positive, negative = (np.bincount(place, each * (scored.label == label)) for label in (1, 0))
        below = np.cumsum(negative) - negative / 2
        out[line] = float(positive @ below) / (positive.sum() * negative.sum())
    return out


METRICS: dict[str, Callable[[Scored, np.ndarray], np.ndarray]] = {
    "auroc": auroc,
    "recall_at_fpr_0.1": lambda scored, weights: weighted_recall(scored, weights, RATE),
}


def scored_of(folder: Path, ground: str) -> Scored | None:
    """Logits of a network on a ground, in the order of its rows; None where it was not available."""
    path = folder / f"{ground}.parquet"
    if not path.exists():
        return None
    table = pd.read_parquet(path).sort_values("sample_id")
    source = table["source_image"].astype("category").cat.codes.to_numpy(np.int64)
    galaxy = text_ids(table["host_id"].tolist())
    return Scored(table["logit"].to_numpy(np.float64), table["label"].to_numpy(np.int64), galaxy, source)


def replicates(data_dir: Path, ground: str) -> dict[tuple[str, str], np.ndarray]:
    """Of each policy and metric the values of all seeds (seed, 1 + replicate); the first is of the rows as they are."""
    out: dict[tuple[str, str], np.ndarray] = {}
    weights = None
    for policy in POLICIES:
        for metric in METRICS:
            out[policy, metric] = np.full((len(SEEDS), 1 + REPLICATES), np.nan)
        for seed in SEEDS:
            scored = scored_of(data_dir / FOLDER / f"{policy}-{seed}", ground)
            if scored is None:
                return {}
            # The very same galaxies in every replicate, whatever network scored them.
            if weights is None:
                weights = np.r_[np.ones((1, len(scored.logit))), weights_of(scored.clusters, range(REPLICATES), 0)]
            for metric, value in METRICS.items():
                out[policy, metric][seed] = value(scored, weights)
    return out


def compared(values: dict[tuple[str, str], np.ndarray], ground: str) -> pd.DataFrame:
    """A line a policy and metric: mean difference, its 95 % interval, and the smallest difference that Holm's first step sees."""
    lines = []
    for metric in METRICS:
        for policy, against in COMPARED.items():
            difference = values[policy, metric] - values[against, metric]
            mean = float(difference[:, 0].mean())
            # Seeds differ by training sets and networks; the galaxies of the ground are the same for all of them.
            by_seed = float(difference[:, 0].std(ddof=1)) / np.sqrt(len(SEEDS))
            by_galaxy = float(np.nanstd(difference[:, 1:].mean(axis=0), ddof=1))
            error = float(np.hypot(by_seed, by_galaxy))
            half = float(t.ppf(1 - LEVEL / 2, FREE)) * error
            seen = float(t.ppf(1 - LEVEL / 2 / len(COMPARED), FREE) + t.ppf(0.8, FREE)) * error
            lines.append(
                {
                    "ground": ground, "metric": metric, "policy": policy, "against": against,
                    "value": float(values[policy, metric][:, 0].mean()), "difference": mean,
                    "low": mean - half, "high": mean + half,
                    "by_seed": by_seed, "by_galaxy": by_galaxy, "probability": 2 * float(t.sf(abs(mean) / error, FREE)),
                    "smallest_seen": seen,
                }
            )  # fmt: skip
    table = pd.DataFrame(lines)
    table["holm"] = np.concatenate(
        [holm(part["probability"].to_numpy(), LEVEL) for _, part in table.groupby("metric", sort=False)]
    )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default="data")
    arguments = parser.parse_args()
    tables = []
    for ground in ("common", "realistic"):
        values = replicates(Path(arguments.data_dir), ground)
        if not values:
            print(f"{ground}: not available")
            continue
        for metric in METRICS:
            each = values[BASELINE, metric][:, 0]
            print(f"{ground}: {metric} of the baseline {each.mean():.3f}, seeds {each.min():.3f} to {each.max():.3f}")
        tables.append(compared(values, ground))
    table = pd.concat(tables, ignore_index=True)
    table.to_csv(HERE / "results.csv", index=False, float_format="%.5f")
    print("\n| policy | ground | metric | difference | 95 % | Holm | smallest seen |\n|---|---|---|---|---|---|---|")
    for row in table.itertuples():
        found = f"{row.difference:+.3f} | [{row.low:+.3f}, {row.high:+.3f}] | {'differs' if row.holm else '-'}"
        print(f"| {row.policy} | {row.ground} | {row.metric} | {found} | {row.smallest_seen:.3f} |")


if __name__ == "__main__":
    main()
