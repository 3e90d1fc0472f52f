"""How strongly the difference between stamps and controls is concentrated in the core."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.clustering import Fit, NotEstimableError, clustered_ratio, linear_fit
from arcgate.gates.published.gathering import Diagnostic, attempted, galaxies, identities, not_run, reported
from arcgate.gates.published.light import annulus_pix, in_annulus, in_core, mean_light, own_controls, reference

_NAMES = ("difference_annulus", "difference_core", "concentration_ratio")


class Concentration(Diagnostic):
    """Mean difference between classes in annulus and core (published: r >= 20 px, r < 5 px), reference band, and their ratio."""

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Mean light of core and annulus: of differences on pairs, else of both classes."""
        band, begins = reference(self.facts.imaging), annulus_pix(self.facts.imaging)
        stamp, control = (
            {
                "core": mean_light(stamps.image, stamps, 0.0, stamps.imaging.core_pix)[:, band],
                "annulus": mean_light(stamps.image, stamps, begins, np.inf)[:, band],
            }
            for stamps in (shard.positive, shard.control)
        )
        if self.facts.paired:
            rows, own = own_controls(shard)
            difference = {name: stamp[name][rows] - control[name][own] for name in stamp}
            return identities(shard.positive).iloc[rows].reset_index(drop=True).assign(label=1.0, **difference)
        tables = [identities(shard.positive).assign(label=1.0, **stamp), identities(shard.control).assign(label=0.0, **control)]
        return pd.concat(tables, ignore_index=True)

    def judge(self) -> list[GateResult]:
        """The two differences and their ratio with Fieller's interval."""
        try:
            annulus, core = self._fitted("annulus"), self._fitted("core")
        except NotEstimableError as error:
            return [not_run(name, str(error)) for name in _NAMES]
        kind = "stamp minus its own control" if self.facts.paired else "mean stamp minus mean control"
        imaging = self.facts.imaging
        unit = f"{kind}, {imaging.reference_band} band, nanomaggies per pixel"
        return [
            reported(_NAMES[0], annulus.coefficients[-1], f"{unit}, {in_annulus(imaging)}"),
            reported(_NAMES[1], core.coefficients[-1], f"{unit}, {in_core(imaging)}"),
            attempted(
                _NAMES[2],
                lambda: clustered_ratio(core, annulus, core.influence.shape[1] - 1, self.settings.level),
                "core over annulus; the interval is Fieller's",
            ),
        ]

    def exhibits(self) -> list[Exhibit]:
        """None: the radial profile shows it."""
        return []

    def _fitted(self, name: str) -> Fit:
        rows = self.table("core", "annulus")
        if not len(rows) or rows["label"].nunique() != (1 if self.facts.paired else 2):
            raise NotEstimableError("stamps and controls to compare are missing")
        label = rows["label"].to_numpy(np.float64)
        design = label[:, None] if self.facts.paired else np.stack([np.ones(len(rows)), label], axis=1)
        return linear_fit(design, rows[name].to_numpy(np.float64), galaxies(rows), self.settings.level)
