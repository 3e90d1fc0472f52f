"""Lines for a person: how wide they are, and how they are coloured where a terminal shows colours."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

IN_A_PIPE: Final = 100
WIDEST: Final = 120
"""Columns of a terminal that are used; longer lines are hard to read."""
NARROWEST: Final = 60
_DIGEST: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
# What colours say is said in words too.
_STYLES: Final = {
    r"^safe\? failed|\bfailed$": "bold red",
    r"^safe\? passed|\bpassed$": "green",
    r"^safe\? undetermined|\b(undetermined|insensitive|not run)$": "yellow",
    r"^cause\?": "bold",
}


def width() -> int:
    """Characters of a line: 100 in a pipe, else those of the terminal, from 60 to 120."""
    if not sys.stdout.isatty():
        return IN_A_PIPE
    return max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))


def wrapped(text: str, wide: int, indent: int = 2, most: int | None = None) -> list[str]:
    """Lines of a text, all but the first indented; words, such as paths, are never broken.

    Parameters
    ----------
    text : str
        Without line breaks.
    wide : int
        Characters of a line.
    indent : int
        Blanks before all lines but the first.
    most : int, optional
        As many lines at most; what is left out is marked by three dots.
    """
    return textwrap.wrap(
        text,
        wide,
        subsequent_indent=" " * indent,
        max_lines=most,
        placeholder=" ...",
        break_long_words=False,
        break_on_hyphens=False,
    )


def place(path: Path, room: int) -> str:
    """A path; where it is too long, with its digests cut short by an asterisk, in a form that a shell completes."""
    whole = str(path)
    return whole if len(whole) <= room else _DIGEST.sub(r"\1*", whole)


def show(lines: Sequence[str]) -> None:
    """Print lines; on a terminal, what they say about statuses in colour."""
    if not sys.stdout.isatty():
        print("\n".join(lines), flush=True)
        return
    # rich takes a tenth of a second to import, which a pipe is spared.
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in lines:
        text = Text(line)
        for pattern, style in _STYLES.items():
            text.highlight_regex(pattern, style)
        console.print(text, soft_wrap=True)
