"""The injection manifest: one row for each sample to make."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import Data, Psf
from arcgate.dataset.schema import ROLES, SPLITS, schema_of
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.injection.controls import control_hosts
from arcgate.injection.grids import draw_arcs
from arcgate.lensing.psf import fwhm_from_psfsize

# Splits depend on the sky cell (or galaxy) alone, not on a data set's seed: a galaxy is on the same side in every data set.
_SPLIT_SEED = 20260101
_TRAIN, _VAL = 0.7, 0.8


def split_of(catalogue: pd.DataFrame) -> NDArray[np.str_]:
    """Split of each host, 70/10/20 by HEALPix cell, or by galaxy where there are no sky positions.

    Parameters
    ----------
    catalogue : DataFrame
        With `healpix` (null without positions) and `host_id`.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    cells = catalogue["healpix"].isna()
    ids = text_ids(catalogue["host_id"].tolist())
    ids = np.where(cells, ids, catalogue["healpix"].fillna(0).to_numpy(np.int64))
    drawn = uniform(_SPLIT_SEED, "split", ids)
    return np.where(drawn < _TRAIN, "train", np.where(drawn < _VAL, "val", "test")).astype(np.str_)


def build_manifest(data: Data, catalogue: pd.DataFrame, left_out: Mapping[str, int] = MappingProxyType({})) -> pd.DataFrame:
    """Manifest of a data set.

    A pair's host and arc depend on the seed and the pair's number alone: variants that differ in controls, PSF or mask
    share both.

    Parameters
    ----------
    data : Data
        Specification of the data set.
    catalogue : DataFrame
        Hosts of the survey (`arcgate.survey.hosts`).
    left_out : mapping of str to int, optional
        How many galaxies of the survey cannot be used, by reason, for the message where too few are left.

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
    split = split_of(catalogue)
    hosts = _pair_hosts(data, catalogue, split, left_out)
    pair_ids = np.arange(len(hosts), dtype=np.int64)
    host_mag = catalogue[f"host_mag_{data.imaging.reference_band}"].to_numpy(np.float64)[hosts]
    arcs = draw_arcs(data.grid, data.seed, pair_ids, host_mag, data.imaging)
    controls = control_hosts(data.controls, catalogue, split, hosts, data.injections_per_host)
    nulls = np.argsort(uniform(data.seed, "null", pair_ids), kind="stable")[: data.null_rows]

    positive = _rows(data, catalogue, split, hosts, pair_ids, "positive")
    positive[list(arcs.columns)] = arcs
    null = positive.iloc[nulls].copy()
    null["role"], null["flux_scale"] = "null", 0.0
    positive["label"], positive["flux_scale"] = 1, 1.0
    control = _rows(data, catalogue, split, controls, pair_ids, "control")
    control["label"], control["control_kind"] = 0, data.controls.name
    for rows in (positive, null):
        _declare_psf_used(rows, data.psf, data.imaging)
    manifest = pd.concat([positive, control, null], ignore_index=True)
    manifest["sample_id"] = manifest["pair_id"] * len(ROLES) + manifest["role"].map(ROLES.index)
    return _typed(manifest, data.imaging).sort_values("sample_id", ignore_index=True)


def _pair_hosts(data: Data, catalogue: pd.DataFrame, split: NDArray[np.str_], left_out: Mapping[str, int]) -> NDArray[np.int64]:
    """Catalogue row of each pair's host: hosts in hash order, each used `injections_per_host` times in turn."""
    order = np.argsort(uniform(data.seed, "host_order", text_ids(catalogue["host_id"].tolist())), kind="stable")
    if data.only_split is not None:
        order = order[split[order] == data.only_split]
    wanted = -(-data.n_pairs // data.injections_per_host)
    if wanted > len(order):
        lost = "; ".join(f"{count} left out for {reason}" for reason, count in left_out.items())
        raise ArcgateError(
            f"{data.n_pairs} pairs with {data.injections_per_host} injections a host need {wanted} hosts, "
            f"but there are {len(order)}"
            + (f" in split {data.only_split!r}" if data.only_split else "")
            + (f" ({lost})" if lost else ""),
            where="data.n_pairs, data.injections_per_host",
            todo="take more hosts, fewer pairs or more injections a host",
        )
    used = order[:wanted]
    needed = SPLITS if data.only_split is None else (data.only_split,)
    empty = [name for name in needed if not (split[used] == name).any()]
    if empty:
        raise ArcgateError(
            f"no host of {wanted} falls into split {', '.join(empty)}",
            where="data.n_pairs",
            todo="take more hosts (or more pairs)",
        )
    return np.tile(used, data.injections_per_host)[: data.n_pairs]


def _rows(
    data: Data, catalogue: pd.DataFrame, split: NDArray[np.str_], hosts: NDArray[np.int64], pair_ids: NDArray[np.int64], role: str
) -> pd.DataFrame:
    carried = ["host_id", "healpix", "ebv"]
    carried += [f"{stem}_{band}" for stem in ("host_mag", "psfsize", "depth") for band in data.imaging.bands]
    rows = catalogue.iloc[hosts][carried].reset_index(drop=True)
    for band in data.imaging.bands:
        rows[f"psf_beta_declared_{band}"] = catalogue[f"psf_beta_{band}"].to_numpy()[hosts]
    rows["catalogue_row"], rows["pair_id"], rows["role"] = hosts, pair_ids, role
    rows["split"], rows["seed"] = split[hosts], data.seed
    rows["arc_noise"] = data.noise.arc
    rows["core_mask_kind"] = data.core_mask.kind
    rows["core_mask_radius_pix"], rows["core_mask_width_pix"] = data.core_mask.radius_pix, data.core_mask.width_pix
    return rows


def _declare_psf_used(rows: pd.DataFrame, psf: Psf, imaging: Imaging) -> None:
    rows["psf_profile_used"] = psf.profile
    for band in imaging.bands:
        psfsize = rows[f"psfsize_{band}"].to_numpy(np.float64)
        if psf.profile == "gaussian":
            # psfsize is the FWHM of the Gaussian of equal noise-equivalent area: both readings agree here.
            rows[f"psf_fwhm_used_{band}"] = psfsize
            continue
        declared = rows[f"psf_beta_declared_{band}"].to_numpy(np.float64)
        beta = declared if psf.beta is None else np.full(len(rows), psf.beta)
        rows[f"psf_beta_used_{band}"] = beta
        rows[f"psf_fwhm_used_{band}"] = psfsize if psf.reading == "naive" else fwhm_from_psfsize(psfsize, beta)


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
