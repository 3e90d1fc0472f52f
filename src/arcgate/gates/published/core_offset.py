"""What the light that stamps have above their controls in the core goes with."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.clustering import NotEstimableError, binned, line, r_squared, slope_on
from arcgate.gates.published.gathering import Diagnostic, attempted, galaxies, identities, not_run
from arcgate.gates.published.light import arc_flux, arc_snr, column, in_core, mean_light, own_controls, reference

# In words, as the label of an axis, and why there is none; the reference band in the place of {}.
_REGRESSORS: Final = {
    "theta_e": ("theta_E", "Einstein radius [arcsec]", "no Einstein radius is declared"),
    "arc_flux": ("the arc's flux, {} band", "flux of the arc, {} band [nmgy]", "nothing tells the flux of the arcs"),
    "arc_snr": ("the arc's S/N", "S/N of the arc, all bands", "nothing tells the S/N of the arcs"),
}


class CoreOffset(Diagnostic):
    """Regressions of the core offset on theta_E, arc flux and arc S/N, one at a time, clustered by galaxy.

    The offset is the mean of stamp minus control in the core (published: r < 5 px), reference band. Without pairs it is the
    stamp's mean minus that of the controls of the data set, and the variety of galaxies enters the variance that is to be
    explained.
    """

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Offset and regressors of each positive."""
        band = reference(self.facts.imaging)
        offset, control = (
            mean_light(stamps.image, stamps, 0.0, stamps.imaging.core_pix)[:, band] for stamps in (shard.positive, shard.control)
        )
        table = identities(shard.positive).assign(
            theta_e=column(shard.positive, "theta_e_arcsec"),
            arc_flux=arc_flux(shard, self.facts)[:, band],
            arc_snr=arc_snr(shard),
        )
        if not self.facts.paired:
            # A shift of all offsets by the controls' mean changes neither slope nor R2.
            return table.assign(offset=offset)
        rows, own = own_controls(shard)
        return table.iloc[rows].reset_index(drop=True).assign(offset=offset[rows] - control[own])

    def judge(self) -> list[GateResult]:
        """R2 and slope of each regression."""
        results = []
        for regressor, (words, _, missing) in self._regressors().items():
            names = f"core_offset_{regressor}_r2", f"core_offset_{regressor}_slope"
            rows = self._rows(regressor)
            if not len(rows):
                results += [not_run(name, missing) for name in names]
                continue
            x, y, groups = _columns(rows, regressor)
            level = self.settings.level
            results.append(
                attempted(
                    names[0],
                    partial(r_squared, x, y, groups, level),
                    f"share of the variance of the core offset that a line in {words} explains",
                )
            )
            results.append(
                attempted(
                    names[1],
                    partial(slope_on, x, y, groups, level),
                    f"nanomaggies per pixel at {in_core(self.facts.imaging)} for a unit of {words}",
                )
            )
        return results

    def exhibits(self) -> list[Exhibit]:
        """Binned offsets on each regressor."""
        figures = []
        for regressor, (words, label, _) in self._regressors().items():
            rows = self._rows(regressor)
            if not len(rows):
                continue
            x, y, groups = _columns(rows, regressor)
            try:
                fit = line(x, y, groups, self.settings.level)
            except NotEstimableError:
                continue
            intercept, slope = (found.value for found in fit.coefficients)
            ends = [float(x.min()), float(x.max())]
            content: dict[str, Any] = {
                "x_label": label,
                "y_label": f"core offset, {in_core(self.facts.imaging)} [nmgy per pixel]",
                "x_log": False,
                "y_log": False,
                "series": [
                    {"label": "tenths of the stamps", **binned(x, y, groups, self.settings.level)},
                    {"label": "fitted line", "x": ends, "y": [intercept + slope * end for end in ends]},
                ],
                "marks": [],
            }
            caption = (
                "An arc's own light in the core grows with its flux and falls with its radius. An offset that goes with neither "
                "is not the arc's."
            )
            figures.append(Exhibit(f"core_offset_{regressor}", f"Core offset against {words}", caption, "lines", content))
        return figures

    def _regressors(self) -> dict[str, list[str]]:
        band = self.facts.imaging.reference_band
        return {name: [words.format(band) for words in each] for name, each in _REGRESSORS.items()}

    def _rows(self, regressor: str) -> pd.DataFrame:
        return self.table("offset", regressor)


def _columns(rows: pd.DataFrame, regressor: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rows[regressor].to_numpy(np.float64), rows["offset"].to_numpy(np.float64), galaxies(rows)
