"""Pedestal and wings: light far from the galaxy against the arc's flux."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.clustering import Fit, NotEstimableError, binned, linear_fit
from arcgate.gates.published.gathering import Diagnostic, galaxies, identities, not_run, reported
from arcgate.gates.published.light import annulus_pix, arc_flux, in_annulus, mean_light, own_controls


class AnnulusPedestal(Diagnostic):
    """Mean light in the annulus on the flux of the arc: the intercept is a pedestal, the slope the wings of the PSF.

    The annulus begins at 20/32 of half the stamp: r >= 20 px in the published stamps. On pairs the light is stamp minus control,
    and one row stands for a pair. Otherwise stamps and controls are rows of one model,
    light = a + pedestal x is_stamp + wings x flux, so that the controls' mean is taken away with its own uncertainty.
    """

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """Light of the annulus, class and flux of the arc, by band."""
        flux = arc_flux(shard, self.facts)
        begins, bands = annulus_pix(self.facts.imaging), self.facts.imaging.bands
        light, control = (mean_light(stamps.image, stamps, begins, np.inf) for stamps in (shard.positive, shard.control))
        if self.facts.paired:
            rows, own = own_controls(shard)
            return _table(identities(shard.positive).iloc[rows], light[rows] - control[own], flux[rows], 1.0, bands)
        stamps = _table(identities(shard.positive), light, flux, 1.0, bands)
        controls = _table(identities(shard.control), control, np.zeros_like(control), 0.0, bands)
        return pd.concat([stamps, controls], ignore_index=True)

    def judge(self) -> list[GateResult]:
        """Intercept and slope in each band."""
        results, place = [], f"nanomaggies per pixel at {in_annulus(self.facts.imaging)}"
        for band in self.facts.imaging.bands:
            names = f"annulus_pedestal_{band}", f"annulus_wings_{band}"
            try:
                pedestal, wings = self._fitted(band).coefficients[-2:]
            except NotEstimableError as error:
                results += [not_run(name, str(error)) for name in names]
                continue
            results.append(reported(names[0], pedestal, f"{place} for an arc of no light"))
            results.append(reported(names[1], wings, f"{place} per nanomaggy of arc: the PSF's wings"))
        return results

    def exhibits(self) -> list[Exhibit]:
        """Binned light of the annulus with the fitted line, reference band."""
        band = self.facts.imaging.reference_band
        try:
            intercept, slope = (found.value for found in self._fitted(band).coefficients[-2:])
        except NotEstimableError:
            return []
        rows = self.table(f"light_{band}", f"flux_{band}")
        level = 0.0 if self.facts.paired else float(rows.loc[rows["label"] == 0, f"light_{band}"].mean())
        rows = rows[rows["label"] == 1]
        flux = rows[f"flux_{band}"].to_numpy(np.float64)
        points = binned(flux, rows[f"light_{band}"].to_numpy(np.float64) - level, galaxies(rows), self.settings.level)
        ends = [0.0, float(flux.max())]
        line = {"label": "fitted line", "x": ends, "y": [intercept + slope * end for end in ends]}
        content: dict[str, Any] = {
            "x_label": f"flux of the arc, {band} band [nmgy]",
            "y_label": f"mean light at {in_annulus(self.facts.imaging)} [nmgy per pixel]",
            "x_log": False,
            "y_log": False,
            "series": [{"label": "tenths of the stamps", **points}, line],
            "marks": [{"label": "nothing", "y": 0.0}],
        }
        caption = (
            "Stamps less their controls. Light that an arc throws out to here grows with the arc: a slope. Light that is there "
            "without an arc is a pedestal: the height at which the line meets zero flux."
        )
        return [Exhibit("annulus_pedestal", "Light far from the galaxy against the arc's flux", caption, "lines", content)]

    def _fitted(self, band: str) -> Fit:
        """The model of a band; its last two coefficients are pedestal and wings."""
        rows = self.table(f"light_{band}", f"flux_{band}")
        if not len(rows) or not (rows["label"] == 1).any():
            raise NotEstimableError(
                "nothing tells the flux of the arcs: neither stored arcs, nor declared fluxes, nor paired controls"
            )
        label, flux = rows["label"].to_numpy(np.float64), rows[f"flux_{band}"].to_numpy(np.float64)
        columns = [label, flux] if self.facts.paired else [np.ones(len(rows)), label, flux]
        light = rows[f"light_{band}"].to_numpy(np.float64)
        return linear_fit(np.stack(columns, axis=1), light, galaxies(rows), self.settings.level)


def _table(identity: pd.DataFrame, light: np.ndarray, flux: np.ndarray, label: float, bands: tuple[str, ...]) -> pd.DataFrame:
    columns = {f"light_{band}": light[:, i] for i, band in enumerate(bands)}
    columns |= {f"flux_{band}": flux[:, i] for i, band in enumerate(bands)}
    return identity.reset_index(drop=True).assign(label=label, **columns)
