"""The gates' battery on a large data set: how long it takes, how much memory, and where the time goes.

Two data sets are made once, in data/benchmarks/battery: pairs of the recommended variant with a null row each, on mock galaxies,
20,000 for the full profile and 1,000, as sweeps have them, for the quick one. `arcgate audit` judges each in a fresh process. The
quick profile is a sweep over two views, of which the second counts: by then the process has imported what it needs. With
`--before`, another checkout of arcgate judges data sets of its own, by turns with this one, in the same run: the ratio is what
counts, since a machine that others use as well takes longer by the clock. Meanwhile the memory of all processes is added up five
times a second. Then one process measures each gate by itself, in seconds of its own processor time.

    python benchmarks/battery.py                          # a quarter of an hour and 6 GB to make the sets; then some minutes
    python benchmarks/battery.py --before <checkout>      # the same by another checkout first; writes both
    python benchmarks/battery.py --data <folder> --sweep-data <folder>   # finished data sets in their place
    python benchmarks/battery.py --pairs 3000             # a smaller one; writes no results
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
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memory import Memory
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "battery.json"
DATA = HERE.parent / "data" / "benchmarks" / "battery"
SOURCE = HERE.parent / "src"
PAIRS, PAIRS_IN_SWEEPS = 20_000, 1000
# Galaxies that are made for each pair: enough for every split to have its own.
HOSTS_PER_PAIR = 1.5
# Views of the sweep with the quick profile.
SWEEP = ("stamp_robust", "annulus_robust")
WIDTH = 130  # of tables that go to a file
# What `arcgate audit` ends with: passed, failed, undetermined.
ENDS = (0, 3, 4)


@dataclass(frozen=True)
class Audited:
    """One audit.

    Attributes
    ----------
    seconds : float
        Of the whole process, with start, checksums of the shards, and report; of both audits of a sweep.
    battery_seconds : float
        Of the battery alone, as the audit prints it, in whole seconds; of the last audit of a sweep.
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


@dataclass(frozen=True)
class Checkout:
    """A checkout of arcgate with its two data sets: finished ones, or such as it makes."""

    source: Path
    large: Path
    small: Path


