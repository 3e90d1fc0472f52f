"""On every row: is what was added, stamp minus its own galaxy or the stored arc, the arc that the row declares?

That control plus stored arc is the stamp says nothing here: whatever happened to a stamp may have been stored as its arc.

Tolerated are, in a pixel, `ACCURACY` of the band's peak; in the mean `ACCURACY` of the root mean square of the band's arc, since
the mean of an error is at most its root mean square; the rounding of the file, a few units in the last place of the brightest
pixel; and photon noise where it is declared. Of a Poisson variable with mean m, P(|X - m| > t) is at most
2 exp(-t^2 / (2 (m + t / 3))) (Bernstein), so that sqrt(2 m L) + 2 L / 3 electrons are exceeded with probability 2 exp(-L).
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.comparisons import UNDECLARED
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import CountStatistic, Noticed, exactly
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.planted_leak import SKY
from arcgate.gates.core.result import RAW
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps, matched, rows_of_array
from arcgate.gates.features.compiled_extremes import row_extremes
from arcgate.gates.features.rounding import rounding_of
from arcgate.gates.reference import MARGIN
from arcgate.imaging import Imaging
from arcgate.variant import REQUIRED_SKY_SIGMA

Array = NDArray[np.float64]

# What the renderer is accurate to, as a share of the band's peak: what lies within is no finding.
ACCURACY: Final = 1e-3
# Rows that are off by as much as the gate `reference` fails, in so many galaxies, fail this one too. Fewer leave it undetermined:
# they teach a network little, and a row may have been written wrong.
FAILING_GALAXIES: Final = 15
# Probability that photon noise alone takes any pixel of a data set beyond what is tolerated.
_BY_CHANCE: Final = 1e-3
_DETECTED_SHARE: Final = 0.9
_SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True)
class DeclaredArc(StatedGate):
    """Compares every row of sets that declare their arcs, pixel by pixel and in the mean of each band.

    What was added is stamp minus control on pairs, and the stored arc where controls are other galaxies.
    """

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """How far each row is from its declared arc."""
        facts = shard.context.facts
        if _why_not(facts) or shard.declared is None or not len(shard.positive):
            return {}
        stamp, declared = shard.positive, shard.declared
        if facts.paired:
            rows, places = matched(stamp, shard.control)
            control = shard.control.take(places).image
            stamp, declared = stamp.take(rows), rows_of_array(declared, rows)
            left = (stamp.image - declared) - control
        else:
            assert shard.arc is not None  # `_why_not` asked
            control, left = stamp.image - shard.arc, shard.arc - declared
        return {"rows": _compared(left, stamp, declared, control, shard.context)} if len(left) else {}

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of rows that are not their declared arc."""
        stated = Statement(self.name, RAW, 0.0, 0.0, "in 9 of 10 rows by itself")
        reason = _why_not(context.facts) or ("" if "rows" in arrays else "no rows")
        if reason:
            return Judgement([not_run(stated, reason)], [], [])
        found = evaluate(stated, _statistic(self.name, arrays["rows"], context.facts.imaging))
        return Judgement([found.result], [], list(found.curves))


def _why_not(facts: Facts) -> str:
    if not facts.declared:
        return UNDECLARED
    return "" if facts.paired or facts.has_arc else "controls are other galaxies: give each stamp's own galaxy, or store the arcs"


def _statistic(name: str, rows: pd.DataFrame, imaging: Imaging) -> CountStatistic:
    """The share of rows that are off; a pedestal in one row is noticed, or goes unnoticed in too many of them."""
    off, wrong = rows[rows["excess"] > 0.0], rows[rows["wrong"]]
    value = exactly(len(off) / len(rows), len(rows), rows["host_id"].nunique())
    tolerated = f"; {100 * ACCURACY:g} % of the arc's peak, rounding and declared photon noise are tolerated"
    if len(off):
        shows: Literal["leak", "nothing"] = "leak" if wrong["host_id"].nunique() >= FAILING_GALAXIES else "nothing"
        # A row that is off is shown to be, whatever else might go unnoticed.
        named = f"{len(off)} of {len(rows)} rows are not their declared arc: {_named(off, imaging)}"
        shown = Outcome(shows, named + tolerated, final=True)
    else:
        shown = Outcome("no leak", f"each of {len(rows)} rows is its declared arc{tolerated}")
    pedestal, pixel = (float(rows[name].quantile(_DETECTED_SHARE)) for name in ("pedestal", "pixel"))
    noticed = float(rows["detected"].mean()) >= _DETECTED_SHARE
    planted = {
        "a pedestal of": Noticed(noticed, min(pedestal, REQUIRED_SKY_SIGMA), REQUIRED_SKY_SIGMA, SKY),
        "one pixel of": Noticed(True, pixel, pixel, "sky sigma"),
    }
    return CountStatistic(name, RAW, value, shown, planted)


