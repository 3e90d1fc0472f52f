"""Which variants differ in a score by more than chance, and by more than the seed."""

from __future__ import annotations

from typing import Final

import pandas as pd

from arcgate.factors import is_seed
from arcgate.ground.errors import ArcgateError
from arcgate.tracking import names
from arcgate.tracking.results import factors_of

NOT_SHOWN: Final = "not shown"


def seeds_together(table: pd.DataFrame, score: str) -> pd.DataFrame:
    """One row for all variants that differ in nothing but a seed.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.results` with `full=True`.
    score : str
        Column with an interval: `common/auroc`, `gate/residual_core/raw/overall`, ...

    Returns
    -------
    DataFrame
        Named by the variant, without the words that set a seed, in the order of the table; variants without the score are left
        out. `seeds`: how many; `value`: their mean; `low`, `high`: the lowest and the highest end of their intervals, which
        hold the chance of one test set and the scatter between the seeds; `scatter`: standard deviation between the seeds,
        missing where there is one.

    Raises
    ------
    ArcgateError
        If the table has no such score, or one without an interval.
    """
    ends = [f"{score}/{names.LOW}", f"{score}/{names.HIGH}"]
    if missing := [name for name in (score, *ends) if name not in table]:
        ending = f"/auroc/{names.LOW}"
        there = [name.removesuffix(f"/{names.LOW}") for name in map(str, table.columns) if name.endswith(ending)]
        raise ArcgateError(
            f"the table has no column {missing[0]!r}",
            where=f"comparison by {score}",
            todo=f"take `arcgate.results(study, full=True)` and a score with an interval: {', '.join(there) or 'a gate'}",
        )
    scored = table.dropna(subset=[score])
    factors = [name for name in factors_of(table) if not is_seed(name)]
    rows: dict[str, dict[str, float]] = {}
    for _, group in scored.groupby(factors, dropna=False, sort=False) if factors else [((), scored)]:
        name = str(group["variant"].iloc[0])
        short = " ".join(word for word in name.split() if "seed=" not in word)
        rows[name if not short or short in rows else short] = {
            "seeds": len(group),
            "value": group[score].mean(),
            "low": group[ends[0]].min(),
            "high": group[ends[1]].max(),
            "scatter": group[score].std(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"seeds": int})


def shown_differences(together: pd.DataFrame) -> pd.DataFrame:
    """For each pair of rows of `seeds_together` whether their intervals lie apart.

    Intervals that overlap do not show that two are equal: only that a difference was not shown. Scores on one test set share its
    galaxies, so that two intervals that lie apart differ all the more surely.

    Returns
    -------
    DataFrame
        Square: `higher` where the row's value is, `lower`, or `not shown`; empty on the diagonal.
    """
    cells = {
        name: {other: "" if other == name else _relation(together, name, other) for other in together.index}
        for name in together.index
    }
    return pd.DataFrame.from_dict(cells, orient="index", columns=list(together.index))


def _relation(together: pd.DataFrame, name: str, other: str) -> str:
    one, two = together.loc[name], together.loc[other]
    if one["low"] > two["high"]:
        return "higher"
    return "lower" if one["high"] < two["low"] else NOT_SHOWN
