"""Radial profiles of stamps, controls and their difference, and the mean light of their cores."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import THETA_E_STRATA
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.clustering import NotEstimableError, clustered_mean, linear_fit
from arcgate.gates.published.gathering import OVERALL, Diagnostic, attempted, galaxies, identities, not_run
from arcgate.gates.published.light import column, in_core, mean_light, own_controls, reference, ring_means
from arcgate.ground.statistics import Interval
from arcgate.imaging import Imaging

# Of half the stamp, in parts of 32: narrow where light falls steeply.
_RING_EDGES: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30)
_PARTS: Final = ("stamp", "control", "difference")
_MEANINGS: Final = {
    "mean_core_stamp": "mean of stamps",
    "mean_core_control": "mean of their controls",
    "mean_core_difference": "mean of stamps less mean of controls",
}


class Profiles(Diagnostic):
    """Mean light in rings (reference band) and in the core (all bands) of stamps and controls, by theta_E of the pair."""

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Rings and cores of both members of each pair."""
        rows, own = own_controls(shard)
        theta_e = column(shard.positive, "theta_e_arcsec")[rows]
        tables = []
        for label, stamps, chosen in ((1.0, shard.positive, rows), (0.0, shard.control, own)):
            rings = ring_means(stamps.image[:, reference(self.facts.imaging)], stamps, ring_edges_pix(self.facts.imaging))
            values = np.concatenate([rings, mean_light(stamps.image, stamps, 0.0, stamps.imaging.core_pix)], axis=1)[chosen]
            identity = identities(stamps).iloc[chosen].reset_index(drop=True)
            named = pd.DataFrame(values, columns=[*self._rings, *self._cores_by_band])
            tables.append(identity.assign(label=label, theta_e=theta_e).join(named))
        return pd.concat(tables, ignore_index=True)

    def judge(self) -> list[GateResult]:
        """Mean core of stamps, controls and difference in the reference band, overall and by theta_E."""
        rows, band = self.table(*self._cores_by_band), self.facts.imaging.reference_band
        if not len(rows):
            return [not_run(name, "no positive has a control in its pair") for name in _MEANINGS]
        results = []
        for stratum, chosen in _strata(rows).items():
            part = rows[chosen]
            for name, meaning in _MEANINGS.items():
                results.append(
                    attempted(
                        name,
                        partial(self._mean, part, f"core_{band}", name.removeprefix("mean_core_")),
                        f"{meaning}, {band} band, nanomaggies per pixel at {in_core(self.facts.imaging)}",
                        stratum,
                    )
                )
        return results

    def exhibits(self) -> list[Exhibit]:
        """Profiles in the reference band, the difference by theta_E, and the mean cores in all bands."""
        rows, imaging = self.table(*self._rings, *self._cores_by_band), self.facts.imaging
        if not len(rows):
            return []
        strata = _strata(rows)
        everything = [self._profile(rows, part, part) for part in _PARTS]
        by_theta_e = [self._profile(rows[chosen], "difference", stratum) for stratum, chosen in strata.items() if chosen.any()]
        caption = (
            f"Mean over rings about each galaxy's own centre, {imaging.reference_band} band. An arc is a bump near its Einstein "
            "radius on top of wings that fall; a difference that stays level with radius is a pedestal. Negative values have no "
            "place on the scale."
        )
        return [
            _lines("radial_profile", "Radial profile of stamps, controls and their difference", caption, everything, imaging),
            _lines("radial_difference", "Stamps less controls by theta_E", caption, by_theta_e, imaging),
            self._cores(rows, strata),
        ]

    @property
    def _rings(self) -> list[str]:
        """Columns of the rings."""
        return [f"ring_{i}" for i in range(len(ring_edges_pix(self.facts.imaging)) - 1)]

    @property
    def _cores_by_band(self) -> list[str]:
        """Columns of the cores."""
        return [f"core_{band}" for band in self.facts.imaging.bands]

    def _profile(self, rows: pd.DataFrame, part: str, label: str) -> dict[str, Any]:
        imaging = self.facts.imaging
        radius = [(inner + outer) / 2 * imaging.pixel_scale_arcsec for inner, outer in pairwise(ring_edges_pix(imaging))]
        points: dict[str, list[float]] = {"x": [], "y": [], "low": [], "high": []}
        for x, ring in zip(radius, self._rings, strict=True):
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
            for band in self.facts.imaging.bands:
                try:
                    means = [self._mean(rows[chosen], f"core_{band}", part) for part in _PARTS]
                except NotEstimableError:
                    continue
                cells = [f"{mean.value:.6f} ({mean.low:.6f} to {mean.high:.6f})" for mean in means]
                lines.append([stratum, band, str(int(chosen.sum()) // 2), *cells])
        caption = f"Mean at {in_core(self.facts.imaging)} in nanomaggies per pixel, with clustered intervals."
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


def ring_edges_pix(imaging: Imaging) -> tuple[int, ...]:
    """Edges of the rings in whole pixels, out to 30/32 of half the stamp; small stamps have fewer."""
    return tuple(dict.fromkeys(round(edge * imaging.size_pix / 64) for edge in _RING_EDGES))


def _strata(rows: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    theta_e = rows["theta_e"].to_numpy(np.float64)
    strata = {OVERALL: np.ones(len(rows), dtype=bool)}
    if np.isfinite(theta_e).any():
        strata |= {name: (theta_e >= low) & (theta_e < high) for name, (low, high) in THETA_E_STRATA.items()}
    return strata


def _lines(name: str, title: str, caption: str, series: list[dict[str, Any]], imaging: Imaging) -> Exhibit:
    core = imaging.core_pix * imaging.pixel_scale_arcsec
    content = {
        "x_label": "distance from the galaxy [arcsec]",
        "y_label": f"mean light, {imaging.reference_band} band [nmgy per pixel]",
        "x_log": False,
        "y_log": True,
        "series": series,
        "marks": [{"label": f"r = {imaging.core_pix:.3g} px", "x": core}],
    }
    return Exhibit(name, title, caption, "lines", content)
