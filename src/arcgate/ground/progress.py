"""What a person sees while work goes on: lines in a pipe, never twenty seconds of silence; bars on a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SILENCE_SECONDS: Final = 12.0
"""After so long without a line one says what is being done; a busy machine may delay it by some seconds."""
Advance = Callable[[int], None]


@dataclass
class _Step:
    """A piece of work that is under way."""

    what: str
    total: int | None
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def in_words(self) -> str:
        counted = "" if self.total is None else f" {self.done} of {self.total},"
        return f"{self.what}:{counted} {time.monotonic() - self.began:.0f} s"


class _Voice:
    """The one place from which lines are spoken, so that the silence between them is known."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: list[_Step] = []
        self._spoken = time.monotonic()
        self._ended: threading.Event | None = None

    def say(self, text: str) -> None:
        with self._lock:
            print(text, flush=True)
            self._spoken = time.monotonic()

    def enter(self, step: _Step) -> None:
        with self._lock:
            self._steps.append(step)
            if self._ended is None:
                self._ended = threading.Event()
                threading.Thread(target=self._beat, args=(self._ended,), daemon=True).start()

    def leave(self, step: _Step) -> None:
        with self._lock:
            self._steps.remove(step)
            if not self._steps and self._ended is not None:
                self._ended.set()
                self._ended = None

    def _beat(self, ended: threading.Event) -> None:
        left = SILENCE_SECONDS
        while not ended.wait(max(left, 0.01)):
            left = SILENCE_SECONDS - (time.monotonic() - self._spoken)
            if left <= 0:
                try:
                    self.say("  " + ", ".join(step.in_words() for step in self._steps[-2:]))
                except BrokenPipeError:
                    # Nobody listens any more; whoever says the next line ends the work.
                    return
                left = SILENCE_SECONDS


_VOICE: Final = _Voice()
_BARS: list[Progress] = []


def say(text: str) -> None:
    """One line on standard output, from which the silence is counted anew."""
    _VOICE.say(text)


@lru_cache
def say_once(text: str) -> None:
    """The same, once in a process: what holds for all variants of a sweep alike."""
    say(text)


@contextmanager
def step(what: str, total: int | None = None) -> Iterator[Advance]:
    """Tell that work goes on for as long as the block lasts.

    On a terminal a bar that is gone when the block ends. Elsewhere a line on standard output for every 12 s in which
    nothing else was said (by `say`): what is done, how much of it, for how long. Blocks may be nested; one that is over
    before leaves no trace.

    Parameters
    ----------
    what : str
        In words, for example "reading shards".
    total : int, optional
        How many parts there are.

    Yields
    ------
    callable
        Takes the number of parts that were done since the last call.
    """
    if on_terminal():
        with _bar(what, total) as advance:
            yield advance
        return
    current = _Step(what, total)

    def count(parts: int) -> None:
        current.done += parts

    _VOICE.enter(current)
    try:
        yield count
    finally:
        _VOICE.leave(current)


def on_terminal() -> bool:
    """Whether a person watches: bars are drawn on standard error, and would swallow lines that are piped elsewhere."""
    return sys.stderr.isatty() and sys.stdout.isatty()


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Advance]:
    """A line of the one display; two displays at once would overwrite each other."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    first = not _BARS
    if first:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        _BARS.append(Progress(*columns, console=Console(stderr=True), transient=True))
        _BARS[0].start()
    bars = _BARS[0]
    task: TaskID = bars.add_task(what, total=total)
    try:
        yield lambda parts: bars.advance(task, parts)
    finally:
        bars.remove_task(task)
        if first:
            _BARS.pop().stop()
