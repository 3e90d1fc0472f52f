"""What was judged and how, in words: the report's head and foot."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from arcgate.dataset.card import arcgate_version
from arcgate.dataset.describing import made_of, made_on
from arcgate.dataset.references import REFERRING, referred
from arcgate.dataset.source import DatasetSource, Source
from arcgate.foreign.opening import notes_of
from arcgate.ground.hashing import as_plain
from arcgate.ground.terminal import place
from arcgate.variant import Gates, View

HEAD: Final = (
    *("data set", "made", "variant", "controls", "PSF", "core mask", "grid", "sources", "noise"),
    *("rows", "galaxies", "view", "margin"),
)
# Settings that have a line of their own.
_LISTS: Final = ("listed", "attacks", "own_gates", "cells", "bug_models", "own_bug_models")


def about(source: Source, view: View, settings: Gates, key: str, made_for: str = "") -> dict[str, str]:
    """Facts about a data set and its evidence; those that `HEAD` names stand below the report's title too.

    Parameters
    ----------
    source : Source
        What was judged.
    view, settings : View, Gates
        As what, and how.
    key : str
        Of the evidence.
    made_for : str
        Study and variant, where they are known.
    """
    facts = source.facts
    referring = sorted(name for name in facts.columns if name.startswith(REFERRING))
    table = source.table(["role", "host_id", *(["split"] if "split" in facts.columns else []), *referring])
    galaxies = "; ".join([f"{table['host_id'].nunique():,}", *(f"{what}: {n}" for what, n in referred(table).items())])
    head = {
        "data set": place(Path(source.path.resolve().name), 0),
        "made": made_on(source.path) if isinstance(source, DatasetSource) else "",
        "variant": made_for,
        **(made_of(source.dataset.card["data"]) if isinstance(source, DatasetSource) else {}),
        "rows": f"{len(table):,}: {_counted(table)}",
        "galaxies": galaxies,
        "view": f"{view.normalisation}, stretch {view.stretch}",
        "margin": f"AUC within 0.5 ± {settings.margin:g}, intervals of {100 * settings.level:g} %",
    }
    foot = {
        "layout": f"{facts.layout}, {'each stamp beside its own galaxy' if facts.paired else 'controls are other galaxies'}",
        "stored": f"arcs {_yes(facts.has_arc)}, null rows {_yes(facts.has_null)}, declared lens and PSF {_yes(facts.declared)}",
        "data digest": source.digest,
        "evidence key": key,
        "gates": ", ".join(f"{name} {value}" for name, value in as_plain(settings).items() if name not in _LISTS),
        "two-sample cells": ", ".join(f"{cell.region}/{cell.summary}/{cell.probe}" for cell in settings.cells) or "none",
        "bug models": ", ".join((*settings.bug_models, *settings.own_bug_models)) or "none",
        "arcgate": arcgate_version(),
    }
    notes = {f"note {number}": note for number, note in enumerate(notes_of(source), start=1)}
    return {name: value for name, value in head.items() if value} | foot | notes


def _counted(table: pd.DataFrame) -> str:
    """Rows by role, in each split where splits are recorded."""
    if "split" not in table:
        return _by_role(table)
    return "; ".join(f"{split} {_by_role(part)}" for split, part in table.groupby("split", sort=False))


def _by_role(table: pd.DataFrame) -> str:
    return ", ".join(f"{count:,} {role}" for role, count in table["role"].value_counts().items())


def _yes(value: bool) -> str:
    return "yes" if value else "no"
