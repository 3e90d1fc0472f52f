"""A catalogue of parents on disk: made once, whatever it takes to make it, and read from then on.

It decides on hosts, splits and cuts, so that its checksum lies beside it, is written last, and is looked at whenever it is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from arcgate.ground.atomic import alone, atomically
from arcgate.ground.errors import ArcgateError

CATALOGUE: Final = "parents.parquet"
CHECKSUM: Final = "parents.sha256"


def is_kept(folder: Path) -> bool:
    """Whether a finished catalogue lies in the folder of a survey's artifacts."""
    return (folder / CHECKSUM).is_file()


def kept_table(folder: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Read the catalogue that is kept in a folder, which is made first where there is none.

    Of two processes that want the same one, one makes it and the other waits.

    Raises
    ------
    ArcgateError
        What lies there is not what was written; whatever `make` raises passes through.
    """
    path, checksum = folder / CATALOGUE, folder / CHECKSUM
    if not is_kept(folder):
        with alone(folder):
            if not is_kept(folder):
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
            "the catalogue of the galaxies is damaged: its checksum is another",
            where=path,
            todo=f"delete {CATALOGUE} and {CHECKSUM} and run again: they are made anew",
        )
    return pd.read_parquet(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
