"""`arcgate parents` on synthetic sweeps: rows a second, peak memory, hours for DR10.1; beside astropy that only reads.

Sweeps with all of DR10's columns are written to a temporary folder and removed at the end. The command runs in a process of its
own, by turns with a peer of as many processes that does nothing but read the same columns of the same files with astropy (memory
mapped, as its documentation advises; fitsio is no dependency of arcgate). Files are warm: both read what the kernel holds in
memory, and hours are those of the processors, which a slower disk lengthens. Memory is the largest sum over all processes of the
command: pages that they share counted once (PSS, looked at every four seconds), and in each process (RSS, five times a second).

    python benchmarks/parents.py                      # 5 million rows, 2.5 GB of disk
    python benchmarks/parents.py --rows 400000        # fewer; writes no results
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from memory import Memory
from synthetic_sweeps import columns, write

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "parents.json"
SOURCE = HERE.parent / "src"
ROWS, FILES = 5_000_000, 5
# DR10.1: files of south/sweep/10.1, and unique sources as its description page states them ("approximately 2.8 billion").
DR10_FILES, DR10_ROWS = 1436, 2.8e9
LIMIT_GIB = 1.0


def peer(path: Path, names: list[str]) -> int:
    """Read some columns of a sweep with astropy, and nothing else; bytes read."""
    from astropy.io import fits

    with fits.open(path, memmap=True) as file:
        data = file["SWEEP"].data
        return sum(np.array(data[name]).nbytes for name in names)


def timed_peer(paths: list[Path], names: list[str], workers: int) -> dict[str, float]:
    """Let processes that have imported what they need read all files."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(peer, [paths[0]] * workers, [names[:1]] * workers))
        started = time.monotonic()
        list(pool.map(peer, paths, [names] * len(paths)))
        seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
    }


def timed_command(root: Path, data: Path, selection: str, workers: int) -> dict[str, float]:
    """Run the command in a process of its own."""
    words = ["parents", f"root={root}", f"runtime.data_dir={data}", f"parents={selection}", f"runtime.workers={workers}"]
    path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [sys.executable, "-m", "arcgate.cli", *words]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)
    with Memory(process.pid) as memory:
        printed = process.communicate()[0]
    seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = re.search(r"parents: ([\d,]+) galaxies", printed)
    if process.returncode or found is None:
        raise SystemExit(f"arcgate parents ended with {process.returncode}:\n{printed}")
    print(printed, flush=True)
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_pss_gib": memory.peak["Pss"] or float("nan"),
        "peak_rss_sum_gib": memory.peak["Rss"] or float("nan"),
        "galaxies": int(found[1].replace(",", "")),
    }


def start_of(root: Path, data: Path) -> dict[str, float]:
    """What the command takes before it reads a row: a dry run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "arcgate.cli", "parents", f"root={root}", f"runtime.data_dir={data}", "dry_run=true"]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(time.monotonic() - started, 2),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
    }


def needed(selection: str) -> list[str]:
    """Columns that a selection looks at."""
    from hydra import compose, initialize_config_module

    from arcgate.config import parents_from_config

    with initialize_config_module("arcgate.conf", version_base="1.3"):
        spec = parents_from_config(compose("parents", ["root=x", f"parents={selection}"]))
    return [name for name in spec.looks_at() if name in (columns().names or ())]


def report(rows: int, runs: list[dict[str, float]], peers: list[dict[str, float]], start: dict[str, float]) -> dict[str, object]:
    """What was measured, and what follows for DR10.1."""
    seconds, cpu, peer_seconds, peer_cpu = (
        float(np.median([one[name] for one in found])) for found in (runs, peers) for name in ("seconds", "cpu_seconds")
    )
    reading, reading_cpu = seconds - start["seconds"], cpu - start["cpu_seconds"]
    return {
        "rows": rows,
        "row_bytes": columns().itemsize,
        "seconds": seconds,
        "start": start,
        "rows_per_second": round(rows / reading),
        "rows_per_cpu_second": round(rows / reading_cpu),
        "megabytes_per_second": round(rows * columns().itemsize / reading / 1e6),
        "peer_seconds": peer_seconds,
        "speed_of_peer": round(peer_seconds / reading, 2),
        "speed_of_peer_by_cpu": round(peer_cpu / reading_cpu, 2),
        "dr10_rows_per_file": round(DR10_ROWS / DR10_FILES),
        "dr10_hours": round(DR10_ROWS / (rows / reading) / 3600, 2),
        "dr10_cpu_hours": round(DR10_ROWS / (rows / reading_cpu) / 3600, 2),
        "dr10_terabytes": round(DR10_ROWS * columns().itemsize / 1e12, 2),
        "peak_pss_gib": max(run["peak_pss_gib"] for run in runs),
        "peak_rss_sum_gib": max(run["peak_rss_sum_gib"] for run in runs),
        "limit_gib": LIMIT_GIB,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of all files together ({ROWS})")
    parser.add_argument("--files", type=int, default=FILES, help=f"sweeps ({FILES})")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--rounds", type=int, default=3, help="of command and peer by turns (3)")
    parser.add_argument("--selection", default="mission", help="mission or desi_lrg (mission)")
    arguments = parser.parse_args()
    names = needed(arguments.selection)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "dr10"
        started = time.monotonic()
        paths = write(root / "south" / "sweep" / "10.1", arguments.rows, arguments.files)
        print(f"{arguments.rows:,} rows of {columns().itemsize} bytes written in {time.monotonic() - started:.0f} s", flush=True)
        runs, peers = [], []
        for turn in range(arguments.rounds):
            peers.append(timed_peer(paths, names, arguments.workers))
            runs.append(timed_command(root, Path(place) / f"data{turn}", arguments.selection, arguments.workers))
            print(f"round {turn + 1}: {runs[-1]}, peer: {peers[-1]}", flush=True)
        start = start_of(root, Path(place) / "none")
    found = report(arguments.rows, runs, peers, start) | {"selection": arguments.selection, "workers": arguments.workers}
    print(json.dumps(found, indent=1))
    if arguments.rows < ROWS:
        return
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()[0]}
    versions = {name: version(name) for name in ("numpy", "astropy", "pyarrow")} | {"python": platform.python_version()}
    content = found | {"columns": len(names), "runs": runs, "peers": peers} | machine | versions
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
