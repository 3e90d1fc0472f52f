"""Can the label be told from what is known of a row, without its pixels?

What was measured on pixels that may hold an arc (`Facts.measured_on_arcs`) is no metadata: an arc pulls a centre, and its wings
widen the sky. It changes how well a stamp compresses, too, and taking it away rounds, so that the size (of some lines of the
reference band, zlib level 1) is that of the positive's null row; without null rows it is left out. Zeros and other stored values
are pixels, which `stored_values` looks at. The order in the file is not looked at: layouts fix it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.auc_statistic import NULL_AUC
from arcgate.gates.core.clusters import Clustered, clustered
from arcgate.gates.core.column_statistic import classes_of_stamps, classes_of_table, column_statistic
from arcgate.gates.core.context import Context
from arcgate.gates.core.design_leaks import SELECTION
from arcgate.gates.core.evaluator import Statement, evaluate, not_run
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import ALL_ROWS, Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.held_out_auc import Sample
from arcgate.gates.core.planted_leak import ColumnShift
from arcgate.gates.core.rules import Rule
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps, alike
from arcgate.gates.core.words import Words
from arcgate.gates.features.row_columns import (
    NAMES,
    POSITION,
    as_numbers,
    names_in,
    numbers_of,
    recorded_columns,
    with_sky,
)
from arcgate.ground.statistics import Interval, clustered_auc
from arcgate.variant import Gates, View

Array = NDArray[np.float64]

# What the gate must not read. Columns of the arc exist on positives only, and identities count rows or stand for the label.
EXCLUDED: Final = (
    "theta_e_arcsec, theta_e_over_psf, n_images, lens_*, gamma*, source_*, flux_scale, arc_*, psf_*_used_* (of the arc: null on "
    "controls), core_mask_* and arc_noise (settings of the data set), role, label, control_kind (the label), sample_id, pair_id, "
    "host_id (identities)"
)
# Sizes of the planted leak: shift of one column in the positives, in units of its standard deviation over galaxies.
SHIFTS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
# About so many lines of a stamp are compressed.
_LINES: Final = 16
_RULES: Final[dict[Rule, str]] = {"ridge": "linear rule", "trees": "boosted trees"}
_VIEW: Final = "table"


@dataclass(frozen=True, kw_only=True)
class Metadata(StatedGate):
    """Looks at the scalar columns of positives and controls, and at the size of their stamps when compressed."""

    def words(self, result: str) -> Words:
        """One of its rules."""
        rules = {f"{self.name}_{rule}": words for rule, words in _RULES.items()}
        title = f"{self.title}: {rules[result]}" if result in rules else self.title
        return Words(self.section, title, self.asks, self.failing, self.advice)

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Both rules."""
        return [f"{self.name}_{rule}/{_VIEW}" for rule in _RULES]

    def columns(self, facts: Facts) -> list[str]:
        """Of a table without pixels all that are compared; of stamps none, since those of judged pairs are kept."""
        return [] if facts.pixels else ["role", *names_in(facts)]

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """The columns of both classes."""
        if not len(shard.positive) or not len(shard.control):
            return {}
        measured = _measured(shard.context.facts)
        positive, control = (_columns(stamps).drop(columns=measured) for stamps in (shard.positive, shard.control))
        if shard.null is not None and len(shard.null):
            of_control = _compressed(shard.control)
            # A null row with the very pixels of its control compresses alike.
            of_null = of_control if alike(shard.null, shard.control) else _compressed(shard.null)
            sizes = pd.Series(of_null, index=shard.null.pair)
            positive["compressed_size"] = pd.Series(shard.positive.pair).map(sizes).to_numpy(np.float64)
            control["compressed_size"] = of_control
        return {
            "positive": positive,
            "positive/galaxy": shard.positive.galaxy,
            "positive/pair": shard.positive.pair,
            "control": control,
            "control/galaxy": shard.control.galaxy,
            "control/pair": shard.control.pair,
        }

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """One result for a linear rule and one for boosted trees."""
        margin = context.settings.margin
        both = {rule: Statement(f"{self.name}_{rule}", _VIEW, NULL_AUC, margin) for rule in _RULES}
        classes = classes_of_table(arrays[ALL_ROWS]) if ALL_ROWS in arrays else classes_of_stamps(arrays)
        if classes is None:
            return Judgement([not_run(stated, "a class has no rows") for stated in both.values()], [], [])
        by = clustered(classes.positive, classes.control, classes.of_one, classes.of_zero, context)
        positive, control = (_with_place(table, context.facts) for table in (classes.positive, classes.control))
        absent = _absent(positive, context.facts)
        not_read = _not_read(absent, _measured(context.facts))
        drop = ["arc_noise", *absent]
        if set(positive) | set(control) <= set(drop):
            reason = f"nothing that could be compared is recorded beside the pixels{not_read}"
            return Judgement([not_run(stated, reason) for stated in both.values()], [], [])
        one, zero = as_numbers(positive.drop(columns=drop, errors="ignore"), control.drop(columns=drop, errors="ignore"))
        subject = Sample(one.to_numpy(np.float64), by.one, classes.pair_of_one)
        reference = Sample(zero.to_numpy(np.float64), by.zero, classes.pair_of_zero)
        single = _single_columns(one, zero, by)
        failing = self.failing
        # Names and cells have no order, and may be all that varies.
        if single:
            name, auc = max(single, key=lambda item: abs(item[1].value - NULL_AUC))
            if not auc.low <= NULL_AUC <= auc.high:
                failing += f"; by itself {name} tells most (AUC {auc.value:.3f})"
        judgement = Judgement([], _exhibits(single, margin), [])
        for rule, stated in both.items():
            remarked = Statement(stated.name, stated.view, NULL_AUC, margin, remark=by.remark + not_read)
            statistic = column_statistic(remarked, rule, subject, reference, _first_varying(zero), failing, by.context)
            found = evaluate(remarked, statistic)
            judgement.results.append(found.result)
            judgement.curves.extend(found.curves)
        return judgement


