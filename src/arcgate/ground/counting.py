"""Numbers of things in words: one file, two files, three galaxies."""

from __future__ import annotations

import re
from typing import Final

# Endings of English plurals that are more than an s, the first that fits.
_PLURALS: Final = ((re.compile(r"(?<![aeiou])y$"), "ies"), (re.compile(r"(?<=s)$"), "es"), (re.compile("$"), "s"))


def count_of(number: int, what: str) -> str:
    """A number and what it counts, which is given as what one of them is called.

    Examples
    --------
    >>> count_of(1, "brick"), count_of(2000, "galaxy"), count_of(0, "process")
    ('1 brick', '2,000 galaxies', '0 processes')
    """
    if number != 1:
        ending, more = next((ending, more) for ending, more in _PLURALS if ending.search(what))
        what = ending.sub(more, what, count=1)
    return f"{number:,} {what}"
