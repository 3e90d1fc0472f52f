"""The gates' battery on a large data set: how long it takes, how much memory, and where the time goes.

Two data sets are made once, in data/benchmarks/battery: pairs of the recommended variant with a null row each, on mock galaxies,
20,000 for the full profile and 1,000, as sweeps have them, for the quick one. `arcgate audit` judges each in a fresh process.
Meanwhile the memory of this process and of all those that it starts is added up five times a second. Then one process measures
each collector by itself, in seconds of its own processor time: the work is the same, but nothing else runs in between. A machine
that others use as well takes longer by the clock, so that processor time and load stand beside it.

    python benchmarks/battery.py                          # a quarter of an hour and 6 GB to make the sets; then some minutes
    python benchmarks/battery.py --data <folder>          # a finished data set of arcgate in place of the large one
    python benchmarks/battery.py --pairs 3000             # a smaller one; writes no results
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "battery.json"
DATA = HERE.parent / "data" / "benchmarks" / "battery"
ARCGATE = Path(sys.executable).with_name("arcgate")
PAIRS, PAIRS_IN_SWEEPS = 20_000, 1000
# Galaxies that are made for each pair: enough for every split to have its own.
HOSTS_PER_PAIR = 1.5
INTERVAL_S = 0.2
# Proportional memory takes the kernel milliseconds to add up: every so many times.
PSS_EVERY = 20
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
WIDTH = 130  # of tables that go to a file
# What `arcgate audit` ends with: passed, failed, undetermined.
ENDS = (0, 3, 4)


@dataclass(frozen=True)
class Audited:
    """One audit.

    Attributes
    ----------
    seconds : float
        Of the whole process, with start, checksums of the shards, and report.
    battery_seconds : float
        Of the battery alone, as the audit prints it, in whole seconds.
    cpu_seconds : float
        Processor time of all its processes.
    peak_rss_gb, peak_pss_gb : float or None
        Largest sum over all its processes: resident memory, in which what processes share counts several times, and
        proportional memory, in which it counts once; 2^30 bytes. None where /proc does not tell.
    load : tuple of float
        Load of the machine over a minute, before and after.
    safe, cause : str
        The two answers.
    """

    seconds: float
    battery_seconds: float
    cpu_seconds: float
    peak_rss_gb: float | None
    peak_pss_gb: float | None
    load: tuple[float, float]
    safe: str
    cause: str


def made(pairs: int) -> Path:
    """Folder of the data set, built unless it is there."""
    hosts = f"data.hosts.n_hosts={int(HOSTS_PER_PAIR * pairs)}"
    sizes = (f"data.n_pairs={pairs}", f"data.null_rows={pairs}", hosts)
    places = (f"runtime.data_dir={DATA}", f"runtime.mlruns_dir={DATA / 'mlruns'}")
    command = [ARCGATE, "simulate", "variant=recommended", *sizes, *places]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = re.search(r"data \w+: (.+)", printed)
    if found is None:
        raise SystemExit(f"no folder in what arcgate simulate printed:\n{printed}")
    return Path(found[1].strip())


def size_of(data: Path) -> dict[str, int]:
    """Pairs and rows of a data set."""
    card = json.loads((data / "dataset.json").read_text())
    return {"pairs": int(card["data"]["n_pairs"]), "rows": sum(int(shard["rows"]) for shard in card["shards"])}


def audited(data: Path, profile: str, workers: int) -> Audited:
    """Time one audit in a process of its own, whose evidence goes to a folder that is deleted."""
    with tempfile.TemporaryDirectory() as folder:
        adopt_orphans()
        settings = (f"gates={profile}", f"runtime.workers={workers}", "track=false", f"output={folder}/evidence")
        before, load = resource.getrusage(resource.RUSAGE_CHILDREN), os.getloadavg()[0]
        started = time.monotonic()
        process = subprocess.Popen([ARCGATE, "audit", f"data={data}", *settings], stdout=subprocess.PIPE, text=True)
        with Memory(process.pid) as memory:
            printed = process.communicate()[0]
        seconds = time.monotonic() - started
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        judged = re.search(r"judged in (\d+) s", printed)
        if process.returncode not in ENDS or judged is None:
            raise SystemExit(f"arcgate audit ended with {process.returncode}:\n{printed}")
        evidence = json.loads((Path(folder) / "evidence" / "evidence.json").read_text())
    return Audited(
        seconds=round(seconds, 1),
        battery_seconds=float(judged[1]),
        cpu_seconds=round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        peak_rss_gb=memory.peak["Rss"],
        peak_pss_gb=memory.peak["Pss"],
        load=(round(load, 2), round(os.getloadavg()[0], 2)),
        safe=evidence["safe"],
        cause=evidence["cause"]["name"],
    )


def adopt_orphans() -> None:
    """Let processes that outlive the one that started them become this one's, so that their processor time is counted too.

    The process from which workers are forked ends after the audit does. Elsewhere than on Linux its time is missing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Memory:
    """Largest sum of the memory of a process and its descendants while a `with` block lasts, read from /proc."""

    def __init__(self, process: int) -> None:
        self._process, self._over = process, Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self.peak: dict[str, float | None] = {"Rss": None, "Pss": None}

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        for look in count():
            if self._over.wait(INTERVAL_S):
                return
            processes = descendants(self._process)
            self._take("Rss", [resident(process) for process in processes])
            if look % PSS_EVERY == 0:
                self._take("Pss", [proportional(process) for process in processes])

    def _take(self, kind: str, kilobytes: list[int]) -> None:
        if any(kilobytes):
            self.peak[kind] = round(max(self.peak[kind] or 0.0, sum(kilobytes) / 2**20), 2)


