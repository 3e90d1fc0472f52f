"""Can rules on small summaries of regions tell the classes apart once the arcs are gone, in what nobody thought of?

Positives without their declared arcs (without declarations: null rows) are held against the controls of their pairs. The bits of
stored numbers are compared on the stamps as stored, since taking an arc away rounds; see `summaries.bits` for the traces of
adding one. Each cell of `settings.cells` is one rule on one summary of one region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.auc_statistic import NULL_AUC
from arcgate.gates.core.comparisons import AS_STORED, HOSTS, WITHOUT_ARC, Compared, Comparison
from arcgate.gates.core.context import Context
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Arrays, Judgement
from arcgate.gates.core.planted_leak import SKY, Features, Measure, Sized
from arcgate.gates.core.result import RAW, left_out_by
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.core.words import Words, sized
from arcgate.gates.features import summaries
from arcgate.gates.features.summaries import Region, Summary
from arcgate.ground.draws import uniform
from arcgate.variant import Cell, Gates, View

_PREFIX: Final = "two_sample_"
_WHERE: Final[dict[Region, str]] = {"core": "the core", "annulus": "the annulus", "border": "the border", "stamp": "the stamp"}
_WHAT: Final[dict[Summary, str]] = {
    "pca": "pixels",
    "radial": "radial profile",
    "power": "power spectrum",
    "lsb": "stored bits (zeros, duplicates, rounding)",
}
_RULES: Final = {"ridge": "linear rule", "trees": "boosted trees"}


@dataclass(frozen=True)
class Summarised:
    """Features of a cell: a summary of a region."""

    region: Region
    summary: Summary

    def __call__(self, shard: Shard, stamps: Stamps) -> Features:
        """Vectors (n, k) in which the summary's leak can be planted."""
        return shard.once(_vectors, stamps, self.region, self.summary)


def _spectra(shard: Shard, stamps: Stamps, region: Region) -> summaries.Spectra:
    return summaries.spectra(stamps.in_sky, region, shard.context.regions)


def _vectors(shard: Shard, stamps: Stamps, region: Region, summary: Summary) -> Features:
    if summary == "power":
        return summaries.power(shard.once(_spectra, stamps, region), region, shard.context.regions)
    return summaries.vectors(stamps, region, summary, shard.context.regions)


@dataclass(frozen=True, kw_only=True)
class SummaryLeak(Sized):
    """The leak that a summary must show: light, noise, or rounding of some stamps to half precision."""

    region: Region
    summary: Summary

    def extract(self, shard: Shard, compared: Compared, measure: Measure, settings: Gates) -> dict[str, Features]:
        """What the summary needs to plant it, and a uniform deviate of each row."""
        stamps, regions = compared.null_subject, shard.context.regions
        if self.summary == "power":
            needs = summaries.added_power(stamps, shard.once(_spectra, stamps, self.region), self.region, regions)
        else:
            needs = summaries.leak_of(stamps, self.region, self.summary, regions)
        drawn = uniform(settings.seed, "two-sample share", stamps.pair)
        return {"needs": needs, "drawn": drawn.astype(np.float32)}

    def planted(self, kept: Mapping[str, Features], bare: Features, size: float) -> Features:
        """Vectors with the leak in them."""
        return summaries.planted(bare, kept["needs"], self.region, self.summary, size, kept["drawn"])


def leak_of(cell: Cell) -> SummaryLeak:
    """The leak that a cell must detect, at the largest of its sizes at least."""
    region, summary = cell.region, cell.summary
    if summary == "power":
        name, unit, sizes = "noise added of", "of the sky's variance", (0.02, 0.05, 0.1, 0.2, 0.5)
        return SummaryLeak(name, unit, sizes, region=region, summary=summary)
    if summary == "lsb":
        name, unit, shares = "rounding to half precision", "of the stamps", (0.05, 0.1, 0.25, 0.5, 1.0)
        return SummaryLeak(name, unit, shares, region=region, summary=summary)
    name = "light added at r < {regions.core_pix:.3g} px of" if region == "core" else "light added everywhere of"
    return SummaryLeak(name, SKY, region=region, summary=summary)


