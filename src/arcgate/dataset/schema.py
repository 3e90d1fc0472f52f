"""The columns of a data set: the contract between building, judging, training and scoring.

Conventions: bands in the order of the imaging; images (band, y, x) float32 in nanomaggies per pixel; pixels 0-based;
+x is west and +y north on survey images; angles in radians counter-clockwise from +x.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from arcgate.imaging import Imaging

SCHEMA_VERSION: Final = 6
SPLITS: Final = ("train", "val", "test")
JUDGED_ROLES: Final = ("positive", "control", "null")
"""Roles that gates judge; networks learn from the first two."""
CERTIFYING_ROLES: Final = ("unlensed", "ring", "shuffled")
"""Roles that only trained networks are asked about: light as bright as the arc that is none."""
ROLES: Final = (*JUDGED_ROLES, *CERTIFYING_ROLES)
IMAGE_COLUMNS: Final = ("image", "arc")
THETA_E_STRATA: Final = {"theta_e_lt_1": (0.0, 1.0), "theta_e_1_2": (1.0, 2.0), "theta_e_ge_2": (2.0, np.inf)}

Kind = Literal["int", "float", "text"]
_VERSION_KEY: Final = "arcgate.schema_version"
_IMAGING_KEY: Final = "arcgate.imaging"
_ARROW: Final = {"int": pa.int64(), "float": pa.float64(), "text": pa.string()}


@dataclass(frozen=True)
class Column:
    """One column: name, kind, whether null is allowed, and meaning with unit."""

    name: str
    kind: Kind
    nullable: bool
    meaning: str


def _manifest(imaging: Imaging) -> tuple[Column, ...]:
    per_band = partial(_per_band, imaging.bands)
    return (
        Column("sample_id", "int", False, "identity of the row; orders the data digest"),
        Column("host_id", "text", False, "galaxy; the group of every statistic and split"),
        Column("pair_id", "int", False, "shared by a positive, its control, its null row and its certifying rows"),
        Column("role", "text", False, "positive, control, null, or certifying: unlensed, ring or shuffled"),
        Column("control_kind", "text", True, "paired, or how another galaxy was chosen, on control rows"),
        Column("label", "int", True, "1 positive, 0 control, null for null rows and certifying roles, which enter no training"),
        Column("split", "text", False, "train, val or test"),
        Column("ra", "float", True, "right ascension of the host, ICRS, degrees; null without sky positions"),
        Column("dec", "float", True, "declination of the host, ICRS, degrees"),
        Column("healpix", "int", True, "cell that decides on the split, nside 64, nested: of the brick, else of the host"),
        Column("brick", "text", True, "brick of a survey from which the host was cut; its rows share conditions"),
        Column("footprint", "text", True, "part of a survey that was observed and reduced by itself, such as south and north"),
        Column("release", "text", True, "data release of a survey that the host was taken from"),
        Column("seed", "int", False, "seed of the data set's draws"),
        Column("theta_e_arcsec", "float", True, "Einstein radius, intermediate axis, arcsec; null on controls"),
        Column("lens_q", "float", True, "axis ratio of the lens; 1 is a SIS"),
        Column("lens_phi_rad", "float", True, "position angle of the lens, radians"),
        Column("gamma1", "float", True, "external shear, first component"),
        Column("gamma2", "float", True, "external shear, second component"),
        Column("n_images", "int", True, "images of the source's centre outside the origin; null for a ring"),
        *per_band("source_mag", "unlensed total AB magnitude of the source", nullable=True),
        Column("source_reff_arcsec", "float", True, "half-light radius, intermediate axis, arcsec"),
        Column("source_sersic_n", "float", True, "Sersic index; null for an image"),
        Column("source_q", "float", True, "axis ratio of the source; null for an image"),
        Column("source_phi_rad", "float", True, "position angle of the source, radians; of an image's +x axis"),
        Column("source_x_arcsec", "float", True, "source centre, offset from the lens in x, arcsec"),
        Column("source_y_arcsec", "float", True, "source centre, offset from the lens in y, arcsec"),
        Column("source_image", "text", True, "image in sources.parquet that the source is; null for a Sersic profile"),
        Column(
            "flux_scale",
            "float",
            True,
            "factor on the arc's flux: 1 on positives, 0 on null rows, what gives unlensed and ring rows the arc's light",
        ),
        *per_band("psfsize", "FWHM of the Gaussian of equal noise-equivalent area, declared by the survey, arcsec"),
        *per_band("psf_beta_declared", "Moffat exponent declared by the survey; of the best fit where it declares a kernel"),
        *_per_band(
            imaging.bands, "kernel_declared", "kernel in psfs.parquet declared by the survey; null for the Moffat", True, "text"
        ),
        Column("psf_profile_used", "text", True, "profile the arc was convolved with; kernel if it is measured"),
        *_per_band(imaging.bands, "kernel_used", "kernel in psfs.parquet the arc was convolved with, if any", True, "text"),
        *per_band("psf_fwhm_used", "FWHM the arc was convolved with, arcsec; null for a kernel", nullable=True),
        *per_band("psf_beta_used", "Moffat exponent the arc was convolved with; null but for a Moffat", nullable=True),
        Column("arc_noise", "text", False, "noise of the arc's own photons: none or poisson"),
        Column("core_mask_kind", "text", False, "none, hard or tanh"),
        Column("core_mask_radius_pix", "float", False, "radius inside which the arc's light was removed, pixels"),
        Column("core_mask_width_pix", "float", False, "width of the tanh taper, pixels"),
        *per_band("host_mag", "AB magnitude of the host"),
        *per_band("depth", "5-sigma point-source depth, AB magnitude"),
        Column("ebv", "float", True, "E(B-V) towards the host"),
        Column("host_reff_arcsec", "float", True, "half-light radius of the host that its catalogue declares, arcsec"),
    )


def _measured(imaging: Imaging) -> tuple[Column, ...]:
    per_band = partial(_per_band, imaging.bands)
    return (
        Column("host_x_pix", "float", False, "true centre of the galaxy in the stamp, x"),
        Column("host_y_pix", "float", False, "true centre of the galaxy in the stamp, y"),
        *per_band("sky_sigma", "standard deviation of the sky, nanomaggies per pixel"),
        *per_band("gain", "electrons per nanomaggy"),
        *per_band("ivar", "inverse of the mean variance of a pixel: sky, and arc with arc_noise; (nanomaggies per pixel)^-2"),
        *per_band("arc_flux", "light of the arc inside the stamp before the mask, nanomaggies", nullable=True),
        *per_band(
            "arc_flux_lost",
            "lensed light minus arc_flux: what falls outside the stamp, as far as light is followed, nanomaggies",
            nullable=True,
        ),
        *per_band("arc_flux_injected", "light of the arc inside the stamp as added, nanomaggies", nullable=True),
        Column("arc_snr", "float", True, "sqrt(sum arc^2 / sky_sigma^2) over pixels and bands, before the mask"),
        Column("arc_snr_injected", "float", True, "the same, as added"),
        Column("arc_core_share", "float", True, "share of the arc's light in the core in the reference band, before the mask"),
        Column("arc_core_share_injected", "float", True, "the same, as added"),
        Column("theta_e_over_psf", "float", True, "theta_E over psfsize in the reference band"),
        Column("provenance", "text", False, "host survey and position of the cutout in it"),
    )


def _per_band(bands: Sequence[str], stem: str, meaning: str, nullable: bool = False, kind: Kind = "float") -> list[Column]:
    return [Column(f"{stem}_{band}", kind, nullable, f"{meaning}, {band} band") for band in bands]


@dataclass(frozen=True)
class Schema:
    """The columns of data sets of one imaging (see `schema_of`).

    Attributes
    ----------
    imaging : Imaging
    manifest, measured : tuple of Column
        What the manifest says of a row, and what is measured on its galaxy and its arc.
    """

    imaging: Imaging
    manifest: tuple[Column, ...]
    measured: tuple[Column, ...]

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All scalar columns, in the order in which they are hashed and stored."""
        return self.manifest + self.measured

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the scalar columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def image_bytes(self) -> int:
        """Bytes of an image."""
        return math.prod(self.imaging.shape) * 4

    @cached_property
    def arrow(self) -> pa.Schema:
        """Arrow schema of a stamp shard: the columns, the row's digest, and two images; an arc of no light is null."""
        fields = [pa.field(column.name, _ARROW[column.kind], nullable=column.nullable) for column in self.columns]
        fields.append(pa.field("row_digest", pa.binary(32), nullable=False))
        fields += [pa.field(name, pa.binary(self.image_bytes), nullable=name == "arc") for name in IMAGE_COLUMNS]
        stated = json.dumps(dataclasses.asdict(self.imaging), sort_keys=True)
        return pa.schema(fields, metadata={_VERSION_KEY: str(SCHEMA_VERSION), _IMAGING_KEY: stated})


@lru_cache
def schema_of(imaging: Imaging) -> Schema:
    """The columns of data sets of an imaging."""
    return Schema(imaging, _manifest(imaging), _measured(imaging))


def stated_schema(found: pa.Schema) -> Schema | None:
    """The schema that a shard states for itself; None if it is none of this version of arcgate."""
    stated = (found.metadata or {}).get(_IMAGING_KEY.encode())
    if stated is None:
        return None
    try:
        schema = schema_of(Imaging.of(json.loads(stated)))
    except ValueError:
        return None
    return schema if found.equals(schema.arrow, check_metadata=True) else None
