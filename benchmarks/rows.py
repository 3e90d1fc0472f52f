"""Random rows of the grid v4_sota, in three bands, each with its own PSF and place of the host."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from arcgate.imaging import DECALS

Array = NDArray[np.float64]

CENTRE_PIX = (DECALS.size_pix - 1) / 2
FWHM_MEDIAN_ARCSEC = (1.4, 1.2, 1.1)  # g, r, z
FWHM_SCATTER = 0.08
BETA = 3.0


@dataclass(frozen=True)
class Rows:
    """Columns of the rows: arcsec, radians, pixels; the source's centre relative to the lens, its flux 1 in each band."""

    theta_e: Array
    q: Array
    phi: Array
    gamma1: Array
    gamma2: Array
    reff: Array
    n: Array
    source_q: Array
    source_phi: Array
    source_x: Array
    source_y: Array
    x_pix: Array
    y_pix: Array
    fwhm: Array  # (rows, bands): Moffat of exponent BETA, the effective PSF, pixel included

    def __len__(self) -> int:
        return len(self.q)

    def __getitem__(self, which: slice) -> Rows:
        return Rows(*(getattr(self, field.name)[which] for field in fields(self)))

    @property
    def bands(self) -> int:
        return self.fwhm.shape[1]


def draw(count: int, seed: int = 0) -> Rows:
    """`count` rows; the first ones do not depend on `count`."""
    grid = OmegaConf.load(str(resources.files("arcgate.conf") / "grid" / "v4_sota.yaml"))
    return _stack([_one(grid, np.random.default_rng([seed, row])) for row in range(count)])


def _one(grid, rng: np.random.Generator) -> tuple[float | Array, ...]:
    shear, angle = rng.choice(list(grid.shear)), rng.uniform(0.0, np.pi)
    ellipticity, offset = rng.choice(list(grid.ellipticity)), grid.offset_arcsec
    return (
        rng.choice(list(grid.theta_e_arcsec)),
        rng.uniform(*grid.lens_q),
        rng.uniform(0.0, np.pi),
        shear * np.cos(2.0 * angle),
        shear * np.sin(2.0 * angle),
        rng.choice(list(grid.reff_arcsec)),
        grid.sersic_n,
        (1.0 - ellipticity) / (1.0 + ellipticity),
        rng.uniform(0.0, np.pi),
        rng.uniform(-offset, offset),
        rng.uniform(-offset, offset),
        CENTRE_PIX + rng.uniform(-0.5, 0.5),
        CENTRE_PIX + rng.uniform(-0.5, 0.5),
        np.array(FWHM_MEDIAN_ARCSEC) * np.exp(FWHM_SCATTER * rng.standard_normal(len(FWHM_MEDIAN_ARCSEC))),
    )


def _stack(drawn: list[tuple[float | Array, ...]]) -> Rows:
    return Rows(*(np.array(column, dtype=np.float64) for column in zip(*drawn, strict=True)))


def moffat(radius_arcsec: Array, fwhm_arcsec: float) -> Array:
    """Density of the effective PSF per square arcsec, normalised over the whole plane."""
    alpha = fwhm_arcsec / (2.0 * np.sqrt(2.0 ** (1.0 / BETA) - 1.0))
    return (BETA - 1.0) / (np.pi * alpha**2) * (1.0 + (radius_arcsec / alpha) ** 2) ** -BETA
