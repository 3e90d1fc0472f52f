"""What was judged and how, in words: the report's head and foot."""

from __future__ import annotations

from typing import Final

from arcgate.dataset.card import arcgate_version
from arcgate.dataset.references import REFERRING, referred
from arcgate.dataset.source import Source
from arcgate.foreign.opening import notes_of
from arcgate.ground.hashing import as_plain
from arcgate.variant import Gates, View

# Settings that have a line of their own.
_LISTS: Final = ("listed", "own_gates", "cells", "bug_models", "own_bug_models")


def about(source: Source, view: View, settings: Gates, key: str) -> dict[str, str]:
    """Facts about a data set and its evidence; the first four stand below the report's title.

    Parameters
    ----------
    source : Source
        What was judged.
    view, settings : View, Gates
        As what, and how.
    key : str
        Of the evidence.
    """
    facts = source.facts
    referring = sorted(name for name in facts.columns if name.startswith(REFERRING))
    table = source.table(["role", "host_id", *referring])
    rows = ", ".join(f"{count:,} {role}" for role, count in table["role"].value_counts().items())
    found = {
        "data set": source.path.resolve().name,
        "rows": f"{len(table):,}: {rows}",
        "galaxies": "; ".join([f"{table['host_id'].nunique():,}", *(f"{what}: {n}" for what, n in referred(table).items())]),
        "view": f"{view.normalisation}, stretch {view.stretch}",
        "layout": f"{facts.layout}, {'each stamp beside its own galaxy' if facts.paired else 'controls are other galaxies'}",
        "stored": f"arcs {_yes(facts.has_arc)}, null rows {_yes(facts.has_null)}, declared lens and PSF {_yes(facts.declared)}",
        "data digest": source.digest,
        "evidence key": key,
        "gates": ", ".join(f"{name} {value}" for name, value in as_plain(settings).items() if name not in _LISTS),
        "two-sample cells": ", ".join(f"{cell.region}/{cell.summary}/{cell.probe}" for cell in settings.cells) or "none",
        "bug models": ", ".join((*settings.bug_models, *settings.own_bug_models)) or "none",
        "arcgate": arcgate_version(),
    }
    return found | {f"note {number}": note for number, note in enumerate(notes_of(source), start=1)}


def _yes(value: bool) -> str:
    return "yes" if value else "no"
