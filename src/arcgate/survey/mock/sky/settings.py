"""Settings of a mock survey on disk."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.hosts_node import PerBand
from arcgate.settings import STRICT, Positive, PositiveInt

NotNegative = Annotated[float, Field(ge=0)]
NotNegativeInt = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Band = Literal["g", "r", "i", "z"]
Plane = Literal["image", "invvar", "psfsize", "nexp", "depth", "galdepth", "maskbits"]

# Rows that a catalogue holds of each kind that no parent sample may hold; see `arcgate.survey.mock.sky.objects`.
ODD_KINDS = ("duplicate", "negative", "zero", "nan_flux", "nan_position")


@dataclass(config=STRICT, frozen=True)
class MockSky:
    """What determines every pixel and row.

    Attributes
    ----------
    seed : int
    n_bricks : int
        Bricks of the southern survey.
    layout : {'blocks', 'scattered'}
        Blocks of adjacent bricks, which overlap, far from each other; or single bricks, all of them far apart.
    block_bricks : int
        Bricks of a block.
    north_bricks : int
        So many of the bricks, the first ones, lie in the northern survey too: the same sky in other pixels.
    planes : tuple of str
        Kinds of images that are written.
    bands : tuple of str
    parents_per_brick : int
        Galaxies of each brick that pass the parent sample's cuts, were they observed everywhere.
    rows_per_brick : int
        Rows of the catalogue, of all kinds.
    separated : bool
        Whether no two parents' stamps of 64 pixels overlap.
    saturated_per_brick : int
        Stars of about z = 8.
    odd_per_kind : int
        Rows of each brick of each of `ODD_KINDS`.
    known_lenses : int
        Parents of the whole survey that are listed as known lenses, and as many entries of the list where no parent is.
    mag_r_min, mag_r_max : float
        Of parents, AB.
    mag_r_faintest : float
        Of other galaxies and stars.
    psfsize_arcsec, depth_mag : PerBand
        Medians of the southern survey: psfsize (arcsec), and the 5-sigma depth of a point source (AB) that the inverse variance
        states.
    north_psfsize_arcsec, north_depth_mag : PerBand
        Likewise of the northern one.
    psfsize_scatter, depth_scatter_mag : float
        Between bricks: standard deviation of ln psfsize and of the depth.
    psf_beta_min, psf_beta_max : float
        Range of the Moffat exponent.
    gap_share : float
        Share of bricks with a corner without any data in the last band.
    with_noise : bool
        Whether images have noise.
    noise_lag1 : float
        Correlation of the sky noise between neighbouring pixels.
    scatter_over_invvar : float
        Standard deviation of the sky over 1 / sqrt(invvar). Resampling spreads noise over neighbours, of which invvar knows
        nothing: real coadds lie below 1.
    """

    seed: int
    n_bricks: PositiveInt
    layout: Literal["blocks", "scattered"]
    block_bricks: PositiveInt
    north_bricks: NotNegativeInt
    planes: Annotated[tuple[Plane, ...], Field(min_length=1)]
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]
    parents_per_brick: NotNegativeInt
    rows_per_brick: Annotated[int, Field(ge=1, le=1_000_000)]
    separated: bool
    saturated_per_brick: NotNegativeInt
    odd_per_kind: NotNegativeInt
    known_lenses: NotNegativeInt
    mag_r_min: float
    mag_r_max: float
    mag_r_faintest: Annotated[float, Field(gt=21.1, le=27)]
    psfsize_arcsec: PerBand
    depth_mag: PerBand
    north_psfsize_arcsec: PerBand
    north_depth_mag: PerBand
    psfsize_scatter: NotNegative
    depth_scatter_mag: NotNegative
    psf_beta_min: Annotated[float, Field(gt=1)]
    psf_beta_max: Annotated[float, Field(gt=1)]
    gap_share: Share
    with_noise: bool
    noise_lag1: Annotated[float, Field(ge=0, lt=0.5)]
    scatter_over_invvar: Positive

    @model_validator(mode="after")
    def _fit(self) -> MockSky:
        if self.rows_per_brick < self.n_special:
            raise ValueError(
                f"rows_per_brick {self.rows_per_brick} is less than the {self.n_special} rows of parents, saturated stars and "
                f"their artefacts, and {len(ODD_KINDS)} odd kinds"
            )
        if "r" not in self.bands:
            raise ValueError(f"bands are to hold r, in which magnitudes are drawn, got {', '.join(self.bands)}")
        if self.north_bricks > self.n_bricks:
            raise ValueError(f"north_bricks {self.north_bricks} must not exceed n_bricks {self.n_bricks}")
        if self.known_lenses > self.n_bricks * self.parents_per_brick:
            raise ValueError(f"known_lenses {self.known_lenses} exceed the parents, {self.n_bricks} x {self.parents_per_brick}")
        if self.mag_r_min >= self.mag_r_max:
            raise ValueError(f"mag_r_min {self.mag_r_min:g} must lie below mag_r_max {self.mag_r_max:g}")
        if self.psf_beta_min > self.psf_beta_max:
            raise ValueError(f"psf_beta_min {self.psf_beta_min:g} must not exceed psf_beta_max {self.psf_beta_max:g}")
        for name in ("psfsize_arcsec", "depth_mag", "north_psfsize_arcsec", "north_depth_mag"):
            missing = [band for band in self.bands if band not in getattr(self, name)]
            if missing:
                raise ValueError(f"{name} says nothing of {', '.join(missing)}")
        return self

    @property
    def n_special(self) -> int:
        """Rows of a brick that are neither field galaxies nor ordinary stars."""
        return self.parents_per_brick + 2 * self.saturated_per_brick + len(ODD_KINDS) * self.odd_per_kind