def arcgate(source: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    """A command of the arcgate in a folder, and its environment."""
    path = os.pathsep.join([str(source), *filter(None, [os.environ.get("PYTHONPATH")])])
    return [sys.executable, "-m", "arcgate.cli", *words], os.environ | {"PYTHONPATH": path}


def made(source: Path, pairs: int) -> Path:
    """Folder of the data set, built unless it is there."""
    hosts = f"data.hosts.n_hosts={int(HOSTS_PER_PAIR * pairs)}"
    sizes = (f"data.n_pairs={pairs}", f"data.null_rows={pairs}", hosts)
    places = (f"runtime.data_dir={DATA}", f"runtime.mlruns_dir={DATA / 'mlruns'}")
    command, environment = arcgate(source, "simulate", "variant=recommended", *sizes, *places)
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    found = re.search(r"data \w+: (.+)", printed)
    if found is None:
        raise SystemExit(f"no folder in what arcgate simulate printed:\n{printed}")
    return Path(found[1].strip())


def size_of(data: Path) -> dict[str, int]:
    """Pairs and rows of a data set."""
    card = json.loads((data / "dataset.json").read_text())
    return {"pairs": int(card["data"]["n_pairs"]), "rows": sum(int(shard["rows"]) for shard in card["shards"])}


def audited(source: Path, data: Path, profile: str, workers: int) -> Audited:
    """Time one audit in a process of its own, or a sweep of two; the evidence goes to a folder that is deleted."""
    with tempfile.TemporaryDirectory() as folder:
        settings = [f"gates={profile}", f"runtime.workers={workers}", "track=false", f"runtime.data_dir={folder}"]
        sweep = ["-m", f"view={','.join(SWEEP)}", f"hydra.sweep.dir={folder}/sweep"] if profile == "quick" else []
        before, load = resource.getrusage(resource.RUSAGE_CHILDREN), os.getloadavg()[0]
        started = time.monotonic()
        command, environment = arcgate(source, "audit", *sweep, f"data={data}", *settings)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        with Memory(process.pid) as memory:
            printed = process.communicate()[0]
        seconds = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        judged = re.findall(r"judged in (\d+) s", printed)
        if process.returncode not in ENDS or len(judged) != (len(SWEEP) if profile == "quick" else 1):
            raise SystemExit(f"arcgate audit ended with {process.returncode}:\n{printed}")
        # Of a sweep the last.
        latest = max(Path(folder).glob("audits/*/evidence.json"), key=lambda file: file.stat().st_mtime_ns)
        evidence = json.loads(latest.read_text())
    return Audited(
        seconds=round(seconds, 1),
        battery_seconds=float(judged[-1]),
        cpu_seconds=round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        peak_rss_gb=memory.peak["Rss"],
        peak_pss_gb=memory.peak["Pss"],
        load=(round(load, 2), round(os.getloadavg()[0], 2)),
        safe=evidence["safe"],
        cause=evidence["cause"]["name"],
    )


def by_gate(data: Path) -> dict[str, dict[str, float]]:
    """Processor seconds of each gate for extraction and for judging, with the full profile, in this process."""
    # Only the process that measures needs these: it takes seconds to import them.
    from hydra import compose, initialize_config_module
    from threadpoolctl import threadpool_limits

    from arcgate.config import audit_from_config
    from arcgate.foreign.opening import open_source
    from arcgate.gates.core.battery import REFIT, kept_by, numbers, with_rows
    from arcgate.gates.core.context import context_of
    from arcgate.gates.core.listing import gate_of
    from arcgate.gates.core.shard import shards_of

    with initialize_config_module("arcgate.conf", version_base="1.3"):
        spec = audit_from_config(compose("audit", [f"data={data}", "gates=full"]))
    spent: dict[str, dict[str, float]] = {"extraction": {}, "judging": {}}

    def timed(kind: str, name: str, work: Callable[..., Any], *given: Any) -> Any:
        started = time.process_time()
        done = work(*given)
        spent[kind][name] = spent[kind].get(name, 0.0) + time.process_time() - started
        return done

    source = open_source(data)
    context = context_of(source, spec.view, spec.gates)
    gates = {name: gate_of(name) for name in (REFIT, *spec.gates.listed)}
    kept: dict[str, list[Any]] = {name: [] for name in gates}
    with threadpool_limits(1):
        for part in source.parts():
            batch = timed("extraction", "reading", part.read)
            for shard in timed("extraction", "reading", lambda whole=batch: list(shards_of(whole, context))):
                timed("extraction", "declared arcs rendered", lambda one=shard: one.predicted)
                for name, gate in gates.items():
                    kept[name].append(timed("extraction", name, gate.extract, shard))
        for name, gate in gates.items():
            arrays = numbers(with_rows(gate, kept_by(kept.pop(name)), source))
            timed("judging", name, gate.judge, arrays, context)
    return {kind: {name: round(value, 2) for name, value in times.items()} for kind, times in spent.items()}


def measured_apart(data: Path) -> dict[str, dict[str, float]]:
    """`by_gate` in a fresh process."""
    command = [sys.executable, __file__, "--gates", "--data", str(data)]
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return json.loads(printed.splitlines()[-1])


def show(console: Console, audits: dict[str, Audited], gates: dict[str, dict[str, float]]) -> None:
    """Both tables."""
    names = ("gates", "audit, s", "battery, s", "CPU, s", "peak RSS, GiB", "peak PSS, GiB", "load before, after", "answers")
    table = Table(*names, title="Audits")
    for profile, found in audits.items():
        sizes = ["?" if size is None else f"{size:.2f}" for size in (found.peak_rss_gb, found.peak_pss_gb)]
        load, answers = "{:.1f}, {:.1f}".format(*found.load), f"{found.safe}, {found.cause}"
        seconds = (f"{value:.0f}" for value in (found.seconds, found.battery_seconds, found.cpu_seconds))
        table.add_row(profile, *seconds, *sizes, load, answers)
    console.print(table)
    parts = Table("gate", "extraction, CPU s", "judging, CPU s", title="Where the time goes (full profile, one process)")
    extraction, judging = gates["extraction"], gates["judging"]
    for name in sorted(extraction | judging, key=lambda each: -extraction.get(each, 0.0) - judging.get(each, 0.0)):
        parts.add_row(name, *(f"{times[name]:.2f}" if name in times else "" for times in (extraction, judging)))
    parts.add_row("sum", *(f"{sum(times.values()):.1f}" for times in (extraction, judging)))
    console.print(parts)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of a finished data set, taken for the large one")
    parser.add_argument("--sweep-data", type=Path, help="folder of a finished data set, taken for the small one")
    parser.add_argument("--before", type=Path, help="another checkout of arcgate")
    parser.add_argument("--before-data", type=Path, help="folder of a finished data set, taken for its large one")
    parser.add_argument("--before-sweep-data", type=Path, help="folder of a finished data set, taken for its small one")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"of the large set if it is made ({PAIRS})")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--gates", action="store_true", help="print the seconds of each gate as JSON and end")
    return parser.parse_args()


def checkout(source: Path, large: Path | None, small: Path | None, pairs: int) -> Checkout:
    """A checkout with its data sets."""
    return Checkout(source, (large or made(source, pairs)).resolve(), (small or made(source, PAIRS_IN_SWEEPS)).resolve())


def main() -> None:
    arguments = parse()
    if arguments.gates:
        print(json.dumps(by_gate(arguments.data)))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    trees = {"now": checkout(SOURCE, arguments.data, arguments.sweep_data, arguments.pairs)}
    if arguments.before is not None:
        source = arguments.before / "src"
        before = checkout(source, arguments.before_data, arguments.before_sweep_data, arguments.pairs)
        trees = {"before": before} | trees
    audits = {}
    for profile in ("full", "quick"):
        for when, tree in trees.items():
            data = tree.large if profile == "full" else tree.small
            audits[f"{profile}, {when}"] = found = audited(tree.source, data, profile, arguments.workers)
            print(f"{profile}, {when}", asdict(found), flush=True)
    large = trees["now"].large
    gates = measured_apart(large)
    show(console, audits, gates)
    if size_of(large)["pairs"] < PAIRS:
        return
    report = {
        "large": size_of(large),
        "small": size_of(trees["now"].small),
        "workers": arguments.workers,
        "audits": {profile: asdict(found) for profile, found in audits.items()},
        "cpu_seconds_by_gate": gates,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
