"""The cut flow as lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arcgate.ground.terminal import wrapped


def flow_lines(card: Mapping[str, Any], wide: int) -> list[str]:
    """The cut flow of a catalogue as a table.

    Parameters
    ----------
    card : mapping
        Of the catalogue.
    wide : int
        Characters of a line.
    """
    choice = card["extinction"]["choice"]
    other = next(name for name in card["extinction"]["left"] if name != choice)
    counted = [None, *card["extinction"]["left"][other]]
    rows = []
    for number, step in enumerate(card["cut_flow"]):
        also = counted[number] if number < len(counted) else None
        differs = also is not None and also != step["left"]
        rows.append((step["cut"], f"{step['left']:,}", f"{also:,}" if differs else ""))
    widths = [max(len(row[column]) for row in rows) for column in (1, 2)]
    widths = [max(widths[0], len(choice)), max(widths[1], len(other))]
    room = wide - sum(widths) - 4
    lines = [f"{'rows left after':<{room}}  {choice:>{widths[0]}}  {other:>{widths[1]}}"]
    for cut, left, also in rows:
        first, *more = wrapped(cut, room)
        lines += [f"{first:<{room}}  {left:>{widths[0]}}  {also:>{widths[1]}}".rstrip(), *more]
    return lines
