"""Gate on splits: no galaxy, sky cell, pair, PSF or source on two sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from arcgate.dataset.source import Source
from arcgate.gates.result import GateResult, Status

KEYS: Final = {"host_id": "galaxies", "healpix": "sky cells", "pair_id": "pairs"}
# What rows may name besides; asked where they do.
REFERENCES: Final = {"kernel": "PSF kernels", "source_image": "source images"}


def judge_splits(source: Source) -> GateResult:
    """Count what occurs in more than one split, over all rows: galaxies, sky cells, pairs, kernels and source images.

    Kernels and images count by what they come from, too, where that is known: one PSF model at two places is nearly one PSF.

    Parameters
    ----------
    source : Source
        Its columns host_id, healpix (null without positions), pair_id and split are read, and those that name kernels and images.

    Returns
    -------
    GateResult
        Value: share of galaxies, cells, pairs, kernels and images that cross; not_run, naming them, without the columns that it
        needs, and where nothing tells which rows show the same galaxy. Its canary moves one row to another split.
    """
    columns = source.facts.columns
    keys = [key for key in KEYS if key in columns]
    if "split" not in columns or "host_id" not in columns:
        missing = ", ".join(name for name in ("host_id", "healpix", "pair_id", "split") if name not in columns)
        return _result(None, 0, 0, "not_run", f"columns are missing: {missing}")
    if not source.facts.galaxies_named:
        return _result(None, 0, 0, "not_run", "no column names the galaxy, so that each row counts as its own: give its id")
    named = sorted(name for name in columns if name == "source_image" or name.startswith("kernel_"))
    return judge_table(source.table([*keys, *named, "split"]), keys, source.facts.references.origins())


def judge_table(table: pd.DataFrame, keys: Sequence[str], origins: Mapping[str, Mapping[str, str]]) -> GateResult:
    """The same on a table with the columns `keys` and split, and those of kernels and images where rows name any."""
    occurring = _occurring(table, keys, origins)
    crossing = {what: _crossing(each) for what, each in occurring.items()}
    total = sum(int(each["value"].nunique()) for each in occurring.values())
    share = sum(crossing.values()) / total if total else None
    moved = _occurring(_one_row_moved(table, keys), keys, origins)
    heard = sum(_crossing(each) for each in moved.values()) > sum(crossing.values())
    found = ", ".join(f"{count} {what}" for what, count in crossing.items() if count)
    absent = ", ".join(KEYS[key] for key in KEYS if key not in keys)
    status: Status
    if found:
        status, reason = "failed", f"{found} occur in more than one split"
    elif table["split"].nunique() < 2:
        status, reason = "not_run", "the data set has one split only"
    elif not heard:
        status, reason = "blind", "a row moved to another split went unnoticed: nothing occurs twice"
    else:
        status, reason = "passed", f"nothing occurs in two splits of {', '.join(occurring)}"
    reason += f"; not judged for want of their columns: {absent}" if absent else ""
    return _result(share, len(table), int(table["host_id"].nunique()), status, reason)


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


def _one_row_moved(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The first row that shares its galaxy, cell or pair with another, in a split of its own."""
    shared = pd.concat([table[key].duplicated(keep=False) & table[key].notna() for key in keys], axis=1).any(axis=1)
    split = table["split"].tolist()
    if shared.any():
        split[int(shared.to_numpy().argmax())] = "moved"
    return table.assign(split=split)


def _result(share: float | None, n: int, groups: int, status: Status, reason: str) -> GateResult:
    name = "split_integrity"
    return GateResult(
        name, "table", "overall", "gate", share, share, share, 0.0, None, n, groups, status, reason, null=0.0, leak_unit=""
    )
