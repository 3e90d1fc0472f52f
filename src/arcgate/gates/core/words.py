"""What gates, and the leaks of a design that they name, are called: kept with the evidence, so that reports need no gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PLANTED_LEAKS: Final = "planted_leaks"
"""Section of the report that shows how all gates see their planted leaks."""
SECTIONS: Final = (
    "identity",
    "residual",
    "mask_edge",
    "normaliser",
    "two_sample",
    "metadata",
    "reference",
    "splits",
    "positions",
    PLANTED_LEAKS,
    "information",
    "published",
)
"""Keys of the report's sections, of which a gate names one; `gate_report.words` has their titles."""


@dataclass(frozen=True)
class CauseWords:
    """A cause: its name in words, and one line on what to do about it."""

    title: str
    advice: str


@dataclass(frozen=True)
class DesignLeak:
    """A leak that is no bug of the code but of the design of a training set: what a failed gate may show.

    Attributes
    ----------
    name : str
        As the verdict states it.
    says : str
        What is the case, in words.
    title, advice : str
        For the report: its heading, and what to do about it.
    """

    name: str
    says: str
    title: str
    advice: str


@dataclass(frozen=True)
class Words:
    """What a gate or diagnostic is called, asks and means.

    Attributes
    ----------
    section : str
        Of the report: one of `SECTIONS`.
    title, asks : str
        Name in words, and its question, short enough for a table.
    failing : str
        What it means when it fails.
    advice : str
        What to do then, in one line.
    """

    section: str
    title: str
    asks: str = ""
    failing: str = ""
    advice: str = ""


def sized(size: float, unit: str) -> str:
    """A size with its unit: `%`, a share `of` something, or a quantity."""
    percent = f"{float(f'{100.0 * size:.2g}'):g} %"
    if unit == "%":
        return percent
    return f"{percent} {unit}" if unit.startswith("of ") else f"{size:.2g} {unit}"
