"""Tables of galaxies on disk: made once, whatever it takes to make them, and read from then on.

They decide on hosts, splits and cuts, so that a checksum lies beside each, is written last, and is looked at whenever it is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import pandas as pd

from arcgate.ground.atomic import atomically
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked
from arcgate.ground.progress import step
from arcgate.ground.workers import completed

PARENTS: Final = "parents"
KERNELS: Final = "kernels"
Item = TypeVar("Item")
Row = dict[str, object]


def is_kept(folder: Path, name: str = PARENTS) -> bool:
    """Whether a finished table lies in the folder of a survey's artifacts."""
    return (folder / f"{name}.sha256").is_file()


def kept_table(folder: Path, make: Callable[[], pd.DataFrame], name: str = PARENTS) -> pd.DataFrame:
    """Read the table that is kept in a folder under a name, which is made first where there is none.

    Of two processes that want the same one, one makes it and the other waits.

    Raises
    ------
    ArcgateError
        What lies there is not what was written; whatever `make` raises passes through.
    """
    path, checksum = folder / f"{name}.parquet", folder / f"{name}.sha256"
    if not checksum.is_file():
        with locked(folder):
            if not checksum.is_file():
                table = make()
                with atomically(path) as temporary:
                    table.to_parquet(temporary)
                with atomically(checksum) as temporary:
                    temporary.write_text(_digest(path), encoding="ascii")
    try:
        whole = _digest(path) == checksum.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        whole = False
    if not whole:
        raise ArcgateError(
            f"the table of {name} is damaged: its checksum is another",
            where=path,
            todo=f"delete {path.name} and {checksum.name} and run again: they are made anew",
        )
    return pd.read_parquet(path)


def rows_in_order(
    words: str, count: int, work: Callable[[Item], list[Row]], items: Sequence[Item], workers: int, folder: Path
) -> list[Row]:
    """Rows for such a table, which processes make of each item, in the order of the items; a bar of so many rows, with words."""
    parts: dict[int, list[Row]] = {}
    with step(words, count) as advance:
        for number, part in completed(work, items, workers, folder):
            parts[number] = part
            advance(len(part))
    return [row for number in range(len(items)) for row in parts[number]]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
