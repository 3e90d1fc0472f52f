"""A stated pixel scale: declared lengths are brought to the pixels of the stamps once, and then the arcs match."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layouts import arrays_of, paired_rows, pairs_of, write_arrays, write_rows

from arcgate.dataset.schema import COLUMNS
from arcgate.foreign.opening import notes_of, open_source
from arcgate.foreign.pixel_scale import LENGTHS
from arcgate.foreign.recorded import CENTRE, LENS_AND_SOURCE, NOISE, PSF
from arcgate.ground.errors import ArcgateError
from arcgate.injection.arcs import declared_psfs, render_arcs

DECLARED = (*LENS_AND_SOURCE, *PSF, NOISE, *CENTRE)
SCALE = 0.3


@pytest.fixture(scope="module")
def paired(built):
    return built("psf=moffat_converted", "data.n_pairs=20")


@pytest.fixture(scope="module")
def larger(paired):
    """What the maker of the same stamps declares whose pixels are 0.3 arcsec."""
    table = pairs_of(paired).table.iloc[::2].reset_index(drop=True)
    rows = paired_rows(paired).assign(**{name: table[name] for name in DECLARED})
    return rows.assign(**{name: rows[name] * SCALE / 0.262 for name in LENGTHS if name in rows})


def missed(source, paired):
    """Largest difference between stored and predicted arcs, in units of the brightest pixel."""
    positive = pd.concat([part.read().table for part in source.parts()]).query("role == 'positive'").reset_index(drop=True)
    stored = pairs_of(paired).arc[::2]
    return np.abs(render_arcs(positive, declared_psfs(positive))[0] - stored).max() / stored.max()


def test_every_length_of_the_schema_is_converted():
    lengths = {column.name for column in COLUMNS if column.meaning.split(",")[1:] and "arcsec" in column.meaning}
    assert lengths == set(LENGTHS)


def test_with_a_stated_scale_declared_arcs_match(paired, larger, tmp_path):
    unstated = open_source(write_rows(larger, tmp_path / "unstated.parquet"))
    stated = open_source(write_rows(larger.assign(Pixel_Scale_Arcsec=SCALE), tmp_path / "stated.parquet"))
    assert unstated.facts.declared
    assert stated.facts.declared
    assert missed(unstated, paired) > 0.05
    assert missed(stated, paired) < 1e-4
    (note,) = [note for note in notes_of(stated) if "pixels are 0.3 arcsec" in note]
    assert "theta_e_arcsec" in note
    assert "psf_fwhm_used_r" in note
    own = open_source(write_rows(larger.assign(pixel_scale_arcsec=0.262), tmp_path / "own.parquet"))
    assert own.table(["psfsize_r"]).equals(unstated.table(["psfsize_r"]))
    assert len({source.digest for source in (unstated, stated, own)}) == 3


def test_the_schema_of_a_file_may_state_it(larger, tmp_path):
    table = pa.Table.from_pandas(larger, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"pixel_scale_arcsec": str(SCALE)}), tmp_path / "set.parquet")
    column = open_source(write_rows(larger.assign(pixel_scale_arcsec=SCALE), tmp_path / "column.parquet"))
    metadata = open_source(tmp_path / "set.parquet")
    assert metadata.table(["psfsize_r"]).equals(column.table(["psfsize_r"]))
    pq.write_table(table.replace_schema_metadata({"pixel_scale_arcsec": "wide"}), tmp_path / "set.parquet")
    with pytest.raises(ArcgateError, match=r"(?s)is wide.*metadata of the schema"):
        open_source(tmp_path / "set.parquet")


def test_column_and_metadata_must_agree(larger, tmp_path):
    table = pa.Table.from_pandas(larger.assign(pixel_scale_arcsec=np.float32(SCALE)), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"pixel_scale_arcsec": str(SCALE)}), tmp_path / "set.parquet")
    assert any("pixels are 0.3 arcsec" in note for note in notes_of(open_source(tmp_path / "set.parquet")))
    pq.write_table(table.replace_schema_metadata({"pixel_scale_arcsec": "0.263"}), tmp_path / "set.parquet")
    with pytest.raises(ArcgateError, match=r"(?s)is 0\.3 in the column and 0\.263 in the metadata.*set\.parquet, row 0"):
        open_source(tmp_path / "set.parquet")


@pytest.mark.parametrize("scale", [np.float64(SCALE), np.full(1, SCALE), np.full(40, SCALE)])
def test_arrays_may_state_it(paired, tmp_path, scale):
    arrays = {**arrays_of(paired), "psfsize_r": np.full(40, 1.3)}
    source = open_source(write_arrays({**arrays, "pixel_scale_arcsec": scale}, tmp_path / "set.npz"))
    np.testing.assert_allclose(source.table(["psfsize_r"]), 1.3 * 0.262 / SCALE, rtol=1e-12)
    other = open_source(write_arrays({**arrays, "pixel_scale_arcsec": scale * 1.01}, tmp_path / "other.npz"))
    assert other.digest != source.digest


@pytest.mark.parametrize(
    ("scale", "says"),
    [
        (0.262 / 3600, "no pixel scale of 0.1 to 1 arcsec"),
        (np.nan, "no pixel scale"),
        ("wide", "no pixel scale"),
        (np.where(np.arange(20) == 3, 0.263, 0.262), "is 0.263, which differs from the 0.262.*row 3"),
    ],
)
def test_other_scales_are_refused(larger, tmp_path, scale, says):
    with pytest.raises(ArcgateError, match=rf"(?s){says}"):
        open_source(write_rows(larger.assign(pixel_scale_arcsec=scale), tmp_path / "set.parquet"))


def test_what_was_measured_on_arcs_is_known(built, paired, tmp_path):
    unpaired = built("controls=unpaired", "data.n_pairs=20")
    arrays = arrays_of(unpaired)
    measured = {*CENTRE, "sky_sigma_g", "sky_sigma_r", "sky_sigma_z"}
    assert open_source(write_arrays(arrays, tmp_path / "set.npz")).facts.measured_on_arcs == measured
    with_centres = {**arrays, "x": np.full(40, 31.5), "y": np.full(40, 31.5)}
    assert open_source(write_arrays(with_centres, tmp_path / "xy.npz")).facts.measured_on_arcs == measured - {*CENTRE}
    assert open_source(write_arrays(arrays_of(paired), tmp_path / "own.npz")).facts.measured_on_arcs == frozenset()
