"""Data sets that name measured PSFs and source images: which rows name what, and what their arcs are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from measured_light import clumpy_image, tables

from arcgate.data_node import CosmosSources, Data, PsfChoice
from arcgate.dataset.references import references_of
from arcgate.dataset.schema import SPLITS
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import Kernels
from arcgate.imaging import DECALS
from arcgate.injection.coolest import SurveyInfo, to_coolest
from arcgate.injection.exchange import to_lenstronomy
from arcgate.injection.inject import inject
from arcgate.injection.library import Library
from arcgate.injection.manifest import build_manifest
from arcgate.lensing.models import Lenses
from arcgate.lensing.render import render
from arcgate.lensing.source_image import SourceImages
from arcgate.survey.splits import split_of, split_of_sources

MEASURED = PsfChoice("measured", "kernel", "measured", None)
FITTED = PsfChoice("moffat_fitted", "moffat", "fitted", None)
COSMOS = CosmosSources("cosmos", "unused")
MODELS = Kernels("unused", "coadd", DECALS.pixel_scale_arcsec, "removed", "none")
REFERRING = ["source_image", *(f"kernel_{kind}_{band}" for kind in ("declared", "used") for band in "grz")]


@pytest.fixture(scope="module")
def library():
    return Library(*tables(DECALS, kernels=3, images=40))


@pytest.fixture(scope="module")
def with_psfs(catalogue, library):
    """The galaxies with a kernel each, one of its own in every split."""
    side = pd.Series(split_of(catalogue)).map(SPLITS.index).to_numpy()
    changes = {}
    for band in "grz":
        mine = library.kernels[library.kernels["band"] == band].iloc[side]
        changes[f"kernel_{band}"] = mine["name"].astype("str").to_numpy()
        changes[f"psfsize_{band}"], changes[f"psf_beta_{band}"] = (
            mine["psfsize_arcsec"].to_numpy(),
            mine["moffat_beta"].to_numpy(),
        )
    return catalogue.assign(**changes)


def measured(data: Data, **changes) -> Data:
    """The specification of a data set whose hosts have kernels; those themselves come with a library."""
    return replace(data, hosts=replace(data.hosts, kernels=MODELS), **{"psf": MEASURED} | changes)


def lit(manifest):
    return manifest[manifest["role"] != "control"]


def test_a_measured_psf_is_declared_and_used(spec, with_psfs, library):
    manifest = build_manifest(measured(spec()), with_psfs, library=library)
    for band in "grz":
        assert manifest[f"kernel_declared_{band}"].notna().all()
        assert (lit(manifest)[f"kernel_used_{band}"] == lit(manifest)[f"kernel_declared_{band}"]).all()
        assert manifest.loc[manifest["role"] == "control", f"kernel_used_{band}"].isna().all()
        assert manifest[[f"psf_fwhm_used_{band}", f"psf_beta_used_{band}"]].isna().all(axis=None)
    assert set(lit(manifest)["psf_profile_used"]) == {"kernel"}


def test_the_fitted_moffat_is_that_of_the_kernel(spec, with_psfs, library):
    manifest = lit(build_manifest(measured(spec(), psf=FITTED), with_psfs, library=library))
    for band in "grz":
        fits = library.kernels.set_index("name").loc[manifest[f"kernel_declared_{band}"]]
        assert manifest[f"psf_fwhm_used_{band}"].to_numpy() == pytest.approx(fits["moffat_fwhm_arcsec"].to_numpy())
        assert manifest[f"psf_beta_used_{band}"].to_numpy() == pytest.approx(fits["moffat_beta"].to_numpy())
        assert manifest[f"kernel_used_{band}"].isna().all()
    assert set(manifest["psf_profile_used"]) == {"moffat"}


def test_sources_are_images_of_the_own_split_and_all_else_is_as_with_sersic_profiles(spec, catalogue, library):
    plain, imaged = (
        build_manifest(replace(spec(n_pairs=150), source=source), catalogue, library=library)
        for source in (spec().source, COSMOS)
    )
    mine = ["source_image", "source_reff_arcsec", "source_sersic_n", "source_q", "source_phi_rad"]
    pd.testing.assert_frame_equal(plain.drop(columns=mine), imaged.drop(columns=mine))
    assert plain["source_image"].isna().all()
    rows = lit(imaged)
    assert imaged.loc[imaged["role"] == "control", mine].isna().all(axis=None)
    served = dict(zip(library.images["name"], split_of_sources(library.images["origin"].tolist()), strict=True))
    assert (rows["source_image"].map(served) == rows["split"]).all()
    assert rows[rows["split"] == "train"]["source_image"].nunique() >= 20
    assert rows[["source_sersic_n", "source_q"]].isna().all(axis=None)
    assert rows["source_reff_arcsec"].unique().tolist() == [pytest.approx(0.22)]
    assert rows["source_phi_rad"].between(0.0, 2.0 * np.pi).all()
    assert (rows["source_phi_rad"] > np.pi).any()


def test_a_split_without_an_image_is_refused(spec, catalogue, library):
    served = split_of_sources(library.images["origin"].tolist())
    few = Library(library.kernels, library.images[served != "val"])
    with pytest.raises(ArcgateError, match=r"(?s)none of \d+ source images falls into split val.*give more images"):
        build_manifest(replace(spec(n_pairs=150), source=COSMOS), catalogue, library=few)


def test_arcs_are_those_of_the_kernels_and_images_that_rows_name(spec, hosts, with_psfs, library, tmp_path):
    data = measured(spec(n_pairs=12), source=COSMOS)
    manifest = build_manifest(data, with_psfs, library=library)
    library.write(manifest, DECALS.bands, tmp_path)
    references = references_of(tmp_path)
    found, cutouts = hosts.of(manifest["catalogue_row"].to_numpy(np.int64)).read()
    rows = pd.concat([manifest.drop(columns="catalogue_row"), found], axis=1)
    injected = inject(rows, cutouts, DECALS, references)
    for place in np.flatnonzero((rows["role"] == "positive").to_numpy())[:4]:
        row = rows.iloc[place]
        kernel = [references.kernel(row[f"kernel_used_{band}"]) for band in "grz"]
        image = clumpy_image(library.images["name"].tolist().index(row["source_image"]))
        source = SourceImages.of(image[None], 0.03, 0, row["source_x_arcsec"], row["source_y_arcsec"], row["source_phi_rad"], 1.0)
        lens = {
            name: row[column]
            for name, column in {"theta_e_arcsec": "theta_e_arcsec", "q": "lens_q", "phi_rad": "lens_phi_rad"}.items()
        }
        lenses = Lenses.of(**lens, gamma1=row["gamma1"], gamma2=row["gamma2"])
        flux = torch.tensor([[10.0 ** (-0.4 * (row[f"source_mag_{band}"] - 22.5)) for band in "grz"]], dtype=torch.float64)
        x, y = (torch.tensor([row[f"host_{axis}_pix"]], dtype=torch.float64) for axis in "xy")
        expected = render(lenses, source, flux, x, y, [kernel], DECALS.frame).image.numpy()[0]
        assert np.abs(injected.arc[place] - expected).max() < 1e-6 * expected.max()


def test_only_what_rows_name_is_written(spec, with_psfs, library, tmp_path):
    manifest = build_manifest(measured(spec(n_pairs=12), source=COSMOS), with_psfs, library=library)
    library.write(manifest, DECALS.bands, tmp_path)
    images = pd.read_parquet(tmp_path / "sources.parquet")["name"]
    assert sorted(images) == sorted(manifest["source_image"].dropna().unique())
    kernels = pd.read_parquet(tmp_path / "psfs.parquet")["name"]
    assert set(kernels) == set(manifest[[name for name in REFERRING if "declared" in name]].to_numpy().ravel())
    plain = tmp_path / "plain"
    plain.mkdir()
    library.write(build_manifest(spec(), with_psfs.assign(**{f"kernel_{band}": None for band in "grz"})), DECALS.bands, plain)
    assert not list(plain.iterdir())


def test_such_rows_are_not_exchanged(spec, with_psfs, library, hosts):
    manifest = build_manifest(measured(spec(), source=COSMOS), with_psfs, library=library)
    row = lit(manifest).iloc[0].to_dict()
    with pytest.raises(ArcgateError, match=r"source_image is '\w+', it must be null"):
        to_lenstronomy(row, DECALS)
    with pytest.raises(ArcgateError, match=r"source_image is '\w+', it must be null"):
        to_coolest(row, DECALS, SurveyInfo("mock"), "g")
    sersic = lit(build_manifest(measured(spec()), with_psfs, library=library)).iloc[0].to_dict()
    whole = sersic | {"host_x_pix": 31.0, "host_y_pix": 32.0, "sky_sigma_g": 0.01}
    with pytest.raises(ArcgateError, match=r"psf_profile_used is 'kernel', it must be gaussian or moffat"):
        to_coolest(whole, DECALS, SurveyInfo("mock"), "g")
