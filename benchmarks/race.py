"""Worker processes that persist, are warm before the clock starts, and share the rows of a mode."""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from peers import Entry
from rows import Rows
from threadpoolctl import threadpool_limits

Array = NDArray[np.float32] | NDArray[np.float64]


class Team:
    """The processes of one mode; each renders its share of the rows."""

    def __init__(self, entry: Entry, rows: Rows, device: str) -> None:
        self.entry, self.count = entry, len(rows)
        context = multiprocessing.get_context("spawn")
        bounds = np.linspace(0, len(rows), entry.processes + 1).astype(int)
        self._pipes: list[Connection] = []
        self._processes = []
        # Read by OpenMP and BLAS when a worker first imports them.
        os.environ["OMP_NUM_THREADS"] = str(entry.threads)
        for low, high in pairwise(bounds):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, entry, rows[low:high], device), daemon=True)
            process.start()
            there.close()
            self._pipes.append(here)
            self._processes.append(process)
        self._wait()

    def __enter__(self) -> Team:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.close()
            process.join()

    def timed(self) -> float:
        """Seconds until the last process has its stamps; they stay where they are, as a shard's would."""
        begin = time.perf_counter()
        self._tell("render")
        self._wait()
        return time.perf_counter() - begin

    def stamps(self) -> Array:
        """The stamps that were timed last."""
        self._tell("stamps")
        return np.concatenate([pipe.recv() for pipe in self._pipes])

    def _tell(self, what: str) -> None:
        for pipe in self._pipes:
            pipe.send(what)

    def _wait(self) -> None:
        for pipe in self._pipes:
            pipe.recv()


def _work(pipe: Connection, entry: Entry, rows: Rows, device: str) -> None:
    # caustics and lenstronomy warn about redshifts and plans that do not matter here.
    warnings.simplefilter("ignore")
    torch.set_num_threads(entry.threads)
    with threadpool_limits(entry.threads):
        prepared = entry.mode.prepare(rows, device if entry.tool != "lenstronomy" else "cpu")
        stamps = prepared.render()  # warm-up: compilation, plans, tables
        pipe.send("ready")
        while True:
            try:
                what = pipe.recv()
            except EOFError:
                return
            if what == "render":
                stamps = prepared.render()
                pipe.send("done")
            else:
                pipe.send(stamps)


@dataclass
class Result:
    """Times and errors of one mode."""

    entry: Entry
    rows: int
    seconds: list[float] = field(default_factory=list)
    errors: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def speed(self) -> float:
        """Stamps a second, the median round."""
        return self.rows / float(np.median(self.seconds))

    def error(self, percentile: float) -> float:
        return float(np.percentile(self.errors, percentile))


def errors(stamps: Array, truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest error of each row as a share of its band's peak, the worst band."""
    worst = np.abs(stamps - truth).max(axis=(2, 3)) / truth.max(axis=(2, 3))
    return np.nan_to_num(worst.max(axis=1), nan=np.inf)


def race(chosen: list[Entry], rows: Rows, peer_rows: int, truth: NDArray[np.float64], rounds: int, device: str) -> list[Result]:
    """Time the modes in turn, round after round; arcgate on all rows, peers on the first `peer_rows`."""
    counts = [len(rows) if entry.tool == "arcgate" else max(1, peer_rows // (4 if entry.slow else 1)) for entry in chosen]
    teams: list[Team] = []
    try:
        teams += (Team(entry, rows[:count], device) for entry, count in zip(chosen, counts, strict=True))
        results = [Result(entry, count) for entry, count in zip(chosen, counts, strict=True)]
        for _ in range(rounds):
            for team, result in zip(teams, results, strict=True):
                result.seconds.append(team.timed())
        for team, result in zip(teams, results, strict=True):
            result.errors = errors(team.stamps(), truth[: result.rows])
        return results
    finally:
        for team in teams:
            team.__exit__(None, None, None)
