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
from arcgate.gates.arms import arms_of, chosen_pairs
from arcgate.gates.auc_gates import AucGates
from arcgate.gates.collector import Collector
from arcgate.gates.identity import Identities
from arcgate.gates.result import GateResult
from arcgate.gates.two_sample import TwoSample
from arcgate.injection.build import build_dataset
from arcgate.variant import Variant
from arcgate.views.view import Viewer
from arcgate.workers import completed

HERE = Path(__file__).parent
GATES = HERE / "gates.csv"
MARGINS = (0.05, 0.02)
COLUMNS = (
    "leak",
    "size",
    "gate",
    "value",
    "low",
    "high",
    *[f"status_{margin:g}" for margin in MARGINS],
    "n",
    "n_hosts",
    "reason",
)


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
        # The cells' canaries take most of the time, and neither value nor interval depends on the margin.
        collectors = _gathered(source, task.spec)
        found = [_results(collectors, margin) for margin in MARGINS]
    rows = []
    for key, result in found[0].items():
        statuses = {f"status_{margin:g}": one[key].status for margin, one in zip(MARGINS, found, strict=True)}
        numbers = {name: getattr(result, name) for name in ("value", "low", "high")}
        numbers = {name: "" if value is None else f"{value:.5f}" for name, value in numbers.items()}
        head = {"leak": task.leak, "size": f"{task.size:.4g}", "gate": key}
        rows.append({**head, **numbers, **statuses, "n": result.n, "n_hosts": result.n_groups, "reason": result.reason})
    return rows


def _gathered(source: Source, spec: Variant) -> list[Collector]:
    viewer, pairs = Viewer(spec.view), chosen_pairs(source, spec.gates.max_pairs, spec.gates.seed)
    collectors: list[Collector] = [kind(viewer, spec.gates, source.facts) for kind in (AucGates, TwoSample, Identities)]
    for part in source.parts():
        arms = arms_of(part.read(), pairs, source.facts, spec.gates.seed)
        if arms is not None:
            for collector in collectors:
                collector.add(arms)
    return collectors


def _results(collectors: list[Collector], margin: float) -> dict[str, GateResult]:
    for collector in collectors:
        collector.settings = replace(collector.settings, margin=margin)
    return {result.key: result for collector in collectors for result in collector.judge() if result.role == "gate"}


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
    tasks = [Task(*rung, folder, spec) for rung in rungs if (rung[0], f"{rung[1]:.4g}") not in there]
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
