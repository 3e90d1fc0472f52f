"""Lost recall against the gates' values: tables, the value at which one point is lost, and the figure.

From results.csv and gates.csv; the bootstrap over test rows also reads the logits that `run.py` left below its data folder.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
from curves import at_margin, crossing
from figure import draw
from leaks import LEAKS
from numpy.typing import NDArray
from run import FPRS, place_of, specs

from arcgate.dataset.reader import open_dataset
from arcgate.dataset.schema import SPLITS
from arcgate.evaluation.metrics import operating_point
from arcgate.injection.build import build_dataset
from arcgate.learning.stream import LABELLED_ROLES

HERE = Path(__file__).parent
ONE_POINT, MARGINS, DRAWS = 0.01, (0.05, 0.02), 1000
ENDS = (0.05, 0.95)
# Rungs that lose less than this are taken to have the scatter of those that lose nothing.
MILD = 0.1
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Logits:
    """Of every training, on all test rows.

    Attributes
    ----------
    values : list of ndarray, shape (rows,)
        In the order of results.csv.
    label : ndarray of int, shape (rows,)
    """

    values: list[Array]
    label: NDArray[np.int64]

    def recalls(self, fpr: float) -> Array:
        """Recall of every training on test rows drawn anew, the same rows for all: shape (DRAWS, trainings)."""
        rng = np.random.default_rng(14)
        positive, negative = np.flatnonzero(self.label == 1), np.flatnonzero(self.label == 0)
        out = np.empty((DRAWS, len(self.values)))
        for draw_number in range(DRAWS):
            rows = np.concatenate([rng.choice(part, len(part)) for part in (positive, negative)])
            out[draw_number] = [operating_point(logit[rows], self.label[rows], fpr).recall for logit in self.values]
        return out


def logits(table: pd.DataFrame, data_dir: str) -> Logits:
    """Read what `run.py` left."""
    _, test = specs(data_dir)
    dataset = open_dataset(build_dataset(test.data, test.runtime).folder)
    # In the order in which `run.py` reads them.
    label = [dataset.table(["label"], split, LABELLED_ROLES)["label"].to_numpy(np.int64) for split in SPLITS]
    place = Path(data_dir) / "experiments" / "14"
    files = [place_of(place, row.leak, row.size, row.seed) / "logit.npy" for row in table.itertuples()]
    return Logits([np.load(file).astype(np.float64) for file in files], np.concatenate(label))


def rungs(table: pd.DataFrame, gates: pd.DataFrame) -> pd.DataFrame:
    """One row a leak and size: what the gates say, and what is lost against the mean of the trainings without a leak."""
    clean = table[table["leak"] == "none"]
    rows = []
    for leak in LEAKS.values():
        for size in leak.sizes:
            trained, said = _at(table, leak.name, size), _at(gates, leak.name, size).set_index("gate")
            aucs = said[said["value"].notna() & (said["equality"] == 0)]
            network = leak.gate.replace("/raw/", "/network/")
            row: dict[str, object] = {"leak": leak.name, "size": size, "unit": leak.unit, "gate": leak.gate}
            row |= {name: said.loc[leak.gate, name] for name in ("value", "low", "high", "status_0.05", "status_0.02")}
            row["network_value"] = said.loc[network, "value"] if network in said.index else np.nan
            row |= {"highest_gate": aucs["value"].idxmax(), "highest_value": aucs["value"].max()}
            row |= {f"failed_{margin:g}": int((aucs[f"status_{margin:g}"] == "failed").sum()) for margin in MARGINS}
            for name in (*FPRS, "auroc"):
                row[f"lost_{name}"] = clean[name].mean() - trained[name].mean()
                same = clean.set_index("seed").loc[trained["seed"], name].to_numpy() - trained[name].to_numpy()
                row[f"lost_{name}_same_seeds"] = " ".join(f"{value:.4f}" for value in same)
            rows.append(row)
    return pd.DataFrame(rows)


def _at(table: pd.DataFrame, leak: str, size: float) -> pd.DataFrame:
    return table[(table["leak"] == leak) & np.isclose(table["size"], size, rtol=1e-3)]


def scatter(table: pd.DataFrame, ladder: pd.DataFrame, name: str) -> dict[bool, Array]:
    """How far trainings of a rung lie from their mean, of rungs that lose little (True) and much (False).

    The mean of k of them has taken a degree of freedom, which is given back.
    """
    found: dict[bool, list[Array]] = {True: [np.zeros(1)], False: [np.zeros(1)]}
    for row in ladder.itertuples():
        values = _at(table, row.leak, row.size)[name].to_numpy()
        spread = (values - values.mean()) * np.sqrt(len(values) / (len(values) - 1))
        found[bool(getattr(row, f"lost_{name}") < MILD)].append(spread)
    return {mild: np.concatenate(parts[1:] or parts) for mild, parts in found.items()}


def drawn_losses(table: pd.DataFrame, ladder: pd.DataFrame, recalls: Array, name: str) -> Array:
    """Lost recall of each rung, shape (DRAWS, rungs), with the noise of test rows and of the trainings without and with leak."""
    rng = np.random.default_rng(41)
    clean = np.flatnonzero(table["leak"] == "none")
    members = [_at(table, row.leak, row.size).index.to_numpy() for row in ladder.itertuples()]
    spread = scatter(table, ladder, name)
    pools = [spread[bool(lost < MILD)] for lost in ladder[f"lost_{name}"]]
    out = np.empty((DRAWS, len(ladder)))
    for draw_number, recall in enumerate(recalls):
        base = recall[rng.choice(clean, len(clean))].mean()
        for i, (rows, pool) in enumerate(zip(members, pools, strict=True)):
            out[draw_number, i] = base - recall[rows].mean() + rng.choice(pool, len(rows)).mean()
    return out


def thresholds(ladder: pd.DataFrame, drawn: Array, name: str) -> pd.DataFrame:
    """For each leak the gate's AUC at one point lost, and what is lost at each margin, with 90 % intervals."""
    rows = []
    for leak in LEAKS.values():
        chosen = np.flatnonzero(ladder["leak"] == leak.name)
        excess = np.maximum(ladder["value"].to_numpy()[chosen] - 0.5, 0.0)
        lost = ladder[f"lost_{name}"].to_numpy()[chosen]
        crossings = [crossing(excess, one[chosen], ONE_POINT) for one in drawn]
        low, high = np.quantile(crossings, ENDS, method="nearest")
        row: dict[str, object] = {"recall": name, "leak": leak.name, "gate": leak.gate, "highest_value": 0.5 + excess.max()}
        row |= {"auc_at_one_point": 0.5 + crossing(excess, lost, ONE_POINT), "auc_low": 0.5 + low, "auc_high": 0.5 + high}
        for margin in MARGINS:
            low, high = np.quantile([at_margin(excess, one[chosen], margin) for one in drawn], ENDS)
            row |= {f"lost_at_{margin:g}": at_margin(excess, lost, margin), f"low_{margin:g}": low, f"high_{margin:g}": high}
            row[f"margin_{margin:g}"] = "safe" if high <= ONE_POINT else "too lax" if low > ONE_POINT else "not resolved"
        rows.append(row)
    return pd.DataFrame(rows)


