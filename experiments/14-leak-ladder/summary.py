"""Lost recall against the gates' values: tables, the value at which one point is lost, and the figure.

From results.csv and gates.csv; the bootstrap over test rows also reads the logits that `run.py` left below its data folder.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from leaks import LEAKS
from numpy.typing import NDArray
from run import FPR, place_of, specs
from sklearn.isotonic import IsotonicRegression

from arcgate.dataset.reader import open_dataset
from arcgate.dataset.schema import SPLITS
from arcgate.evaluation.metrics import operating_point
from arcgate.injection.build import build_dataset
from arcgate.learning.stream import LABELLED_ROLES

HERE = Path(__file__).parent
ONE_POINT, MARGINS, DRAWS = 0.01, (0.05, 0.02), 2000
# Rungs that lose less than this have the noise of training of those that lose nothing.
MILD = 0.1
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Every training's recall, on the test rows as they are and on rows drawn anew.

    Attributes
    ----------
    table : DataFrame
        leak, size, seed, recall, auroc; one row a training.
    recalls : ndarray, shape (DRAWS, trainings)
        Recall on test rows drawn with replacement, the same rows for all trainings.
    """

    table: pd.DataFrame
    recalls: Array


def scored(data_dir: str) -> Scored:
    """Read what `run.py` left."""
    table = pd.read_csv(HERE / "results.csv")
    _, test = specs(data_dir)
    dataset = open_dataset(build_dataset(test.data, test.runtime).folder)
    # In the order in which `run.py` reads them.
    parts = [dataset.table(["label"], split, LABELLED_ROLES)["label"].to_numpy(np.int64) for split in SPLITS]
    label = np.concatenate(parts)
    place = Path(data_dir) / "experiments" / "14"
    logits = [np.load(place_of(place, row.leak, row.size, row.seed) / "logit.npy") for row in table.itertuples()]
    rng = np.random.default_rng(14)
    positive, negative = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    recalls = np.empty((DRAWS, len(table)))
    for draw in range(DRAWS):
        rows = np.concatenate([rng.choice(part, len(part)) for part in (positive, negative)])
        recalls[draw] = [operating_point(logit[rows], label[rows], FPR).recall for logit in logits]
    return Scored(table, recalls)


def rungs(table: pd.DataFrame, gates: pd.DataFrame) -> pd.DataFrame:
    """One row a leak and size: what the gates say, and what is lost against the mean of the trainings without a leak."""
    clean = table[table["leak"] == "none"]
    base = clean.set_index("seed")
    rows = []
    for leak in LEAKS.values():
        for size in leak.sizes:
            trained = _at(table, leak.name, size)
            said = _at(gates, leak.name, size).set_index("gate")
            aucs = said[said["value"].notna() & (said["equality"] == 0)]
            network = leak.gate.replace("/raw/", "/network/")
            lost = clean["recall"].mean() - trained["recall"]
            paired = base.loc[trained["seed"], "recall"].to_numpy() - trained["recall"].to_numpy()
            row: dict[str, object] = {"leak": leak.name, "size": size, "unit": leak.unit, "gate": leak.gate}
            row |= {name: said.loc[leak.gate, name] for name in ("value", "low", "high", "status_0.05", "status_0.02")}
            row["network_value"] = said.loc[network, "value"] if network in said.index else np.nan
            row |= {"highest_gate": aucs["value"].idxmax(), "highest_value": aucs["value"].max()}
            row |= {f"failed_{margin:g}": int((aucs[f"status_{margin:g}"] == "failed").sum()) for margin in MARGINS}
            row |= {"lost_recall": lost.mean(), "lost_recall_by_seed": " ".join(f"{value:.4f}" for value in lost)}
            row |= {"lost_recall_same_seed": paired.mean(), "lost_auroc": clean["auroc"].mean() - trained["auroc"].mean()}
            rows.append(row)
    return pd.DataFrame(rows)


def _at(table: pd.DataFrame, leak: str, size: float) -> pd.DataFrame:
    return table[(table["leak"] == leak) & np.isclose(table["size"], size, rtol=1e-3)]


