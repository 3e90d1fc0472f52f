"""Which gates a short table shows: of each kind of question that found a leak, the gate that failed most often."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import pandas as pd

from arcgate.gate_report.words import SECTIONS, UNFILED
from arcgate.tracking.names import STATUS

N_GATES: Final = 4
_ORDER: Final = {section.key: place for place, section in enumerate(SECTIONS)}


def leading_gates(table: pd.DataFrame, stems: Sequence[str], count: int = N_GATES) -> list[str]:
    """Choose the gates of the short table, by one rule for every study.

    The kinds of gates are the sections of the report (null injection, residuals, mask edge, normaliser, any other difference,
    ...). Kinds in which a gate failed come first, then those in which one was undecided, then the others, each in the report's
    order, in which what is asked first decides first. A kind is represented by its gate that failed in most variants, then by
    the one that was undecided in most, then by the first by name. If there are fewer kinds than places, their second gates
    follow.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.tracking.results.results`.
    stems : sequence of str
        Gates to choose from, `gate/<name>/<view>/<stratum>`.
    count : int
        At most so many.

    Returns
    -------
    list of str
    """
    sections = _sections(table)
    kinds: dict[str, list[str]] = {}
    for stem in sorted(stems, key=lambda stem: (*_urgency(table, stem), stem)):
        kinds.setdefault(sections.get(stem.split("/")[1], UNFILED), []).append(stem)
    turns = sorted(
        (place, *(number == 0 for number in _urgency(table, stem)), _ORDER[kind], stem)
        for kind, members in kinds.items()
        for place, stem in enumerate(members)
    )
    return [str(turn[-1]) for turn in turns[:count]]


def _sections(table: pd.DataFrame) -> dict[str, str]:
    """Section of each result, as the runs' evidence states it."""
    found: dict[str, str] = {}
    for text in table["gate_sections"].dropna():
        found |= json.loads(text)
    return found


def _urgency(table: pd.DataFrame, stem: str) -> tuple[int, int]:
    """Negative numbers of variants that failed, and that were judged and did not pass."""
    statuses = table[f"{stem}/{STATUS}"]
    judged = statuses.notna() & ~statuses.isin(["not_run", "not_applicable"])
    return -int((statuses == "failed").sum()), -int((judged & (statuses != "passed")).sum())
