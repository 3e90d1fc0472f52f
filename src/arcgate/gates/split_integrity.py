"""Gate on splits: no galaxy, sky cell or pair on two sides."""

from __future__ import annotations

import pandas as pd

from arcgate.gates.result import GateResult, Status

KEYS = {"host_id": "galaxies", "healpix": "sky cells", "pair_id": "pairs"}


def judge_splits(table: pd.DataFrame) -> GateResult:
    """Count the galaxies, sky cells and pairs that occur in more than one split.

    Parameters
    ----------
    table : DataFrame
        Columns host_id, healpix (null without positions), pair_id and split, of all rows.

    Returns
    -------
    GateResult
        Value: share of galaxies, cells and pairs that cross. Its canary moves one row to another split.
    """
    crossing = crossings(table)
    total = sum(int(table[key].nunique()) for key in KEYS)
    share = sum(crossing.values()) / total
    heard = sum(crossings(_one_row_moved(table)).values()) > sum(crossing.values())
    found = ", ".join(f"{count} {KEYS[key]}" for key, count in crossing.items() if count)
    status: Status
    if found:
        status, reason = "failed", f"{found} occur in more than one split"
    elif table["split"].nunique() < 2:
        status, reason = "not_run", "the data set has one split only"
    elif not heard:
        status, reason = "blind", "a row moved to another split went unnoticed"
    else:
        status, reason = "passed", "no galaxy, sky cell or pair occurs in two splits"
    groups = int(table["host_id"].nunique())
    return GateResult(
        "split_integrity", "table", "overall", "gate", share, share, share, 0.0, None, len(table), groups, status, reason
    )


def crossings(table: pd.DataFrame) -> dict[str, int]:
    """How many values of each key occur in more than one split."""
    return {key: int((table.groupby(key)["split"].nunique() > 1).sum()) for key in KEYS}


def _one_row_moved(table: pd.DataFrame) -> pd.DataFrame:
    split = table["split"].tolist()
    # A split of its own: the row's pair partner stays behind.
    split[0] = "moved"
    return table.assign(split=split)