def drawn_losses(found: Scored, ladder: pd.DataFrame) -> Array:
    """Lost recall of each rung, shape (DRAWS, rungs), with the noise of test rows and of the trainings without and with leak."""
    table, rng = found.table, np.random.default_rng(41)
    clean = np.flatnonzero(table["leak"] == "none")
    members = [_at(table, row.leak, row.size).index.to_numpy() for row in ladder.itertuples()]
    residuals = [table["recall"].to_numpy()[rows] - table["recall"].to_numpy()[rows].mean() for rows in members]
    # The mean of k residuals has lost a degree of freedom.
    scaled = [residual * np.sqrt(len(residual) / (len(residual) - 1)) for residual in residuals]
    mild = (ladder["lost_recall"] < MILD).to_numpy()
    pools = {
        kind: np.concatenate([one for one, is_mild in zip(scaled, mild, strict=True) if is_mild == kind] or [np.zeros(1)])
        for kind in (True, False)
    }
    out = np.empty((DRAWS, len(ladder)))
    for draw in range(DRAWS):
        recall = found.recalls[draw]
        base = recall[rng.choice(clean, len(clean))].mean()
        for i, rows in enumerate(members):
            out[draw, i] = base - recall[rows].mean() + rng.choice(pools[bool(mild[i])], len(rows)).mean()
    return out


def curve(excess: Array, lost: Array) -> tuple[Array, Array]:
    """A curve that never falls through lost recall against AUC - 0.5, from nothing lost where there is no leak."""
    x, y = np.concatenate([[0.0], excess]), np.concatenate([[0.0], lost])
    order = np.argsort(x, kind="stable")
    weights = np.ones(len(x))
    weights[0] = 1e6
    fitted = IsotonicRegression(y_min=0.0).fit_transform(x[order], y[order], sample_weight=weights[order])
    return x[order], fitted


def crossing(excess: Array, lost: Array) -> float:
    """AUC - 0.5 at which one point is lost; infinite if it never is."""
    x, y = curve(excess, lost)
    above = np.flatnonzero(y > ONE_POINT)
    if not len(above):
        return np.inf
    last = above[0]
    return float(np.interp(ONE_POINT, y[last - 1 : last + 1], x[last - 1 : last + 1]))


def thresholds(ladder: pd.DataFrame, drawn: Array) -> pd.DataFrame:
    """For each leak the gate's AUC at one point lost, and what is lost at each margin, with 90 % intervals."""
    rows = []
    for name in LEAKS:
        chosen = np.flatnonzero(ladder["leak"] == name)
        excess = np.maximum(ladder["value"].to_numpy()[chosen] - 0.5, 0.0)
        lost = ladder["lost_recall"].to_numpy()[chosen]
        row: dict[str, object] = {"leak": name, "gate": LEAKS[name].gate, "highest_gate_value": 0.5 + excess.max()}
        crossings = [crossing(excess, draw[chosen]) for draw in drawn]
        row["auc_at_one_point"] = 0.5 + crossing(excess, lost)
        row["auc_low"], row["auc_high"] = (0.5 + np.quantile(crossings, q, method="nearest") for q in (0.05, 0.95))
        for margin in MARGINS:
            at = [_at_margin(excess, draw[chosen], margin) for draw in drawn]
            row[f"lost_at_{margin:g}"] = _at_margin(excess, lost, margin)
            low, high = np.quantile(at, (0.05, 0.95))
            row[f"lost_at_{margin:g}_low"], row[f"lost_at_{margin:g}_high"] = low, high
            row[f"margin_{margin:g}"] = "safe" if high <= ONE_POINT else "too lax" if low > ONE_POINT else "not resolved"
        rows.append(row)
    return pd.DataFrame(rows)


def _at_margin(excess: Array, lost: Array, margin: float) -> float:
    return float(np.interp(margin, *curve(excess, lost)))


