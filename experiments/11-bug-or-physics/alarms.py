"""How often the refit raises an alarm on clean sets of other sizes: `python experiments/11-bug-or-physics/alarms.py`.

Paired sets and sets of other galaxies in turn; every second of each kind has the noise of the arcs' photons. Resumable, as run.py
is: finished sets are lines of alarms.csv.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pandas as pd
from run import rows_of
from sets import Survey, finished, make, pool
from summary import wilson
from threadpoolctl import threadpool_limits

from arcgate.data_node import Data
from arcgate.gates.verdict.naming import name_cause
from arcgate.ground.workers import completed

HERE = Path(__file__).parent
RESULTS = HERE / "alarms.csv"
COLUMNS = ("pairs", "seed", "controls", "noise", "verdict", "alarm", "seconds", "sentence")
# Number of sets by pairs refitted; each size has seeds of its own.
SETS = {60: 200, 200: 200, 400: 50}
FIRST_SEED = {60: 600_000, 200: 610_000, 400: 620_000}


@dataclass(frozen=True)
class Task:
    """One clean set."""

    survey: Survey
    data: Data
    pairs: int
    seed: int

    @property
    def paired(self) -> bool:
        """Even seeds, as in run.py."""
        return self.seed % 2 == 0

    @property
    def noise(self) -> str:
        """Of the arcs' photons, in two of four seeds."""
        return "poisson" if self.seed % 4 >= 2 else "none"


def judged(task: Task) -> dict[str, object]:
    """Make one clean set and name its cause."""
    started = time.process_time()
    with threadpool_limits(1):
        data = replace(task.data, noise=replace(task.data.noise, name=task.noise, arc=task.noise))
        cause = name_cause(rows_of(make(task.survey, data, task.seed, task.paired, (), "none", pairs=task.pairs)))
    return {
        "pairs": task.pairs,
        "seed": task.seed,
        "controls": "paired" if task.paired else "unpaired",
        "noise": task.noise,
        "verdict": cause.name,
        "alarm": int(cause.alarm),
        "seconds": f"{time.process_time() - started:.1f}",
        "sentence": cause.sentence,
    }


def main() -> None:
    """Judge what is missing, then count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data-dir", default="data", help="where the pool of galaxies lies")
    parser.add_argument("--pairs", type=int, nargs="*", default=list(SETS), help="sizes to judge")
    options = parser.parse_args()
    survey, data = pool(options.data_dir, options.workers)
    lines: list[dict[str, object]] = [dict(line) for line in finished(RESULTS)]
    there = {int(str(line["seed"])) for line in lines}
    seeds = [(pairs, FIRST_SEED[pairs] + i) for pairs in options.pairs for i in range(SETS[pairs])]
    tasks = [Task(survey, data, pairs, seed) for pairs, seed in seeds if seed not in there]
    for _, line in completed(judged, tasks, options.workers, HERE):
        lines.append(line)
        table = pd.DataFrame(lines, columns=list(COLUMNS)).astype({"seed": int}).sort_values("seed")
        table.to_csv(RESULTS, index=False)
    for (pairs, controls, noise), part in pd.read_csv(RESULTS).groupby(["pairs", "controls", "noise"]):
        named = part["verdict"].value_counts().to_dict()
        print(f"{pairs} pairs, {controls}, noise {noise}: alarms {wilson(int(part['alarm'].sum()), len(part))}; {named}")


if __name__ == "__main__":
    main()
