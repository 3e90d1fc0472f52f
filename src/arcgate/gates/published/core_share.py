"""Share of the arc's light that lies in the core."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.clustering import clustered_share
from arcgate.gates.published.figures import PUBLISHED, STUDIED, THETA_E_BINS
from arcgate.gates.published.gathering import OVERALL, Diagnostic, attempted, galaxies, identities, not_run
from arcgate.gates.published.light import column, in_core, reference, sums_of_light

# The reference band and the core in the places of the braces.
_NAMES = {
    "core_share": "mean share of the arc's {}-band light at {}, of the arc as it was added",
    "core_share_before_mask": "the same before the core mask, as the data set states it",
}


class CoreShare(Diagnostic):
    """Share of the arc's light in the core (published: r < 5 px), reference band, by theta_E, as added and before any mask."""

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Both shares of each positive; NaN where nothing tells them."""
        n = len(shard.positive.table)
        share = np.full(n, np.nan)
        if shard.arc is not None:
            band = reference(self.facts.imaging)
            total = shard.arc[:, band].sum(axis=(1, 2), dtype=np.float64)
            core = sums_of_light(shard.arc, shard.positive, 0.0, shard.positive.imaging.core_pix)[0][:, band]
            np.divide(core, total, out=share, where=total > 0)
        theta_e, before = column(shard.positive, "theta_e_arcsec"), column(shard.positive, "arc_core_share")
        return identities(shard.positive).assign(theta_e=theta_e, core_share=share, core_share_before_mask=before)

    def judge(self) -> list[GateResult]:
        """Mean shares; a mean over arcs, each with the same weight."""
        imaging = self.facts.imaging
        words = {name: reason.format(imaging.reference_band, in_core(imaging)) for name, reason in _NAMES.items()}
        return [result for name, reason in words.items() for result in self._means(name, reason)]

    def exhibits(self) -> list[Exhibit]:
        """Shares by theta_E beside the published ones."""
        series: list[dict[str, Any]] = []
        for name, label in (("core_share", "as added"), ("core_share_before_mask", "before the core mask")):
            means = {result.stratum: result for result in self._means(name, "")}
            found = [means.get(stratum) for stratum in THETA_E_BINS]
            if any(result is not None and result.value is not None for result in found):
                parts = {part: [None if r is None else getattr(r, part) for r in found] for part in ("value", "low", "high")}
                series.append({"label": label, "values": parts["value"], "low": parts["low"], "high": parts["high"]})
        if not series:
            return []
        if self.facts.imaging == STUDIED:
            printed = {figure.stratum: figure.value for figure in PUBLISHED if "core_share" in figure.names}
            series.append({"label": "published", "values": [printed[stratum] for stratum in THETA_E_BINS]})
        labels = ["< 0.75", "0.75 to 1", "1 to 1.5", "1.5 to 2", ">= 2"]
        caption = (
            "By Einstein radius in arcsec. The narrower the arc and the wider the PSF, the more of the arc lies where the galaxy "
            "does; a core AUC above 0.5 is then signal."
        )
        core = in_core(self.facts.imaging)
        content = {"labels": labels, "y_label": f"share of arc light at {core}", "series": series, "marks": []}
        return [Exhibit("core_share", "Share of the arc's light in the core", caption, "bars", content)]

    def _means(self, name: str, reason: str) -> list[GateResult]:
        rows = self.table(name)
        if not len(rows):
            return [not_run(name, "nothing tells the light of the arcs: neither stored arcs, nor paired controls, nor a column")]
        theta_e = rows["theta_e"].to_numpy(np.float64)
        strata = {OVERALL: np.ones(len(rows), dtype=bool)}
        if np.isfinite(theta_e).any():
            strata |= {stratum: (theta_e >= low) & (theta_e < high) for stratum, (low, high) in THETA_E_BINS.items()}
        results = []
        for stratum, chosen in strata.items():
            part = rows[chosen]
            values, groups = part[name].to_numpy(np.float64), galaxies(part)
            results.append(
                attempted(
                    name,
                    partial(clustered_share, values, groups, self.settings.level),
                    reason,
                    stratum,
                )
            )
        return results
