"""Rows of a brick's catalogue, with the columns of DR10's sweeps.

Fluxes, places and shapes are the truth: what a fit would add is no part of the mock. `SHAPE_R` is the half-light radius along the
major axis, `SHAPE_E1` and `SHAPE_E2` are (1 - q) / (1 + q) times cosine and sine of twice the position angle east of north.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from arcgate.ground import draws
from arcgate.imaging import ZERO_POINT
from arcgate.lensing.profiles import sersic_b
from arcgate.survey.legacy.layout import BRICK_PIX, Footprint
from arcgate.survey.mock.population import EXTINCTION_PER_EBV
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.conditions import BandConditions, ebv_of
from arcgate.survey.mock.sky.objects import SkyObject
from arcgate.survey.mock.sky.planes import Bits, Counts
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.sweep_columns import OPTICAL, SWEEP

Array = NDArray[np.float64]
Rows = NDArray[np.void]

RELEASE: Final[dict[Footprint, int]] = {"south": 10000, "north": 9011}
GALDEPTH_REFF_ARCSEC: Final = 0.45
"""Of the round exponential disc for which `galdepth` holds."""
# A / E(B-V) of bands in which nothing is drawn (legacysurvey.org, catalogues of DR10).
_EXTINCTION: Final = {"i": 1.592, "w1": 0.184, "w2": 0.113, "w3": 0.0241, "w4": 0.0091} | EXTINCTION_PER_EBV
# Half side of the square in which masked pixels are counted: about the half-light radius of a parent.
_MASKED_HALF_PIX: Final = 6
_SATURATED_BIT: Final = 2  # of ALLMASK and ANYMASK
_GAIA_LIMIT: Final = 20.7
# z - W1 about DESI's cut for luminous red galaxies, 0.8 (r - z) - 0.6: galaxies lie above it, stars below (AB).
_W1_GALAXY, _W1_STAR, _W1_SCATTER = 0.6, -0.5, 0.25
_W1_IVAR: Final = 3.0
# Fibre of 1.5 arcsec in seeing of 1 arcsec, whose half-light radius is 0.5 arcsec.
_FIBRE_RADIUS_ARCSEC, _FIBRE_SEEING_ARCSEC = 0.75, 0.5


@dataclass(frozen=True, eq=False)
class Observed:
    """A brick as it was observed.

    Attributes
    ----------
    conditions : dict of str to BandConditions
    galdepth : dict of str to float
        Inverse variance of the flux of a disc of `GALDEPTH_REFF_ARCSEC`, where nothing is missing.
    exposures : ndarray of int16 (band, y, x)
    saturated : ndarray of bool (band, y, x)
    bits : ndarray of int32 (y, x)
    """

    conditions: dict[str, BandConditions]
    galdepth: dict[str, float]
    exposures: Counts
    saturated: NDArray[np.bool_]
    bits: Bits


def catalogue_rows(
    settings: MockSky, pointing: Pointing, objects: Sequence[SkyObject], x_pix: Array, y_pix: Array, observed: Observed
) -> Rows:
    """Rows of a brick's own objects, at pixels that are NaN where there is no position, in their order."""
    rows: Rows = np.zeros(len(objects), dtype=SWEEP)
    _identity(rows, pointing, objects)
    ebv = ebv_of(settings, pointing.brick.number)
    rows["EBV"] = ebv
    for band, per_ebv in _EXTINCTION.items():
        rows[f"MW_TRANSMISSION_{band.upper()}"] = 10.0 ** (-0.4 * per_ebv * ebv)
    x, y = (np.clip(np.rint(np.nan_to_num(at)), 0, BRICK_PIX - 1).astype(np.int64) for at in (x_pix, y_pix))
    there = np.isfinite(x_pix)
    rows["MASKBITS"] = np.where(there, observed.bits[y, x], 0)
    _shapes(rows, objects)
    for number, band in enumerate(settings.bands):
        _band(rows, band, objects, observed, number, x, y)
    _infrared(rows, settings, objects)
    _gaia(rows, objects)
    for band in OPTICAL:
        rows[f"FIBERTOTFLUX_{band}"] = rows[f"FIBERFLUX_{band}"]
    return rows


def objid_of(settings: MockSky, footprint: Footprint, number: int) -> int:
    """OBJID of an object: the two surveys number theirs apart."""
    return number if footprint == "south" else settings.rows_per_brick - 1 - number


def _identity(rows: Rows, pointing: Pointing, objects: Sequence[SkyObject]) -> None:
    count = len(objects)
    rows["RELEASE"] = RELEASE[pointing.footprint]
    rows["BRICKID"], rows["BRICKNAME"] = pointing.brick.number, pointing.brick.name
    rows["OBJID"] = np.arange(count) if pointing.footprint == "south" else np.arange(count)[::-1]
    rows["TYPE"] = [one.type for one in objects]
    rows["RA"], rows["DEC"] = [one.ra for one in objects], [one.dec for one in objects]
    rows["RA_IVAR"] = rows["DEC_IVAR"] = 1e12
    rows["WISE_COADD_ID"] = pointing.brick.name


