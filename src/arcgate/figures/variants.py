"""The variants of a study as figures show them: how each looks, which runs are one variant's seeds, and names that fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import pandas as pd

from arcgate.factors import PREFIXES, is_seed, telling
from arcgate.figures.style import GREEN, GREY, ORANGE, PURPLE, VERMILLION

_LONGEST_NAME: Final = 26
_SEED_AT_END: Final = re.compile(r"[\W_]*(?:\w+\.)*seed[\W_]*$")
_BREAKS: Final = re.compile(r"(?<=[.,/=\-\s])|(?=_)")


class Look(NamedTuple):
    """How a variant is drawn: marker and line tell the statuses apart without colour."""

    colour: str
    marker: str
    line: str


NO_VERDICT: Final = "no verdict"
SEEDS_DIFFER: Final = "differs by seed"
LOOKS: Final = {
    "passed": Look(GREEN, "o", "-"),
    "failed": Look(VERMILLION, "X", "--"),
    "undetermined": Look(ORANGE, "D", "-."),
    NO_VERDICT: Look(GREY, "s", ":"),
    SEEDS_DIFFER: Look(PURPLE, "P", "-."),
}
"""By the answer to *safe?*; a variant that is not judged has no verdict, and one whose seeds got several has none for all."""


@dataclass(frozen=True)
class Group:
    """One variant: its name, and the places of its rows in the table, one a seed."""

    name: str
    rows: list[int]


def verdicts(table: pd.DataFrame) -> list[str]:
    """The answer to *safe?* of each row, `no verdict` where there is none."""
    found = table["safe"] if "safe" in table else [None] * len(table)
    return [value if value in LOOKS else NO_VERDICT for value in found]


def verdict_of(group: Group, of_rows: Sequence[str]) -> str:
    """The answer that all runs of a variant got."""
    found = {of_rows[row] for row in group.rows}
    return found.pop() if len(found) == 1 else SEEDS_DIFFER


def numbers(table: pd.DataFrame, column: str) -> pd.Series[float]:
    """A column of numbers, NaN where there is none."""
    return pd.to_numeric(table[column]).astype(float) if column in table else pd.Series(float("nan"), index=table.index)


def factors(table: pd.DataFrame) -> list[str]:
    """Factors that differ, without seeds and without those that another one decides."""
    differing = [
        str(name)
        for name in table.columns
        if str(name).startswith(PREFIXES) and not is_seed(str(name)) and table[name].nunique(dropna=False) > 1
    ]
    return telling(table, differing)


def grouped(table: pd.DataFrame) -> list[Group]:
    """Rows that differ in nothing but their seeds, or in nothing at all, are one variant."""
    names = [str(name) for name in table["variant"]]
    told = [name for name in table.columns if str(name).startswith(PREFIXES) and not is_seed(str(name))]
    seeds = [name for name in table.columns if str(name).startswith(PREFIXES) and is_seed(str(name))]
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, name in enumerate(names):
        row = table.iloc[place]
        # A run that ended before its configuration was written is told from others by its name alone.
        known = bool(seeds) and bool(row[told].notna().any())
        groups.setdefault(tuple(map(str, row[told])) if known else (name,), []).append(place)
    short = _shortened([_name([names[place] for place in rows]) for rows in groups.values()])
    return [
        Group(name if len(rows) == 1 else f"{name} \u00d7{len(rows)}", rows)
        for name, rows in zip(short, groups.values(), strict=True)
    ]


def first_rows(groups: Sequence[Group], n_rows: int) -> list[int]:
    """For each row of the table the first one of its variant."""
    first = dict.fromkeys(range(n_rows), 0) | {row: group.rows[0] for group in groups for row in group.rows}
    return list(first.values())


def folded(text: str, width: int) -> str:
    """A text in lines of at most `width` characters, broken where a name has its parts, and elsewhere with a hyphen."""
    lines = [""]
    for part in _BREAKS.split(text):
        piece = part
        while len(piece.rstrip()) > width:
            lines += [f"{piece[: width - 1]}-", ""]
            piece = piece[width - 1 :]
        if len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip() for line in lines if line.strip())


def _name(names: Sequence[str]) -> str:
    """The name that the runs of one variant share."""
    shared = next((place for place, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1), None)
    return names[0] if shared is None else _SEED_AT_END.sub("", names[0][:shared]).rstrip("_-,.= ") or names[0]


def _shortened(names: Sequence[str]) -> list[str]:
    """Names that fit beside a figure: of long ones the middle, the end or the beginning, whichever leaves them distinct."""
    room, half = _LONGEST_NAME - 1, _LONGEST_NAME // 2 - 1
    for head, tail in ((half, half), (room, 0), (0, room)):
        short = [name if len(name) <= _LONGEST_NAME else f"{name[:head]}\u2026{name[len(name) - tail :]}" for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return [f"{name[:half]}\u2026 #{place + 1}" for place, name in enumerate(names)]
