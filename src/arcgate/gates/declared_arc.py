"""Gate on every row: what was added, stamp minus its own galaxy or the stored arc, against the arc that the row declares."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Pixels, Stamps, matched
from arcgate.gates.canaries import SKY
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.reference_gate import MARGIN
from arcgate.gates.result import RAW, GateResult, Status
from arcgate.gates.rounding import rounding_of
from arcgate.imaging import Imaging
from arcgate.variant import MUST_HEAR_SKY_SIGMA, Gates
from arcgate.views.view import Viewer

Array = NDArray[np.float64]

# What the renderer is accurate to, as a share of the band's peak: what lies within is no finding.
ACCURACY: Final = 1e-3
# Rows that are off by as much as the gate `reference` fails, in so many galaxies, fail this one too. Fewer leave it undetermined:
# they teach a network little, and a row may have been written wrong.
FAILING_GALAXIES: Final = 15
# Probability that photon noise alone takes any pixel of a data set beyond what is tolerated.
_BY_CHANCE: Final = 1e-3
_HEARD_SHARE: Final = 0.9
_SHOWN: Final = 5


@dataclass
class DeclaredArcs:
    """Compares every row of sets that declare their arcs, pixel by pixel and in the mean of each band.

    What was added is stamp minus control on pairs, and the stored arc where controls are other galaxies. That control plus stored
    arc is the stamp says nothing here: whatever happened to a stamp may have been stored as its arc.

    Tolerated are, in a pixel, `ACCURACY` of the band's peak; in the mean `ACCURACY` of the root mean square of the band's arc,
    since the mean of an error is at most its root mean square; the rounding of the file, a few units in the last place of the
    brightest pixel; and photon noise where it is declared. Of a Poisson variable with mean m, P(|X - m| > t) is at most
    2 exp(-t^2 / (2 (m + t / 3))) (Bernstein), so that sqrt(2 m L) + 2 L / 3 electrons are exceeded with probability 2 exp(-L).
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _rows: list[pd.DataFrame] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Compare one shard's rows."""
        if self._why_not() or arms.residual is None or arms.declared is None or arms.stamp.table.empty:
            return
        if self.facts.paired:
            rows, places = matched(arms.stamp, arms.control)
            control = arms.control.image[places]
            stamp, declared, left = arms.stamp.take(rows), arms.declared[rows], arms.residual.image[rows] - control
        else:
            assert arms.arc is not None  # `_why_not` asked
            stamp, declared = arms.stamp, arms.declared
            control, left = stamp.image - arms.arc, arms.arc - declared
        if len(left):
            self._rows.append(self._compared(left, stamp, declared, control))

    def merge(self, other: Self) -> None:
        """Append a later shard's rows."""
        self._rows += other._rows

    def judge(self) -> list[GateResult]:
        """The share of rows that are not their declared arc."""
        reason = self._why_not() or ("" if self._rows else "no rows")
        if reason:
            return [_result(None, None, 0, 0, "not_run", reason)]
        rows = pd.concat(self._rows, ignore_index=True)
        off, wrong = rows[rows["excess"] > 0.0], rows[rows["wrong"]]
        heard = float(rows["heard"].mean())
        named = f"{len(off)} of {len(rows)} rows are not their declared arc: {self._named(off)}"
        tolerated = f"{100 * ACCURACY:g} % of the arc's peak, rounding and declared photon noise are tolerated"
        status: Status
        if wrong["host_id"].nunique() >= FAILING_GALAXIES:
            status, reason = "failed", named
        elif len(off):
            status, reason = "undetermined", named
        elif heard < _HEARD_SHARE:
            missed = f"a pedestal of {MUST_HEAR_SKY_SIGMA:g} {SKY} in one row"
            status, reason = "blind", f"{missed} goes unnoticed in {100 * (1 - heard):.0f} % of the rows"
        else:
            status, reason = "passed", f"each of {len(rows)} rows is its declared arc"
        pedestal, pixel = (float(rows[name].quantile(_HEARD_SHARE)) for name in ("pedestal", "pixel"))
        reason += (
            f"; {tolerated}; noticed in 9 of 10 rows by itself: a pedestal of {pedestal:.2g}, one pixel of {pixel:.2g} sky sigma"
        )
        return [_result(len(off) / len(rows), pedestal, len(rows), rows["host_id"].nunique(), status, reason)]

    def exhibits(self) -> list[Exhibit]:
        """Nothing to draw: the rows that exceed what is tolerated are named."""
        return []

    def _why_not(self) -> str:
        if not self.facts.declared:
            return "lens, source and PSF of the rows are not declared, so that no arc can be predicted: give their columns"
        return (
            ""
            if self.facts.paired or self.facts.has_arc
            else "controls are other galaxies: give each stamp's own galaxy, or store the arcs"
        )

    def _compared(self, left: Pixels, stamp: Stamps, arc: Pixels, control: Pixels) -> pd.DataFrame:
        table, sky = stamp.table, stamp.sky[:, :, 0, 0]
        brightest = np.maximum(np.abs(stamp.image).max(axis=(2, 3)), np.abs(control).max(axis=(2, 3)))
        rounding = rounding_of(brightest.astype(np.float64), self.facts.precision)
        peak = arc.max(axis=(2, 3)).astype(np.float64)
        spread = np.sqrt(np.square(arc, dtype=np.float64).mean(axis=(2, 3)))
        beyond = np.abs(left)
        gain, noisy = self._gain(table)
        mean_noise = np.zeros_like(peak)
        if noisy.any():
            beyond[noisy] -= self._photons(arc[noisy], gain[noisy][:, :, None, None]).astype(np.float32)
            pixels = arc.shape[2] * arc.shape[3]
            mean_noise[noisy] = self._photons(arc[noisy].sum(axis=(2, 3)), gain[noisy]) / pixels
        flat = beyond.reshape(*beyond.shape[:2], -1)
        place = flat.argmax(axis=2)
        pixel = np.take_along_axis(flat, place[:, :, None], axis=2)[:, :, 0] - rounding
        shifted = left.mean(axis=(2, 3), dtype=np.float64)
        mean = np.abs(shifted) - rounding - mean_noise
        band = ((pixel - ACCURACY * peak) / sky).argmax(axis=1)
        row = np.arange(len(table))
        heard = np.abs(shifted + MUST_HEAR_SKY_SIGMA * sky) - rounding - mean_noise > ACCURACY * spread
        floor = np.where(noisy[:, None], self._photons(np.zeros_like(peak), gain), 0.0)
        return pd.DataFrame(
            {
                "host_id": table["host_id"].astype(str).to_numpy(),
                "pair_id": table["pair_id"].to_numpy(np.int64),
                "excess": (np.maximum(pixel - ACCURACY * peak, mean - ACCURACY * spread) / sky).max(axis=1),
                "wrong": ((pixel > MARGIN * peak) | (mean > MARGIN * spread)).any(axis=1),
                "band": band,
                "place": place[row, band],
                "size": flat[row, band, place[row, band]] / sky[row, band],
                "offset": (shifted / sky)[row, np.abs(shifted / sky).argmax(axis=1)],
                "heard": heard.any(axis=1),
                "pedestal": ((ACCURACY * spread + rounding + mean_noise + np.abs(shifted)) / sky).min(axis=1),
                "pixel": ((ACCURACY * peak + rounding + floor) / sky).max(axis=1),
            }
        )

    def _gain(self, table: pd.DataFrame) -> tuple[Array, NDArray[np.bool_]]:
        """Gain (n, band), and which rows carry photon noise; tables whose arcs carry none need not give the gain."""
        noisy = (table["arc_noise"] == "poisson").to_numpy()
        bands = self.facts.imaging.bands
        if not noisy.any():
            return np.ones((len(table), len(bands))), noisy
        return table[[f"gain_{band}" for band in bands]].to_numpy(np.float64), noisy

    def _photons(self, light: NDArray[np.float32] | Array, gain: Array) -> Array:
        """What photon noise of this light may add, at most, in its own unit."""
        pixels = self.settings.max_pairs * math.prod(self.facts.imaging.shape)
        rarity = np.log(2.0 * pixels / _BY_CHANCE)
        most: Array = (np.sqrt(2.0 * rarity * np.maximum(light * gain, 0.0)) + 2.0 * rarity / 3.0) / gain
        return most

    def _named(self, off: pd.DataFrame) -> str:
        first = off.nlargest(_SHOWN, "excess")
        words = [_in_words(row, self.facts.imaging) for row in first.to_dict("records")]
        more = len(off) - len(first)
        return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def _in_words(row: dict[Hashable, Any], imaging: Imaging) -> str:
    y, x = divmod(int(row["place"]), imaging.size_pix)
    where = f"{row['size']:.2g} sky sigma in {imaging.bands[row['band']]} at x {x}, y {y}, mean {row['offset']:+.2g}"
    return f"galaxy {row['host_id']} (pair {row['pair_id']}: {where})"


def _result(share: float | None, leak: float | None, n: int, groups: int, status: Status, reason: str) -> GateResult:
    return GateResult(
        "declared_arc", RAW, "overall", "gate", share, share, share, 0.0, leak, n, groups, status, reason, null=0.0, leak_unit=SKY
    )