def _shapes(rows: Rows, objects: Sequence[SkyObject]) -> None:
    for row, one in zip(rows, objects, strict=True):
        shape = one.profile
        if shape is not None:
            ellipticity = (1.0 - shape.q) / (1.0 + shape.q)
            row["SHAPE_R"] = shape.reff_arcsec / np.sqrt(shape.q)
            row["SHAPE_E1"] = ellipticity * np.cos(2.0 * shape.phi_rad)
            row["SHAPE_E2"] = ellipticity * np.sin(2.0 * shape.phi_rad)
            row["SERSIC"] = shape.n
            row["SHAPE_R_IVAR"] = row["SHAPE_E1_IVAR"] = row["SHAPE_E2_IVAR"] = 1e4


def _band(
    rows: Rows, band: str, objects: Sequence[SkyObject], observed: Observed, number: int, x: NDArray[Any], y: NDArray[Any]
) -> None:
    """Columns of one band; where nothing was observed, all are 0."""
    condition, end = observed.conditions[band], band.upper()
    seen, masked = observed.exposures[number][y, x], observed.saturated[number]
    share = seen / condition.exposures
    rows[f"NOBS_{end}"] = seen
    listed = np.array([one.listed[band] for one in objects])
    rows[f"FLUX_{end}"] = np.where(seen > 0, listed, 0.0)
    rows[f"PSFSIZE_{end}"] = np.where(seen > 0, condition.psfsize_arcsec, 0.0)
    rows[f"PSFDEPTH_{end}"] = condition.psf_ivar * share
    rows[f"GALDEPTH_{end}"] = observed.galdepth[band] * share
    rows[f"ANYMASK_{end}"] = rows[f"ALLMASK_{end}"] = np.where(masked[y, x], _SATURATED_BIT, 0)
    # The fit of a saturated core says nothing of what it missed.
    lying = np.array([one.kind == "artefact" for one in objects])
    rows[f"FRACMASKED_{end}"] = np.where((seen > 0) & ~lying, _masked_share(masked, x, y), 0.0)
    rows[f"FRACIN_{end}"] = rows[f"RCHISQ_{end}"] = np.where(seen > 0, 1.0, 0.0)
    reff = np.array([0.0 if one.profile is None else one.profile.reff_arcsec for one in objects])
    wider = 1.0 + (2.0 * reff / condition.psfsize_arcsec) ** 2
    none = np.array([one.kind == "duplicate" for one in objects]) | masked[y, x]
    rows[f"FLUX_IVAR_{end}"] = np.where(none, 0.0, condition.psf_ivar * share / wider)
    rows[f"FIBERFLUX_{end}"] = np.where(seen > 0, listed * [in_fibre(one) for one in objects], 0.0)


def _masked_share(masked: NDArray[np.bool_], x: NDArray[Any], y: NDArray[Any]) -> Array:
    """Share of masked pixels in a square about each place."""
    half = _MASKED_HALF_PIX
    return np.array(
        [
            masked[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1].mean()
            for row, column in zip(y.tolist(), x.tolist(), strict=True)
        ]
    )


def in_fibre(one: SkyObject) -> float:
    """Share of the light in a fibre: of a Sersic profile as wide as the object and the seeing together.

    Right for a point source, whose profile in Gaussian seeing is that of n = 1/2, and roughly right for galaxies.
    """
    reff = 0.0 if one.profile is None else one.profile.reff_arcsec
    radius = np.hypot(reff, _FIBRE_SEEING_ARCSEC)
    share = (reff / radius) ** 2
    index = 0.5 if one.profile is None else share * one.profile.n + (1.0 - share) * 0.5
    return float(gammainc(2.0 * index, sersic_b(index) * (_FIBRE_RADIUS_ARCSEC / radius) ** (1.0 / index)))


def _infrared(rows: Rows, settings: MockSky, objects: Sequence[SkyObject]) -> None:
    """W1 from the colour r - z; further bands stay 0, as where WISE says nothing."""
    ids = rows["BRICKID"].astype(np.int64) * 2**20 + np.array([one.number for one in objects])
    red = settings.bands[-1]
    faint = np.array([_mag(one.listed["r"]) for one in objects])
    bright = np.array([_mag(one.listed[red]) for one in objects])
    middle = np.where([one.profile is None for one in objects], _W1_STAR, _W1_GALAXY)
    scatter = _W1_SCATTER * draws.normal(settings.seed, "mock sky W1", ids)
    w1 = bright - (0.8 * (faint - bright) - 0.6 + middle + scatter)
    rows["FLUX_W1"] = np.nan_to_num(10.0 ** (0.4 * (ZERO_POINT - w1)))
    rows["FLUX_IVAR_W1"], rows["NOBS_W1"] = _W1_IVAR, 100


def _gaia(rows: Rows, objects: Sequence[SkyObject]) -> None:
    """Stars that Gaia knows, and what it knows beside (duplicates)."""
    for row, one in zip(rows, objects, strict=True):
        mag = 19.0 if one.type == "DUP" else _mag(one.listed["r"])
        if (one.type == "DUP" or one.profile is None) and mag < _GAIA_LIMIT:
            row["REF_CAT"], row["REF_ID"], row["REF_EPOCH"] = "GE", one.brick.number * 2**20 + one.number, 2016.0
            row["GAIA_PHOT_G_MEAN_MAG"] = mag


def _mag(flux: float) -> float:
    return float(ZERO_POINT - 2.5 * np.log10(flux)) if flux > 0 else nan
