"""The node `data.hosts` of the configuration as frozen dataclasses: where galaxies come from."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.ground.hashing import as_plain
from arcgate.settings import STRICT, Positive, PositiveInt

Share = Annotated[float, Field(ge=0, lt=1)]
PerBand = dict[str, Positive]
"""One positive value for each band of the imaging."""


@dataclass(config=STRICT, frozen=True)
class MockHosts:
    """Hosts drawn and rendered by the embedded mock survey.

    Attributes
    ----------
    n_hosts : int
        Galaxies in the survey.
    seed : int
        Seed of the survey; a larger survey of the same seed begins with the same galaxies.
    mag_r_min, mag_r_max : float
        Selection in r, AB magnitudes.
    psfsize_arcsec : PerBand
        Median `psfsize` per band, arcsec.
    psf_beta_min, psf_beta_max : float
        Range of the Moffat exponent, drawn per galaxy and band.
    depth_mag : PerBand
        Median 5-sigma point-source depth, AB magnitudes.
    depth_scatter_mag : float
        Standard deviation of the depth between galaxies.
    noise_lag1 : float
        Correlation of the sky noise between neighbouring pixels, median over galaxies.
    neighbours_per_stamp : float
        Mean number of neighbouring objects brighter than the survey's limit in a stamp.
    """

    kind: Literal["mock"]
    n_hosts: PositiveInt
    seed: int
    mag_r_min: float
    mag_r_max: float
    psfsize_arcsec: PerBand
    psf_beta_min: Annotated[float, Field(gt=1)]
    psf_beta_max: Annotated[float, Field(gt=1)]
    depth_mag: PerBand
    depth_scatter_mag: Annotated[float, Field(ge=0)]
    noise_lag1: Annotated[float, Field(ge=0, lt=0.5)]
    neighbours_per_stamp: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> MockHosts:
        if self.mag_r_min >= self.mag_r_max:
            raise ValueError(
                f"mag_r_min {self.mag_r_min:g} must lie below mag_r_max {self.mag_r_max:g}: no host is left after the cuts"
            )
        if self.psf_beta_min > self.psf_beta_max:
            raise ValueError(f"psf_beta_min {self.psf_beta_min:g} must not exceed psf_beta_max {self.psf_beta_max:g}")
        return self


@dataclass(config=STRICT, frozen=True)
class Kernels:
    """Measured PSFs of a survey, each of which serves the galaxies of one split.

    Attributes
    ----------
    path : str
        Folder of the files.
    format : {'psfex', 'coadd'}
        PsfEx models of single exposures (`*psfex*.fits`), or the Legacy Surveys' coadd PSFs (`copsf*.fits`).
    centroid : {'removed', 'declared'}
        Whether a PSF's light is moved onto its central pixel, or stays off it, and arcs with it.
    pixel_scale_arcsec : float
        Of the models' samples, which must be that of the stamps.
    wings : {'none', 'decam'}
        Light beyond the model: that of DECam from 5 arcsec to half the stamp's diagonal, or nothing.
    """

    path: str
    format: Literal["psfex", "coadd"]
    pixel_scale_arcsec: Positive
    centroid: Literal["removed", "declared"]
    wings: Literal["none", "decam"]


@dataclass(config=STRICT, frozen=True)
class PackHosts:
    """Hosts read from a stamp pack: one FITS cube per band.

    Attributes
    ----------
    path : str
        Folder with a file for each band (g.fits, r.fits, ...), each a cube (n, height, width).
    nanomaggies_per_count : float or None
        Factor from pixel values to nanomaggies; None takes that of the imaging's zero point.
    pixel_scale_arcsec : float
        Pixel size.
    psfsize_arcsec : PerBand
        The survey's PSF sizes, since a pack carries none.
    psf_beta : PerBand
        The survey's Moffat exponents.
    gain : PerBand
        Electrons per nanomaggy.
    kernels : Kernels or None
        Measured PSFs, instead of `psfsize_arcsec` and `psf_beta`.
    """

    kind: Literal["pack"]
    path: str
    nanomaggies_per_count: Positive | None
    pixel_scale_arcsec: Positive
    psfsize_arcsec: PerBand
    psf_beta: PerBand
    gain: PerBand
    kernels: Kernels | None = None

    def psf_of(self, band: str) -> tuple[float, float]:
        """Size (arcsec) and exponent in a band where nothing else declares them; NaN where measured PSFs do."""
        return (self.psfsize_arcsec[band], self.psf_beta[band]) if self.kernels is None else (math.nan, math.nan)

    @property
    def factor(self) -> float:
        """Nanomaggies per count, of hosts that state it or were given it (`arcgate.survey.pack`)."""
        if self.nanomaggies_per_count is None:
            raise ValueError("nanomaggies_per_count is not known yet: PackFiles.open takes it from the imaging")
        return self.nanomaggies_per_count


@dataclass(config=STRICT, frozen=True)
class LegacyHosts:
    """Hosts cut from coadd bricks of the Legacy Surveys.

    Attributes
    ----------
    parents : str
        Folder that `arcgate parents` made, or a Parquet file with its columns.
    survey : str
        Folder with the survey's files, as they lie on its server (`arcgate.survey.legacy.layout`).
    n_hosts : int or None
        So many galaxies are planned for; None takes all parents.
    plan : {'whole_bricks', 'spread'}
        All galaxies of bricks that are drawn at random, in proportion to depth and seeing, or galaxies at random.
    seed : int
        Of the plan.
    psf_beta : PerBand
        Moffat exponents, which the survey does not declare.
    gain : PerBand
        Electrons per nanomaggy.
    most_unmeasured : float
        Largest share of a stamp's pixels that may hold no measurement, in any band.
    masks : {'maskbits', 'invvar'}
        What tells pixels without a measurement: the survey's mask bits beside inverse variances, or these alone (before DR8).
    verify : {'none', 'checksums'}
        Whether files are compared with the survey's own checksums when they are read.
    missing_bricks : {'refuse', 'leave_out'}
        What happens where a brick's files are missing or damaged.
    kernels : Kernels or None
        Measured PSFs, instead of the catalogue's `psfsize` and `psf_beta`.
    """

    kind: Literal["legacy"]
    parents: str
    survey: str
    n_hosts: PositiveInt | None
    plan: Literal["whole_bricks", "spread"]
    seed: int
    psf_beta: PerBand
    gain: PerBand
    most_unmeasured: Share
    masks: Literal["maskbits", "invvar"]
    verify: Literal["none", "checksums"]
    missing_bricks: Literal["refuse", "leave_out"]
    kernels: Kernels | None = None


@dataclass(config=STRICT, frozen=True)
class MmuHosts:
    """Hosts from rows of the Multimodal Universe's Legacy Surveys.

    Attributes
    ----------
    path : str
        A Parquet file, or a folder with such files.
    psf_beta : PerBand
        Moffat exponents, which the rows do not state.
    gain : PerBand
        Electrons per nanomaggy.
    most_unmeasured : float
        Largest share of a stamp's pixels that may hold no measurement, in any band.
    kernels : Kernels or None
        Measured PSFs, instead of the rows' sizes and `psf_beta`.
    """

    kind: Literal["mmu"]
    path: str
    psf_beta: PerBand
    gain: PerBand
    most_unmeasured: Share
    kernels: Kernels | None = None


@dataclass(config=STRICT, frozen=True)
class Layer:
    """A layer of the survey's viewer, as headers of its cutouts name it: it may deliver another than was asked for."""

    survey: str
    version: str


