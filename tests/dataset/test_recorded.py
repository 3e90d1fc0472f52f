"""What a table of another maker declares of its arcs: columns and values that are missing are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from layouts import arrays_of, paired_rows, pairs_of, unpaired_rows, write_arrays, write_rows

from arcgate.dataset.opening import notes_of, open_source
from arcgate.dataset.recorded import CENTRE, LENS_AND_SOURCE, NOISE, PSF
from arcgate.errors import ArcgateError
from arcgate.injection.arcs import LENS_COLUMNS, SOURCE_COLUMNS, declared_psfs, render_arcs

DECLARED = (*LENS_AND_SOURCE, *PSF, NOISE, *CENTRE)


@pytest.fixture(scope="module")
def paired(built):
    return built("psf=moffat_converted", "data.n_pairs=20")


@pytest.fixture(scope="module")
def unpaired(built):
    return built("controls=unpaired", "data.n_pairs=20")


def declaring(rows: pd.DataFrame, table: pd.DataFrame, names=DECLARED) -> pd.DataFrame:
    return rows.assign(**{name: table[name].to_numpy() for name in names})


def test_lens_and_source_are_the_columns_that_the_renderer_reads():
    read = {*LENS_COLUMNS.values(), *SOURCE_COLUMNS.values(), "source_mag_r", "source_gr", "source_rz"}
    assert set(LENS_AND_SOURCE) == read


def test_a_table_with_controls_of_its_own_declares_its_arcs(paired, tmp_path):
    table = pairs_of(paired).table.iloc[::2]
    source = open_source(write_rows(declaring(paired_rows(paired), table), tmp_path / "set.parquet"))
    assert source.facts.declared
    assert any("no core mask is declared" in note for note in notes_of(source))
    read = source.parts()[0].read().table
    positive = read[read["role"] == "positive"].reset_index(drop=True)
    np.testing.assert_allclose(render_arcs(positive, declared_psfs(positive))[0], pairs_of(paired).arc[::2], atol=1e-6)


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
        (lambda rows: rows.drop(columns=["lens_q", "source_gr"]), "missing are the columns lens_q, source_gr"),
        (
            lambda rows: rows.assign(host_x_pix=[np.nan, *rows["host_x_pix"][1:]]),
            "missing are the columns host_x_pix, host_y_pix",
        ),
        (lambda rows: rows.assign(source_q=[np.nan, *rows["source_q"][1:]]), "source_q is no finite number in 1 rows"),
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