def _compared(left: Pixels, stamp: Stamps, arc: Pixels, control: Pixels, context: Context) -> pd.DataFrame:
    table, sky = stamp.table, stamp.sky[:, :, 0, 0]
    n, bands = arc.shape[:2]
    flat = [np.ascontiguousarray(light).reshape(n, bands, -1) for light in (stamp.image, control, arc, left)]
    values, place = row_extremes(*flat)
    brightest, peak, square, most, shifted = np.moveaxis(values, 2, 0)
    rounding, spread = rounding_of(brightest, context.facts.precision), np.sqrt(square)
    gain, noisy = _gain(table, context.facts.imaging)
    mean_noise = np.zeros_like(peak)
    if noisy.any():
        beyond = np.abs(left[noisy]) - _photons(context, arc[noisy], gain[noisy][:, :, None, None]).astype(np.float32)
        beyond = beyond.reshape(*beyond.shape[:2], -1)
        place[noisy] = beyond.argmax(axis=2)
        most[noisy] = np.take_along_axis(beyond, place[noisy][:, :, None], axis=2)[:, :, 0]
        mean_noise[noisy] = _photons(context, arc[noisy].sum(axis=(2, 3)), gain[noisy]) / flat[0].shape[2]
    pixel = most - rounding
    mean = np.abs(shifted) - rounding - mean_noise
    band = ((pixel - ACCURACY * peak) / sky).argmax(axis=1)
    row = np.arange(len(table))
    detected = np.abs(shifted + REQUIRED_SKY_SIGMA * sky) - rounding - mean_noise > ACCURACY * spread
    floor = np.where(noisy[:, None], _photons(context, np.zeros_like(peak), gain), 0.0)
    return pd.DataFrame(
        {
            "host_id": table["host_id"].astype(str).to_numpy(),
            "pair_id": table["pair_id"].to_numpy(np.int64),
            "excess": (np.maximum(pixel - ACCURACY * peak, mean - ACCURACY * spread) / sky).max(axis=1),
            "wrong": ((pixel > MARGIN * peak) | (mean > MARGIN * spread)).any(axis=1),
            "band": band,
            "place": place[row, band],
            "size": most[row, band] / sky[row, band],
            "offset": (shifted / sky)[row, np.abs(shifted / sky).argmax(axis=1)],
            "detected": detected.any(axis=1),
            "pedestal": ((ACCURACY * spread + rounding + mean_noise + np.abs(shifted)) / sky).min(axis=1),
            "pixel": ((ACCURACY * peak + rounding + floor) / sky).max(axis=1),
        }
    )


def _gain(table: pd.DataFrame, imaging: Imaging) -> tuple[Array, NDArray[np.bool_]]:
    """Gain (n, band), and which rows carry photon noise; tables whose arcs carry none need not give the gain."""
    noisy = (table["arc_noise"] == "poisson").to_numpy()
    bands = imaging.bands
    if not noisy.any():
        return np.ones((len(table), len(bands))), noisy
    return table[[f"gain_{band}" for band in bands]].to_numpy(np.float64), noisy


def _photons(context: Context, light: NDArray[np.float32] | Array, gain: Array) -> Array:
    """What photon noise of this light may add, at most, in its own unit."""
    pixels = len(context.pairs) * math.prod(context.facts.imaging.shape)
    rarity = np.log(2.0 * pixels / _BY_CHANCE)
    most: Array = (np.sqrt(2.0 * rarity * np.maximum(light * gain, 0.0)) + 2.0 * rarity / 3.0) / gain
    return most


def _named(off: pd.DataFrame, imaging: Imaging) -> str:
    first = off.nlargest(_SHOWN, "excess")
    words = [_in_words(row, imaging) for row in first.to_dict("records")]
    more = len(off) - len(first)
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def _in_words(row: dict[Hashable, Any], imaging: Imaging) -> str:
    y, x = divmod(int(row["place"]), imaging.size_pix)
    where = f"{row['size']:.2g} sky sigma in {imaging.bands[row['band']]} at x {x}, y {y}, mean {row['offset']:+.2g}"
    return f"galaxy {row['host_id']} (pair {row['pair_id']}: {where})"


GATE: Final = DeclaredArc(
    name="declared_arc",
    section="identity",
    title="Every row against its declared arc",
    asks="Is each stamp its galaxy plus the declared arc?",
    failing="stamps hold something besides their galaxies and their declared arcs",
    advice="Open the rows that the reason names, and compare stamp minus galaxy with the arc that their columns declare.",
    requires="what was added is the declared arc in every row",
    compares="what was added against the declared arc, row by row",
    plants="a pedestal of 0.1 sky sigma a pixel in one row, in 9 of 10 rows",
)