@dataclass(config=STRICT, frozen=True)
class CutoutHosts:
    """Hosts from a folder of the viewer's FITS cutouts, one file a galaxy.

    Attributes
    ----------
    path : str
        Folder; positions are in `catalogue.csv` (or .parquet, .fits) beside the files, or in their names.
    layer : Layer or None
        What all files must be of; None asks only that they are of one layer.
    resampled : {'refuse', 'accept'}
        Whether stamps that the viewer resampled will do.
    psfsize_arcsec, psf_beta : PerBand
        PSF, which cutouts do not state.
    gain : PerBand
        Electrons per nanomaggy.
    most_unmeasured : float
        Largest share of a stamp's pixels that may hold no measurement, in any band.
    kernels : Kernels or None
        Measured PSFs, instead of these numbers.
    """

    kind: Literal["cutouts"]
    path: str
    layer: Layer | None
    resampled: Literal["refuse", "accept"]
    psfsize_arcsec: PerBand
    psf_beta: PerBand
    gain: PerBand
    most_unmeasured: Share
    kernels: Kernels | None = None


FileHosts = PackHosts | LegacyHosts | MmuHosts | CutoutHosts
Hosts = Annotated[MockHosts | FileHosts, Field(discriminator="kind")]
PLACES: Final = ("path", "parents", "survey", "catalogue")
"""Settings that say where something lies: its content counts in digests, not its place."""


def counting(spec: object) -> dict[str, Any]:
    """What counts in digests of hosts or sources, and of their kernels: plain values without `PLACES`."""
    settings = as_plain(spec)
    for part in (settings, settings.get("kernels") or {}):
        for name in PLACES:
            part.pop(name, None)
    return dict(settings)