def _with_place(table: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Columns with the place on the sky as numbers, where it is one of the sky."""
    if not set(POSITION) <= set(table):
        return table
    return with_sky(table) if facts.on_the_sky else table.drop(columns=[*POSITION])


def _first_varying(zero: pd.DataFrame) -> ColumnShift:
    """The first varying column of the controls, shifted by its spread."""
    spread = zero.to_numpy(np.float64).std(axis=0)
    place = int(np.argmax(spread > 0))
    name = f"{zero.columns[place]} shifted by"
    return ColumnShift(name, "of a column's spread", SHIFTS, column=place, spread=float(spread[place]))


def _measured(facts: Facts) -> list[str]:
    """Columns that were measured on stamps with their arcs."""
    return [name for name in numbers_of(facts.imaging) if name in facts.measured_on_arcs]


def _absent(positive: pd.DataFrame, facts: Facts) -> list[str]:
    """Columns that are not there, or not comparable."""
    measured = _measured(facts)
    if not facts.pixels:
        return []
    known = [name for name in (*numbers_of(facts.imaging), *NAMES, "compressed_size") if name not in measured]
    absent = [name for name in known if name not in positive]
    if "arc_noise" in positive and bool((positive["arc_noise"] == "poisson").any()):
        # The inverse variance of such rows holds the photons of their arcs.
        absent += [f"ivar_{band}" for band in facts.imaging.bands]
    return absent


def _not_read(absent: list[str], measured: list[str]) -> str:
    """Columns that are not looked at, and why."""
    words = f"; not there or not comparable: {', '.join(absent)}" if absent else ""
    if measured:
        words += f"; measured on stamps with their arcs, and therefore not looked at: {', '.join(measured)}"
    return words


def _exhibits(single: list[tuple[str, Interval]], margin: float) -> list[Exhibit]:
    """AUC of every column by itself."""
    if not single:
        return []
    ordered = sorted(single, key=lambda item: -abs(item[1].value - NULL_AUC))
    content = {
        "labels": [name for name, _ in ordered],
        "y_label": "AUC",
        "series": [
            {
                "label": "column by itself",
                "values": [auc.value for _, auc in ordered],
                "low": [auc.low for _, auc in ordered],
                "high": [auc.high for _, auc in ordered],
            }
        ],
        "marks": [{"label": f"margin {side:g}", "y": side} for side in (NULL_AUC - margin, NULL_AUC + margin)],
    }
    caption = f"Whether each column alone orders the classes. Not features, since they give the label away: {EXCLUDED}."
    return [Exhibit("metadata", "What is known without pixels", caption, "bars", content)]


def _columns(stamps: Stamps) -> pd.DataFrame:
    """The features that a table holds, and colours; with arc_noise, and where the galaxy lies."""
    return recorded_columns(stamps.table, (*numbers_of(stamps.imaging), *NAMES, *POSITION, "arc_noise"))


def _compressed(stamps: Stamps) -> Array:
    """Bytes of some lines of each image in the reference band under zlib, level 1: whole stamps take a millisecond and more."""
    imaging = stamps.imaging
    lines = np.ascontiguousarray(stamps.image[:, imaging.bands.index(imaging.reference_band), :: imaging.size_pix // _LINES])
    return np.array([len(zlib.compress(image, 1)) for image in lines], dtype=np.float64)


def _single_columns(one: pd.DataFrame, zero: pd.DataFrame, by: Clustered) -> list[tuple[str, Interval]]:
    """AUC of each varying column that has an order."""
    labels = np.repeat([1, 0], [len(one), len(zero)])
    group = by.context.ranked(np.concatenate([by.one, by.zero]))
    values = pd.concat([one, zero])
    varying = [str(name) for name in values if name not in NAMES and values[name].nunique() > 1]
    if any(len(np.unique(group[labels == label])) < 2 for label in (0, 1)):
        return []
    level = by.context.settings.level
    return [(name, clustered_auc(values[name].to_numpy(np.float64), labels, group, level)) for name in varying]


GATE: Final = Metadata(
    name="metadata",
    section="metadata",
    title="Metadata",
    asks="Can the label be told without looking at a pixel?",
    failing="the label can be told from metadata",
    advice=SELECTION.advice,
    view=_VIEW,
    requires="columns beside the pixels tell nothing",
    cause=SELECTION,
    compares="columns beside the pixels, positives against controls",
    plants="a column shifted by its spread",
)
