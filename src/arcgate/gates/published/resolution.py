"""How well the arcs of a data set are resolved."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.clustering import clustered_share
from arcgate.gates.published.figures import RESOLUTION_BINS
from arcgate.gates.published.gathering import Diagnostic, attempted, galaxies, identities, not_run
from arcgate.gates.published.light import column

_NAME = "theta_e_over_psf_share"


class Resolution(Diagnostic):
    """Shares of the positives by theta_E over psfsize in the reference band."""

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """The ratio of each positive."""
        psfsize = column(shard.positive, f"psfsize_{self.facts.imaging.reference_band}")
        theta_e = column(shard.positive, "theta_e_arcsec")
        ratio = np.divide(theta_e, psfsize, out=np.full(len(psfsize), np.nan), where=psfsize > 0)
        return identities(shard.positive).assign(ratio=ratio)

    def judge(self) -> list[GateResult]:
        """One share a bin."""
        rows, band = self.table("ratio"), self.facts.imaging.reference_band
        if not len(rows):
            return [not_run(_NAME, f"theta_E or psfsize in {band} is not declared", stratum) for stratum in RESOLUTION_BINS]
        ratio, groups, level = rows["ratio"].to_numpy(np.float64), galaxies(rows), self.settings.level
        return [
            attempted(
                _NAME,
                partial(clustered_share, ((ratio >= low) & (ratio < high)).astype(np.float64), groups, level),
                f"share of positives by theta_E over psfsize in {band}",
                stratum,
            )
            for stratum, (low, high) in RESOLUTION_BINS.items()
        ]

    def exhibits(self) -> list[Exhibit]:
        """None: the table of published figures holds them."""
        return []
