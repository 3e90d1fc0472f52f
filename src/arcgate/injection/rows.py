"""Rows of a manifest: what the catalogue declares of galaxies, the settings of the data set, and the PSF of arcs."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import Data, PsfChoice
from arcgate.dataset.schema import CERTIFYING_ROLES, JUDGED_ROLES, schema_of
from arcgate.imaging import Imaging
from arcgate.injection.grids import draw_arcs, with_images
from arcgate.injection.library import Library
from arcgate.lensing.psf import fwhm_from_psfsize
from arcgate.survey.columns import PROVENANCE

Rows = NDArray[np.int64]

# Certifying rows are numbered beyond all others: those have the same numbers, and photons, with them and without.
_FIRST_CERTIFYING: Final = 2**40


def arcs_of(
    data: Data, catalogue: pd.DataFrame, split: NDArray[np.str_], hosts: Rows, pair_ids: Rows, library: Library
) -> pd.DataFrame:
    """Lens and source columns of pairs, shape (n, columns), from the seed, the pairs' numbers and their hosts alone."""
    host_mag = catalogue[f"host_mag_{data.imaging.reference_band}"].to_numpy(np.float64)[hosts]
    arcs = draw_arcs(data.grid, data.seed, pair_ids, host_mag, data.imaging)
    if data.source.kind != "sersic":
        arcs = with_images(arcs, library.images, data.seed, pair_ids, split[hosts])
    return arcs


def sample_ids(pair_ids: Rows, role: str) -> Rows:
    """Numbers of the rows that pairs have in a role; the noise of an arc's photons is drawn by them."""
    if role in CERTIFYING_ROLES:
        return _FIRST_CERTIFYING + pair_ids * len(CERTIFYING_ROLES) + CERTIFYING_ROLES.index(role)
    return pair_ids * len(JUDGED_ROLES) + JUDGED_ROLES.index(role)


def rows_of(data: Data, catalogue: pd.DataFrame, split: NDArray[np.str_], hosts: Rows, pair_ids: Rows, role: str) -> pd.DataFrame:
    """What is known of rows of a role before any arc."""
    carried = ["host_id", "ra", "dec", "healpix", *PROVENANCE, "ebv", "host_reff_arcsec"]
    kernels = {f"kernel_{band}": f"kernel_declared_{band}" for band in data.imaging.bands}
    carried += [f"{stem}_{band}" for stem in ("host_mag", "psfsize", "depth") for band in data.imaging.bands]
    rows = catalogue.iloc[hosts][[*carried, *kernels]].reset_index(drop=True).rename(columns=kernels)
    for band in data.imaging.bands:
        rows[f"psf_beta_declared_{band}"] = catalogue[f"psf_beta_{band}"].to_numpy()[hosts]
    rows["catalogue_row"], rows["pair_id"], rows["role"] = hosts, pair_ids, role
    rows["sample_id"] = sample_ids(pair_ids, role)
    rows["split"], rows["seed"] = split[hosts], data.seed
    rows["arc_noise"] = data.noise.arc
    rows["core_mask_kind"] = data.core_mask.kind
    rows["core_mask_radius_pix"], rows["core_mask_width_pix"] = data.core_mask.radius_pix, data.core_mask.width_pix
    return rows


def declare_psf_used(rows: pd.DataFrame, psf: PsfChoice, imaging: Imaging, kernels: pd.DataFrame) -> None:
    """Add the columns of the PSF with which arcs are convolved."""
    rows["psf_profile_used"] = psf.profile
    for band in imaging.bands:
        if psf.profile == "kernel":
            rows[f"kernel_used_{band}"] = rows[f"kernel_declared_{band}"]
            continue
        if psf.width_convention == "fitted":
            fits = kernels[kernels["band"] == band].set_index("name").loc[rows[f"kernel_declared_{band}"]]
            rows[f"psf_fwhm_used_{band}"] = fits["moffat_fwhm_arcsec"].to_numpy()
            rows[f"psf_beta_used_{band}"] = fits["moffat_beta"].to_numpy()
            continue
        psfsize = rows[f"psfsize_{band}"].to_numpy(np.float64)
        if psf.profile == "gaussian":
            # psfsize is the FWHM of the Gaussian of equal noise-equivalent area: both conventions agree here.
            rows[f"psf_fwhm_used_{band}"] = psfsize
            continue
        declared = rows[f"psf_beta_declared_{band}"].to_numpy(np.float64)
        beta = declared if psf.beta is None else np.full(len(rows), psf.beta)
        rows[f"psf_beta_used_{band}"] = beta
        rows[f"psf_fwhm_used_{band}"] = psfsize if psf.width_convention == "psfsize_as_fwhm" else fwhm_from_psfsize(psfsize, beta)


def typed(rows: pd.DataFrame, imaging: Imaging) -> pd.DataFrame:
    """Rows with all columns of a manifest, in their order and of their types; null where nothing is known."""
    columns = schema_of(imaging).manifest
    for column in columns:
        values = rows[column.name] if column.name in rows else pd.Series([None] * len(rows), dtype=object)
        if column.kind == "int":
            rows[column.name] = pd.to_numeric(values).astype("Int64")
        elif column.kind == "float":
            rows[column.name] = pd.to_numeric(values).astype("float64")
        else:
            rows[column.name] = values.astype("object")
    return rows[[column.name for column in columns] + ["catalogue_row"]]


def positives_of(
    data: Data,
    catalogue: pd.DataFrame,
    split: NDArray[np.str_],
    hosts: Rows,
    pair_ids: Rows,
    library: Library,
    arcs: pd.DataFrame,
) -> pd.DataFrame:
    """Rows of positives as they stand in a manifest; `arcs` are theirs, from `arcs_of`, by position."""
    rows = rows_of(data, catalogue, split, hosts, pair_ids, "positive")
    rows[list(arcs.columns)] = arcs.reset_index(drop=True)
    rows["label"], rows["flux_scale"] = 1, 1.0
    declare_psf_used(rows, data.psf, data.imaging, library.kernels)
    return typed(rows, data.imaging)
