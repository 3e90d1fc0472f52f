"""Memory of a process and of everything that it started, while it works."""

from __future__ import annotations

import re
import resource
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Event, Thread

INTERVAL_S = 0.2
# Proportional memory takes the kernel milliseconds to add up: every so many times.
PSS_EVERY = 20


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