def slipped(ladder: pd.DataFrame, drawn: Array) -> None:
    """What is lost, in the mean, by leaks that the gates let pass."""
    for margin in MARGINS:
        kinds = {
            f"own gate's AUC below 0.5 + {margin:g}": (ladder["value"] < 0.5 + margin).to_numpy(),
            f"no gate fails at {margin:g}": (ladder[f"failed_{margin:g}"] == 0).to_numpy(),
        }
        for words, chosen in kinds.items():
            if chosen.any():
                low, high = np.quantile(drawn[:, chosen].mean(axis=1), (0.05, 0.95))
                lost = ladder.loc[chosen, "lost_recall"]
                mean, most = 100 * lost.mean(), 100 * lost.max()
                ends = f"[{100 * low:+.2f}, {100 * high:+.2f}]"
                print(f"{words}: {chosen.sum()} rungs, mean loss {mean:+.2f} points {ends}, largest {most:+.2f}")


def main() -> None:
    """Print the tables, write ladder.csv and thresholds.csv, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default="data", help="where data sets and logits lie")
    options = parser.parse_args()
    found = scored(options.data_dir)
    clean = found.table[found.table["leak"] == "none"]
    for name in ("recall", "auroc"):
        print(
            f"without a leak, {len(clean)} seeds: {name} {clean[name].mean():.4f} +- {clean[name].std():.4f} (standard deviation)"
        )
    ladder = rungs(found.table, pd.read_csv(HERE / "gates.csv"))
    drawn = drawn_losses(found, ladder)
    ladder["lost_low"], ladder["lost_high"] = np.quantile(drawn, (0.05, 0.95), axis=0)
    ladder.to_csv(HERE / "ladder.csv", index=False, float_format="%.5g", lineterminator="\n")
    table = thresholds(ladder, drawn)
    table.to_csv(HERE / "thresholds.csv", index=False, float_format="%.5g", lineterminator="\n")
    with pd.option_context("display.width", 250, "display.max_columns", 40, "display.float_format", "{:.4f}".format):
        print(ladder.drop(columns=["gate", "unit", "highest_gate"]).to_string(index=False))
        print(table.drop(columns="gate").to_string(index=False))
    slipped(ladder, drawn)
    draw(ladder, drawn, HERE / "ladder.png")


def draw(ladder: pd.DataFrame, drawn: Array, place: Path) -> None:
    """A panel a leak: lost recall against the gate's AUC, with the fitted curve and its band."""
    mpl.use("Agg")
    figure, panels = plt.subplots(3, 3, figsize=(12.0, 9.0), layout="constrained", sharex=True)
    grid = np.geomspace(5e-4, 0.5, 200)
    for axes, name in zip(panels.flat, LEAKS, strict=True):
        chosen = np.flatnonzero(ladder["leak"] == name)
        part = ladder.iloc[chosen]
        excess, lost = np.maximum(part["value"].to_numpy() - 0.5, 0.0), part["lost_recall"].to_numpy()
        inside = grid[grid <= max(excess.max(), grid[0])]
        curves = np.array([np.interp(inside, *curve(excess, one[chosen])) for one in drawn])
        axes.fill_between(inside, *(100 * np.quantile(curves, (0.05, 0.95), axis=0)), color="C0", alpha=0.2, lw=0)
        axes.plot(inside, 100 * np.interp(inside, *curve(excess, lost)), color="C0")
        shown = np.maximum(excess, grid[0])
        axes.errorbar(
            shown, 100 * lost, 100 * np.array([lost - part["lost_low"], part["lost_high"] - lost]), fmt="o", color="k", ms=4, lw=1
        )
        for margin in MARGINS:
            axes.axvline(margin, color="C3", lw=0.8, ls="--" if margin == MARGINS[0] else ":")
        axes.axhline(100 * ONE_POINT, color="0.5", lw=0.8)
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=5.0)
        axes.set_title(f"{name} ({part['gate'].iloc[0].rsplit('/', 1)[0]})", fontsize=9)
    for axes in panels[-1]:
        axes.set_xticks([0.001, 0.01, 0.1, 0.5], ["0.501", "0.51", "0.6", "1"])
        axes.set_xlabel("AUC of the gate")
    for axes in panels[:, 0]:
        axes.set_ylabel(f"lost recall at {100 * FPR:g} % FPR, points")
    figure.savefig(place, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
