"""Seven numbers a galaxy, measured identically on mock and on real stamps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, ZERO_POINT
from arcgate.survey.hosts import Hosts
from arcgate.survey.measure import APERTURE_ARCSEC, measure_centre, measure_light, measure_sky

FEATURES = ("mag_r", "g_r", "r_z", "half_light_arcsec", "concentration", "log_sky_sigma_r", "noise_lag1_r")


def measure_survey(survey: Hosts) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Features of all galaxies that can be measured, indexed by catalogue row, and the rows that cannot."""
    rows, failed = {}, []
    for start in range(0, len(survey.table), 100):
        block = np.arange(start, min(start + 100, len(survey.table)))
        for row, stamp in zip(block, survey.cutouts(block), strict=True):
            try:
                rows[int(row)] = measure_stamp(stamp)
            except ArcgateError:
                failed.append(int(row))
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(FEATURES)), np.array(failed, dtype=np.int64)


def measure_stamp(stamp: NDArray[np.float32]) -> list[float]:
    """Features of one stamp, shape (band, y, x); magnitudes within 16 px, shape and sky in r.

    Raises
    ------
    ArcgateError
        If the galaxy has no measurable centre, sky or flux.
    """
    images = dict(zip(DECALS.bands, stamp.astype(np.float64), strict=True))
    skies = {band: measure_sky(image) for band, image in images.items()}
    x, y = measure_centre(images["r"], skies["r"])
    light = {
        band: measure_light(images[band], skies[band], x, y, APERTURE_ARCSEC / DECALS.pixel_scale_arcsec) for band in DECALS.bands
    }
    if min(item.flux for item in light.values()) <= 0.0:
        raise ArcgateError("no positive flux")
    mag = {band: ZERO_POINT - 2.5 * np.log10(item.flux) for band, item in light.items()}
    return [
        mag["r"],
        mag["g"] - mag["r"],
        mag["r"] - mag["z"],
        light["r"].half_light_pix * DECALS.pixel_scale_arcsec,
        light["r"].concentration,
        float(np.log10(skies["r"].sigma)),
        skies["r"].lag1,
    ]