def resident(process: int) -> int:
    """Resident memory, kilobytes; 0 for a process that has ended since it was listed, or where /proc does not tell."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() // 1024
    return 0


def proportional(process: int) -> int:
    """Memory in which what processes share is divided among them, kilobytes; 0 as `resident`."""
    with suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return sum(int(found) for found in re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE))
    return 0


def descendants(process: int) -> list[int]:
    """A process and everything that it started, as far as /proc tells."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in brackets, may hold anything.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [process]
    for one in found:
        found += children.get(one, [])
    return found


def by_collector(data: Path) -> dict[str, dict[str, float]]:
    """Processor seconds of each collector for extraction and for judging, with the full profile, in this process."""
    # Only the process that measures needs these: it takes seconds to import them.
    from hydra import compose, initialize_config_module
    from threadpoolctl import threadpool_limits

    from arcgate.config import audit_from_config
    from arcgate.foreign.opening import open_source
    from arcgate.gates.arms import arms_of, chosen_pairs
    from arcgate.gates.battery import battery_for, pieces
    from arcgate.gates.finite_pixels import FinitePixels
    from arcgate.gates.verdict.refit_collector import Refit

    with initialize_config_module("arcgate.conf", version_base="1.3"):
        spec = audit_from_config(compose("audit", [f"data={data}", "gates=full"]))
    spent: dict[str, dict[str, float]] = {"extraction": {}, "judging": {}}

    def timed(kind: str, name: str, work: Callable[..., Any], *given: Any) -> Any:
        started = time.process_time()
        done = work(*given)
        spent[kind][name] = spent[kind].get(name, 0.0) + time.process_time() - started
        return done

    source = open_source(data)
    facts, pairs, finite = source.facts, chosen_pairs(source, spec.gates.max_pairs, spec.gates.seed), FinitePixels()
    collectors = battery_for(facts, spec.view, spec.gates, pairs)
    with threadpool_limits(1):
        for part in source.parts():
            batch = timed("extraction", "reading", part.read)
            batch = timed("extraction", type(finite).__name__, finite.finite_pairs, batch, pairs)
            for piece in timed("extraction", "reading", lambda whole=batch: list(pieces(whole))):
                arms = timed("extraction", "arms (declared arcs rendered)", arms_of, piece, pairs, facts, spec.gates.seed)
                if arms is not None:
                    for collector in collectors:
                        timed("extraction", type(collector).__name__, collector.add, arms)
        for collector in collectors:
            name = type(collector).__name__
            timed("judging", name, collector.judge)
            if isinstance(collector, Refit):
                timed("judging", name, collector.cause)
            timed("judging", f"{name}: figures", collector.exhibits)
    return {kind: {name: round(value, 2) for name, value in times.items()} for kind, times in spent.items()}


def measured_apart(data: Path) -> dict[str, dict[str, float]]:
    """`by_collector` in a fresh process."""
    printed = subprocess.run(
        [sys.executable, __file__, "--collectors", "--data", str(data)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
    ).stdout
    return json.loads(printed.splitlines()[-1])


def show(console: Console, audits: dict[str, Audited], collectors: dict[str, dict[str, float]]) -> None:
    """Both tables."""
    names = ("gates", "audit, s", "battery, s", "CPU, s", "peak RSS, GiB", "peak PSS, GiB", "load before, after", "answers")
    table = Table(*names, title="Audits")
    for profile, found in audits.items():
        sizes = ["?" if size is None else f"{size:.2f}" for size in (found.peak_rss_gb, found.peak_pss_gb)]
        load, answers = "{:.1f}, {:.1f}".format(*found.load), f"{found.safe}, {found.cause}"
        seconds = (f"{value:.0f}" for value in (found.seconds, found.battery_seconds, found.cpu_seconds))
        table.add_row(profile.replace("_", " "), *seconds, *sizes, load, answers)
    console.print(table)
    parts = Table("collector", "extraction, CPU s", "judging, CPU s", title="Where the time goes (full profile, one process)")
    extraction, judging = collectors["extraction"], collectors["judging"]
    for name in sorted(extraction | judging, key=lambda each: -extraction.get(each, 0.0) - judging.get(each, 0.0)):
        parts.add_row(name, *(f"{times[name]:.2f}" if name in times else "" for times in (extraction, judging)))
    parts.add_row("sum", *(f"{sum(times.values()):.1f}" for times in (extraction, judging)))
    console.print(parts)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of a finished data set, taken for the large one")
    parser.add_argument("--sweep-data", type=Path, help="folder of a finished data set, taken for the small one")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"of the large set if it is made ({PAIRS})")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--collectors", action="store_true", help="print the seconds of each collector as JSON and end")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    if arguments.collectors:
        print(json.dumps(by_collector(arguments.data)))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    large = (arguments.data or made(arguments.pairs)).resolve()
    small = (arguments.sweep_data or made(PAIRS_IN_SWEEPS)).resolve()
    audits = {}
    for name, data, profile in (("full", large, "full"), ("quick", small, "quick"), ("quick_on_the_large_set", large, "quick")):
        audits[name] = audited(data, profile, arguments.workers)
        print(name, asdict(audits[name]), flush=True)
    collectors = measured_apart(large)
    show(console, audits, collectors)
    if size_of(large)["pairs"] < PAIRS:
        return
    report = {
        "large": size_of(large),
        "small": size_of(small),
        "workers": arguments.workers,
        "audits": {profile: asdict(found) for profile, found in audits.items()},
        "cpu_seconds_by_collector": collectors,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
