"""Whether stamps lie where their controls do: by phase correlation as published, and by two methods that see parts of pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Kept
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels
from arcgate.gates.published.clustering import NotEstimableError, clustered_mean, slope_on
from arcgate.gates.published.gathering import Diagnostic, attempted, galaxies, identities, not_run, stated
from arcgate.gates.published.light import own_controls, reference
from arcgate.gates.published.shifts import Array, Images, centroid, gradient_shift, phase_correlation, shifted
from arcgate.ground.statistics import Interval

AXES: Final = ("x", "y")
PLANTED_PIX: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 1.0, 2.0)
# About as many pairs get planted shifts: four times those that the published study looked at.
PLANTED_PAIRS: Final = 200
_FEW: Final = "few"
_PAIRED_ONLY: Final = "only a galaxy's own control shows by how much its stamp is shifted"


@dataclass(frozen=True)
class _Galaxies:
    """The light of positives and of their own controls in the reference band.

    `bare` is the positive without its arc where that is known: the stored arc, or else the declared one, is taken away.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ("bare", "arc", "control", "x", "y")

    bare: Pixels
    arc: Pixels
    control: Pixels | None
    x: Array
    y: Array
    pixel_scale_arcsec: float

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept of a shard."""
        return {name: light for name in self.ARRAYS if (light := getattr(self, name)) is not None}

    def take(self, rows: NDArray[np.bool_]) -> _Galaxies:
        """The rows that `rows` marks."""
        control = None if self.control is None else self.control[rows]
        return replace(self, bare=self.bare[rows], arc=self.arc[rows], control=control, x=self.x[rows], y=self.y[rows])

    @cached_property
    def _control_centroid(self) -> Array:
        assert self.control is not None  # asked for on pairs only
        return self._centroid(self.control)

    def _centroid(self, image: Images) -> Array:
        return centroid(image, self.x, self.y, self.pixel_scale_arcsec)

    def measured(self, planted_pix: float = 0.0) -> dict[str, Array]:
        """Shift (n, 2) by each method that applies, after the cutout was moved by `planted_pix` in x and the arc added to it."""
        bare: Images = self.bare if planted_pix == 0 else shifted(self.bare, planted_pix)
        found = {"host_centroid": self._centroid(bare)}
        if self.control is not None:
            # On pairs the galaxy's own offset from its recorded centre drops out.
            found["host_centroid"] -= self._control_centroid
            found["phase_correlation"] = phase_correlation(bare + self.arc, self.control)
            found["pair_gradient"] = gradient_shift(bare, self.control, self.x, self.y, self.pixel_scale_arcsec)
        return found


METHODS: Final = {
    "phase_correlation": "whole-pixel phase correlation of stamp and control, as published",
    "host_centroid": "the galaxy's centroid against its recorded centre, stamps less controls",
    "pair_gradient": "least squares on the gradients of stamp and control",
}


class Alignment(Diagnostic):
    """Mean shift of stamps by three methods, in the reference band, and the smallest planted shift that each of them sees."""

    _moved: pd.DataFrame

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """One shard's numbers, and the light of the pairs in which shifts will be planted."""
        kept = super().extract(shard)
        table, seen = _positives(shard, self.facts)
        few = self.context.drawn(table["pair_id"].to_numpy(np.int64), PLANTED_PAIRS)
        if few.any():
            kept |= {_FEW: table[few]} | {f"{_FEW}/{name}": light for name, light in seen.take(few).arrays().items()}
        return kept

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Shifts of positives and centroids of controls; without pairs these are what the stamps' centroids are compared with."""
        table, seen = _positives(shard, self.facts)
        light = shard.control.image[:, reference(self.facts.imaging)]
        found = centroid(light, shard.control.x, shard.control.y, self.facts.imaging.pixel_scale_arcsec)
        numbers = _numbered({"control_centroid": found} | ({} if self.facts.paired else {"host_centroid": found}))
        parts = [
            table.assign(label=1.0, **_numbered(seen.measured())),
            identities(shard.control).assign(label=0.0, **numbers),
        ]
        return pd.concat([part for part in parts if len(part)], ignore_index=True) if any(map(len, parts)) else None

    def judge(self) -> list[GateResult]:
        """Shifts of each method on both axes, the controls' own offsets, and the sensitivities."""
        rows, results = self.rows, []
        self._moved = self._with_planted(rows)
        for axis in AXES:
            for method, words in METHODS.items():
                name = f"{method}_{axis}"
                if method != "host_centroid" and not self.facts.paired:
                    results.append(not_run(name, _PAIRED_ONLY))
                else:
                    results.append(attempted(name, partial(self._mean, rows, name), f"{words}: mean shift in {axis}, pixels"))
            reason = f"centroid of control galaxies less their recorded centre in {axis}, pixels"
            results.append(attempted(f"control_centroid_{axis}", partial(self._mean, rows, f"control_centroid_{axis}"), reason))
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

    def _with_planted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Shift in x of the chosen positives for each planted one; without pairs also the centroids of their pairs' controls."""
        if _FEW not in self.arrays:
            return pd.DataFrame()
        kept: dict[str, Any] = {name: self.arrays.get(f"{_FEW}/{name}") for name in _Galaxies.ARRAYS}
        light = _Galaxies(**kept, pixel_scale_arcsec=self.facts.imaging.pixel_scale_arcsec)
        found = {planted: light.measured(planted) for planted in (0.0, *PLANTED_PIX)}
        moved: pd.DataFrame = self.arrays[_FEW].assign(label=1.0)
        for planted, shifts in found.items():
            moved = moved.assign(**{_planted_name(method, planted): shift[:, 0] for method, shift in shifts.items()})
        if self.facts.paired:
            return moved
        few = self.context.drawn(rows["pair_id"].to_numpy(np.int64), PLANTED_PAIRS) & (rows["label"] == 0.0).to_numpy()
        controls = rows.loc[few, ["host_id", "pair_id", "label"]]
        still = {_planted_name("host_centroid", planted): rows.loc[few, "host_centroid_x"] for planted in found}
        both: pd.DataFrame = pd.concat([moved, controls.assign(**still)], ignore_index=True)
        return both

    def _mean(self, rows: pd.DataFrame, quantity: str) -> Interval:
        """Mean over the galaxies that have the quantity; where controls have it as well, stamps less controls."""
        if quantity not in rows:
            raise NotEstimableError("there are no galaxies to measure")
        rows = rows[np.isfinite(rows[quantity].to_numpy(np.float64))]
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
            return self._mean(self._moved, _planted_name(method, planted))
        except NotEstimableError:
            return None


