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

from arcgate.gates.arms import arms_of, chosen_pairs
from arcgate.gates.auc_gates import AucGates
from arcgate.gates.auc_judging import decide
from arcgate.gates.collector import Collector
from arcgate.gates.identity import Identities
from arcgate.gates.result import GateResult
from leaks import LEAKS, LeakySource
from rich.progress import track
from run import specs
from threadpoolctl import threadpool_limits

from arcgate.dataset.reader import open_dataset
from arcgate.dataset.source import DatasetSource, Source
from arcgate.gates.two_sample import TwoSample
from arcgate.ground.statistics import Interval
from arcgate.ground.workers import completed
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.variant import Cell, Variant
from arcgate.views.view import Viewer

HERE = Path(__file__).parent
GATES = HERE / "gates.csv"
WIDE, NARROW = 0.05, 0.02
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
        results = [result for collector in _gathered(source, task.spec) for result in collector.judge()]
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


def _gathered(source: Source, spec: Variant) -> list[Collector]:
    viewer, pairs = Viewer(spec.view, DECALS), chosen_pairs(source, spec.gates.max_pairs, spec.gates.seed)
    collectors: list[Collector] = [kind(viewer, spec.gates, source.facts) for kind in (AucGates, TwoSample, Identities)]
    for part in source.parts():
        arms = arms_of(part.read(), pairs, source.facts, spec.gates.seed)
        if arms is not None:
            for collector in collectors:
                collector.add(arms)
    return collectors


def _narrowed(result: GateResult) -> str:
    """Status at the margin of full sets. A canary that leaves the wide margin leaves the narrow one too."""
    if not result.margin or result.value is None or result.status == "blind":
        return result.status
    return decide(Interval(result.value, result.low, result.high, result.n, result.n_groups), True, NARROW, "")[0]


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
    judging = replace(spec, gates=replace(spec.gates, margin=WIDE, cells=CELLS))
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
