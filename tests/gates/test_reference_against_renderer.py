"""The renderer's arcs by the declared PSF against the independent reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_reference import row_of

from arcgate.gates.features.reference_arc import reference_arc
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"theta_e_arcsec": 2.5, "source_reff_arcsec": 0.5, "source_q": 0.25},
        {"theta_e_arcsec": 0.5, "lens_q": 0.6, "source_reff_arcsec": 0.2, "source_x_arcsec": -0.35, "source_y_arcsec": 0.3},
        {"lens_q": 1.0, "gamma1": 0.0, "gamma2": 0.0, "source_x_arcsec": 0.01, "source_y_arcsec": 0.0},
    ],
    ids=["thin arc", "wide ring", "small lens", "ring"],
)
def test_the_renderer_and_the_reference_agree(change: dict[str, float]) -> None:
    row = row_of(**change)
    table = pd.DataFrame([row | {"host_id": "host"}])
    arc, _ = render_arcs(table, declared_psfs(table, DECALS), DECALS)
    truth = reference_arc(row, DECALS)
    peak = truth.max(axis=(1, 2), keepdims=True)
    assert np.abs((arc[0] - truth) / peak).max() < 1e-3
