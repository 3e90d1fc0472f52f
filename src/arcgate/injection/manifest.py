"""The injection manifest: one row for each sample to make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import Data, PsfChoice
from arcgate.dataset.schema import ROLES, schema_of
from arcgate.ground.draws import uniform
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.injection.grids import draw_arcs, with_images
from arcgate.injection.library import EMPTY, Library
from arcgate.injection.pairs import choose_pairs
from arcgate.lensing.psf import fwhm_from_psfsize
from arcgate.survey.columns import PROVENANCE
from arcgate.survey.splits import split_of


def build_manifest(
    data: Data,
    catalogue: pd.DataFrame,
    unusable: Iterable[int] = (),
    left_out: Mapping[str, int] = MappingProxyType({}),
    library: Library = EMPTY,
) -> pd.DataFrame:
    """Manifest of a data set.

    A pair's host and arc depend on the seed and the pair's number alone: variants that differ in controls, PSF or mask
    share both. A galaxy that cannot be used changes that for its own pairs: the variants in which it serves lose them.

    Parameters
    ----------
    data : Data
        Specification of the data set.
    catalogue : DataFrame
        Of the parents (`arcgate.survey.places.Parents`).
    unusable : iterable of int, optional
        Catalogue rows of galaxies that were cut out and cannot be used (`arcgate.injection.pairs`).
    left_out : mapping of str to int, optional
        How many galaxies cannot be used, by reason, for the message where too few are left.
    library : Library, optional
        Measured PSFs and source images, where the specification asks for them.

    Returns
    -------
    DataFrame
        The manifest's columns of `arcgate.dataset.schema.schema_of` and `catalogue_row`, in the order of sample_id.

    Raises
    ------
    ArcgateError
        No hosts, or too few for the pairs, a split or the controls.
    """
    if catalogue.empty:
        raise ArcgateError(
            "no hosts are left after the cuts", where="data.hosts", todo="widen the selection or take another survey"
        )
    split, lost = split_of(catalogue), np.zeros(len(catalogue), dtype=bool)
    lost[list(unusable)] = True
    pairs = choose_pairs(data, catalogue, split, lost, left_out)
    hosts, pair_ids = pairs.host, pairs.pair_id
    host_mag = catalogue[f"host_mag_{data.imaging.reference_band}"].to_numpy(np.float64)[hosts]
    arcs = draw_arcs(data.grid, data.seed, pair_ids, host_mag, data.imaging)
    if data.source.kind != "sersic":
        arcs = with_images(arcs, library.images, data.seed, pair_ids, split[hosts])
    nulls = np.argsort(uniform(data.seed, "null", pair_ids), kind="stable")[: data.null_rows]

    positive = _rows(data, catalogue, split, hosts, pair_ids, "positive")
    positive[list(arcs.columns)] = arcs
    null = positive.iloc[nulls].copy()
    null["role"], null["flux_scale"] = "null", 0.0
    positive["label"], positive["flux_scale"] = 1, 1.0
    control = _rows(data, catalogue, split, pairs.control, pair_ids, "control")
    control["label"], control["control_kind"] = 0, data.controls.name
    for rows in (positive, null):
        _declare_psf_used(rows, data.psf, data.imaging, library.kernels)
    manifest = pd.concat([positive, control, null], ignore_index=True)
    manifest["sample_id"] = manifest["pair_id"] * len(ROLES) + manifest["role"].map(ROLES.index)
    return _typed(manifest, data.imaging).sort_values("sample_id", ignore_index=True)


def _rows(
    data: Data, catalogue: pd.DataFrame, split: NDArray[np.str_], hosts: NDArray[np.int64], pair_ids: NDArray[np.int64], role: str
) -> pd.DataFrame:
    carried = ["host_id", "ra", "dec", "healpix", *PROVENANCE, "ebv", "host_reff_arcsec"]
    kernels = {f"kernel_{band}": f"kernel_declared_{band}" for band in data.imaging.bands}
    carried += [f"{stem}_{band}" for stem in ("host_mag", "psfsize", "depth") for band in data.imaging.bands]
    rows = catalogue.iloc[hosts][[*carried, *kernels]].reset_index(drop=True).rename(columns=kernels)
    for band in data.imaging.bands:
        rows[f"psf_beta_declared_{band}"] = catalogue[f"psf_beta_{band}"].to_numpy()[hosts]
    rows["catalogue_row"], rows["pair_id"], rows["role"] = hosts, pair_ids, role
    rows["split"], rows["seed"] = split[hosts], data.seed
    rows["arc_noise"] = data.noise.arc
    rows["core_mask_kind"] = data.core_mask.kind
    rows["core_mask_radius_pix"], rows["core_mask_width_pix"] = data.core_mask.radius_pix, data.core_mask.width_pix
    return rows


def _declare_psf_used(rows: pd.DataFrame, psf: PsfChoice, imaging: Imaging, kernels: pd.DataFrame) -> None:
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


def _typed(manifest: pd.DataFrame, imaging: Imaging) -> pd.DataFrame:
    columns = schema_of(imaging).manifest
    for column in columns:
        values = manifest[column.name] if column.name in manifest else pd.Series([None] * len(manifest), dtype=object)
        if column.kind == "int":
            manifest[column.name] = pd.to_numeric(values).astype("Int64")
        elif column.kind == "float":
            manifest[column.name] = pd.to_numeric(values).astype("float64")
        else:
            manifest[column.name] = values.astype("object")
    return manifest[[column.name for column in columns] + ["catalogue_row"]]
