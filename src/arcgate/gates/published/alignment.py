"""Whether stamps lie where their controls do: by phase correlation as published, and by two methods that see parts of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Pixels
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.published.clustering import NotEstimableError, clustered_mean, slope_on
from arcgate.gates.published.gathering import Diagnostic, attempted, galaxies, identities, not_run, stated
from arcgate.gates.published.light import BAND, own_controls
from arcgate.gates.published.shifts import Array, Images, centroid, gradient_shift, phase_correlation, shifted
from arcgate.gates.result import GateResult
from arcgate.gates.statistics import Interval
from arcgate.gates.subset import drawn

AXES: Final = ("x", "y")
PLANTED_PIX: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 1.0, 2.0)
# About as many pairs get planted shifts: four times those that the published study looked at.
PLANTED_PAIRS: Final = 200
_PAIRED_ONLY: Final = "only a galaxy's own control shows by how much its stamp is shifted"


@dataclass(frozen=True)
class _Galaxies:
    """The r-band light of positives and of their own controls.

    `bare` is the positive without its arc where that is known: the stored arc, or else the declared one, is taken away.
    """

    bare: Pixels
    arc: Pixels
    control: Pixels | None
    x: Array
    y: Array

    def take(self, rows: NDArray[np.bool_]) -> _Galaxies:
        """The rows that `rows` marks."""
        control = None if self.control is None else self.control[rows]
        return _Galaxies(self.bare[rows], self.arc[rows], control, self.x[rows], self.y[rows])

    @cached_property
    def _control_centroid(self) -> Array:
        assert self.control is not None  # asked for on pairs only
        return centroid(self.control, self.x, self.y)

    def measured(self, planted_pix: float = 0.0) -> dict[str, Array]:
        """Shift (n, 2) by each method that applies, after the cutout was moved by `planted_pix` in x and the arc added to it."""
        bare: Images = self.bare if planted_pix == 0 else shifted(self.bare, planted_pix)
        found = {"host_centroid": centroid(bare, self.x, self.y)}
        if self.control is not None:
            # On pairs the galaxy's own offset from its recorded centre drops out.
            found["host_centroid"] -= self._control_centroid
            found["phase_correlation"] = phase_correlation(bare + self.arc, self.control)
            found["pair_gradient"] = gradient_shift(bare, self.control, self.x, self.y)
        return found


METHODS: Final = {
    "phase_correlation": "whole-pixel phase correlation of stamp and control, as published",
    "host_centroid": "the galaxy's centroid against its recorded centre, stamps less controls",
    "pair_gradient": "least squares on the gradients of stamp and control",
}


class Alignment(Diagnostic):
    """Mean shift of stamps by three methods, r band, and the smallest planted shift that each of them sees."""

    def measure(self, arms: Arms) -> pd.DataFrame | None:
        """Shifts of positives and centroids of controls; planted shifts in some pairs."""
        table, seen = _positives(arms, self.facts)
        if not len(table):
            return None
        bare = seen.measured()
        numbers = _numbered(bare)
        few = drawn(table["pair_id"].to_numpy(np.int64), self.settings, PLANTED_PAIRS)
        part = seen.take(few)
        for planted in (0.0, *PLANTED_PIX):
            moved = part.measured(planted) if planted else {method: shift[few] for method, shift in bare.items()}
            for method, shift in moved.items():
                values = np.full(len(table), np.nan)
                values[few] = shift[:, 0]
                numbers[_planted_name(method, planted)] = values
        return pd.concat([table.assign(label=1.0, **numbers), self._controls(arms)], ignore_index=True)

    def _controls(self, arms: Arms) -> pd.DataFrame:
        """Centroids of controls; without pairs they are what the stamps' centroids are compared with, planted shift or not."""
        found = centroid(arms.control.image[:, BAND], arms.control.x, arms.control.y)
        numbers = _numbered({"control_centroid": found})
        if not self.facts.paired:
            numbers |= _numbered({"host_centroid": found})
            pairs = arms.control.table["pair_id"].to_numpy(np.int64)
            few = np.where(drawn(pairs, self.settings, PLANTED_PAIRS), found[:, 0], np.nan)
            numbers |= {_planted_name("host_centroid", planted): few for planted in (0.0, *PLANTED_PIX)}
        return identities(arms.control).assign(label=0.0, **numbers)

    def judge(self) -> list[GateResult]:
        """Shifts of each method on both axes, the controls' own offsets, and the sensitivities."""
        results = []
        for axis in AXES:
            for method, words in METHODS.items():
                name = f"{method}_{axis}"
                if method != "host_centroid" and not self.facts.paired:
                    results.append(not_run(name, _PAIRED_ONLY))
                else:
                    results.append(attempted(name, partial(self._mean, name), f"{words}: mean shift in {axis}, pixels"))
            reason = f"centroid of control galaxies less their recorded centre in {axis}, pixels"
            results.append(attempted(f"control_centroid_{axis}", partial(self._mean, f"control_centroid_{axis}"), reason))
        return results + [self._sensitivity(method) for method in METHODS]

    def exhibits(self) -> list[Exhibit]:
        """Measured against planted shift for each method."""
        series: list[dict[str, Any]] = []
        for method in METHODS:
            points: dict[str, list[float]] = {"x": [], "y": [], "low": [], "high": []}
            for planted in PLANTED_PIX:
                found = self._planted(method, planted)
                if found is not None:
                    for key, value in (("x", planted), ("y", found.value), ("low", found.low), ("high", found.high)):
                        points[key].append(value)
            if points["x"]:
                series.append({"label": method.replace("_", " "), **points})
        if not series:
            return []
        ends = [PLANTED_PIX[0], PLANTED_PIX[-1]]
        series.append({"label": "as planted", "x": ends, "y": ends})
        caption = (
            "Mean shift that each method finds when cutouts are moved by a known amount. Phase correlation stays at zero below "
            "half a pixel: its published 0.0 +- 0.0 cannot exclude a smaller shift."
        )
        content = {
            "x_label": "planted shift [px]",
            "y_label": "found [px]",
            "x_log": True,
            "y_log": False,
            "series": series,
            "marks": [],
        }
        return [Exhibit("shift_sensitivity", "What shift each method sees", caption, "lines", content)]

    def _mean(self, quantity: str) -> Interval:
        """Mean over the galaxies that have the quantity; where controls have it as well, stamps less controls."""
        if not self._tables or quantity not in self._tables[0]:
            raise NotEstimableError("there are no galaxies to measure")
        rows = self.table(quantity)
        label, values = rows["label"].to_numpy(np.float64), rows[quantity].to_numpy(np.float64)
        if len(np.unique(label)) < 2:
            return clustered_mean(values, galaxies(rows), self.settings.level)
        return slope_on(label, values, galaxies(rows), self.settings.level)

    def _sensitivity(self, method: str) -> GateResult:
        """Smallest planted shift that is seen together with every larger one."""
        name = f"shift_sensitivity_{method}"
        if method != "host_centroid" and not self.facts.paired:
            return not_run(name, _PAIRED_ONLY)
        bare = self._planted(method, 0.0)
        if bare is None:
            return not_run(name, "too few galaxies in which to plant a shift")
        seen = None
        for planted in reversed(PLANTED_PIX):
            found = self._planted(method, planted)
            # Seen is what moves the mean by more than half of its interval, whatever the bare stamps' own shift.
            if found is None or found.value - bare.value <= max(found.high - found.value, 1e-6):
                break
            seen = planted
        what = f"smallest planted shift in pixels that is seen: {METHODS[method]}"
        if seen is None:
            return stated(
                name, None, bare.n, bare.n_groups, f"no planted shift up to {PLANTED_PIX[-1]:g} px is seen: {METHODS[method]}"
            )
        return stated(name, seen, bare.n, bare.n_groups, what)

    def _planted(self, method: str, planted: float) -> Interval | None:
        """Mean shift found after planting; None where it cannot be stated."""
        try:
            return self._mean(_planted_name(method, planted))
        except NotEstimableError:
            return None


def _planted_name(method: str, planted_pix: float) -> str:
    return f"{method}_planted_{planted_pix:g}"


def _positives(arms: Arms, facts: Facts) -> tuple[pd.DataFrame, _Galaxies]:
    """Positives with their own controls on pairs, all positives otherwise."""
    rows, own = own_controls(arms) if facts.paired else (np.arange(len(arms.stamp.table)), np.arange(0))
    stamp = arms.stamp.image[rows, BAND]
    # What is stored as the arc is taken away as it was added. Where a pair's difference stands for it, that would make the stamp
    # its own control: the declared arc serves there.
    arc = np.zeros_like(stamp)
    if facts.has_arc and arms.arc is not None:
        arc = arms.arc[rows, BAND]
    elif arms.declared is not None:
        arc = arms.declared[rows, BAND]
    control = arms.control.image[own, BAND] if facts.paired else None
    table = identities(arms.stamp).iloc[rows].reset_index(drop=True)
    return table, _Galaxies(stamp - arc, arc, control, arms.stamp.x[rows], arms.stamp.y[rows])


def _numbered(found: dict[str, Array]) -> dict[str, Array]:
    return {f"{method}_{axis}": shift[:, i] for method, shift in found.items() for i, axis in enumerate(AXES)}
