"""Files that appear complete or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arcgate.ground.errors import ArcgateError

TEMPORARY = ".tmp"


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name, flush it to disk, then give it its name.

    Parameters
    ----------
    path : Path
        The final name; its folder must exist.

    Yields
    ------
    Path
        The temporary name to write to, in the same folder.

    Raises
    ------
    ArcgateError
        If the disk refuses (full, read-only, no permission); nothing is left behind.
    """
    # Not by the number of the process alone, which two machines that share the folder may both have.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        raise ArcgateError(
            f"could not write: {error.strerror or error}",
            where=path,
            todo="make room or give permission, then run again: finished shards are kept",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically (see `atomically`)."""
    with atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that killed processes left behind; call it only while holding the folder's lock."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        leftover.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
