"""The columns of a data set: the contract between building, judging, training and scoring.

Conventions: bands in the order g, r, z; images (band, y, x) float32 in nanomaggies per pixel; pixels 0-based;
+x is west and +y north on survey images; angles in radians counter-clockwise from +x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from arcgate.imaging import DECALS

SCHEMA_VERSION: Final = 3
BANDS: Final = DECALS.bands
STAMP_SIZE: Final = DECALS.size_pix
PIXEL_SCALE_ARCSEC: Final = DECALS.pixel_scale_arcsec
ZERO_POINT: Final = 22.5
SOURCE_MAGS: Final = tuple(f"source_mag_{band}" for band in BANDS)
IMAGE_SHAPE: Final = DECALS.shape
IMAGE_BYTES: Final = int(np.prod(IMAGE_SHAPE)) * 4
SPLITS: Final = ("train", "val", "test")
ROLES: Final = ("positive", "control", "null")
IMAGE_COLUMNS: Final = ("image", "arc")
THETA_E_STRATA: Final = {"theta_e_lt_1": (0.0, 1.0), "theta_e_1_2": (1.0, 2.0), "theta_e_ge_2": (2.0, np.inf)}

Kind = Literal["int", "float", "text"]
_ARROW: Final = {"int": pa.int64(), "float": pa.float64(), "text": pa.string()}


@dataclass(frozen=True)
class Column:
    """One column: name, kind, whether null is allowed, and meaning with unit."""

    name: str
    kind: Kind
    nullable: bool
    meaning: str


def _per_band(stem: str, meaning: str, nullable: bool = False) -> list[Column]:
    return [Column(f"{stem}_{band}", "float", nullable, f"{meaning}, {band} band") for band in BANDS]


MANIFEST: Final[tuple[Column, ...]] = (
    Column("sample_id", "int", False, "identity of the row; orders the data digest"),
    Column("host_id", "text", False, "galaxy; the group of every statistic and split"),
    Column("pair_id", "int", False, "shared by a positive, its control and its null row"),
    Column("role", "text", False, "positive, control or null"),
    Column("control_kind", "text", True, "paired or unpaired, on control rows"),
    Column("label", "int", True, "1 positive, 0 control, null for certifying roles, which enter no training"),
    Column("split", "text", False, "train, val or test"),
    Column("healpix", "int", True, "cell of the host, nside 64, nested; null without sky positions"),
    Column("seed", "int", False, "seed of the data set's draws"),
    Column("theta_e_arcsec", "float", True, "Einstein radius, intermediate axis, arcsec; null on controls"),
    Column("lens_q", "float", True, "axis ratio of the lens; 1 is a SIS"),
    Column("lens_phi_rad", "float", True, "position angle of the lens, radians"),
    Column("gamma1", "float", True, "external shear, first component"),
    Column("gamma2", "float", True, "external shear, second component"),
    Column("n_images", "int", True, "images of the source's centre outside the origin"),
    *_per_band("source_mag", "unlensed total AB magnitude of the source", nullable=True),
    Column("source_reff_arcsec", "float", True, "half-light radius, intermediate axis, arcsec"),
    Column("source_sersic_n", "float", True, "Sersic index"),
    Column("source_q", "float", True, "axis ratio of the source"),
    Column("source_phi_rad", "float", True, "position angle of the source, radians"),
    Column("source_x_arcsec", "float", True, "source centre, offset from the lens in x, arcsec"),
    Column("source_y_arcsec", "float", True, "source centre, offset from the lens in y, arcsec"),
    Column("flux_scale", "float", True, "factor on the arc's flux: 1 on positives, 0 on null rows"),
    *_per_band("psfsize", "FWHM of the Gaussian of equal noise-equivalent area, declared by the survey, arcsec"),
    *_per_band("psf_beta_declared", "Moffat exponent declared by the survey"),
    Column("psf_profile_used", "text", True, "profile the arc was convolved with: gaussian or moffat"),
    *_per_band("psf_fwhm_used", "FWHM the arc was convolved with, arcsec", nullable=True),
    *_per_band("psf_beta_used", "Moffat exponent the arc was convolved with; null for a Gaussian", nullable=True),
    Column("arc_noise", "text", False, "noise of the arc's own photons: none or poisson"),
    Column("core_mask_kind", "text", False, "none, hard or tanh"),
    Column("core_mask_radius_pix", "float", False, "radius inside which the arc's light was removed, pixels"),
    Column("core_mask_width_pix", "float", False, "width of the tanh taper, pixels"),
    *_per_band("host_mag", "AB magnitude of the host"),
    *_per_band("depth", "5-sigma point-source depth, AB magnitude"),
    Column("ebv", "float", True, "E(B-V) towards the host"),
)

MEASURED: Final[tuple[Column, ...]] = (
    Column("host_x_pix", "float", False, "true centre of the galaxy in the stamp, x"),
    Column("host_y_pix", "float", False, "true centre of the galaxy in the stamp, y"),
    *_per_band("sky_sigma", "standard deviation of the sky, nanomaggies per pixel"),
    *_per_band("gain", "electrons per nanomaggy"),
    *_per_band("ivar", "inverse of the mean variance of a pixel: sky, and arc with arc_noise; (nanomaggies per pixel)^-2"),
    *_per_band("arc_flux", "light of the arc inside the stamp before the mask, nanomaggies", nullable=True),
    *_per_band(
        "arc_flux_lost",
        "lensed light minus arc_flux: what falls outside the stamp, up to 96 pixels beyond it, nanomaggies",
        nullable=True,
    ),
    *_per_band("arc_flux_injected", "light of the arc inside the stamp as added, nanomaggies", nullable=True),
    Column("arc_snr", "float", True, "sqrt(sum arc^2 / sky_sigma^2) over pixels and bands, before the mask"),
    Column("arc_snr_injected", "float", True, "the same, as added"),
    Column("arc_core_share", "float", True, "share of the arc's r-band light at r < 5 px, before the mask"),
    Column("arc_core_share_injected", "float", True, "the same, as added"),
    Column("theta_e_over_psf", "float", True, "theta_E over psfsize in r"),
    Column("provenance", "text", False, "host survey and position of the cutout in it"),
)

COLUMNS: Final = MANIFEST + MEASURED
COLUMN_NAMES: Final = tuple(column.name for column in COLUMNS)


def shard_schema() -> pa.Schema:
    """Arrow schema of a stamp shard: manifest row, measured columns, row digest, and two images; an arc of no light is null."""
    fields = [_field(column) for column in COLUMNS]
    fields.append(pa.field("row_digest", pa.binary(32), nullable=False))
    fields += [pa.field(name, pa.binary(IMAGE_BYTES), nullable=name == "arc") for name in IMAGE_COLUMNS]
    return pa.schema(fields, metadata={"arcgate.schema_version": str(SCHEMA_VERSION)})


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, _ARROW[column.kind], nullable=column.nullable)
