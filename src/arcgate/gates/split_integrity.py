"""Is any galaxy, sky cell, pair, PSF or source on two sides of a split?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import CountStatistic, Noticed, exactly
from arcgate.gates.core.design_leaks import SPLIT
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement
from arcgate.gates.core.table_gate import TableGate
from arcgate.variant import Gates, View

KEYS: Final = {"host_id": "galaxies", "healpix": "sky cells", "pair_id": "pairs"}
# What rows may name besides; asked where they do.
REFERENCES: Final = {"kernel": "PSF kernels", "source_image": "source images"}
_VIEW: Final = "table"


@dataclass(frozen=True, kw_only=True)
class SplitIntegrity(TableGate):
    """Counts what occurs in more than one split, over all rows.

    Kernels and images count by what they come from, too, where that is known: one PSF model at two places is nearly one PSF.
    """

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Its result, where more than one split is recorded."""
        return super().needed(facts, view, settings) if facts.several_splits else []

    def columns(self, facts: Facts) -> list[str]:
        """Those that name galaxies, cells, pairs, kernels and images, and the split; none where these are not recorded."""
        if _why_not(facts):
            return []
        named = sorted(name for name in facts.columns if name == "source_image" or name.startswith("kernel_"))
        return [*[key for key in KEYS if key in facts.columns], *named, "split"]

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of galaxies, cells, pairs, kernels and images that cross."""
        stated = Statement(self.name, _VIEW, 0.0, 0.0, "with a row moved to another split")
        if reason := _why_not(context.facts):
            return Judgement([not_run(stated, reason)], [], [])
        table: pd.DataFrame = arrays[ALL_ROWS]
        keys = [key for key in KEYS if key in table]
        if not context.facts.pixels and not table["host_id"].duplicated().any():
            return Judgement([not_run(stated, "no name of a galaxy repeats: positions tell (overlaps)")], [], [])
        if table["split"].nunique() < 2 and not _crossing_by_kind(table, keys, context.facts.references.origins()):
            return Judgement([not_run(stated, "the data set has one split only" + _not_judged(keys))], [], [])
        found = evaluate(stated, judged_table(table, keys, context.facts.references.origins()))
        return Judgement([found.result], [], list(found.curves))


def _why_not(facts: Facts) -> str:
    if "split" not in facts.columns or "host_id" not in facts.columns:
        missing = ", ".join(name for name in ("host_id", "healpix", "pair_id", "split") if name not in facts.columns)
        return f"columns are missing: {missing}"
    return "" if facts.galaxies_named else "no column names the galaxy, so that each row counts as its own: give its id"


def judged_table(table: pd.DataFrame, keys: Sequence[str], origins: Mapping[str, Mapping[str, str]]) -> CountStatistic:
    """What crosses in a table with the columns `keys` and split, and those of kernels and images where rows name any.

    Planted is one row of each kind that occurs twice, in a split of its own.
    """
    occurring = _occurring(table, keys, origins)
    crossing = _crossing_by_kind(table, keys, origins)
    total = sum(int(each["value"].nunique()) for each in occurring.values())
    value = exactly(sum(crossing.values()) / max(total, 1), len(table), int(table["host_id"].nunique()))
    found = ", ".join(f"{count} {what}" for what, count in crossing.items())
    if found:
        shown = Outcome("leak", f"{found} occur in more than one split{_not_judged(keys)}")
    else:
        shown = Outcome("no leak", f"nothing occurs in two splits of {', '.join(occurring)}{_not_judged(keys)}")
    planted = {f"one of the {what}": Noticed(seen) for what, seen in _noticed(occurring).items()}
    # Where nothing occurs twice, nothing could cross, and silence means nothing.
    planted = planted or {"a row that shares anything with another": Noticed(noticed=bool(found))}
    return CountStatistic("split_integrity", _VIEW, value, shown, planted)


def _not_judged(keys: Sequence[str]) -> str:
    absent = ", ".join(KEYS[key] for key in KEYS if key not in keys)
    return f"; not judged for want of their columns: {absent}" if absent else ""


def _crossing_by_kind(table: pd.DataFrame, keys: Sequence[str], origins: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """How many of each kind cross; without kinds of which none does."""
    counted = {what: _crossing(each) for what, each in _occurring(table, keys, origins).items()}
    return {what: count for what, count in counted.items() if count}


def _occurring(table: pd.DataFrame, keys: Sequence[str], origins: Mapping[str, Mapping[str, str]]) -> dict[str, pd.DataFrame]:
    """By what they are: columns `value` and `split`, a row an occurrence. A kernel may stand in any band, declared or used."""
    columns = {KEYS[key]: [key] for key in keys}
    columns |= {what: [name for name in map(str, table) if name.startswith(stem)] for stem, what in REFERENCES.items()}
    found = {}
    for what, names in columns.items():
        parts = [pd.DataFrame({"value": table[name], "split": table["split"]}).dropna() for name in names]
        if parts and (what in KEYS.values() or any(len(part) for part in parts)):
            found[what] = pd.concat(parts, ignore_index=True)
    named_parts = [found[what] for what in REFERENCES.values() if what in found]
    named = pd.concat(named_parts) if named_parts else pd.DataFrame(columns=["value", "split"])
    for what, origin_of in origins.items():
        come = named.assign(value=named["value"].map(dict(origin_of))).dropna()
        if len(come):
            found[what] = come
    return found


def _crossing(occurring: pd.DataFrame) -> int:
    """How many values occur in more than one split."""
    return int((occurring.groupby("value")["split"].nunique() > 1).sum())


def _noticed(occurring: Mapping[str, pd.DataFrame]) -> dict[str, bool]:
    """By kind, whether one occurrence in a split of its own is noticed; a kind of which nothing occurs twice cannot cross."""
    found = {}
    for what, each in occurring.items():
        twice = each["value"].duplicated(keep=False).to_numpy()
        # What crosses already shows nothing more when it is moved.
        once = twice & (each.groupby("value")["split"].transform("nunique") == 1).to_numpy()
        if once.any():
            split = each["split"].tolist()
            split[int(once.argmax())] = "moved"
            found[what] = _crossing(each.assign(split=split)) > _crossing(each)
    return found


GATE: Final = SplitIntegrity(
    name="split_integrity",
    section="splits",
    title="Splits",
    asks="Does a galaxy, pair, sky cell, PSF or source occur in two sets?",
    failing="the same object is on two sides of a split: scores on the test set are too good",
    advice=SPLIT.advice,
    view=_VIEW,
    requires="no galaxy in two splits",
    cause=SPLIT,
    compares="what occurs in one split against the others, over all rows",
    plants="one of each kind, moved to another split",
)
