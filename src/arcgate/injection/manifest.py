"""The injection manifest: one row for each sample to make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from arcgate.data_node import Data
from arcgate.ground.draws import uniform
from arcgate.injection.candidates import Candidates
from arcgate.injection.certifying import certifying_rows
from arcgate.injection.entry import Admission
from arcgate.injection.library import EMPTY, Library
from arcgate.injection.pairs import Pairs, choose_pairs
from arcgate.injection.rows import arcs_of, declare_psf_used, rows_of, sample_ids, typed


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
    candidates, lost = Candidates(data, catalogue, library), np.zeros(len(catalogue), dtype=bool)
    lost[list(unusable)] = True
    return manifest_of(candidates, choose_pairs(candidates, Admission(candidates), lost, left_out))


def manifest_of(candidates: Candidates, pairs: Pairs) -> pd.DataFrame:
    """Rows of chosen pairs, as `build_manifest` returns them."""
    data, catalogue, split, library = candidates.data, candidates.catalogue, candidates.split, candidates.library
    hosts, pair_ids = pairs.host, pairs.pair_id
    arcs = arcs_of(data, catalogue, split, hosts, pair_ids, library)
    nulls = np.argsort(uniform(data.seed, "null", pair_ids), kind="stable")[: data.null_rows]

    positive = rows_of(data, catalogue, split, hosts, pair_ids, "positive")
    positive[list(arcs.columns)] = arcs
    null = positive.iloc[nulls].copy()
    null["role"], null["flux_scale"], null["sample_id"] = "null", 0.0, sample_ids(pair_ids[nulls], "null")
    positive["label"], positive["flux_scale"] = 1, 1.0
    control = rows_of(data, catalogue, split, pairs.control, pair_ids, "control")
    control["label"], control["control_kind"] = 0, data.controls.name
    for rows in (positive, null):
        declare_psf_used(rows, data.psf, data.imaging, library.kernels)
    certifying = [certifying_rows(positive, role) for role in data.certifying]
    manifest = pd.concat([positive, control, null, *certifying], ignore_index=True)
    return typed(manifest, data.imaging).sort_values("sample_id", ignore_index=True)
