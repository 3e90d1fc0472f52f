"""Columns beside the pixels as the statistic of a gate: two classes of rows, and a leak planted among the controls. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.core.auc_statistic import AucStatistic, Planting
from arcgate.gates.core.context import Context
from arcgate.gates.core.evaluator import Statement
from arcgate.gates.core.gate import Arrays
from arcgate.gates.core.held_out_auc import Sample
from arcgate.gates.core.planted_leak import Features, Leak
from arcgate.gates.core.rules import Rule
from arcgate.gates.features.row_columns import recorded_columns
from arcgate.ground.draws import uniform

Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Classes:
    """Columns of both classes; galaxy and pair of each row."""

    positive: pd.DataFrame
    control: pd.DataFrame
    of_one: Ids
    of_zero: Ids
    pair_of_one: Ids
    pair_of_zero: Ids


def classes_of_stamps(arrays: Arrays) -> Classes | None:
    """What was kept of both classes of stamps; None where a class has no rows."""
    if not arrays:
        return None
    keys = ("positive", "control", "positive/galaxy", "control/galaxy", "positive/pair", "control/pair")
    return Classes(*(arrays[key] for key in keys))


def classes_of_table(table: pd.DataFrame) -> Classes | None:
    """Of a table without pixels: every row is one of its own, as far as this gate goes, since its cell is what counts."""
    row = np.arange(len(table))
    one, zero = ((table["role"] == role).to_numpy() for role in ("positive", "control"))
    columns = recorded_columns(table, [str(name) for name in table if name != "role"])
    if not one.any() or not zero.any():
        return None
    return Classes(columns[one], columns[zero], row[one], row[zero], row[one], row[zero])


@dataclass(frozen=True, eq=False)
class ColumnStatistic(AucStatistic):
    """The AUC of columns. Controls, or halves of them by lot, differ by nothing: what they read by chance is no alarm."""

    def alarm(self) -> str:
        """None."""
        return ""


def column_statistic(
    stated: Statement, rule: Rule, subject: Sample, reference: Sample, leak: Leak, failing: str, context: Context
) -> ColumnStatistic:
    """Of both classes, with a leak planted in the controls.

    On pairs the null pair is the controls against themselves, else one half of their galaxies (or bricks) against the other.
    """
    null_subject = null_reference = reference
    if not context.facts.paired:
        first = uniform(context.settings.seed, "twin", reference.galaxy) < 0.5
        null_subject, null_reference = (
            Sample(reference.features[rows], reference.galaxy[rows], reference.pair[rows]) for rows in (first, ~first)
        )
    planting = Planting(leak, {}, null_subject.features, _unchanged)
    return ColumnStatistic(stated, subject, reference, null_subject, null_reference, rule, False, [planting], failing, context)


def _unchanged(features: Features) -> Features:
    return features
