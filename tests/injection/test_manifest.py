"""The manifest: identities, roles, splits, controls and errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arcgate.data_node import Controls, Data
from arcgate.dataset.schema import schema_of
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.manifest import build_manifest
from arcgate.lensing.psf import fwhm_from_psfsize
from arcgate.survey.splits import split_of

Spec = Callable[..., Data]
MakeCatalogue = Callable[..., pd.DataFrame]

ARC_COLUMNS = [
    column.name
    for column in schema_of(DECALS).manifest
    if column.name.startswith(("theta_e", "lens_", "gamma", "n_images", "source_"))
]


def of_role(manifest: pd.DataFrame, role: str) -> pd.DataFrame:
    return manifest[manifest["role"] == role].set_index("pair_id").sort_index()


@pytest.fixture(scope="module")
def paired(spec: Spec, catalogue: pd.DataFrame) -> pd.DataFrame:
    return build_manifest(spec(), catalogue)


@pytest.fixture(scope="module")
def unpaired(spec: Spec, catalogue: pd.DataFrame) -> pd.DataFrame:
    return build_manifest(spec(controls="unpaired"), catalogue)


def test_rows_have_unique_identities_and_the_columns_of_the_schema(paired: pd.DataFrame, spec: Spec) -> None:
    assert list(paired.columns) == [column.name for column in schema_of(DECALS).manifest] + ["catalogue_row"]
    assert paired["sample_id"].is_unique
    assert paired["sample_id"].is_monotonic_increasing
    assert paired["role"].value_counts().to_dict() == {"positive": 40, "control": 40, "null": 10}
    for column in schema_of(DECALS).manifest:
        assert column.nullable or paired[column.name].notna().all(), column.name
    assert set(paired["seed"]) == {spec().seed}


def test_a_samples_identity_does_not_depend_on_the_number_of_pairs(
    spec: Spec, catalogue: pd.DataFrame, paired: pd.DataFrame
) -> None:
    few = build_manifest(spec(n_pairs=30, null_rows=1), catalogue)
    shared = few[few["role"] != "null"].set_index("sample_id")
    assert shared.equals(paired.set_index("sample_id").loc[shared.index])


def test_labels_and_null_rows(paired: pd.DataFrame) -> None:
    positive, control, null = (of_role(paired, role) for role in ("positive", "control", "null"))
    assert set(positive["label"]) == {1}
    assert set(control["label"]) == {0}
    assert null["label"].isna().all()
    assert set(positive["flux_scale"]) == {1.0}
    assert set(null["flux_scale"]) == {0.0}
    same = [name for name in null.columns if name not in ("sample_id", "role", "label", "flux_scale")]
    assert null[same].equals(positive.loc[null.index, same])
    assert np.isfinite(null["source_mag_r"]).all()
    for name in (*ARC_COLUMNS, "flux_scale", "psf_profile_used", "psf_fwhm_used_r"):
        assert control[name].isna().all(), name


def test_every_pair_has_a_null_row_if_so_many_are_wanted(spec: Spec, catalogue: pd.DataFrame) -> None:
    manifest = build_manifest(spec(n_pairs=30, null_rows=5000), catalogue)
    assert (manifest["role"] == "null").sum() == 30


def test_paired_controls_are_the_positives_own_host(paired: pd.DataFrame) -> None:
    positive, control = of_role(paired, "positive"), of_role(paired, "control")
    assert positive["host_id"].equals(control["host_id"])
    assert set(control["control_kind"]) == {"paired"}
    assert positive["control_kind"].isna().all()


def test_unpaired_controls_are_free_hosts_of_the_same_split_each_used_once(unpaired: pd.DataFrame) -> None:
    positive, control = of_role(unpaired, "positive"), of_role(unpaired, "control")
    assert not set(control["host_id"]) & set(positive["host_id"])
    assert control["host_id"].is_unique
    assert positive["split"].equals(control["split"])
    assert set(control["control_kind"]) == {"unpaired"}


def test_unpaired_controls_match_better_than_chance(unpaired: pd.DataFrame) -> None:
    positive, control = of_role(unpaired, "positive"), of_role(unpaired, "control")
    shuffled = np.random.default_rng(0).permutation(len(control))
    for name in ("psfsize_r", "depth_r"):
        matched = np.abs(positive[name].to_numpy() - control[name].to_numpy()).mean()
        by_chance = np.abs(positive[name].to_numpy() - control[name].to_numpy()[shuffled]).mean()
        assert matched < 0.5 * by_chance, name


def test_any_other_host_may_serve_in_both_classes_but_never_for_itself(spec: Spec, make_catalogue: MakeCatalogue) -> None:
    small = make_catalogue(40, positions=False)
    manifest = build_manifest(spec(controls="any_other_host", n_pairs=80, injections_per_host=2), small)
    positive, control = of_role(manifest, "positive"), of_role(manifest, "control")
    assert set(control["host_id"]) & set(positive["host_id"])
    assert (positive["host_id"] != control["host_id"]).all()
    assert positive["split"].equals(control["split"])
    assert control["host_id"].value_counts().max() <= 3


@pytest.mark.parametrize("change", ["unpaired", "moffat_converted", "moffat_naive", "hard_r7", "tanh_r5"])
def test_variants_share_hosts_and_arcs(change: str, spec: Spec, catalogue: pd.DataFrame, paired: pd.DataFrame) -> None:
    group = {"unpaired": "controls", "hard_r7": "core_mask", "tanh_r5": "core_mask"}.get(change, "psf")
    other = of_role(build_manifest(spec(**{group: change}), catalogue), "positive")
    shared = ["sample_id", "host_id", "split", *ARC_COLUMNS]
    assert other[shared].equals(of_role(paired, "positive")[shared])


def test_dmag_is_unlensed_source_minus_host_in_r(paired: pd.DataFrame, spec: Spec) -> None:
    positive = of_role(paired, "positive")
    assert set(np.round(positive["source_mag_r"] - positive["host_mag_r"], 9)) <= set(spec().grid.dmag)


def test_psf_used_follows_its_width_convention(spec: Spec, catalogue: pd.DataFrame) -> None:
    tables = {
        name: of_role(build_manifest(spec(psf=name), catalogue), "positive")
        for name in ("gaussian", "moffat_converted", "moffat_naive")
    }
    for band in DECALS.bands:
        psfsize, beta = tables["gaussian"][f"psfsize_{band}"], tables["gaussian"][f"psf_beta_declared_{band}"]
        assert tables["gaussian"][f"psf_fwhm_used_{band}"].equals(psfsize.rename(f"psf_fwhm_used_{band}"))
        assert tables["gaussian"][f"psf_beta_used_{band}"].isna().all()
        assert np.array_equal(tables["moffat_naive"][f"psf_fwhm_used_{band}"], psfsize)
        assert np.allclose(tables["moffat_converted"][f"psf_fwhm_used_{band}"], fwhm_from_psfsize(psfsize, beta))
        assert (tables["moffat_converted"][f"psf_fwhm_used_{band}"] < psfsize).all()
        assert np.array_equal(tables["moffat_converted"][f"psf_beta_used_{band}"], beta)


def test_splits_go_by_sky_cell_and_not_by_seed(spec: Spec, make_catalogue: MakeCatalogue) -> None:
    catalogue = make_catalogue(4000)
    split = pd.Series(split_of(catalogue))
    assert (split.groupby(catalogue["healpix"].to_numpy()).nunique() == 1).all()
    shares = split.groupby(catalogue["healpix"].to_numpy()).first().value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.7, "test": 0.2, "val": 0.1}, abs=0.05)
    by_host = dict(zip(catalogue["host_id"], split, strict=True))
    for seed in (0, 1):
        manifest = build_manifest(spec(seed=seed), catalogue)
        assert (manifest["host_id"].map(by_host) == manifest["split"]).all()
    # The order of the catalogue and its other galaxies are of no account.
    assert split_of(catalogue.iloc[::-1])[::-1].tolist() == split.tolist()


def test_galaxies_without_positions_are_split_one_by_one(make_catalogue: MakeCatalogue) -> None:
    split = split_of(make_catalogue(2000, positions=False))
    assert np.mean(split == "train") == pytest.approx(0.7, abs=0.04)
    assert np.mean(split == "val") == pytest.approx(0.1, abs=0.03)


def test_seed_changes_hosts_and_arcs(spec: Spec, catalogue: pd.DataFrame, paired: pd.DataFrame) -> None:
    other = of_role(build_manifest(spec(seed=1), catalogue), "positive")
    first = of_role(paired, "positive")
    assert not other["host_id"].equals(first["host_id"])
    assert abs(np.corrcoef(other["source_x_arcsec"], first["source_x_arcsec"])[0, 1]) < 0.5


def test_injections_per_host_and_only_split(spec: Spec, catalogue: pd.DataFrame) -> None:
    manifest = build_manifest(spec(n_pairs=40, injections_per_host=2, only_split="test"), catalogue)
    positive = of_role(manifest, "positive")
    assert set(manifest["split"]) == {"test"}
    assert set(positive["host_id"].value_counts()) == {2}
    assert positive["source_x_arcsec"].is_unique


def _fails(data: Data, catalogue: pd.DataFrame) -> ArcgateError:
    with pytest.raises(ArcgateError) as caught:
        build_manifest(data, catalogue)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.todo
    return caught.value


def test_too_few_hosts_are_counted_with_those_that_cannot_be_used(spec: Spec, catalogue: pd.DataFrame) -> None:
    with pytest.raises(
        ArcgateError, match=r"need 400 hosts, but there are 300 \(7 left out for dark pixels; 1 left out for no light\)"
    ):
        build_manifest(spec(n_pairs=400), catalogue, left_out={"dark pixels": 7, "no light": 1})


def test_no_hosts(spec: Spec, catalogue: pd.DataFrame) -> None:
    error = _fails(spec(), catalogue.iloc[:0])
    assert "no hosts are left" in error.what
    assert error.where == "data.hosts"


def test_too_few_hosts_for_the_pairs(spec: Spec, catalogue: pd.DataFrame) -> None:
    error = _fails(spec(n_pairs=301), catalogue)
    assert "301 pairs" in error.what
    assert "there are 300" in error.what
    error = _fails(spec(n_pairs=299, only_split="val"), catalogue)
    assert "'val'" in error.what


def test_too_few_hosts_for_a_split(spec: Spec, catalogue: pd.DataFrame) -> None:
    error = _fails(spec(n_pairs=1), catalogue)
    assert "falls into split" in error.what
    assert "data.n_pairs" in str(error.where)


def test_too_few_hosts_for_the_controls(spec: Spec, catalogue: pd.DataFrame) -> None:
    error = _fails(spec(n_pairs=200, controls="unpaired"), catalogue)
    assert "too few control galaxies in split" in error.what
    assert "any_other_host" in str(error.todo)


@pytest.mark.parametrize(
    "columns", [("no_such_column",), ("host_id",), ("psfsize_r", "healpix")], ids=["unknown", "text", "with nulls"]
)
def test_columns_that_cannot_be_matched_on(columns: tuple[str, ...], spec: Spec, make_catalogue: MakeCatalogue) -> None:
    controls = Controls("unpaired", "free_hosts", columns)
    error = _fails(replace(spec(), controls=controls), make_catalogue(300, positions=False))
    assert error.where == "data.controls.match_on"
    assert "psfsize_r" in str(error.todo)
    assert "healpix" not in str(error.todo)
