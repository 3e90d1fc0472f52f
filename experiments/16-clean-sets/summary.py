"""Counts of the study: `python experiments/16-clean-sets/summary.py`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

HERE = Path(__file__).parent
# From this many pairs on, a sound set can pass: below, the upper limit of a share of zero galaxies lies above 2 %.
CAN_PASS = 150
# The stored table bears the names of its day.
TODAY = {"heard": "detected", "missed": "not detected"}


def share(hits: pd.Series) -> str:
    """Share with Wilson's 95 % limits."""
    found, n = int(hits.sum()), len(hits)
    low, high = binomtest(found, n).proportion_ci(method="wilson")
    return f"{found}/{n} = {100 * found / n:.0f} % [{100 * low:.1f}, {100 * high:.1f}]"


def summarise(results: Path) -> None:
    """Print the table of kinds and layouts, and what kept sets from passing."""
    table = pd.read_csv(results, keep_default_na=False).rename(columns=TODAY).replace({"detected": TODAY})
    print("| kind | layout | pairs | passed | failed | alarms of the refit | tails failed | sparse leak detected |")
    print(8 * "|---" + "|")
    large = table[table["galaxies"].astype(int) >= CAN_PASS]
    parts = [*table.groupby(["kind", "layout"], sort=False), (("1,000 galaxies", "both"), large), (("all", "both"), table)]
    for (kind, layout), part in parts:
        if part.empty:
            continue
        columns = [
            share(part["safe"] == "passed"),
            share(part["safe"] == "failed"),
            share(part["alarm"].astype(str) == "True"),
            share(part["tails"] == "failed"),
            share(part["detected"] == "detected"),
        ]
        print(f"| {kind} | {layout} | {part['pairs'].max()} | {' | '.join(columns)} |")
    for what in ("failed", "not_passed"):
        counts = large[what].str.split().explode().value_counts().to_dict()
        print(f"{what} in sets of 1,000 pairs: {counts}")
    print(f"{table['seconds'].astype(float).sum() / 60:.0f} minutes of processor time for the audits")


if __name__ == "__main__":
    summarise(HERE / "results.csv")