def slipped(ladder: pd.DataFrame, drawn: Array, name: str) -> None:
    """What is lost, in the mean over rungs, by leaks of which the gates read little."""
    edges = (0.0, 0.51, 0.52, 0.55, 0.6, 0.7, 0.9, 1.01)
    kinds = {
        f"own gate's AUC {low:g} to {high:g}": ((ladder["value"] >= low) & (ladder["value"] < high)).to_numpy()
        for low, high in pairwise(edges)
    }
    kinds |= {f"no AUC gate fails at {margin:g}": (ladder[f"failed_{margin:g}"] == 0).to_numpy() for margin in MARGINS}
    for words, chosen in kinds.items():
        if chosen.any():
            low, high = 100 * np.quantile(drawn[:, chosen].mean(axis=1), ENDS)
            lost = 100 * ladder.loc[chosen, f"lost_{name}"]
            print(f"{name}, {words}: {chosen.sum()} rungs, mean loss {lost.mean():+.2f} points [{low:+.2f}, {high:+.2f}]")


def main() -> None:
    """Print the tables, write ladder.csv and thresholds.csv, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default="data", help="where data sets and logits lie")
    options = parser.parse_args()
    table = pd.read_csv(HERE / "results.csv")
    ladder, found = rungs(table, pd.read_csv(HERE / "gates.csv")), logits(table, options.data_dir)
    clean, tables, losses = table[table["leak"] == "none"], [], {}
    for name, fpr in FPRS.items():
        losses[name] = drawn_losses(table, ladder, found.recalls(fpr), name)
        ladder[f"low_{name}"], ladder[f"high_{name}"] = np.quantile(losses[name], ENDS, axis=0)
        tables.append(thresholds(ladder, losses[name], name))
        spread = scatter(table, ladder, name)
        print(f"{name}: {len(clean)} trainings without a leak {clean[name].mean():.4f}, scatter {clean[name].std():.4f}")
        print(f"{name}: scatter of rungs that lose little {spread[True].std():.4f}, much {spread[False].std():.4f}")
        slipped(ladder, losses[name], name)
    print(f"AUROC without a leak {clean['auroc'].mean():.4f}, scatter {clean['auroc'].std():.4f}")
    both = pd.concat(tables)
    ladder.to_csv(HERE / "ladder.csv", index=False, float_format="%.5g", lineterminator="\n")
    both.to_csv(HERE / "thresholds.csv", index=False, float_format="%.5g", lineterminator="\n")
    with pd.option_context("display.width", 250, "display.max_columns", 40, "display.float_format", "{:.3f}".format):
        hidden = (
            "gate",
            "unit",
            "highest_gate",
            "lost_auroc_same_seeds",
            "lost_recall_1pc_same_seeds",
            "lost_recall_10pc_same_seeds",
        )
        print(ladder.drop(columns=list(hidden)).to_string(index=False))
        print(both.drop(columns="gate").to_string(index=False))
    draw(ladder, losses, HERE / "ladder.png")


if __name__ == "__main__":
    main()
