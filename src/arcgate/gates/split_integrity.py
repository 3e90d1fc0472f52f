"""Gate on splits: no galaxy, sky cell or pair on two sides."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from arcgate.dataset.source import Source
from arcgate.gates.result import GateResult, Status

KEYS = {"host_id": "galaxies", "healpix": "sky cells", "pair_id": "pairs"}


def judge_splits(source: Source) -> GateResult:
    """Count the galaxies, sky cells and pairs that occur in more than one split, over all rows.

    Parameters
    ----------
    source : Source
        Its columns host_id, healpix (null without positions), pair_id and split are read.

    Returns
    -------
    GateResult
        Value: share of galaxies, cells and pairs that cross; not_run, naming them, without the columns that it needs, and where
        nothing tells which rows show the same galaxy. Its canary moves one row to another split.
    """
    columns = source.facts.columns
    keys = [key for key in KEYS if key in columns]
    if "split" not in columns or "host_id" not in columns:
        missing = ", ".join(name for name in ("host_id", "healpix", "pair_id", "split") if name not in columns)
        return _result(None, 0, 0, "not_run", f"columns are missing: {missing}")
    if not source.facts.galaxies_named:
        return _result(None, 0, 0, "not_run", "no column names the galaxy, so that each row counts as its own: give its id")
    return judge_table(source.table([*keys, "split"]), keys)


def judge_table(table: pd.DataFrame, keys: Sequence[str]) -> GateResult:
    """The same on a table with the columns `keys` and split."""
    crossing = crossings(table, keys)
    total = sum(int(table[key].nunique()) for key in keys)
    share = sum(crossing.values()) / total if total else None
    heard = sum(crossings(_one_row_moved(table, keys), keys).values()) > sum(crossing.values())
    found = ", ".join(f"{count} {KEYS[key]}" for key, count in crossing.items() if count)
    absent = ", ".join(KEYS[key] for key in KEYS if key not in keys)
    status: Status
    if found:
        status, reason = "failed", f"{found} occur in more than one split"
    elif table["split"].nunique() < 2:
        status, reason = "not_run", "the data set has one split only"
    elif not heard:
        status, reason = "blind", "a row moved to another split went unnoticed: nothing occurs twice"
    else:
        status, reason = "passed", f"nothing occurs in two splits of {', '.join(KEYS[key] for key in keys)}"
    reason += f"; not judged for want of their columns: {absent}" if absent else ""
    return _result(share, len(table), int(table["host_id"].nunique()), status, reason)


def crossings(table: pd.DataFrame, keys: Sequence[str]) -> dict[str, int]:
    """How many values of each key occur in more than one split."""
    return {key: int((table.groupby(key)["split"].nunique() > 1).sum()) for key in keys}


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
