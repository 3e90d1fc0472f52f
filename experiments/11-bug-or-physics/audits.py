"""What a user's audit says of such sets, gates and refit together: `python experiments/11-bug-or-physics/audits.py`.

Each set is written as a table of the older layout, with the columns that declare its arcs, opened as any such table and judged by
the whole battery. Resumable, as run.py is.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_module
from sets import BUGS, Planted, Survey, finished, make, pool
from threadpoolctl import threadpool_limits

from arcgate.config import audit_from_config
from arcgate.data_node import Data
from arcgate.foreign.opening import open_source
from arcgate.gates.core.battery import run_battery
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.workers import completed
from arcgate.variant import Audit

HERE = Path(__file__).parent
RESULTS = HERE / "audits.csv"
COLUMNS = ("planted", "size", "verdict", "seed", "controls", "safe", "refit", "failed", "seconds", "sentence")
# Gates need more galaxies than the refit: half of them judge what the other half fitted.
PAIRS, FIRST_SEED, CLEAN = 160, 500_000, 20
JUDGED = ("data=planted.parquet", "view=annulus_robust", "gates=quick")


@dataclass(frozen=True)
class Task:
    """One data set to make and to audit."""

    survey: Survey
    data: Data
    audit: Audit
    seed: int
    bugs: tuple[str, ...]
    size: str

    @property
    def paired(self) -> bool:
        """Even seeds, as in run.py."""
        return self.seed % 2 == 0


def plan(survey: Survey, data: Data) -> list[Task]:
    """Twenty clean sets, and each defect at medium and large size, paired and unpaired."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        audit = audit_from_config(compose("audit", overrides=list(JUDGED)))
    sets: list[tuple[tuple[str, ...], str]] = [((), "none")] * CLEAN
    sets += [((bug,), size) for bug in BUGS for size in ("medium", "large") for _ in range(2)]
    return [Task(survey, data, audit, FIRST_SEED + place, bugs, size) for place, (bugs, size) in enumerate(sets)]


def judged(task: Task) -> dict[str, object]:
    """Write one set, open and audit it."""
    started = time.process_time()
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        planted = make(task.survey, task.data, task.seed, task.paired, task.bugs, task.size, pairs=PAIRS)
        path = Path(folder) / "planted.parquet"
        written(planted).to_parquet(path)
        found = run_battery(open_source(path), task.audit.view, task.audit.gates)
    evidence = conclude("", found)
    failed = dict.fromkeys(result.name for result in found.results if result.role == "gate" and result.status == "failed")
    return {
        "planted": "+".join(task.bugs) or "none",
        "size": task.size,
        "verdict": evidence.cause.name,
        "seed": task.seed,
        "controls": "paired" if task.paired else "unpaired",
        "safe": evidence.safe,
        "refit": found.cause.name,
        "failed": " ".join(failed),
        "seconds": f"{time.process_time() - started:.1f}",
        "sentence": evidence.cause.sentence,
    }


def written(planted: Planted) -> pd.DataFrame:
    """The set as a table with stamps in cells: no stored arcs, no null rows."""
    positive = planted.table.drop(columns=["pair_id", "role", "label", "split"]).assign(stamp_npz=cells(planted.stamps))
    if planted.paired:
        return positive.assign(is_control=0, ctrl_stamp_npz=cells(planted.control_stamps))
    control = planted.controls[positive.columns.drop("stamp_npz")].assign(stamp_npz=cells(planted.control_stamps))
    return pd.concat([positive.assign(is_control=0), control.assign(is_control=1)], ignore_index=True)


def cells(stamps: np.ndarray) -> list[bytes]:
    """Compressed numpy bytes of each stamp, bands last."""
    out = []
    for stamp in stamps:
        file = io.BytesIO()
        np.savez_compressed(file, np.moveaxis(stamp, 0, -1))
        out.append(file.getvalue())
    return out


def main() -> None:
    """Audit what is missing, then count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data-dir", default="data", help="where the pool of galaxies lies")
    options = parser.parse_args()
    survey, data = pool(options.data_dir, options.workers)
    lines: list[dict[str, object]] = [dict(line) for line in finished(RESULTS)]
    there = {int(str(line["seed"])) for line in lines}
    tasks = [task for task in plan(survey, data) if task.seed not in there]
    for _, line in completed(judged, tasks, options.workers, HERE):
        lines.append(line)
        table = pd.DataFrame(lines, columns=list(COLUMNS)).sort_values("seed", key=lambda seeds: seeds.astype(int))
        table.to_csv(RESULTS, index=False)
    table = pd.read_csv(RESULTS)
    for (planted, size, controls), part in table.groupby(["planted", "size", "controls"], sort=False):
        print(f"{planted}, {size}, {controls}: {part['verdict'].value_counts().to_dict()}")


if __name__ == "__main__":
    main()