def _look(cell: Cell) -> Look:
    stored = cell.summary == "lsb"
    return Look(
        RAW,
        Summarised(cell.region, cell.summary),
        (leak_of(cell),),
        f"{_WHERE[cell.region]} differs between the classes in its {_WHAT[cell.summary]}",
        name=f"{_PREFIX}{cell.region}_{cell.summary}_{cell.probe}",
        rule=cell.probe,
        components=cell.summary == "pca",
        transform=partial(summaries.features, summary=cell.summary),
        comparison=AS_STORED if stored else None,
    )


def _missing(facts: Facts) -> str:
    if facts.declared or facts.has_null:
        return ""
    return "the arcs of these positives are not declared, so that they cannot be taken away"


WITHOUT_ARCS: Final = Comparison(
    "without_arcs",
    "positives without their declared arcs, or else null rows, against controls",
    _missing,
    lambda shard: (WITHOUT_ARC if shard.context.facts.declared else HOSTS).of(shard),
)


@dataclass(frozen=True, kw_only=True)
class TwoSample(AucGate):
    """One look a cell of the settings."""

    def looks_at(self, settings: Gates) -> tuple[Look, ...]:
        """One a cell."""
        return tuple(_look(cell) for cell in settings.cells)

    def needed(self, facts: Facts, view: View, settings: Gates) -> list[str]:
        """Every cell; without any, what they are for is needed all the same."""
        return super().needed(facts, view, settings) or [f"{self.name}/{self.view}"]

    def words(self, result: str) -> Words:
        """A cell by its parts."""
        cells = {
            f"{_PREFIX}{region}_{summary}_{rule}": f"{self.title}: {region} {what.split(' (')[0]}, {said}"
            for region in _WHERE
            for summary, what in _WHAT.items()
            for rule, said in _RULES.items()
        }
        title = cells.get(result, self.title)
        return Words(self.section, title, self.asks, self.failing, self.advice)

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """A result a cell, and their figure."""
        judgement = super().judge(arrays, context)
        if not context.settings.cells:
            judgement.results.append(self.result_of("not_run", left_out_by("gates.cells")))
        judgement.exhibits.extend(_exhibits(judgement, context))
        return judgement


def _exhibits(judgement: Judgement, context: Context) -> list[Exhibit]:
    """The AUC of every cell with its interval, and the smallest leak that each detects."""
    shown = [result for result in judgement.results if result.value is not None]
    if not shown:
        return []
    margin, names = context.settings.margin, [result.name.removeprefix(_PREFIX) for result in shown]
    bars = {
        "labels": names,
        "y_label": "AUC",
        "series": [
            {
                "label": "positives without arcs against controls",
                "values": [result.value for result in shown],
                "low": [result.low for result in shown],
                "high": [result.high for result in shown],
            }
        ],
        "marks": [{"label": f"margin {side:g}", "y": side} for side in (NULL_AUC - margin, NULL_AUC + margin)],
    }
    leaks = {curve.gate: curve for curve in judgement.curves}
    rows = [
        [name, result.status, "none" if leak.detected is None else sized(leak.detected, leak.unit), leak.leak.removesuffix(" of")]
        for name, result in zip(names, shown, strict=True)
        for leak in [leaks[result.name]]
    ]
    caption = "Each bar is one rule on one summary of one region. A sound data set keeps every interval between the two lines."
    detected = "The smallest planted leak that each cell fails in about 9 of 10 data sets like this one."
    columns = ["cell", "status", "smallest leak detected", "leak"]
    return [
        Exhibit("two_sample", "Two-sample battery", caption, "bars", bars),
        Exhibit("two_sample_leaks", "What the battery detects", detected, "table", {"columns": columns, "rows": rows}),
    ]


GATE: Final = TwoSample(
    name="two_sample",
    comparison=WITHOUT_ARCS,
    section="two_sample",
    title="General difference",
    asks="Can a general classifier tell the classes apart without arcs?",
    failing="the classes differ in something that is not an arc; the region and the summary say where to look",
    advice="Compare stamps without their arcs and controls in the region and the summary that the cell names.",
    requires="no cell of the two-sample battery tells the classes apart",
)
