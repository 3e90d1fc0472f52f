"""The radial profile of light that no declared arc explains: of pairs, where a gate on residuals looked. Pure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.rings import Floats


def residual_profile(difference: Floats, regions: Regions) -> list[Exhibit]:
    """The radial profile of unexplained light, from differences (n, band, ring) of pairs; nothing from fewer than two pairs."""
    if len(difference) < 2:
        return []
    mean = difference.mean(axis=0, dtype=np.float64)
    error = difference.std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(len(difference))
    middle = [0.5 * (low + high) for low, high in pairwise(regions.rings_pix)]
    series = [
        {
            "label": band,
            "x": middle,
            "y": mean[i].tolist(),
            "low": (mean[i] - 1.645 * error[i]).tolist(),
            "high": (mean[i] + 1.645 * error[i]).tolist(),
        }
        for i, band in enumerate(regions.imaging.bands)
    ]
    return [
        Exhibit(
            "residual_profile",
            "Light that the declared arc does not explain",
            "Positives without the arc that their declared lens, source and PSF predict, minus the control of the same pair: "
            "mean over rings about the galaxy, with 90 % intervals of the mean. A sound set shows zero at every radius; a PSF of "
            "another width gives rings of both signs, a pedestal a step.",
            "lines",
            {
                "x_label": "distance from the galaxy's centre, px",
                "y_label": "sky sigma a pixel",
                "x_log": False,
                "y_log": False,
                "series": series,
                "marks": [{"label": "nothing", "y": 0.0}],
            },
        )
    ]
