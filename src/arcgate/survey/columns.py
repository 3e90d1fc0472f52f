"""The columns of galaxies: what a catalogue declares of each, and what is measured where it is cut out."""

from __future__ import annotations

from typing import Final

import pandas as pd

from arcgate.imaging import Imaging

HEALPIX_NSIDE: Final = 64
"""Of the cells by which galaxies are split, in nested order."""
PROVENANCE: Final = ("brick", "footprint", "release")
"""Where in a survey a galaxy lies: shared by many, and null where a survey has no such thing."""


def declared_columns(imaging: Imaging) -> dict[str, str]:
    """Columns of a catalogue of parents, name to pandas type.

    host_id galaxy; ra, dec degrees, NaN for packs without positions; healpix cell (`HEALPIX_NSIDE`) that decides on the split,
    null for such packs; brick, footprint, release null where a survey has none; host_reff_arcsec half-light radius, or NaN;
    host_mag AB, not corrected for extinction; psfsize arcsec (FWHM of the Gaussian of equal noise-equivalent area); psf_beta
    Moffat exponent declared by the survey; kernel the PSF's name in the survey's own table, null where it declares a Moffat;
    depth 5-sigma point source, AB; ebv magnitudes, NaN where it is not known.
    """
    stems = ("host_mag", "psfsize", "psf_beta", "depth")
    return {
        "host_id": "str",
        "ra": "float64",
        "dec": "float64",
        "healpix": "Int64",
        **dict.fromkeys(PROVENANCE, "str"),
        **{f"{stem}_{band}": "float64" for stem in stems for band in imaging.bands},
        **{f"kernel_{band}": "str" for band in imaging.bands},
        "ebv": "float64",
        "host_reff_arcsec": "float64",
    }


def measured_columns(imaging: Imaging) -> dict[str, str]:
    """Columns of a galaxy that is cut out, name to pandas type.

    host_x_pix, host_y_pix true centre of the galaxy in its stamp, 0-based; sky_sigma nanomaggies per pixel; gain electrons per
    nanomaggy; ivar 1 / sky_sigma^2; provenance where the cutout comes from.
    """
    per_band = {f"{stem}_{band}": "float64" for stem in ("sky_sigma", "gain", "ivar") for band in imaging.bands}
    return {"host_x_pix": "float64", "host_y_pix": "float64", **per_band, "provenance": "str"}


def compared_columns(imaging: Imaging) -> dict[str, str]:
    """Columns of what a survey states against what is measured, name to pandas type; of no concern to stamps.

    The standard deviation of the sky's pixels, from the pixels (`pixels_over_ivar`) and from empty apertures
    (`apertures_over_ivar`), over what the survey's inverse variance says; NaN for surveys without one.
    """
    return {f"{stem}_over_ivar_{band}": "float64" for stem in ("pixels", "apertures") for band in imaging.bands}


def as_table(rows: list[dict[str, object]], columns: dict[str, str]) -> pd.DataFrame:
    """Rows of plain values as a table with these columns and types and an index 0..n-1."""
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
