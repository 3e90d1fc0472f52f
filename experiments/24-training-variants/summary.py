"""Verdicts on the policies from the logits that `run.py` left: verdicts.csv and differences.png.

A policy's effect is the difference to its baseline in the mean over seeds. Two things make it uncertain, and their variances are
added: other seeds (the paired differences seed by seed) and other test galaxies and source images (a bootstrap of them, with the
same draws for both and for all seeds).
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from run import BASELINE, FPR, HERE, ONE_NEGATIVE, POLICIES, RESULTS
from scipy.optimize import brentq
from scipy.stats import nct, t

from arcgate.evaluation.metrics import scored_of
from arcgate.evaluation.rates import Scored, weighted_recall
from arcgate.evaluation.resampling import weights_of
from arcgate.ground.progress import say

Array = NDArray[np.float64]

REPLICATES, LEVEL, POWER = 2000, 0.05, 0.8
SCORES = {"auroc": "AUROC", "recall_10pc": "recall at 10 % false positives"}
COMPARED = [name for name in POLICIES if name not in (BASELINE, ONE_NEGATIVE)]
# At equal positives: a fifth of the pairs. All others are held against the training on every row.
AGAINST = dict.fromkeys(COMPARED, BASELINE) | {"five_negatives": ONE_NEGATIVE}


def weighted_auroc(scored: Scored, weights: Array) -> Array:
    """Area under the ROC curve of rows with weights (replicates, n), values (replicates,); ties count one half."""
    order = np.argsort(-scored.logit, kind="stable")
    positive, logit = (scored.label[order] == 1).astype(np.float64), scored.logit[order]
    ordered = weights[:, order]
    ends = np.r_[np.flatnonzero(logit[1:] != logit[:-1]), len(logit) - 1]
    true, false = (np.cumsum(ordered * part, axis=1)[:, ends] for part in (positive, 1.0 - positive))
    area: Array = np.trapezoid(np.c_[np.zeros(len(true)), true], np.c_[np.zeros(len(false)), false], axis=1)
    return area / (true[:, -1] * false[:, -1])


def resampled(files: pd.DataFrame) -> dict[str, dict[str, Array]]:
    """Scores of one test set by score and policy, (seeds, 1 + replicates): as they are, then with rows drawn anew."""
    weights: Array | None = None
    rows: pd.Series | None = None
    found: dict[str, dict[str, list[Array]]] = {score: {} for score in SCORES}
    for line in files.itertuples():
        table = pd.read_parquet(line.file).sort_values("sample_id", ignore_index=True)
        scored = scored_of(table)
        if weights is None or rows is None:
            rows = table["sample_id"]
            # Otherwise a galaxy would have to be kept from being compared with itself.
            assert not set(table.loc[table["label"] == 1, "host_id"]) & set(table.loc[table["label"] == 0, "host_id"])
            drawn = weights_of(scored.clusters, range(REPLICATES), seed=0)
            weights = np.concatenate([np.ones((1, len(table))), drawn])
        assert rows.equals(table["sample_id"])
        values = {"auroc": weighted_auroc(scored, weights), "recall_10pc": weighted_recall(scored, weights, FPR)}
        for score, value in values.items():
            stated = float(getattr(line, score))
            assert abs(value[0] - stated) < 2e-6, (line, value[0])
            found[score].setdefault(str(line.policy), []).append(value)
    return {score: {policy: np.stack(values) for policy, values in by.items()} for score, by in found.items()}


def verdict(policy: str, values: dict[str, Array]) -> dict[str, object]:
    """Difference of a policy to its baseline, its intervals and its probability by chance."""
    differences = values[policy] - values[AGAINST[policy]]
    by_seed, mean = differences[:, 0], float(differences[:, 0].mean())
    seeds = len(by_seed)
    of_seeds = float(by_seed.std(ddof=1) / np.sqrt(seeds))
    drawn = differences[:, 1:].mean(axis=0)
    of_galaxies = float(drawn.std(ddof=1))
    both = float(np.hypot(of_seeds, of_galaxies))
    # The degrees of freedom of the seeds alone, as if galaxies were as few.
    reach = float(t.ppf(1 - LEVEL / 2, seeds - 1))
    low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2])
    return {
        "against": AGAINST[policy],
        "value": float(values[policy][:, 0].mean()),
        "value_against": float(values[AGAINST[policy]][:, 0].mean()),
        "difference": mean,
        "low": mean - reach * both,
        "high": mean + reach * both,
        "low_seeds": mean - reach * of_seeds,
        "high_seeds": mean + reach * of_seeds,
        "low_galaxies": float(low),
        "high_galaxies": float(high),
        "se_seeds": of_seeds,
        "se_galaxies": of_galaxies,
        "se": both,
        # Where a policy changes nothing its trainings are the baseline's own, to the bit.
        "p": float(2 * t.sf(abs(mean) / both, seeds - 1)) if both else 1.0,
        "seeds_above": int((by_seed > 0).sum()),
    }


def adjusted(probabilities: Array) -> Array:
    """Probabilities adjusted for their number (Holm 1979, Scand. J. Statist. 6, 65): below the level where rejected."""
    order = np.argsort(probabilities, kind="stable")
    steps = (len(order) - np.arange(len(order))) * probabilities[order]
    out = np.empty(len(order))
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return out


def resolvable_in_errors(compared: int, freedom: int) -> float:
    """Smallest difference, in standard errors, that Holm's first step finds with a probability of `POWER`."""
    critical = float(t.ppf(1 - LEVEL / (2 * compared), freedom))
    return float(brentq(lambda shift: nct.sf(critical, freedom, shift) - POWER, 0.0, 10.0 * critical))


