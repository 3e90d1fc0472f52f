"""Gate on the renderer: stored arcs against the independent reference, on a few rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Pixels
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.result import RAW, GateResult, Status
from arcgate.ground.draws import uniform
from arcgate.ground.errors import ArcgateError
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.injection.inject import core_mask
from arcgate.variant import Gates
from arcgate.views.view import Viewer

Array = NDArray[np.float64]

# Share of the band's peak. The renderer stays within 0.1 % of the reference, and the reference within 0.1 % of the truth (0.3 %
# at the cusps of n = 4 sources), so that 0.5 % is no error of either; a PSF 3 % too wide is off by 3 to 5 %.
MARGIN: Final = 0.005
WIDER: Final = 1.03
# Photon noise of an arc: a difference counts beyond what it scatters by this many standard deviations.
_SIGMAS: Final = 4.0


@dataclass
class AgainstReference:
    """Keeps `settings.reference_rows` positives, chosen by hash, and renders them with other people's code when it judges.

    The reference reads what rows declare and is multiplied with the declared core mask. An arc that was convolved with another
    PSF than the galaxy's fails: that is what the gate is for.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _rows: list[tuple[float, dict[str, Any], Pixels]] = field(default_factory=list)
    _differences: list[tuple[int, list[float], list[float]]] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Keep the arcs of one shard that come first by hash."""
        if arms.arc is None or not self.facts.declared or not self.settings.reference_rows:
            return
        drawn = uniform(self.settings.seed, "reference", arms.stamp.table["pair_id"].to_numpy(np.int64))
        for place in np.argsort(drawn, kind="stable")[: self.settings.reference_rows]:
            row = cast("dict[str, Any]", arms.stamp.table.iloc[place].to_dict())
            self._rows.append((float(drawn[place]), row, arms.arc[place].copy()))
        self._keep_first()

    def merge(self, other: Self) -> None:
        """Keep the first by hash of both."""
        self._rows += other._rows
        self._keep_first()

    def judge(self) -> list[GateResult]:
        """The largest difference of a pixel as a share of its band's peak, over rows and bands."""
        reason = self._why_not()
        if reason:
            return [_result(None, None, 0, "not_run", reason)]
        try:
            self._differences = [self._compared(row, arc) for _, row, arc in self._rows]
        except ArcgateError as error:
            return [_result(None, None, 0, "not_run", f"the reference cannot render what is declared: {error}")]
        found = np.array([difference for _, difference, _ in self._differences])
        heard = np.array([canary for _, _, canary in self._differences])
        row, band = np.unravel_index(int(found.argmax()), found.shape)
        value, n, bands = float(found.max()), len(found), self.facts.imaging.bands
        size = f"{100 * value:.2g} % of the peak (sample {self._differences[row][0]}, band {bands[band]})"
        status: Status
        if value > MARGIN:
            status, reason = "failed", f"stored arcs differ from the arcs that their rows declare by up to {size}"
        elif heard.max() <= MARGIN:
            status, reason = "blind", f"a PSF 3 % too wide went unnoticed: it changes these arcs by {100 * heard.max():.2g} %"
        else:
            status, reason = "passed", f"{n} arcs are those that an independent renderer makes of their rows, within {size}"
        return [_result(value, 0.03 if heard.max() > MARGIN else None, n, status, reason)]

    def exhibits(self) -> list[Exhibit]:
        """A row of the table for each arc."""
        if not self._differences:
            return []
        bands = self.facts.imaging.bands
        columns = ["sample", *[f"{band}: stored, %" for band in bands], *[f"{band}: PSF 3 % too wide, %" for band in bands]]
        rows = [
            [sample, *[round(100 * value, 3) for value in [*difference, *canary]]]
            for sample, difference, canary in self._differences
        ]
        caption = (
            f"Largest difference of a pixel from the reference in % of the band's peak; margin {100 * MARGIN:g} %. On the right "
            "the same arcs with a PSF that is 3 % too wide, which must exceed the margin."
        )
        content = {"columns": columns, "rows": rows}
        return [Exhibit("reference", "Arcs against the independent reference", caption, "table", content)]

    def _keep_first(self) -> None:
        self._rows = sorted(self._rows, key=lambda kept: (kept[0], kept[1]["pair_id"]))[: self.settings.reference_rows]

    def _why_not(self) -> str:
        if not self.settings.reference_rows:
            return "no rows are asked for (gates.reference_rows = 0)"
        if not self.facts.declared:
            return "lens, source and PSF of the rows are not declared, so that no arc can be predicted"
        return "" if self._rows else "no arcs are stored"

    def _compared(self, row: dict[str, Any], arc: Pixels) -> tuple[int, list[float], list[float]]:
        """Sample, and per band the difference of the stored arc and of one with a wider PSF."""
        # lenstronomy takes a second to import: not in the processes that only read shards.
        from arcgate.gates.reference import reference_arc

        table, imaging, references = pd.DataFrame([row]), self.facts.imaging, self.facts.references
        mask = core_mask(table, imaging)[0].astype(np.float64)
        expected = reference_arc(row, imaging, references=references)
        variance = np.zeros_like(expected)
        if row.get("arc_noise") == "poisson":
            gain = np.array([float(row[f"gain_{band}"]) for band in imaging.bands])[:, None, None]
            variance = mask**2 * np.maximum(expected, 0.0) / gain
        wide = [tuple(psf.stretched(WIDER) for psf in psfs) for psfs in declared_psfs(table, imaging, references)]
        wider = render_arcs(table, wide, imaging, references)[0][0]
        found = _difference(arc - expected * mask, expected, variance)
        # The wider arc carries no noise of its own; what noise would hide is still taken off.
        heard = _difference((wider - expected) * mask, expected, variance, own_noise=False)
        return int(row["sample_id"]), found.tolist(), heard.tolist()


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


def _result(value: float | None, leak: float | None, n: int, status: Status, reason: str) -> GateResult:
    return GateResult(
        "reference",
        RAW,
        "overall",
        "gate",
        value,
        value,
        value,
        MARGIN,
        leak,
        n,
        n,
        status,
        reason,
        null=0.0,
        leak_unit="of the PSF's width",
    )
