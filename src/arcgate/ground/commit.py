"""Which commit of arcgate is running."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[3]


@dataclass(frozen=True)
class Commit:
    """The code that runs.

    Attributes
    ----------
    version : str
        Of the package.
    commit : str or None
        Of the checkout that it runs from; None where it runs from none, as an installed wheel does.
    changed : bool
        Whether files of that checkout differ from the commit.
    """

    version: str
    commit: str | None
    changed: bool

    def __str__(self) -> str:
        """Short, for tables: `3f2a91c`, `3f2a91c+changes`, or the version."""
        if self.commit is None:
            return self.version
        return f"{self.commit[:7]}{'+changes' if self.changed else ''}"


@lru_cache
def commit(root: Path = _ROOT) -> Commit:
    """Ask git, once a process.

    Parameters
    ----------
    root : Path
        Folder that holds `src/arcgate`, if the code runs from a checkout.
    """
    here = version("arcgate")
    # A package in site-packages may lie in somebody else's repository.
    if not (root / ".git").exists() or (revision := _git(root, "rev-parse", "HEAD")) is None:
        return Commit(here, None, False)
    return Commit(here, revision, bool(_git(root, "status", "--porcelain", "--untracked-files=no")))


def _git(root: Path, *words: str) -> str | None:
    """What git answers; None where there is no git, or it refuses (a checkout of another user, a damaged one)."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=20)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
