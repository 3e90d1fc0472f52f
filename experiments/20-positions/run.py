"""Judge 50 tables of positions with a planted leak and 50 clean ones; a line of results.csv each.

Resumable: tables whose line is there are passed over. `--tables 5` judges fewer of each.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from judging_tables import is_named, judged
from rich.progress import track
from tables import PLANTED, drawn

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
COLUMNS = ("number", "planted", "size", "split", "rows", "safe", "cause", "failed", "named", "seconds")
TABLES = 50


def plan(count: int) -> Iterator[tuple[int, str]]:
    """Numbers and kinds: each leak equally likely, by a draw that was fixed beforehand."""
    kinds = np.random.default_rng(20).choice([*PLANTED], TABLES)
    for number in range(count):
        yield number, str(kinds[number])
        yield 1000 + number, "clean"


def main() -> None:
    """Judge what is not judged yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=TABLES, help="of either sort")
    count = parser.parse_args().tables
    done = {int(line["number"]) for line in csv.DictReader(RESULTS.open())} if RESULTS.exists() else set()
    if not done:
        RESULTS.write_text(",".join(COLUMNS) + "\n")
    with tempfile.TemporaryDirectory() as folder, RESULTS.open("a", newline="") as file:
        lines = csv.DictWriter(file, COLUMNS)
        for number, planted in track([*plan(count)], "judging"):
            if number in done:
                continue
            started, table = time.monotonic(), drawn(number, planted)
            evidence = judged(table, Path(folder), number)
            failed = [result.name for result in evidence.results if result.role == "gate" and result.status == "failed"]
            line = (number, planted, round(table.size, 3), table.split, len(table.rows), evidence.safe, evidence.cause.name)
            seconds = round(time.monotonic() - started, 1)
            lines.writerow(dict(zip(COLUMNS, (*line, " ".join(failed), is_named(table, evidence), seconds), strict=True)))
            file.flush()


if __name__ == "__main__":
    main()
