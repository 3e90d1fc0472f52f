"""The columns of a survey's catalogue, one row per galaxy."""

from __future__ import annotations

import pandas as pd

from arcgate.imaging import Imaging


def catalogue_columns(imaging: Imaging) -> dict[str, str]:
    """Column name to pandas type.

    host_id galaxy; ra, dec degrees, NaN for packs; healpix cell of nside 64, nested, null for packs; host_mag AB, not corrected
    for extinction; psfsize arcsec (FWHM of the Gaussian of equal noise-equivalent area); psf_beta Moffat exponent declared by the
    survey; depth 5-sigma point source, AB; sky_sigma nanomaggies per pixel; gain electrons per nanomaggy; ivar 1 / sky_sigma^2;
    ebv magnitudes, NaN for packs; host_x_pix, host_y_pix true centre of the galaxy in its stamp, 0-based; provenance where the
    cutout comes from.
    """
    stems = ("host_mag", "psfsize", "psf_beta", "depth", "sky_sigma", "gain", "ivar")
    return {
        "host_id": "str",
        "ra": "float64",
        "dec": "float64",
        "healpix": "Int64",
        **{f"{stem}_{band}": "float64" for stem in stems for band in imaging.bands},
        "ebv": "float64",
        "host_x_pix": "float64",
        "host_y_pix": "float64",
        "provenance": "str",
    }


def as_catalogue(rows: list[dict[str, object]], imaging: Imaging) -> pd.DataFrame:
    """Rows of plain values as a catalogue with the declared columns, types and an index 0..n-1."""
    columns = catalogue_columns(imaging)
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
