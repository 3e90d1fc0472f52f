"""Can the label be told from the footprint or the release alone? Then pixels of two surveys are held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from arcgate.dataset.source import Facts
from arcgate.gates.core.auc_statistic import NULL_AUC
from arcgate.gates.core.clusters import clustered
from arcgate.gates.core.column_statistic import Classes, classes_of_stamps, classes_of_table, column_statistic
from arcgate.gates.core.comparisons import Compared
from arcgate.gates.core.context import Context
from arcgate.gates.core.design_leaks import FOOTPRINT
from arcgate.gates.core.evaluator import Statement, evaluate, not_run
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.held_out_auc import Sample
from arcgate.gates.core.planted_leak import Features, Measure, Sized
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.sky_rows import VIEW
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.features.row_columns import names_in
from arcgate.gates.two_surveys import SURVEY, survey_of
from arcgate.ground.draws import uniform
from arcgate.variant import Gates

MOST: Final = 64
"""Footprints and releases; what has more is no part of a survey, and each would be too rare to compare."""
SHARES: Final = (0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, kw_only=True)
class MovedShare(Sized):
    """A share of the rows that are said to be of another footprint than they are."""

    in_null_pair: ClassVar[bool] = False

    def extract(self, shard: Shard, compared: Compared, measure: Measure, settings: Gates) -> dict[str, Features]:
        """Nothing: the features say it all."""
        return {}

    def planted(self, kept: Mapping[str, Features], bare: Features, size: float) -> Features:
        """Features (n, surveys) with a share of the rows in the rarest survey."""
        moved = uniform(0, "other footprint", np.arange(len(bare))) < size
        rarest = np.eye(bare.shape[1])[int(bare.sum(axis=0).argmin())]
        return np.where(moved[:, None], rarest, bare)


@dataclass(frozen=True, kw_only=True)
class Footprint(StatedGate):
    """Compares the shares of footprints and releases in both classes."""

    def columns(self, facts: Facts) -> list[str]:
        """Of a table without pixels what says of which survey a row is, and where; of stamps none."""
        return [] if facts.pixels or not set(SURVEY) & facts.columns else ["role", *names_in(facts)]

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Footprint, release and conditions of both classes, where a survey is recorded."""
        facts = shard.context.facts
        if facts.paired or not set(SURVEY) & set(shard.control.table) or not len(shard.positive) or not len(shard.control):
            return {}
        kept: dict[str, Kept] = {}
        for name, stamps in (("positive", shard.positive), ("control", shard.control)):
            kept |= {name: _of_survey(stamps), f"{name}/galaxy": stamps.galaxy, f"{name}/pair": stamps.pair}
        return kept

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The AUC of footprint and release; nothing where all rows are of one, or pairs have the same by their making."""
        classes = classes_of_table(arrays[ALL_ROWS]) if ALL_ROWS in arrays else classes_of_stamps(arrays)
        if classes is None:
            return Judgement([], [], [])
        of_one, of_zero = _surveys(classes)
        n_surveys = pd.concat([of_one, of_zero]).nunique()
        if n_surveys < 2:
            return Judgement([], [], [])
        by = clustered(classes.positive, classes.control, classes.of_one, classes.of_zero, context)
        stated = Statement(self.name, VIEW, NULL_AUC, context.settings.margin, remark=by.remark)
        if n_surveys > MOST:
            reason = f"{n_surveys} footprints and releases are recorded, more than {MOST}: fields, not parts of a survey"
            return Judgement([not_run(stated, reason)], [], [])
        one, zero = _codes(of_one, of_zero)
        leak = MovedShare("another footprint for", "of the rows", SHARES)
        samples = Sample(one, by.one, classes.pair_of_one), Sample(zero, by.zero, classes.pair_of_zero)
        failing = f"{self.failing}: {_shares(of_one, of_zero)}"
        found = evaluate(stated, column_statistic(stated, "ridge", *samples, leak, failing, by.context))
        return Judgement([found.result], [], list(found.curves))


def _of_survey(stamps: Stamps) -> pd.DataFrame:
    wanted = (*SURVEY, "brick", "ra", "dec")
    names = [str(name) for name in stamps.table if name in wanted or str(name).startswith(("psfsize_", "depth_"))]
    return stamps.table[names]


def _surveys(classes: Classes) -> tuple[pd.Series, pd.Series]:
    """Footprint and release of either class's rows, in words that both share: a column may be empty in one class alone."""
    survey = survey_of(pd.concat([classes.positive, classes.control], ignore_index=True))
    return survey[: len(classes.positive)], survey[len(classes.positive) :]


def _codes(of_one: pd.Series, of_zero: pd.Series) -> tuple[Features, Features]:
    """One column a footprint and release, 1 in its rows."""
    code, names = pd.factorize(pd.concat([of_one, of_zero]))
    columns = np.eye(len(names))[code]
    return columns[: len(of_one)], columns[len(of_one) :]


def _shares(of_one: pd.Series, of_zero: pd.Series) -> str:
    """The survey whose share differs most between the classes."""
    one, zero = (
        {str(name): float(share) for name, share in survey.value_counts(normalize=True).items()} for survey in (of_one, of_zero)
    )
    name = max(sorted({*one, *zero}), key=lambda name: abs(one.get(name, 0.0) - zero.get(name, 0.0)))
    return (
        f"{100 * one.get(name, 0.0):.0f} % of the positives and {100 * zero.get(name, 0.0):.0f} % of the controls are of {name}"
    )


GATE: Final = Footprint(
    name="footprint",
    section="positions",
    title="Footprint",
    asks="Does the part of the survey tell the label?",
    failing="positives and controls are of different footprints or releases, whose pixels differ",
    advice=FOOTPRINT.advice,
    view=VIEW,
    cause=FOOTPRINT,
    compares="footprint and release of positives against those of controls",
    plants="rows moved to another footprint, 50 % of them",
)
