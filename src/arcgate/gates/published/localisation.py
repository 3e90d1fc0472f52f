"""Whether the arc's light lies where its own Einstein radius puts it."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.clustering import clustered_mean
from arcgate.gates.published.deflection_units import MISSING
from arcgate.gates.published.gathering import Diagnostic, attempted, galaxies, identities, not_run
from arcgate.gates.published.light import Array, column, radii_arcsec, reference

# About half the width of a PSF on the ground.
RING_HALF_WIDTH_ARCSEC: Final = 0.6
# The reference band in the place of {}.
_MEANINGS: Final = {
    "arc_localisation": "share of the arc's {}-band light within 0.6 arcsec of its own theta_E",
    "arc_localisation_exchanged": "the same with the theta_E of another arc: the control",
    "arc_localisation_gain": "the first less the second: nothing if the light does not follow theta_E",
}


class Localisation(Diagnostic):
    """Share of the arc's light in the ring theta_E +- 0.6 arcsec, against rings of exchanged theta_E.

    Arcs of a shard are ordered by theta_E and exchanged half way round, so that small arcs meet large rings and large
    arcs small ones.
    """

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Shares in the own and in the exchanged ring."""
        theta_e = column(shard.positive, "theta_e_arcsec")
        if shard.arc is None or not np.isfinite(theta_e).any():
            return None
        radius, light = radii_arcsec(shard.positive), shard.arc[:, reference(self.facts.imaging)]
        total = light.sum(axis=(1, 2), dtype=np.float64)
        own, other = (_share(light, radius, ring, total) for ring in (theta_e, exchanged(theta_e)))
        names = ("arc_localisation", "arc_localisation_exchanged", "arc_localisation_gain")
        return identities(shard.positive).assign(**dict(zip(names, (own, other, own - other), strict=True)))

    def judge(self) -> list[GateResult]:
        """Mean shares, and their difference with its own interval."""
        rows = self.table(*_MEANINGS)
        if not len(rows):
            return [not_run(name, MISSING) for name in _MEANINGS]
        groups, level, band = galaxies(rows), self.settings.level, self.facts.imaging.reference_band
        return [
            attempted(name, partial(clustered_mean, rows[name].to_numpy(np.float64), groups, level), meaning.format(band))
            for name, meaning in _MEANINGS.items()
        ]

    def exhibits(self) -> list[Exhibit]:
        """Own and exchanged ring side by side."""
        found = [result for result in self.judge() if result.value is not None][:2]
        if not found:
            return []
        series = {
            "label": "share of the arc's light",
            "values": [result.value for result in found],
            "low": [result.low for result in found],
            "high": [result.high for result in found],
        }
        content = {
            "labels": ["ring of its own theta_E", "ring of another's"],
            "y_label": "share of arc light in the ring",
            "series": [series],
            "marks": [],
        }
        caption = "Light that was added as arcs follows the Einstein radius it was declared with."
        return [Exhibit("arc_localisation", "Arc light within 0.6 arcsec of theta_E", caption, "bars", content)]


def exchanged(theta_e: Array) -> Array:
    """Each row gets the theta_E of the row half way round in the order of theta_E; NaN stays NaN."""
    known = np.flatnonzero(np.isfinite(theta_e))
    order = known[np.argsort(theta_e[known], kind="stable")]
    out = np.full_like(theta_e, np.nan)
    out[order] = theta_e[np.roll(order, len(order) // 2)]
    return out


def _share(light: np.ndarray, radius: Array, ring: Array, total: Array) -> Array:
    inside = np.abs(radius - ring[:, None, None]) < RING_HALF_WIDTH_ARCSEC
    held = np.einsum("nyx,nyx->n", light, inside, dtype=np.float64)
    share: Array = np.divide(held, total, out=np.full(len(total), np.nan), where=(total > 0) & np.isfinite(ring))
    return share
