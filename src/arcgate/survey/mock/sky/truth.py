"""The truth of a mock survey: every object that was painted, and where the tables of it lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.imaging import ZERO_POINT
from arcgate.survey.legacy.layout import BRICK_PIX
from arcgate.survey.mock.sky.catalogue import RELEASE, Observed, objid_of
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.claim import FOLDER
from arcgate.survey.mock.sky.objects import SkyObject
from arcgate.survey.mock.sky.painting import Painted
from arcgate.survey.mock.sky.settings import MockSky

OBJECTS: Final = "objects.parquet"
CARD: Final = "card.json"


def part_file(root: Path, pointing: Pointing) -> Path:
    """Truth of one brick."""
    return root / FOLDER / "bricks" / f"{pointing.footprint}-{pointing.brick.name}.parquet"


def truth_table(
    settings: MockSky,
    pointing: Pointing,
    objects: Sequence[SkyObject],
    painted: Sequence[Painted],
    observed: Observed,
    sky_sigma: NDArray[np.float64],
) -> pd.DataFrame:
    """One row a painted object of the brick's own.

    host_id as parents have it; x_pix, y_pix pixels of the brick from 0; flux_b nanomaggies as painted; mag_b AB, NaN without
    flux; reff_arcsec half-light radius on the intermediate axis, phi_rad counter-clockwise from +x on the image, NaN for stars;
    sky_sigma_b standard deviation of the sky at the object, NaN where nothing was observed; nobs_b exposures there.
    """
    release = RELEASE[pointing.footprint]
    objid = [objid_of(settings, pointing.footprint, one.number) for one in objects]
    shapes = [one.profile for one in painted]
    table: dict[str, object] = {
        "host_id": [f"ls-{release}-{pointing.brick.number}-{number}" for number in objid],
        "footprint": pointing.footprint,
        "brick": pointing.brick.name,
        "brickid": pointing.brick.number,
        "release": release,
        "objid": objid,
        "kind": [one.kind for one in objects],
        "type": [one.type for one in objects],
        "is_star": [one.profile is None for one in objects],
        "ra": [one.ra for one in objects],
        "dec": [one.dec for one in objects],
        "x_pix": [one.x_pix for one in painted],
        "y_pix": [one.y_pix for one in painted],
    }
    for name in ("reff_arcsec", "n", "q", "phi_rad"):
        values = [np.nan if shape is None else getattr(shape, name) for shape in shapes]
        table["sersic_n" if name == "n" else name] = np.array(values, dtype=np.float64)
    x, y = (
        np.clip(np.rint(np.array([getattr(one, at) for one in painted])), 0, BRICK_PIX - 1).astype(int)
        for at in ("x_pix", "y_pix")
    )
    for number, band in enumerate(settings.bands):
        one = observed.conditions[band]
        flux = np.array([each.flux[number] for each in painted])
        seen = observed.exposures[number][y, x]
        table |= {
            f"flux_{band}": flux,
            f"mag_{band}": np.where(flux > 0, ZERO_POINT - 2.5 * np.log10(np.where(flux > 0, flux, 1.0)), np.nan),
            f"psfsize_{band}": one.psfsize_arcsec,
            f"psf_beta_{band}": one.psf.beta,
            f"gain_{band}": one.gain * seen / one.exposures,
            f"sky_sigma_{band}": np.where(seen > 0, sky_sigma[number] * np.sqrt(one.exposures / np.maximum(seen, 1)), np.nan),
            f"nobs_{band}": seen,
        }
    return pd.DataFrame(table)