def verdicts(results: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for (of_set, ground), files in results.groupby(["training_set", "ground"], sort=False):
        for score, values in resampled(files).items():
            chosen = [policy for policy in COMPARED if policy in values]
            named = {"training_set": of_set, "ground": ground, "score": score}
            found = pd.DataFrame([{"policy": policy} | named | verdict(policy, values) for policy in chosen])
            holm_p = adjusted(found["p"].to_numpy(np.float64))
            effect = found["difference"].to_numpy(np.float64)
            says = np.where(holm_p > LEVEL, "not resolved", np.where(effect > 0, "better", "worse"))
            says = np.where(found["se"] == 0, "the same training", says)
            seeds = len(values[BASELINE])
            smallest = resolvable_in_errors(len(chosen), seeds - 1) * float(found.loc[found["se"] > 0, "se"].median())
            lines.append(found.assign(holm_p=holm_p, verdict=says, resolvable=smallest))
            say(f"{of_set}, {ground}, {score}: smallest resolvable difference {smallest:.4f}")
            for name in (BASELINE, ONE_NEGATIVE):
                own = values[name][:, 0]
                say(f"  {name}: mean {own.mean():.4f}, standard deviation of a training {own.std(ddof=1):.4f}")
    return pd.concat(lines, ignore_index=True)


def draw(table: pd.DataFrame, place: Path) -> None:
    """A row a training set, a panel a test set and score: differences with their 95 % intervals, and what could be resolved."""
    mpl.use("Agg")
    sets, grounds = (list(dict.fromkeys(table[name])) for name in ("training_set", "ground"))
    panels = list(product(SCORES, grounds))
    size = {"figsize": (13.0, 4.0 * len(sets)), "layout": "constrained"}
    drawn, axes = plt.subplots(len(sets), len(panels), sharey=True, sharex="col", squeeze=False, **size)
    for line, of_set in zip(axes, sets, strict=True):
        for one, (score, ground) in zip(line, panels, strict=True):
            chosen = (table["training_set"] == of_set) & (table["ground"] == ground) & (table["score"] == score)
            _panel(one, table[chosen])
            one.set_title(f"{of_set} set, scored on {ground}:\n{SCORES[score]}", fontsize=9)
    for one in axes[-1]:
        one.set_xlabel("difference to the baseline", fontsize=9)
    axes[0, 0].invert_yaxis()
    drawn.savefig(place, dpi=80)
    plt.close(drawn)


def _panel(axes: Axes, part: pd.DataFrame) -> None:
    y, middle = np.arange(len(part)), part["difference"].to_numpy()
    axes.axvspan(*(part["resolvable"].iloc[0] * np.array([-1, 1])), color="0.9")
    axes.axvline(0.0, color="0.4", lw=0.8)
    axes.errorbar(middle, y, xerr=[middle - part["low"], part["high"] - middle], fmt="none", color="C0", lw=1)
    clear = part["verdict"].isin(["better", "worse"]).to_numpy()
    axes.scatter(middle[clear], y[clear], color="C3", s=26, zorder=3)
    axes.scatter(middle[~clear], y[~clear], facecolor="white", edgecolor="C0", s=26, zorder=3)
    axes.set_yticks(y, part["policy"].tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("data/experiments-24"), help="as of run.py")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the tables")
    options = parser.parse_args()
    results = pd.read_csv(options.out / RESULTS)
    results["file"] = [options.work / "logits" / name for name in results["logits"]]
    table = verdicts(results)
    table.to_csv(options.out / "verdicts.csv", index=False, float_format="%.6g")
    draw(table, options.out / "differences.png")


if __name__ == "__main__":
    main()
