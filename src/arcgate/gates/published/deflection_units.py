"""Whether arcs lie as far from their galaxies as their declared Einstein radius says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps
from arcgate.gates.published.clustering import Fit, NotEstimableError, binned, line
from arcgate.gates.published.gathering import Diagnostic, galaxies, identities, not_run, reported
from arcgate.gates.published.light import Array, annulus_pix, column, radii_arcsec, reference

_NAMES = ("deflection_units", "deflection_units_intercept")
MISSING = "no Einstein radius is declared, or no light of arcs is at hand (neither stored arcs nor paired controls)"


class DeflectionUnits(Diagnostic):
    """Brightness-weighted radius of the arc's light inside the annulus, reference band, against the declared theta_E.

    A slope near 1 arcsec per arcsec says that the deflection is in arcsec. The width of source and PSF adds the intercept, and a
    little less at large radii, so that a sound slope lies below 1; the slope of the arcs that the declared parameters predict,
    where they do, is the one to compare with. Pixels taken for arcsec give a slope of the pixel scale or of its inverse (0.26
    or 3.8 for DECaLS).
    """

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Radius of each arc, found and predicted."""
        n = len(shard.positive.table)
        found, predicted = (
            np.full(n, np.nan) if light is None else weighted_radius(light, shard.positive)
            for light in (shard.arc, shard.declared)
        )
        theta_e = column(shard.positive, "theta_e_arcsec")
        return identities(shard.positive).assign(theta_e=theta_e, radius=found, predicted=predicted)

    def judge(self) -> list[GateResult]:
        """Slope and intercept."""
        try:
            intercept, slope = self._fitted("radius").coefficients
        except NotEstimableError as error:
            return [not_run(name, str(error)) for name in _NAMES]
        try:
            expected = f"; the declared parameters predict {self._fitted('predicted').coefficients[1].value:.3f}"
        except NotEstimableError:
            expected = ""
        return [
            reported(_NAMES[0], slope, f"arcsec of brightness-weighted radius per arcsec of theta_E{expected}"),
            reported(_NAMES[1], intercept, "arcsec of brightness-weighted radius at theta_E = 0: width of source and PSF"),
        ]

    def exhibits(self) -> list[Exhibit]:
        """Binned radii beside the predicted ones and the line of equality."""
        series: list[dict[str, Any]] = []
        for name, label in (("radius", "as added"), ("predicted", "by the declared parameters")):
            rows = self.table("theta_e", name)
            if len(rows):
                x, y = (rows[quantity].to_numpy(np.float64) for quantity in ("theta_e", name))
                series.append({"label": label, **binned(x, y, galaxies(rows), self.settings.level)})
        if not series:
            return []
        series.append({"label": "equal", "x": [0.0, 2.5], "y": [0.0, 2.5]})
        caption = (
            "An arc is spread about its Einstein radius; small ones are widened by the seeing. Wrong angular units would change "
            "the slope by a factor, not by a few per cent."
        )
        content = {
            "x_label": "declared theta_E [arcsec]",
            "y_label": "brightness-weighted radius of the arc [arcsec]",
            "x_log": False,
            "y_log": False,
            "series": series,
            "marks": [],
        }
        return [Exhibit("deflection_units", "Radius of the arcs against declared theta_E", caption, "lines", content)]

    def _fitted(self, name: str) -> Fit:
        rows = self.table("theta_e", name)
        if not len(rows):
            raise NotEstimableError(MISSING)
        theta_e = rows["theta_e"].to_numpy(np.float64)
        return line(theta_e, rows[name].to_numpy(np.float64), galaxies(rows), self.settings.level)


def weighted_radius(light: Pixels, stamps: Stamps) -> Array:
    """Mean distance from the galaxy of the light inside the annulus, reference band, arcsec; NaN without light."""
    radius, imaging = radii_arcsec(stamps), stamps.imaging
    inside = light[:, reference(imaging)] * (radius < annulus_pix(imaging) * imaging.pixel_scale_arcsec)
    total = inside.sum(axis=(1, 2), dtype=np.float64)
    moment = np.einsum("nyx,nyx->n", inside, radius)
    mean: Array = np.divide(moment, total, out=np.full(len(total), np.nan), where=total > 0)
    return mean
