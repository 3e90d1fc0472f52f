"""What a reader of a study's table must know: what is missing from it, and what in it does not belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
from mlflow.entities import Experiment, Run

from arcgate.factors import is_seed
from arcgate.ground.counting import count_of
from arcgate.tracking import names
from arcgate.tracking.runs import wanted

_LISTED: Final = 6


def notes_of(
    table: pd.DataFrame, factors: Sequence[str], experiment: Experiment, runs: list[Run], others: list[Run]
) -> list[str]:
    """Sentences, the gravest first; none if the study is whole.

    Parameters
    ----------
    table : DataFrame
        A row a variant, from `arcgate.tracking.results`.
    factors : sequence of str
        Its columns of parameters that differ.
    experiment : Experiment
        The study's.
    runs : list of Run
        All runs of the study.
    others : list of Run
        Those of variants under another schema, which the table leaves out.
    """
    return [
        *_unfinished(table),
        *_without_run(experiment, runs),
        *_apart(others),
        *_versions(table),
        *_missing_seeds(table, factors),
    ]


def _unfinished(table: pd.DataFrame) -> list[str]:
    open_ = table[table["run_status"] != "finished"]
    if open_.empty:
        return []
    words = [f"{row['variant']} ({row['run_status']})" for _, row in open_.iterrows()]
    which = f"{len(open_)} of {count_of(len(table), 'variant')} {'is' if len(open_) == 1 else 'are'}"
    return [f"{which} not finished: {_some(words)}; the same command goes on with them"]


def _without_run(experiment: Experiment, runs: list[Run]) -> list[str]:
    had = {run.data.tags.get(names.VARIANT) for run in runs}
    missing = [name for name in wanted(experiment) if name not in had]
    if not missing:
        return []
    return [f"asked for and without a run, since no data set could be built or it is being built: {_some(missing)}"]


def _apart(others: list[Run]) -> list[str]:
    found = list(dict.fromkeys(run.data.tags[names.VARIANT] for run in others))
    if not found:
        return []
    return [f"left out, since another version of arcgate wrote their runs: {_some(found)}; run them again for the table"]


def _versions(table: pd.DataFrame) -> list[str]:
    versions = table.dropna(subset=["commit"]).groupby("commit", sort=False)["variant"].agg(list)
    if len(versions) < 2:
        return []
    words = [f"{version} made {_some(made)}" for version, made in versions.items()]
    return [f"{len(versions)} versions of arcgate made these variants, so that rows may differ by code: {'; '.join(words)}"]


def _missing_seeds(table: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """Variants that lack a seed which others have, where what differs besides the seed is the same."""
    notes = []
    for seed in filter(is_seed, factors):
        rest = [name for name in factors if not is_seed(name)]
        every = set(table[seed].dropna())
        groups = table.groupby(rest, dropna=False, sort=False) if rest else [((), table)]
        for _, group in groups:
            if lacking := sorted(every - set(group[seed])):
                which = ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in lacking)
                notes.append(f"{seed} {which} is missing beside {_some(list(group['variant']))}")
    return notes


def _some(words: Sequence[str]) -> str:
    more = len(words) - _LISTED
    return ", ".join(words[:_LISTED]) + (f" and {more} more" if more > 0 else "")
