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
from run import BASELINE, FLOOR_ON_PAIRS, FPR, HERE, ONE_NEGATIVE, POLICIES, POLICIES_TABLE, RESULTS
from scipy.optimize import brentq
from scipy.stats import nct, t

from arcgate.evaluation.metrics import scored_of
from arcgate.evaluation.rates import Scored, weighted_recall
from arcgate.evaluation.resampling import weights_of
from arcgate.ground.progress import say

Array = NDArray[np.float64]

REPLICATES, LEVEL, POWER = 2000, 0.05, 0.8
SCORES = {"auroc": "AUROC", "recall_10pc": "recall at 10 % false positives"}
# The dozen. At equal positives, a fifth of the pairs, five negatives against one; all others against the training on every row.
PLANNED = {name: BASELINE for name in POLICIES if name not in (BASELINE, ONE_NEGATIVE, FLOOR_ON_PAIRS)}
PLANNED |= {"five_negatives": ONE_NEGATIVE}
# Asked when the dozen were known, and so not among those for whose number probabilities are adjusted.
AFTERWARDS = [(FLOOR_ON_PAIRS, BASELINE), ("floor_on_positives", FLOOR_ON_PAIRS)]


def weighted_auroc(scored: Scored, weights: Array) -> Array:
    """Area under the ROC curve of rows with weights (replicates, n), values (replicates,); ties count one half."""
    order = np.argsort(-scored.logit, kind="stable")
    positive, logit = (scored.label[order] == 1).astype(np.float64), scored.logit[order]
    ordered = weights[:, order]
    ends = np.r_[np.flatnonzero(logit[1:] != logit[:-1]), len(logit) - 1]
    true, false = (np.cumsum(ordered * part, axis=1)[:, ends] for part in (positive, 1.0 - positive))
    won = np.trapezoid(np.c_[np.zeros(len(true)), true], np.c_[np.zeros(len(false)), false], axis=1)
    area: Array = won / (true[:, -1] * false[:, -1])
    return area


def resampled(files: pd.DataFrame) -> dict[str, dict[str, Array]]:
    """Scores of one test set by score and policy, (seeds, 1 + replicates): as they are, then with rows drawn anew."""
    weights: Array | None = None
    rows: pd.Series | None = None
    found: dict[str, dict[str, list[Array]]] = {score: {} for score in SCORES}
    for line in files.to_dict("records"):
        table = pd.read_parquet(Path(line["file"])).sort_values("sample_id", ignore_index=True)
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
            stated = float(line[score])
            assert abs(value[0] - stated) < 2e-6, (line, value[0])
            found[score].setdefault(str(line["policy"]), []).append(value)
    return {score: {policy: np.stack(values) for policy, values in by.items()} for score, by in found.items()}


def compared(policy: str, against: str, values: dict[str, Array]) -> dict[str, object]:
    """Difference of a policy to its baseline, its intervals and its probability by chance."""
    differences = values[policy] - values[against]
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
        "policy": policy,
        "against": against,
        "value": float(values[policy][:, 0].mean()),
        "value_against": float(values[against][:, 0].mean()),
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


def resolvable_in_errors(tests: int, freedom: int) -> float:
    """Smallest difference, in standard errors, that Holm's first step finds with a probability of `POWER`."""
    critical = float(t.ppf(1 - LEVEL / (2 * tests), freedom))
    return float(brentq(lambda shift: nct.sf(critical, freedom, shift) - POWER, 0.0, 10.0 * critical))


