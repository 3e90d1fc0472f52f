"""An audit of a table without pixels: how long it takes, and how much memory, for ten thousand to a million rows.

Tables are drawn as experiments/20-positions draws clean ones: two surveys, galaxies in groups, conditions of bricks, splits by
the cell of the brick's centre. `arcgate audit` judges each in a fresh process; its time by the clock and by the processor, and
the largest memory that it held, come from the system.

    python benchmarks/positions.py                   # 10,000, 100,000 and 1,000,000 rows; writes results/positions.json
    python benchmarks/positions.py --rows 20000      # one table; writes nothing
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments" / "20-positions"))

import numpy as np
import pandas as pd
from tables import drawn

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "positions.json"
ROWS = (10_000, 100_000, 1_000_000)
# What an audit ends with where nothing failed and no pixels were given.
UNDETERMINED = 4


def table(rows: int) -> pd.DataFrame:
    """The first clean table that is split by the cell of the brick's centre."""
    number = next(number for number in count() if drawn(number, "clean", rows=100).split == "brick_cell")
    return drawn(number, "clean", rows=rows).rows


def measured(rows: int, folder: Path) -> dict[str, float]:
    """Seconds and gigabytes of one audit."""
    path = folder / f"{rows}.parquet"
    table(rows).to_parquet(path, index=False)
    command = [sys.executable, "-m", "arcgate.cli", "audit", f"data={path}", "track=false", f"runtime.data_dir={folder}"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    clock = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in (3, UNDETERMINED):
        raise SystemExit(f"the audit of {rows} rows ended with {process.returncode}:\n{said}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    line = next(line for line in said.splitlines() if line.startswith("positions and columns"))
    print(
        f"{rows:>9,} rows: {clock:6.1f} s ({processor:.1f} s of the processor), {usage.ru_maxrss / 2**20:.2f} GiB; {line}",
        flush=True,
    )
    return {
        "rows": rows,
        "seconds": clock,
        "processor_s": processor,
        "peak_gib": usage.ru_maxrss / 2**20,
        "bytes": path.stat().st_size,
    }


def main() -> None:
    """Measure, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int)
    asked = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        found = [measured(rows, Path(folder)) for rows in (ROWS if asked is None else (asked,))]
    if asked is None:
        machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count(), "numpy": np.__version__}
        RESULTS.write_text(json.dumps({"machine": machine, "audits": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
