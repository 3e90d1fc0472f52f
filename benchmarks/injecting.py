"""The stage from the hosts artifact to a finished data set, for `simulate.py`: pairs a second, bytes written, memory.

Every pair has a null row. A data set of each size is made by a command in a process of its own, as a user would; the rate is that
of the pairs that the larger one has more, so that the start of processes counts for neither.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from memory import Memory

INJECTIONS, HOSTS = 10, 800


def injecting(pairs: tuple[int, int], rounds: int, place: Path) -> dict[str, Any]:
    """Rate and memory for two sizes; the galaxies, those of the mock survey, are made before."""
    _simulate(pairs[1], place)
    found: dict[int, list[dict[str, float]]] = {size: [] for size in pairs}
    for _ in range(rounds):
        for size in pairs:
            shutil.rmtree(place / "sets")
            found[size].append(_simulate(size, place))
    best = [min(found[size], key=lambda one: one["seconds"]) for size in pairs]
    more = pairs[1] - pairs[0]
    return {
        "pairs": list(pairs),
        "pairs_per_s": more / (best[1]["seconds"] - best[0]["seconds"]),
        "pairs_per_processor_s": more / (best[1]["processor_s"] - best[0]["processor_s"]),
        "pairs_per_s_with_start": [size / one["seconds"] for size, one in zip(pairs, best, strict=True)],
        "bytes_per_pair": sum(path.stat().st_size for path in (place / "sets").rglob("*.parquet")) / pairs[1],
        "peak_memory_gib": [one["memory_gib"] for one in best],
    }


def _simulate(pairs: int, place: Path) -> dict[str, float]:
    hosts = f"data.hosts.n_hosts={HOSTS}"
    sizes = [f"data.n_pairs={pairs}", f"data.null_rows={pairs}", f"data.injections_per_host={INJECTIONS}", hosts]
    command = [sys.executable, "-m", "arcgate.cli", "simulate", *sizes, f"runtime.data_dir={place}", "runtime.workers=2"]
    began, before = time.perf_counter(), _processor_s()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process, Memory(process.pid) as memory:
        if process.wait():
            raise SystemExit(f"failed: {' '.join(command)}")
    took = time.perf_counter() - began
    return {"seconds": took, "processor_s": _processor_s() - before, "memory_gib": float(memory.peak["Rss"] or 0.0)}


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