def _planted_name(method: str, planted_pix: float) -> str:
    return f"{method}_planted_{planted_pix:g}"


def _positives(shard: Shard, facts: Facts) -> tuple[pd.DataFrame, _Galaxies]:
    """Positives with their own controls on pairs, all positives otherwise."""
    rows, own = own_controls(shard) if facts.paired else (np.arange(len(shard.positive.table)), np.arange(0))
    band = reference(facts.imaging)
    stamp = shard.positive.image[rows, band]
    # What is stored as the arc is taken away as it was added. Where a pair's difference stands for it, that would make the stamp
    # its own control: the declared arc serves there.
    arc = np.zeros_like(stamp)
    if facts.has_arc and shard.arc is not None:
        arc = shard.arc[rows, band]
    elif shard.declared is not None:
        arc = shard.declared[rows, band]
    control = shard.control.image[own, band] if facts.paired else None
    table = identities(shard.positive).iloc[rows].reset_index(drop=True)
    x, y = shard.positive.x[rows], shard.positive.y[rows]
    return table, _Galaxies(stamp - arc, arc, control, x, y, facts.imaging.pixel_scale_arcsec)


def _numbered(found: dict[str, Array]) -> dict[str, Array]:
    return {f"{method}_{axis}": shift[:, i] for method, shift in found.items() for i, axis in enumerate(AXES)}
