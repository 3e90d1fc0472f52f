"""Locks between processes, which are the operating system's and end with their process, however it ends."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from arcgate.ground.errors import ArcgateError

# Most locks are free again in less time than it takes to read that one waits for them.
_SILENT_S: Final = 1.0
# Under a named lock a process writes a little; in a folder that it holds it may work for hours.
_NAMED_S: Final = 300.0


class HeldElsewhereError(ArcgateError):
    """Another process has held a lock for longer than one would wait."""


@contextmanager
def locked(folder: Path, name: str | None = None, *, patience_s: float | None = None) -> Iterator[None]:
    """Hold a folder, or one of the named locks in it, against other processes.

    Whoever waits for more than a second says on stderr what for.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    name : str, optional
        Of what is held in the folder; any characters. Without it, the folder as a whole is held.
    patience_s : float, optional
        How long to wait, seconds; by default five minutes for a named lock, and as long as it takes for a folder.

    Raises
    ------
    HeldElsewhereError
        The other process outlasted the patience.
    ArcgateError
        The lock cannot be taken: a folder that cannot be written, a file system without locks.
    """
    path = lock_file(folder, name)
    patience_s = _NAMED_S if patience_s is None and name is not None else patience_s
    # A lock that filelock emulates where the file system has none would outlive a killed process: refuse that.
    lock = FileLock(path, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        _acquire(lock, patience_s, f"{folder}" if name is None else f"{name!r} in {folder}")
    except Timeout as error:
        raise HeldElsewhereError(
            f"another process has held this lock for {patience_s:g} s",
            where=path,
            todo="wait for it or end it: the lock is released with its process; the file itself may stay",
        ) from error
    except OSError as error:
        raise ArcgateError(
            f"the lock cannot be taken: {error.strerror or error}",
            where=path,
            todo="choose a writable folder on a file system with file locks (runtime.data_dir, runtime.mlruns_dir)",
        ) from error
    try:
        yield
    finally:
        lock.release()


def lock_file(folder: Path, name: str | None = None) -> Path:
    """File of a lock: beside the folder, or by a hash of its name in the folder's `locks/`; it may stay when nobody holds it."""
    if name is None:
        return folder.with_name(f"{folder.name}.lock")
    return folder / "locks" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"


def _acquire(lock: FileLock, patience_s: float | None, what: str) -> None:
    silent_s = _SILENT_S if patience_s is None else min(_SILENT_S, patience_s)
    try:
        lock.acquire(timeout=silent_s)
    except Timeout:
        if patience_s == silent_s:
            raise
        print(f"arcgate: another job is working on {what}; waiting for it", file=sys.stderr, flush=True)
        lock.acquire(timeout=-1 if patience_s is None else patience_s - silent_s)