def verdicts(results: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for (of_set, ground), files in results.groupby(["training_set", "ground"], sort=False):
        for score, values in resampled(files).items():
            named = {"training_set": of_set, "ground": ground, "score": score}
            found = pd.DataFrame([named | compared(policy, against, values) for policy, against in PLANNED.items()])
            holm_p = adjusted(found["p"].to_numpy(np.float64))
            effect = found["difference"].to_numpy(np.float64)
            says = np.where(holm_p > LEVEL, "not resolved", np.where(effect > 0, "better", "worse"))
            says = np.where(found["se"] == 0, "the same training", says)
            later = pd.DataFrame([named | compared(policy, against, values) for policy, against in AFTERWARDS])
            seeds = len(values[BASELINE])
            smallest = resolvable_in_errors(len(found), seeds - 1) * float(found.loc[found["se"] > 0, "se"].median())
            lines.append(found.assign(holm_p=holm_p, verdict=says, resolvable=smallest))
            lines.append(later.assign(verdict="asked afterwards"))
            say(f"{of_set}, {ground}, {score}: smallest resolvable difference {smallest:.4f}")
            for name in (BASELINE, ONE_NEGATIVE):
                own = values[name][:, 0]
                say(f"  {name}: mean {own.mean():.4f}, standard deviation of a training {own.std(ddof=1):.4f}")
            for line in later.to_dict("records"):
                limits = f"[{100 * line['low']:+.1f}, {100 * line['high']:+.1f}] p {line['p']:.2g}"
                say(f"  {line['policy']} against {line['against']}: {100 * line['difference']:+.1f} {limits}")
    return pd.concat(lines, ignore_index=True)


def in_words(table: pd.DataFrame, rows: pd.DataFrame) -> str:
    """The tables of the README, a row a policy: difference in points, its interval, probability after Holm."""
    columns = list(product(dict.fromkeys(table["ground"]), SCORES))
    lines: list[str] = []
    for of_set, part in table.groupby("training_set", sort=False):
        lines += ["", f"{of_set} set", f"| policy | positives, negatives | {' | '.join(': '.join(one) for one in columns)} |"]
        lines.append("|---" * (2 + len(columns)) + "|")
        own = rows[rows["training_set"] == of_set].to_dict("records")
        size = {line["policy"]: f"{line['positives']}, {line['negatives']}" for line in own}
        for policy, found in part.groupby("policy", sort=False):
            shown = [_cell(found[(found["ground"] == one) & (found["score"] == score)].iloc[0]) for one, score in columns]
            lines.append(f"| {policy} | {size[policy]} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _cell(line: pd.Series) -> str:
    if not line["se"]:
        return "same"
    points = [f"{100 * line[name]:+.1f}" for name in ("difference", "low", "high")]
    text = f"{points[0]} [{points[1]}, {points[2]}] {line['holm_p']:.2g}"
    return text if line["verdict"] == "not resolved" else f"**{text}**"


def draw(table: pd.DataFrame, place: Path) -> None:
    """A row a training set, a panel a test set and score: differences with their 95 % intervals, and what could be resolved."""
    mpl.use("Agg")
    sets, grounds = (list(dict.fromkeys(table[name])) for name in ("training_set", "ground"))
    panels = list(product(SCORES, grounds))
    drawn, axes = plt.subplots(len(sets), len(panels), sharey=True, sharex="col", squeeze=False, layout="constrained")
    drawn.set_size_inches(13.0, 4.0 * len(sets))
    for line, of_set in zip(axes, sets, strict=True):
        for one, (score, ground) in zip(line, panels, strict=True):
            chosen = (table["training_set"] == of_set) & (table["ground"] == ground) & (table["score"] == score)
            _panel(one, table[chosen])
            one.set_title(f"{of_set} set, scored on {ground}:\n{SCORES[score]}", fontsize=9)
    for one in axes[-1]:
        one.set_xlabel("difference to the baseline, points", fontsize=9)
    axes[0, 0].invert_yaxis()
    drawn.savefig(place, dpi=80)
    plt.close(drawn)


def _panel(axes: Axes, part: pd.DataFrame) -> None:
    y, middle = np.arange(len(part)), 100 * part["difference"].to_numpy()
    axes.axvspan(*(100 * part["resolvable"].iloc[0] * np.array([-1, 1])), color="0.9")
    axes.axvline(0.0, color="0.4", lw=0.8)
    axes.errorbar(middle, y, xerr=[middle - 100 * part["low"], 100 * part["high"] - middle], fmt="none", color="C0", lw=1)
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
    planned = table[table["holm_p"].notna()]
    say(f"all {len(planned)} at once: smallest probability after Holm {adjusted(planned['p'].to_numpy(np.float64)).min():.3f}")
    say(in_words(planned, pd.read_csv(options.out / POLICIES_TABLE)))
    draw(planned, options.out / "differences.png")


if __name__ == "__main__":
    main()
