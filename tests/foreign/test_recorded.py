"""What a table of another maker declares of its arcs: columns and values that are missing are named."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from layouts import arrays_of, declared_names, paired_rows, pairs_of, unpaired_rows, write_arrays, write_rows

from arcgate.foreign.opening import notes_of, open_source
from arcgate.foreign.recorded import NOISE, lens_and_source
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.injection.arcs import LENS_COLUMNS, SOURCE_COLUMNS, declared_psfs, render_arcs

DECLARED = declared_names()


@pytest.fixture(scope="module")
def paired(built):
    return built("psf=moffat_converted", "data.n_pairs=20")


@pytest.fixture(scope="module")
def unpaired(built):
    return built("controls=unpaired", "data.n_pairs=20")


def declaring(rows: pd.DataFrame, table: pd.DataFrame, names=DECLARED) -> pd.DataFrame:
    return rows.assign(**{name: table[name].to_numpy() for name in names})


def test_lens_and_source_are_the_columns_that_the_renderer_reads():
    for imaging in (DECALS, Imaging(("vis", "y"), "y", 200, 0.1)):
        read = {*LENS_COLUMNS.values(), *SOURCE_COLUMNS.values(), *[f"source_mag_{band}" for band in imaging.bands]}
        assert set(lens_and_source(imaging)) == read


def test_a_table_with_controls_of_its_own_declares_its_arcs(paired, tmp_path):
    table = pairs_of(paired).table.iloc[::2]
    source = open_source(write_rows(declaring(paired_rows(paired), table), tmp_path / "set.parquet"))
    assert source.facts.declared
    assert any("no core mask is declared" in note for note in notes_of(source))
    read = source.parts()[0].read().table
    positive = read[read["role"] == "positive"].reset_index(drop=True)
    np.testing.assert_allclose(
        render_arcs(positive, declared_psfs(positive, DECALS), DECALS)[0], pairs_of(paired).arc[::2], atol=1e-6
    )


@pytest.mark.parametrize("column", ["kernel_declared_g", "source_image"])
def test_kernels_and_images_by_name_are_not_predicted(paired, tmp_path, column):
    rows = declaring(paired_rows(paired), pairs_of(paired).table.iloc[::2])
    source = open_source(write_rows(rows.assign(**{column: "0123456789abcdef"}), tmp_path / "set.parquet"))
    assert not source.facts.declared
    assert any(f"{column} name what only arcgate's own data sets hold" in note for note in notes_of(source))
    assert open_source(write_rows(rows.assign(**{column: None}), tmp_path / "none.parquet")).facts.declared


def test_other_galaxies_need_a_psf_too(unpaired, tmp_path):
    table = pairs_of(unpaired).table
    rows = declaring(unpaired_rows(unpaired), table)
    assert open_source(write_rows(rows, tmp_path / "set.parquet")).facts.declared
    rows.loc[rows["is_control"] == 1, "psfsize_g"] = np.nan
    source = open_source(write_rows(rows, tmp_path / "gaps.parquet"))
    assert not source.facts.declared
    assert any("psfsize_g is no finite number in 20 rows" in note for note in notes_of(source))


@pytest.mark.parametrize(("column", "value"), [("sky_sigma_r", 0.0), ("psfsize_g", -1.2)])
def test_sizes_and_noise_are_positive(unpaired, tmp_path, column, value):
    table = pairs_of(unpaired).table
    wrong = {column: np.where(np.arange(len(table)) < 3, value, table[column])}
    with pytest.raises(ArcgateError, match=f"column {column} is not positive in 3 of {len(table)} rows"):
        open_source(write_arrays({**arrays_of(unpaired), **wrong}, tmp_path / "set.npz"))


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("lens_q", 1.7, "lens_q must lie in"),
        ("lens_q", 0.01, "lens_q must be at least"),
        ("source_q", 0.0, "source_q must lie in"),
        ("theta_e_arcsec", 0.0, "theta_e_arcsec must be positive"),
        ("theta_e_arcsec", -1.0, "theta_e_arcsec must not be negative"),
        ("theta_e_arcsec", 25.0, "theta_e_arcsec must not exceed 20"),
        ("gamma1", 1.2, r"gamma1, gamma2\) must be below 1"),
        ("source_reff_arcsec", 0.0, "source_reff_arcsec must be positive"),
        ("source_sersic_n", 0.0, "source_sersic_n must lie in"),
        ("source_x_arcsec", 30.0, "source_x_arcsec puts the source outside the stamp"),
        ("flux_scale", -1.0, r"source_mag_\* or flux_scale must be finite and not negative"),
        ("psf_beta_declared_r", 0.5, "psf_beta_declared_r must exceed 1"),
        ("psfsize_z", 0.1, "psfsize_z is too sharp to be rendered"),
        ("psf_fwhm_used_g", 0.1, "psf_fwhm_used_g is too sharp to be rendered"),
        ("psf_beta_used_g", 0.5, "psf_beta_used_g must exceed 1"),
        ("core_mask_radius_pix", -1.0, "core_mask_radius_pix must not be negative"),
        ("core_mask_width_pix", 0.0, "core_mask_width_pix must be positive"),
    ],
)
def test_values_that_cannot_be_rendered_name_row_and_column_of_the_file(paired, tmp_path, column, value, says):
    table = pairs_of(paired).table.iloc[::2].assign(core_mask_kind="tanh", core_mask_radius_pix=3.0, core_mask_width_pix=1.0)
    used = [
        name for name in table if name.startswith(("psf_fwhm_used", "psf_beta_used", "psf_profile", "core_mask", "flux_scale"))
    ]
    rows = declaring(paired_rows(paired), table, (*DECLARED, *used))
    assert open_source(write_rows(rows, tmp_path / "right.parquet")).facts.declared
    # A row that is left out before it must not shift the number.
    wrong = rows.assign(**{column: np.where(np.arange(len(rows)) == 17, value, rows[column])}).astype({"cutout_ok": object})
    wrong.loc[4, "cutout_ok"] = False
    with pytest.raises(ArcgateError, match=rf"(?s){says}.*set\.parquet, row 17, column .*{column}.*to do"):
        open_source(write_rows(wrong, tmp_path / "set.parquet"))


@pytest.mark.parametrize("scale", [0.262, 1.0])
def test_the_smallest_width_that_is_named_is_accepted(paired, tmp_path, scale):
    table = pairs_of(paired).table.iloc[::2]
    rows = declaring(paired_rows(paired), table).assign(pixel_scale_arcsec=scale)
    rows = rows.assign(**{name: 2 * scale / 0.262 for name in DECLARED if "psfsize" in name}, psf_beta_declared_z=3.0)
    with pytest.raises(ArcgateError, match="is too sharp") as refused:
        open_source(write_rows(rows.assign(psfsize_z=0.1), tmp_path / "set.parquet"))
    width = float(re.search(r"an exponent of 3 is (\S+) arcsec, got 0\.1", str(refused.value))[1])
    assert open_source(write_rows(rows.assign(psfsize_z=width), tmp_path / "enough.parquet")).facts.declared
    with pytest.raises(ArcgateError, match="is too sharp"):
        open_source(write_rows(rows.assign(psfsize_z=width - 0.012 * scale / 0.262), tmp_path / "less.parquet"))


def test_psfs_of_other_galaxies_are_checked_too(unpaired, tmp_path):
    rows = declaring(unpaired_rows(unpaired), pairs_of(unpaired).table)
    control = int(np.flatnonzero(rows["is_control"])[3])
    rows.loc[control, "psfsize_g"] = 0.1
    with pytest.raises(ArcgateError, match=rf"(?s)psfsize_g is too sharp.*row {control}, column psfsize_g"):
        open_source(write_rows(rows, tmp_path / "set.parquet"))


@pytest.mark.parametrize("mark", [-99.0, 99.0, 999.0, -9999.0, 61.0, np.inf])
@pytest.mark.parametrize("column", ["source_mag_r", "host_mag_z", "depth_g"])
def test_marks_for_missing_magnitudes_are_refused(paired, tmp_path, column, mark):
    rows = paired_rows(paired).assign(**{column: np.where(np.arange(20) % 7 == 3, mark, 20.0)})
    with pytest.raises(ArcgateError, match=rf"(?s){column} is {mark:g}.*in 3 of 20 rows.*row 3, column {column}.*empty"):
        open_source(write_rows(rows, tmp_path / "set.parquet"))


@pytest.mark.parametrize(
    ("column", "mark"), [("psfsize_r", 99.0), ("source_gr", -99.0), ("ebv", -999.0), ("psf_beta_declared_g", -99.0)]
)
def test_marks_in_other_columns_are_refused(paired, tmp_path, column, mark):
    rows = paired_rows(paired).assign(**{column: np.where(np.arange(20) == 5, mark, 1.5)})
    with pytest.raises(ArcgateError, match=rf"(?s){column} is {mark:g}, which cannot be meant, in 1 of 20 rows.*row 5"):
        open_source(write_rows(rows, tmp_path / "set.parquet"))


def test_controls_may_mark_the_source_that_they_lack(unpaired, tmp_path):
    rows = unpaired_rows(unpaired)
    marked = rows.assign(
        source_mag_r=np.where(rows["is_control"] == 1, -99.0, 24.0), host_mag_r=[np.nan, *[20.0] * (len(rows) - 1)]
    )
    assert "source_mag_r" in open_source(write_rows(marked, tmp_path / "set.parquet")).facts.columns


def test_arrays_take_columns_of_the_schema(unpaired, tmp_path):
    table = pairs_of(unpaired).table
    columns = {name: table[name].to_numpy() for name in DECLARED if name != NOISE}
    arrays = {**arrays_of(unpaired), **columns, NOISE: table[NOISE].to_numpy().astype(str)}
    source = open_source(write_arrays(arrays, tmp_path / "set.npz"))
    assert source.facts.declared
    np.testing.assert_array_equal(source.table(["psfsize_z"])["psfsize_z"], table["psfsize_z"])
    without = open_source(write_arrays({**arrays, "lens_q": arrays["lens_q"] * np.nan}, tmp_path / "other.npz"))
    assert not without.facts.declared
    assert source.digest != without.digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.drop(columns=["lens_q", "source_mag_g"]), "missing are the columns lens_q, source_mag_g"),
        (
            lambda rows: rows.assign(host_x_pix=[np.nan, *rows["host_x_pix"][1:]]),
            "missing are the columns host_x_pix, host_y_pix",
        ),
        (lambda rows: rows.assign(source_q=[np.nan, *rows["source_q"][1:]]), "source_q is no finite number in 1 row"),
        (lambda rows: rows.assign(arc_noise="some"), "gain_g, gain_r, gain_z, psf_profile_used"),
        (lambda rows: rows.assign(core_mask_kind="hard"), "core_mask_radius_pix, core_mask_width_pix, psf_profile_used"),
        (
            lambda rows: rows.assign(core_mask_kind="square", core_mask_radius_pix=5.0, core_mask_width_pix=0.0),
            "core_mask_kind is none of none, hard, tanh in 20 rows",
        ),
        (lambda rows: rows.assign(flux_scale=np.inf), "flux_scale is no finite number in 20 rows"),
    ],
)
def test_what_is_missing_is_named(paired, tmp_path, change, says):
    used = ("psf_profile_used", *[f"{stem}_{band}" for stem in ("psf_fwhm_used", "psf_beta_used") for band in "grz"])
    rows = declaring(paired_rows(paired), pairs_of(paired).table.iloc[::2])
    if "square" in says or "none of" in says:
        rows = declaring(rows, pairs_of(paired).table.iloc[::2], used)
    source = open_source(write_rows(change(rows), tmp_path / "set.parquet"))
    assert not source.facts.declared
    assert any("not declared in full" in note and says in note for note in notes_of(source)), notes_of(source)


def test_masks_and_photon_noise_are_taken_from_the_table(paired, tmp_path):
    table = pairs_of(paired).table.iloc[::2]
    more = [name for name in table if name.startswith(("gain_", "psf_fwhm_used", "psf_beta_used", "psf_profile", "core_mask"))]
    rows = declaring(paired_rows(paired), table, (*DECLARED, *more)).assign(core_mask_kind="hard", arc_noise="poisson")
    source = open_source(write_rows(rows, tmp_path / "set.parquet"))
    assert source.facts.declared
    assert source.table(["core_mask_kind"])["core_mask_kind"].eq("hard").all()


def test_colours_stand_in_for_magnitudes(paired, tmp_path):
    rows = declaring(paired_rows(paired), pairs_of(paired).table.iloc[::2])
    mag = {band: rows[f"source_mag_{band}"] for band in "grz"}
    coloured = rows.drop(columns=["source_mag_g", "source_mag_z"]).assign(
        source_gr=mag["g"] - mag["r"], source_rz=mag["r"] - mag["z"]
    )
    first, second = (
        open_source(write_rows(one, tmp_path / f"{len(one.columns)}.parquet")) for one in (rows, coloured.assign(more=0))
    )
    assert first.facts.declared
    assert second.facts.declared
    names = [f"source_mag_{band}" for band in DECALS.bands]
    np.testing.assert_allclose(second.table(names), first.table(names), rtol=1e-12)
    assert not {"source_gr", "source_rz"} & set(second.facts.columns)
