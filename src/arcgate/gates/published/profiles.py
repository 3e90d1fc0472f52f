"""Radial profiles of stamps, controls and their difference, and the mean light of their cores."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, PIXEL_SCALE_ARCSEC, THETA_E_STRATA
from arcgate.gates.arms import Arms
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.published.clustering import NotEstimableError, clustered_mean, linear_fit
from arcgate.gates.published.gathering import OVERALL, Diagnostic, attempted, galaxies, identities, not_run
from arcgate.gates.published.light import BAND, CORE_PIX, column, mean_light, own_controls, ring_means
from arcgate.gates.result import GateResult
from arcgate.ground.statistics import Interval

RING_EDGES_PIX: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30)
_RINGS = [f"ring_{i}" for i in range(len(RING_EDGES_PIX) - 1)]
_CORES = [f"core_{band}" for band in BANDS]
_PARTS: Final = ("stamp", "control", "difference")
_MEANINGS: Final = {
    "mean_core_stamp": "mean of stamps",
    "mean_core_control": "mean of their controls",
    "mean_core_difference": "mean of stamps less mean of controls",
}


class Profiles(Diagnostic):
    """Mean light in rings (r band) and at r < 5 px (all bands) of stamps and controls, by theta_E of the pair."""

    def measure(self, arms: Arms) -> pd.DataFrame | None:
        """Rings and cores of both members of each pair."""
        rows, own = own_controls(arms)
        theta_e = column(arms.stamp, "theta_e_arcsec")[rows]
        tables = []
        for label, stamps, chosen in ((1.0, arms.stamp, rows), (0.0, arms.control, own)):
            rings = ring_means(stamps.image[:, BAND], stamps, RING_EDGES_PIX)
            values = np.concatenate([rings, mean_light(stamps.image, stamps, 0.0, CORE_PIX)], axis=1)[chosen]
            identity = identities(stamps).iloc[chosen].reset_index(drop=True)
            tables.append(identity.assign(label=label, theta_e=theta_e).join(pd.DataFrame(values, columns=[*_RINGS, *_CORES])))
        return pd.concat(tables, ignore_index=True)

    def judge(self) -> list[GateResult]:
        """Mean core of stamps, controls and difference in r, overall and by theta_E."""
        rows = self.table(*_CORES)
        if not len(rows):
            return [not_run(name, "no positive has a control in its pair") for name in _MEANINGS]
        results = []
        for stratum, chosen in _strata(rows).items():
            part = rows[chosen]
            for name, meaning in _MEANINGS.items():
                results.append(
                    attempted(
                        name,
                        partial(self._mean, part, "core_r", name.removeprefix("mean_core_")),
                        f"{meaning}, r band, nanomaggies per pixel at r < {CORE_PIX:g} px",
                        stratum,
                    )
                )
        return results

    def exhibits(self) -> list[Exhibit]:
        """Profiles in r, the difference by theta_E, and the mean cores in all bands."""
        rows = self.table(*_RINGS, *_CORES)
        if not len(rows):
            return []
        strata = _strata(rows)
        everything = [self._profile(rows, part, part) for part in _PARTS]
        by_theta_e = [self._profile(rows[chosen], "difference", stratum) for stratum, chosen in strata.items() if chosen.any()]
        caption = (
            "Mean over rings about each galaxy's own centre, r band. An arc is a bump near its Einstein radius on top of wings "
            "that fall; a difference that stays level with radius is a pedestal. Negative values have no place on the scale."
        )
        return [
            _lines("radial_profile", "Radial profile of stamps, controls and their difference", caption, everything),
            _lines("radial_difference", "Stamps less controls by theta_E", caption, by_theta_e),
            self._cores(rows, strata),
        ]

    def _profile(self, rows: pd.DataFrame, part: str, label: str) -> dict[str, Any]:
        radius = [(inner + outer) / 2 * PIXEL_SCALE_ARCSEC for inner, outer in pairwise(RING_EDGES_PIX)]
        points: dict[str, list[float]] = {"x": [], "y": [], "low": [], "high": []}
        for x, ring in zip(radius, _RINGS, strict=True):
            try:
                mean = self._mean(rows, ring, part)
            except NotEstimableError:
                continue
            # A logarithmic scale has no place for zero and below.
            if mean.value > 0:
                floor = 0.01 * mean.value
                for key, value in (("x", x), ("y", mean.value), ("low", max(mean.low, floor)), ("high", mean.high)):
                    points[key].append(value)
        return {"label": label, **points}

    def _cores(self, rows: pd.DataFrame, strata: dict[str, NDArray[np.bool_]]) -> Exhibit:
        """Table of the mean cores: band and stratum a row."""
        lines = []
        for stratum, chosen in strata.items():
            for band in BANDS:
                try:
                    means = [self._mean(rows[chosen], f"core_{band}", part) for part in _PARTS]
                except NotEstimableError:
                    continue
                cells = [f"{mean.value:.6f} ({mean.low:.6f} to {mean.high:.6f})" for mean in means]
                lines.append([stratum, band, str(int(chosen.sum()) // 2), *cells])
        caption = f"Mean at r < {CORE_PIX:g} px in nanomaggies per pixel, with clustered intervals."
        columns = ["stratum", "band", "pairs", *_PARTS]
        return Exhibit("mean_core", "Mean core of stamps and controls", caption, "table", {"columns": columns, "rows": lines})

    def _mean(self, rows: pd.DataFrame, name: str, part: str) -> Interval:
        """Mean of stamps, of controls, or of the difference of the two classes."""
        label, values, groups = rows["label"].to_numpy(np.float64), rows[name].to_numpy(np.float64), galaxies(rows)
        if part != "difference":
            chosen = label == (1.0 if part == "stamp" else 0.0)
            return clustered_mean(values[chosen], groups[chosen], self.settings.level)
        # Clusters of galaxies: on pairs the galaxy's own light drops out of the variance, as it should.
        return linear_fit(np.stack([np.ones(len(label)), label], axis=1), values, groups, self.settings.level).coefficients[1]


def _strata(rows: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    theta_e = rows["theta_e"].to_numpy(np.float64)
    strata = {OVERALL: np.ones(len(rows), dtype=bool)}
    if np.isfinite(theta_e).any():
        strata |= {name: (theta_e >= low) & (theta_e < high) for name, (low, high) in THETA_E_STRATA.items()}
    return strata


def _lines(name: str, title: str, caption: str, series: list[dict[str, Any]]) -> Exhibit:
    content = {
        "x_label": "distance from the galaxy [arcsec]",
        "y_label": "mean light, r band [nmgy per pixel]",
        "x_log": False,
        "y_log": True,
        "series": series,
        "marks": [{"label": f"r = {CORE_PIX:g} px", "x": CORE_PIX * PIXEL_SCALE_ARCSEC}],
    }
    return Exhibit(name, title, caption, "lines", content)
