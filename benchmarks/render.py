"""Stamps per second: arcgate, lenstronomy and caustics on the same random rows of v4_sota, three bands, PSF convolved.

Speeds compare at matched accuracy only: at most 0.2 % of the peak for 95 % of rows against the converged truth (truth.py).
First every mode of every tool shows its speed and its error. Then these are timed again in turn, round after round, and the
medians of the rounds' ratios are reported: the fastest mode of each tool that is accurate enough, the fastest pixel-scale one,
the same among documented modes (others are put together by hand, compiled, or cut to where arcs of this grid lie), and
lenstronomy as commonly used. Worker processes persist; imports, compilation, plans, grids, and the peers' kernels with their
transforms are made before the clock starts. Stamps stay in the process that made them. arcgate's error is measured on the
very stamps that were timed. Peers render the first rows of those that arcgate renders.

    python benchmarks/render.py                    # all modes, then the race
    python benchmarks/render.py --quick            # the known best modes only, few rows
    python benchmarks/render.py --device cuda      # arcgate and caustics on a GPU, lenstronomy on the cores
    python benchmarks/render.py --memory           # arcgate's peak memory for 1,000 and for 8,000 rows
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import os
import platform
import resource
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
import truth
from numpy.typing import NDArray
from peers import Arcgate, Entry, entries
from race import Result, race
from rich.console import Console
from rich.table import Table
from rows import draw

RESULTS = Path(__file__).parent / "results" / "render.json"
LIMIT, SHARE = 0.002, 95.0  # of the peak; per cent of rows
PACKAGES = ("arcgate", "numpy", "scipy", "torch", "lenstronomy", "caustics")
MEMORY_ROWS = (1000, 8000)
WIDTH = 130  # of tables that go to a file
TOOLS = ("arcgate", "lenstronomy", "caustics")
DOCUMENTED = ("lenstronomy_documented", "caustics_documented", "pixel_scale_documented")
RACED = (*TOOLS[1:], "common", "pixel_scale", *DOCUMENTED)


def accurate(result: Result) -> bool:
    return result.error(SHARE) <= LIMIT


def survey(chosen: list[Entry], arguments: argparse.Namespace, answers: NDArray[np.float64], console: Console) -> list[Result]:
    """Each mode by itself, one tool after the other."""
    rows = draw(arguments.rows)
    results = []
    for entry in chosen:
        with console.status(f"{entry.tool}: {entry.label}"):
            results += race([entry], rows, arguments.peer_rows, answers, 1, arguments.device)
    return results


def finalists(results: list[Result]) -> dict[str, Entry]:
    """The modes to race, by role; a tool without an accurate mode has no entry."""
    chosen = {}
    for tool in TOOLS:
        good = [result for result in results if result.entry.tool == tool and accurate(result)]
        if good:
            chosen[tool] = max(good, key=lambda result: result.speed).entry
    chosen.setdefault("arcgate", next(result.entry for result in results if result.entry.tool == "arcgate"))
    chosen["common"] = next(result.entry for result in results if result.entry.role == "common")
    pixel = [result for result in results if result.entry.role == "pixel"]
    chosen["pixel_scale"] = max(pixel, key=lambda result: result.speed).entry
    documented = [result for result in results if not result.entry.tuned]
    for tool in TOOLS[1:]:
        good = [result for result in documented if result.entry.tool == tool and accurate(result)]
        if good:
            chosen[f"{tool}_documented"] = max(good, key=lambda result: result.speed).entry
    pixel = [result for result in documented if result.entry.role == "pixel"]
    chosen["pixel_scale_documented"] = max(pixel, key=lambda result: result.speed).entry
    return chosen


def ratio(ours: Result, theirs: Result) -> float:
    """How many times faster: the median over rounds of the two's speeds in the same round."""
    return float(np.median(np.array(theirs.seconds) / theirs.rows / (np.array(ours.seconds) / ours.rows)))


def line(result: Result) -> dict[str, object]:
    entry = result.entry
    return {
        "tool": entry.tool,
        "mode": entry.mode.name,
        "processes": entry.processes,
        "threads": entry.threads,
        "rows": result.rows,
        "stamps_per_second": result.speed,
        "slowest_round": result.rows / max(result.seconds),
        "fastest_round": result.rows / min(result.seconds),
        "error_p50": result.error(50),
        "error_p95": result.error(95),
        "error_p99": result.error(99),
        "error_max": result.error(100),
        "accurate": accurate(result),
        "tuned": entry.tuned,
    }


