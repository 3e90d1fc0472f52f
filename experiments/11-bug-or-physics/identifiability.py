"""Entries of the table bug x kind of data, by experiment: `python experiments/11-bug-or-physics/identifiability.py`.

What run.py does not show: every defect where only stored arcs can be looked at, a Gaussian for the Moffat, and galaxies that are
cut out a pixel away from where the table says that they are.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pandas as pd
from run import rows_of
from sets import BUGS, CUTOUT, CUTOUT_OF_BOTH, GAUSSIAN, make, models, pool
from threadpoolctl import threadpool_limits

from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.refitted import OF_STAMPS
from arcgate.gates.verdict.rows import differences
from arcgate.imaging import DECALS

HERE = Path(__file__).parent
FIRST_SEED, SETS = 200_000, 4
ONLY_HERE = (GAUSSIAN, CUTOUT, CUTOUT_OF_BOTH)
PLAN = {"arc stored": ("none", *BUGS, *ONLY_HERE), "paired without arc": ONLY_HERE, "unpaired without arc": ONLY_HERE}


def main() -> None:
    """Judge every set, write identifiability.csv, print names by kind and defect."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default="data", help="where the pool of galaxies lies")
    survey, data = pool(parser.parse_args().data_dir, 1)
    lines = []
    with threadpool_limits(1):
        for kind, bugs in PLAN.items():
            for bug in bugs:
                for _ in range(SETS):
                    seed, planted = FIRST_SEED + len(lines), () if bug == "none" else (bug,)
                    made = make(survey, data, seed, not kind.startswith("unpaired"), planted, "large")
                    if kind == "arc stored":
                        cause = name_cause(differences(made.table, made.arcs, DECALS, models()), OF_STAMPS)
                    else:
                        cause = name_cause(rows_of(made))
                    lines.append((kind, bug, cause.name, seed, cause.sentence))
    table = pd.DataFrame(lines, columns=["kind", "planted", "verdict", "seed", "sentence"])
    table.to_csv(HERE / "identifiability.csv", index=False)
    for (kind, bug), part in table.groupby(["kind", "planted"], sort=False):
        print(f"{kind}, {bug}: {part['verdict'].value_counts().to_dict()}")


if __name__ == "__main__":
    main()
