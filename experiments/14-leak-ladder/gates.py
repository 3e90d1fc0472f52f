"""What the gates say of every leak at every size, on the data set that the networks of `run.py` are trained on."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from leaks import LEAKS, LeakySource
from rich.progress import track
from run import specs
from threadpoolctl import threadpool_limits

from arcgate.dataset.reader import open_dataset
from arcgate.dataset.source import DatasetSource, Source
from arcgate.gates.core.auc_statistic import NULL_AUC
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.result import GateResult
from arcgate.ground.workers import completed
from arcgate.injection.build import build_dataset
from arcgate.variant import Cell, Variant

HERE = Path(__file__).parent
GATES = HERE / "gates.csv"
WIDE, NARROW = 0.05, 0.02
# The gates that look at pixels, but for tails and stored values, which ask what a few rows hold.
PIXELS = (
    "residual_core",
    "residual_annulus",
    "residual_border",
    "mask_edge",
    "normaliser_null",
    "normaliser_masked",
    "two_sample",
)
PIXELS += ("null_equal", "deinjection")
# Of the two-sample battery: pixels, noise and stored bits.
CELLS = (Cell("core", "pca", "ridge"), Cell("border", "power", "ridge"), Cell("stamp", "lsb", "trees"))
COLUMNS = ("leak", "size", "gate", "equality", "value", "low", "high", "status_0.05", "status_0.02", "n", "n_hosts", "reason")


@dataclass(frozen=True)
class Task:
    """One data set to judge."""

    leak: str
    size: float
    data: Path
    spec: Variant


def judged(task: Task) -> list[dict[str, object]]:
    """Every gate that looks at pixels, at both margins."""
    dataset = open_dataset(task.data)
    source: Source = DatasetSource(dataset)
    if task.leak in LEAKS:
        source = LeakySource(dataset, LEAKS[task.leak], task.size)
    with threadpool_limits(1):
        results = run_battery(source, task.spec.view, task.spec.gates).results
    rows = []
    for result in results:
        if result.role != "gate":
            continue
        numbers = {name: getattr(result, name) for name in ("value", "low", "high")}
        numbers = {name: "" if value is None else f"{value:.5f}" for name, value in numbers.items()}
        statuses = {f"status_{WIDE:g}": result.status, f"status_{NARROW:g}": _narrowed(result)}
        head = {"leak": task.leak, "size": f"{task.size:.4g}", "gate": result.key, "equality": int(not result.margin)}
        rows.append({**head, **numbers, **statuses, "n": result.n, "n_hosts": result.n_groups, "reason": result.reason})
    return rows


def _narrowed(result: GateResult) -> str:
    """Status at the margin of full sets. A leak that leaves the wide margin leaves the narrow one too."""
    if not result.margin or result.value is None or result.status == "insensitive":
        return result.status
    if result.low > NULL_AUC - NARROW and result.high < NULL_AUC + NARROW:
        return "passed"
    return "failed" if result.low > NULL_AUC or result.high < NULL_AUC - NARROW else "undetermined"


def finished() -> Iterator[dict[str, str]]:
    """Whole lines of gates.csv."""
    if GATES.exists():
        with GATES.open(newline="") as file:
            yield from (line for line in csv.DictReader(file) if line.get("reason") is not None)


def main() -> None:
    """Judge what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data-dir", default="data", help="where data sets lie")
    options = parser.parse_args()
    spec, _ = specs(options.data_dir)
    folder = build_dataset(spec.data, spec.runtime).folder
    done = list(finished())
    there = {(line["leak"], line["size"]) for line in done}
    rungs = [("none", 0.0)] + [(leak.name, size) for leak in LEAKS.values() for size in leak.sizes]
    # Nobody asks for the cause here, which is always looked for: one pair is the fewest that can be refitted.
    judging = replace(spec, gates=replace(spec.gates, listed=PIXELS, margin=WIDE, cells=CELLS, verdict_pairs=1))
    tasks = [Task(*rung, folder, judging) for rung in rungs if (rung[0], f"{rung[1]:.4g}") not in there]
    with GATES.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(done)
        results = completed(judged, tasks, options.workers, HERE)
        for _, lines in track(results, "judging", total=len(tasks), disable=not sys.stderr.isatty()):
            writer.writerows(lines)
            file.flush()


if __name__ == "__main__":
    main()
