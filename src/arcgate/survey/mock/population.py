"""Luminous red galaxies drawn from Gaussian mixtures of the DR9 target catalogue.

The mixtures (`lrg_population.json`, which states its source and licence) hold, for each light profile of the catalogue, the
joint distribution of z magnitude, colours, size and ellipticity. Sizes are log10 of arcsec along the major axis: the tabulated
means of -0.2 to 0.34 cannot be radii in arcsec, read as log10 they give 0.6 to 2.2 arcsec, and desitarget's own reader
(desitarget/mock/mockmaker.py) takes 10**reff. Ellipticity components are moduli (their means are positive in every mixture
component), so that the position angle is drawn apart, uniform.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.colours import DRAWN
from arcgate.ground.errors import ArcgateError

Array = NDArray[np.float64]

G_R_MIN: Final = 0.5
R_Z_MIN: Final = 0.2
EXTINCTION_PER_EBV: Final = {"g": 3.214, "r": 2.165, "z": 1.211}
"""A / E(B-V) of DECam bands, Legacy Surveys DR9 and DR10 catalogue description (after Schlafly & Finkbeiner 2011)."""
_MAX_ELLIPTICITY: Final = 0.6
_REFF_ARCSEC: Final = (0.15, 8.0)
# The catalogue's ellipticities, scaled. Unscaled, the mock's galaxies come out more elongated than real ones on images
# (experiments/01-mock-against-real).
_ELLIPTICITY_SCALE: Final = 0.6
# Sizes of REX galaxies are no part of the mixtures. They are drawn from those of EXP galaxies, scaled: REX is the catalogue's
# model for galaxies whose shape is hardly resolved. Unscaled, the mock's half-light radii come out above the real ones.
_REX_SIZE: Final = 0.5
# Sersic indices of SER galaxies are no part of the mixtures: mean, standard deviation and limits of a normal distribution. The
# upper limit is the catalogue's; the mean is that of massive early types and fits the real galaxies' concentration.
_SERSIC_N: Final = (4.5, 1.0, 1.5, 6.0)


@dataclass(frozen=True)
class Profile:
    """Sersic profile: half-light radius on the intermediate axis (arcsec), index, axis ratio, position angle (radians)."""

    reff_arcsec: float
    n: float
    q: float
    phi_rad: float


@dataclass(frozen=True)
class Galaxy:
    """A host as drawn.

    Attributes
    ----------
    morphology : str
        REX, EXP, DEV or SER.
    mag : dict of str to float
        Observed AB magnitude in g, r and z, not corrected for extinction.
    profile : Profile
        Its light.
    ebv : float
        E(B-V).
    """

    morphology: str
    mag: dict[str, float]
    profile: Profile
    ebv: float


@dataclass(frozen=True)
class _Mixture:
    cumulative: Array
    means: Array
    factors: Array

    def draw(self, rng: np.random.Generator) -> Array:
        component = min(int(np.searchsorted(self.cumulative, rng.random())), len(self.means) - 1)
        return np.asarray(self.means[component] + self.factors[component] @ rng.standard_normal(self.means.shape[1]))


@dataclass(frozen=True)
class _Population:
    names: tuple[str, ...]
    shares: Array
    mixtures: tuple[_Mixture, ...]
    rex_z: Array
    rex_share: Array


@lru_cache(maxsize=1)
def _population() -> _Population:
    content: dict[str, Any] = json.loads(resources.files(__package__).joinpath("lrg_population.json").read_text())
    names = tuple(content["mixtures"])
    mixtures = []
    for name in names:
        table = content["mixtures"][name]
        weights = np.array(table["weights"])
        factors = np.linalg.cholesky(np.array(table["covariances"]))
        mixtures.append(_Mixture(np.cumsum(weights / weights.sum()), np.array(table["means"]), factors))
    shares = np.array([content["type_shares"][name] for name in names])
    rex = content["rex_share"]
    return _Population(names, np.cumsum(shares / shares.sum()), tuple(mixtures), np.array(rex["z"]), np.array(rex["share"]))


# One galaxy in some ten passes the default cuts.
ATTEMPTS = 20_000


def draw_galaxy(rng: np.random.Generator, mag_r_min: float, mag_r_max: float) -> Galaxy:
    """Draw galaxies until one passes the parent sample's cuts.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of this galaxy alone.
    mag_r_min, mag_r_max : float
        Open interval of the observed r magnitude; g - r > 0.5 and r - z > 0.2 are cut too, as in the sweep catalogues on
        fluxes that are not corrected for extinction.

    Returns
    -------
    Galaxy
    """
    ebv = float(np.clip(np.exp(rng.normal(np.log(0.035), 0.5)), 0.005, 0.15))
    for _ in range(ATTEMPTS):
        morphology, values = _draw_target(rng)
        mag = _observed(values, ebv)
        if mag_r_min < mag["r"] < mag_r_max and mag["g"] - mag["r"] > G_R_MIN and mag["r"] - mag["z"] > R_Z_MIN:
            return Galaxy(morphology, mag, _profile(rng, morphology, values), ebv)
    raise ArcgateError(
        f"no galaxy of {ATTEMPTS:,} drawn has {mag_r_min:g} < r < {mag_r_max:g} and the colours of the parent sample",
        where="data.hosts.mag_r_min, data.hosts.mag_r_max",
        todo="widen the selection; the mock survey's galaxies lie at 17 < r < 21.5",
    )


def _draw_target(rng: np.random.Generator) -> tuple[str, Array]:
    population = _population()
    kind = min(int(np.searchsorted(population.shares, rng.random())), len(population.names) - 1)
    values = population.mixtures[kind].draw(rng)
    morphology = population.names[kind].upper()
    if morphology == "EXP" and rng.random() < np.interp(values[0], population.rex_z, population.rex_share):
        morphology = "REX"
    return morphology, values


def _observed(values: Array, ebv: float) -> dict[str, float]:
    z, g_r, r_z = (float(value) for value in values[:3])
    intrinsic = {"g": z + r_z + g_r, "r": z + r_z, "z": z}
    return {band: intrinsic[band] + EXTINCTION_PER_EBV[band] * ebv for band in DRAWN}


def _profile(rng: np.random.Generator, morphology: str, values: Array) -> Profile:
    modulus = _ELLIPTICITY_SCALE * float(np.hypot(values[4], values[5]))
    ellipticity = 0.0 if morphology == "REX" else min(modulus, _MAX_ELLIPTICITY)
    q = (1.0 - ellipticity) / (1.0 + ellipticity)
    scale = _REX_SIZE if morphology == "REX" else 1.0
    major = float(np.clip(scale * 10.0 ** values[3], *_REFF_ARCSEC))
    index = {"REX": 1.0, "EXP": 1.0, "DEV": 4.0}.get(morphology)
    if index is None:
        mean, spread, low, high = _SERSIC_N
        index = float(np.clip(rng.normal(mean, spread), low, high))
    return Profile(float(major * np.sqrt(q)), index, q, float(rng.uniform(0.0, np.pi)))
