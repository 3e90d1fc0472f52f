"""Do sound data sets pass? Build clean sets and audit each in its own layout and in another maker's.

    python experiments/16-clean-sets/run.py --hosts ../shared/real/des_lrg_hosts

Resumable: every audit is a line of results.csv, and those that are there are passed over. Data sets are deleted once judged.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from hydra import compose, initialize_config_module
from layouts import as_foreign
from rich.progress import track
from sparse import detected_by_tails
from summary import TODAY, summarise
from threadpoolctl import threadpool_limits

from arcgate.config import audit_from_config, from_config
from arcgate.dataset.source import Source
from arcgate.foreign.opening import open_source
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.result import GateResult
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.engine import Local
from arcgate.ground.workers import completed
from arcgate.injection.build import build_dataset
from arcgate.survey.hosts import cut_out
from arcgate.survey.parents import open_parents
from arcgate.variant import Audit, Variant

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
COLUMNS = (
    "kind",
    "layout",
    "seed",
    "pairs",
    "galaxies",
    "safe",
    "cause",
    "alarm",
    "refitted",
    "failed",
    "not_passed",
    "tails",
    "detected",
)
COLUMNS += ("seconds",)
# Mock galaxies are drawn from one survey, arcs anew for every seed; a set of 1,000 pairs takes 1,000 of 6,000 galaxies.
MOCK = ("variant=recommended", "gates=quick", "data.n_pairs=1000", "data.null_rows=1000", "data.hosts.n_hosts=6000")
REAL = ("experiment=pilot_pack", "psf=moffat_converted", "gates=quick")
KINDS = {
    "mock": MOCK,
    "mock_photon_noise": (*MOCK, "noise=poisson"),
    "real_1": (*REAL, "data.n_pairs=46", "data.injections_per_host=1"),
    "real_20": (*REAL, "data.n_pairs=920", "data.injections_per_host=20"),
}
# Sets a kind; each is judged in its own layout and as a table of another maker.
SETS = {"mock": 25, "mock_photon_noise": 25, "real_1": 5, "real_20": 5}
LAYOUTS = ("own", "foreign")


@dataclass(frozen=True)
class Task:
    """One data set to build and to judge in the layouts that are missing."""

    kind: str
    seed: int
    layouts: tuple[str, ...]
    spec: Variant
    audit: Audit
    work: Path


def plan(work: Path, hosts: Path | None, there: set[tuple[str, str, int]]) -> list[Task]:
    """Every set with a layout that is missing, the kinds taking turns."""
    tasks = []
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        audit = audit_from_config(compose("audit", overrides=["data=clean", "view=annulus_robust", "gates=quick"]))
        for seed in range(max(SETS.values())):
            for kind, overrides in KINDS.items():
                layouts = tuple(layout for layout in LAYOUTS if (kind, layout, seed) not in there)
                if seed >= SETS[kind] or not layouts or (kind.startswith("real") and hosts is None):
                    continue
                place = [f'data.hosts.path="{hosts}"'] if kind.startswith("real") else []
                given = [*overrides, *place, f"data.seed={1000 + seed}", f"runtime.data_dir={work}", "runtime.workers=1"]
                tasks.append(Task(kind, seed, layouts, from_config(compose("config", overrides=given)), audit, work))
    return tasks


def judged(task: Task) -> list[dict[str, object]]:
    """Build a set, judge it in each layout, and delete it."""
    folder = build_dataset(task.spec.data, task.spec.runtime).folder
    lines = []
    with threadpool_limits(1):
        for layout in task.layouts:
            place = folder if layout == "own" else as_foreign(folder, task.work / f"{task.kind}_{task.seed}.parquet")
            started = time.process_time()
            lines.append(line_of(task, layout, open_source(place)) | {"seconds": f"{time.process_time() - started:.1f}"})
            if layout == "foreign":
                place.unlink()
    shutil.rmtree(folder)
    return lines


def line_of(task: Task, layout: str, source: Source) -> dict[str, object]:
    """The answers of one audit, and whether its tails detect a sparse leak."""
    found = run_battery(source, task.audit.view, task.audit.gates)
    evidence = conclude("", found)
    gates = [result for result in found.results if result.role == "gate"]
    tails = next((gate for gate in gates if gate.name.startswith("tails")), None)
    return {
        "kind": task.kind,
        "layout": layout,
        "seed": task.seed,
        "pairs": len(source.table(["pair_id"])["pair_id"].unique()),
        "galaxies": len(source.table(["host_id"])["host_id"].unique()),
        "safe": evidence.safe,
        "cause": evidence.cause.name,
        "alarm": evidence.cause.alarm,
        "refitted": evidence.cause.rows_refitted,
        "failed": listed(gates, "failed"),
        "not_passed": listed(gates, "undetermined", "insensitive", "not_run"),
        "tails": "" if tails is None else tails.status,
        "detected": detected_by_tails(source, task.audit, task.seed),
    }


def listed(gates: list[GateResult], *statuses: str) -> str:
    """Names of gates with one of these statuses."""
    return " ".join(f"{gate.name}/{gate.view}" for gate in gates if gate.status in statuses)


def finished() -> Iterator[dict[str, str]]:
    """Whole lines of results.csv."""
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            lines = [line for line in csv.DictReader(file) if line.get("seconds")]
        yield from ({TODAY.get(name, name): TODAY.get(value, value) for name, value in line.items()} for line in lines)


def main() -> None:
    """Judge what is missing, then count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--hosts", type=Path, help="real galaxies: a folder with g.fits, r.fits, z.fits")
    parser.add_argument("--work", type=Path, default=Path("data/experiments/16"), help="data sets while they are judged")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    done = list(finished())
    there = {(line["kind"], line["layout"], int(line["seed"])) for line in done}
    tasks = plan(work, options.hosts.resolve() if options.hosts else None, there)
    if tasks:
        # Cut out once here, so that workers find them.
        data, data_dir = tasks[0].spec.data, Path(tasks[0].spec.runtime.data_dir)
        parents = open_parents(data.hosts, data.imaging, data_dir=data_dir, workers=options.workers)
        cut_out(parents, np.arange(len(parents.catalogue)), data_dir=data_dir, engine=Local(options.workers))
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(done)
        file.flush()
        results = completed(judged, tasks, options.workers, HERE)
        for _, lines in track(results, "judging clean sets", total=len(tasks), disable=not sys.stderr.isatty()):
            writer.writerows(lines)
            file.flush()
    summarise(RESULTS)


if __name__ == "__main__":
    main()
