"""Are the stored arcs those that other people's code makes of what their rows declare?

The reference reads what rows declare and is multiplied with the declared core mask. An arc that was convolved with another PSF
than the galaxy's fails: that is what the gate is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import CountStatistic, Noticed
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import RAW
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels
from arcgate.ground.errors import ArcgateError
from arcgate.ground.statistics import Interval
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.injection.inject import core_mask
from arcgate.variant import Gates

Array = NDArray[np.float64]

# Share of the band's peak. The renderer stays within 0.1 % of the reference, and the reference within 0.1 % of the truth (0.3 %
# at the cusps of n = 4 sources), so that 0.5 % is no error of either; a PSF 3 % too wide is off by 3 to 5 %.
MARGIN: Final = 0.005
WIDER_BY: Final = 0.03
# Photon noise of an arc: a difference counts beyond what it scatters by this many standard deviations.
_SIGMAS: Final = 4.0


@dataclass(frozen=True, kw_only=True)
class Reference(StatedGate):
    """Renders `settings.reference_rows` positives, chosen by hash, with other people's code."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Differences of the chosen rows, per band, and what a wider PSF would make of them."""
        context = shard.context
        if _why_not(context.facts, context.settings) or shard.arc is None:
            return {}
        chosen = np.isin(shard.positive.pair, context.first("reference", context.settings.reference_rows))
        kept: dict[str, list[Any]] = {"sample": [], "difference": [], "wider": [], "unable": []}
        for place in np.flatnonzero(chosen):
            row = cast("dict[str, Any]", shard.positive.table.iloc[place].to_dict())
            try:
                difference, wider = _compared(row, shard.arc[place], context.facts)
            except ArcgateError as error:
                kept["unable"].append(str(error))
                continue
            kept["sample"].append(int(row["sample_id"]))
            kept["difference"].append(difference)
            kept["wider"].append(wider)
        return {name: np.array(values) for name, values in kept.items() if values}

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The largest difference of a pixel as a share of its band's peak, over rows and bands."""
        stated = Statement(self.name, RAW, 0.0, MARGIN, "in these arcs")
        reason = _why_not(context.facts, context.settings)
        if not reason and "unable" in arrays:
            reason = f"the reference cannot render what is declared: {arrays['unable'][0]}"
        if not reason and "difference" not in arrays:
            reason = "no arcs are stored"
        if reason:
            return Judgement([not_run(stated, reason)], [], [])
        found, wider, bands = arrays["difference"], arrays["wider"], context.facts.imaging.bands
        row, band = np.unravel_index(int(found.argmax()), found.shape)
        value, n = float(found.max()), len(found)
        size = f"{100 * value:.2g} % of the peak (sample {arrays['sample'][row]}, band {bands[band]})"
        if value > MARGIN:
            shown = Outcome("leak", f"stored arcs differ from the arcs that their rows declare by up to {size}")
        else:
            shown = Outcome("no leak", f"{n} arcs are those that an independent renderer makes of their rows, within {size}")
        planted = {"a PSF too wide by": Noticed(bool(wider.max() > MARGIN), WIDER_BY, WIDER_BY, "of the PSF's width")}
        evaluated = evaluate(stated, CountStatistic(self.name, RAW, Interval(value, value, value, n, n), shown, planted))
        return Judgement([evaluated.result], [_exhibit(arrays, bands)], list(evaluated.curves))


def _why_not(facts: Facts, settings: Gates) -> str:
    if not settings.reference_rows:
        return "no rows are asked for (gates.reference_rows = 0)"
    return "" if facts.declared else "lens, source and PSF of the rows are not declared, so that no arc can be predicted"


def _exhibit(arrays: Arrays, bands: tuple[str, ...]) -> Exhibit:
    """A row of the table for each arc."""
    columns = ["sample", *[f"{band}: stored, %" for band in bands], *[f"{band}: PSF 3 % too wide, %" for band in bands]]
    rows = [
        [int(sample), *[round(100 * float(value), 3) for value in [*difference, *wider]]]
        for sample, difference, wider in zip(arrays["sample"], arrays["difference"], arrays["wider"], strict=True)
    ]
    caption = (
        f"Largest difference of a pixel from the reference in % of the band's peak; margin {100 * MARGIN:g} %. On the right "
        "the same arcs with a PSF that is 3 % too wide, which must exceed the margin."
    )
    return Exhibit("reference", "Arcs against the independent reference", caption, "table", {"columns": columns, "rows": rows})


def _compared(row: dict[str, Any], arc: Pixels, facts: Facts) -> tuple[list[float], list[float]]:
    """Per band the difference of the stored arc and of one with a wider PSF."""
    # lenstronomy takes a second to import: not where no row is compared.
    from arcgate.gates.features.reference_arc import reference_arc

    table, imaging, references = pd.DataFrame([row]), facts.imaging, facts.references
    mask = core_mask(table, imaging)[0].astype(np.float64)
    expected = reference_arc(row, imaging, references=references)
    variance = np.zeros_like(expected)
    if row.get("arc_noise") == "poisson":
        gain = np.array([float(row[f"gain_{band}"]) for band in imaging.bands])[:, None, None]
        variance = mask**2 * np.maximum(expected, 0.0) / gain
    wide = [tuple(psf.stretched(1.0 + WIDER_BY) for psf in psfs) for psfs in declared_psfs(table, imaging, references)]
    wider = render_arcs(table, wide, imaging, references)[0][0]
    found = _difference(arc - expected * mask, expected, variance)
    # The wider arc carries no noise of its own; what noise would hide is still taken off.
    seen = _difference((wider - expected) * mask, expected, variance, own_noise=False)
    return found.tolist(), seen.tolist()


def _difference(residual: Array, expected: Array, variance: Array, own_noise: bool = True) -> Array:
    """Per band: the largest residual in the share of the peak; with photon noise the root of the excess over its variance.

    With noise single pixels say nothing at 0.5 %. The sum of squares has the mean sum(variance) and the standard deviation
    sqrt(2 sum(variance^2)); what exceeds both counts, relative to the sum of squares of the arc.
    """
    if not variance.any():
        largest: Array = np.abs(residual).max(axis=(1, 2)) / expected.max(axis=(1, 2))
        return largest
    noise = variance.sum(axis=(1, 2)) if own_noise else 0.0
    scatter = _SIGMAS * np.sqrt(2.0 * np.square(variance).sum(axis=(1, 2)))
    excess = np.square(residual).sum(axis=(1, 2)) - noise - scatter
    relative: Array = np.sqrt(np.maximum(excess, 0.0) / np.square(expected).sum(axis=(1, 2)))
    return relative


GATE: Final = Reference(
    name="reference",
    section="reference",
    title="Against the reference",
    asks="Are the arcs those of their declared parameters?",
    failing="the arcs are not those of the declared lenses, sources and PSFs",
    advice="Check units and conventions of the columns that declare lens, source and PSF against the renderer's.",
    compares="stored arcs against those of an independent renderer",
    plants="a PSF 3 % too wide",
)