def show(console: Console, title: str, results: list[Result], ours: Result) -> None:
    table = Table("tool", "mode, processes x threads", title=title)
    for name in ("stamps/s", "p50", "p95", "p99", "max", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("<= 0.2 %")
    table.add_column("documented")
    for result in results:
        entry = result.entry
        percent = [f"{100 * result.error(at):.3f}" for at in (50, 95, 99, 100)]
        faster = "" if result.entry.tool == "arcgate" else f"{ratio(ours, result):.1f}"
        verdict = "yes" if accurate(result) else "no"
        table.add_row(
            result.entry.tool, result.entry.label, f"{result.speed:.0f}", *percent, faster, verdict, "" if entry.tuned else "yes"
        )
    console.print(table)


def report(final: dict[str, Result], modes: list[Result], arguments: argparse.Namespace) -> dict[str, object]:
    ours = final["arcgate"]
    ratios = {name: ratio(ours, final[name]) if name in final else None for name in RACED}
    return {
        "stamps_per_second": ours.speed,
        "ratio_lenstronomy": ratios["lenstronomy"],
        "ratio_caustics": ratios["caustics"],
        "ratio_lenstronomy_common": ratios["common"],
        "ratio_pixel_scale": ratios["pixel_scale"],
        **{f"ratio_{name}": ratios[name] for name in RACED if name.endswith("_documented")},
        **{f"error_{name}": ours.error(at) for name, at in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))},
        "accuracy": {"limit": LIMIT, "percent_of_rows": SHARE},
        "race": {name: line(result) for name, result in final.items()},
        "modes": [line(result) for result in modes],
        "rows": arguments.rows,
        "peer_rows": arguments.peer_rows,
        "rounds": arguments.rounds,
        "bands": 3,
        "device": arguments.device if arguments.device == "cpu" else torch.cuda.get_device_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES},
    }


def peak_memory(device: str, console: Console) -> None:
    """Peak resident set of arcgate for few and for many rows, a process each; the stamps it hands back are counted apart."""
    table = Table("rows", "peak resident set, MB", "of which images handed back, MB", "rest, MB")
    context = multiprocessing.get_context("spawn")
    for count in MEMORY_ROWS:
        here, there = context.Pipe()
        process = context.Process(target=_memory, args=(there, count, device))
        process.start()
        there.close()
        peak, images = here.recv()
        process.join()
        table.add_row(str(count), f"{peak:.0f}", f"{images:.0f}", f"{peak - images:.0f}")
    console.print(table)


def _memory(pipe: multiprocessing.connection.Connection, count: int, device: str) -> None:
    stamps = Arcgate("default").prepare(draw(count), device).render()
    # Kilobytes on Linux, bytes on macOS.
    unit = 1e6 if platform.system() == "Darwin" else 1e3
    pipe.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, stamps.nbytes / 1e6))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, help="rows that arcgate renders (1000; with --quick 200)")
    parser.add_argument("--peer-rows", type=int, help="the first of them, which the peers render (200; with --quick 40)")
    parser.add_argument("--rounds", type=int, help="of the race (5; with --quick 3)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--quick", action="store_true", help="known best modes only, few rows; writes no results")
    parser.add_argument("--memory", action="store_true", help="print arcgate's peak memory and end")
    arguments = parser.parse_args()
    for name, full, quick in (("rows", 1000, 200), ("peer_rows", 200, 40), ("rounds", 5, 3)):
        if getattr(arguments, name) is None:
            setattr(arguments, name, quick if arguments.quick else full)
    arguments.peer_rows = min(arguments.peer_rows, arguments.rows)
    if min(arguments.rows, arguments.peer_rows, arguments.rounds) < 1:
        parser.error("--rows, --peer-rows and --rounds must be at least 1")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no GPU here; use --device cpu")
    return arguments


def main() -> None:
    arguments, console = parse(), Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    if arguments.memory:
        peak_memory(arguments.device, console)
        return
    rows = draw(arguments.rows)
    answers = truth.stamps(rows)
    chosen = [entry for entry in entries(arguments.device) if entry.best or not arguments.quick]
    modes = survey(chosen, arguments, answers, console)
    ours = max((result for result in modes if result.entry.tool == "arcgate"), key=lambda result: result.speed)
    show(console, "Every mode by itself: error in % of the peak", modes, ours)
    names = finalists(modes)
    # A mode may stand for two roles; it is raced once.
    raced = list(dict.fromkeys(names.values()))
    results = dict(zip(raced, race(raced, rows, arguments.peer_rows, answers, arguments.rounds, arguments.device), strict=True))
    final = {name: results[entry] for name, entry in names.items()}
    show(console, f"The race: medians of {arguments.rounds} rounds in turn", list(results.values()), final["arcgate"])
    for tool in TOOLS:
        if tool not in final or not accurate(final[tool]):
            console.print(f"[red]{tool}: no mode of it is accurate enough on these rows, its ratio says nothing[/red]")
    if not arguments.quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(report(final, modes, arguments), indent=1) + "\n")
        console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
