"""A program that runs as a child, and ends with this process together with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

# Ctrl+C, `kill`, and the end of the terminal.
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How long a program may take to end by itself, seconds.
_PATIENCE: Final = 5.0


class _EndedError(Exception):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_to_the_end(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program until it ends or this process is asked to.

    The program gets a process group of its own, so that its own children are ended with it.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    environment : mapping
        Its whole environment.

    Returns
    -------
    int
        The program's exit status; 0 after Ctrl+C, and 128 and the signal's number after SIGTERM or SIGHUP.
    """
    with _signals_raise():
        child: subprocess.Popen[bytes] | None = None
        try:
            child = subprocess.Popen(command, env=dict(environment), start_new_session=True)
            return child.wait()
        except _EndedError as ended:
            return 0 if ended.number == signal.SIGINT else 128 + ended.number
        finally:
            _ignore_signals()
            if child is not None:
                _end_group(child)


@contextmanager
def _signals_raise() -> Iterator[None]:
    def end(number: int, _: FrameType | None) -> None:
        raise _EndedError(number)

    before = {number: signal.signal(number, end) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """A second Ctrl+C must not interrupt the ending."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, and end what does not."""
    if _told(child.pid, signal.SIGTERM):
        with suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
        _told(child.pid, signal.SIGKILL)
    child.wait()


def _told(group: int, number: signal.Signals) -> bool:
    """Send a signal to a group; False if there is none left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
