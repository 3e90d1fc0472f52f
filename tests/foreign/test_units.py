"""Stamps in other counts than nanomaggies: converted where they are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from layouts import arrays_of, declared_names, paired_rows, pairs_of, write_arrays, write_rows

from arcgate.foreign.opening import notes_of, open_source
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs

FACTOR = 10.0 ** (0.4 * (27.0 - 22.5))
HSC_LIKE = replace(DECALS, zero_point=27.0)


@pytest.fixture(scope="module")
def paired(built):
    return built("psf=moffat_converted", "data.n_pairs=20")


def counts(dataset):
    """Arrays with declared arcs, in counts of zero point 27."""
    table = pairs_of(dataset).table
    arrays = arrays_of(dataset) | {name: table[name].to_numpy() for name in declared_names()}
    arrays = {name: values.astype(str) if values.dtype == object else values for name, values in arrays.items()}
    arrays["stamps"] = (arrays["stamps"] * FACTOR).astype(np.float32)
    for band in "grz":
        arrays[f"sky_sigma_{band}"] = table[f"sky_sigma_{band}"].to_numpy() * FACTOR
        arrays[f"gain_{band}"] = table[f"gain_{band}"].to_numpy() / FACTOR
    return arrays


def test_stated_on_the_command_line_or_in_the_file(paired, tmp_path):
    given = open_source(write_arrays(counts(paired), tmp_path / "counts.npz"), HSC_LIKE)
    stated = open_source(write_arrays(counts(paired) | {"zero_point": np.array(27.0)}, tmp_path / "stated.npz"))
    expected = pairs_of(paired)
    for source in (given, stated):
        assert source.facts.imaging == DECALS
        assert source.facts.nanomaggies_per_count == pytest.approx(10.0 ** (-0.4 * 4.5))
        batch = source.parts()[0].read()
        np.testing.assert_allclose(batch.image, expected.image, rtol=1e-6, atol=1e-7)
        for name in ("sky_sigma_r", "gain_r"):
            np.testing.assert_allclose(batch.table[name], expected.table[name], rtol=1e-6)
        positive = batch.table[batch.table["role"] == "positive"].reset_index(drop=True)
        predicted = render_arcs(positive, declared_psfs(positive, DECALS), DECALS)[0]
        assert np.abs(predicted - (batch.image[::2] - batch.image[1::2])).max() < 1e-4 * predicted.max()
        assert any("counts of zero point 27 are converted" in note and "sky_sigma_g" in note for note in notes_of(source))
        assert "pixels are taken as nanomaggies" not in notes_of(source)


def test_a_table_states_it_in_the_metadata_of_its_schema(paired, tmp_path):
    path = write_rows(paired_rows(paired), tmp_path / "set.parquet")
    plain = open_source(path).parts()[0].read().image
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata((table.schema.metadata or {}) | {b"zero_point": b"25"}), path)
    source = open_source(path)
    assert source.parts()[0].read().image == pytest.approx(0.1 * plain, rel=1e-6)
    assert source.facts.imaging.zero_point == 22.5


def test_contradictions_and_nonsense_are_refused(paired, tmp_path):
    path = write_arrays(counts(paired) | {"zero_point": np.array(27.0)}, tmp_path / "stated.npz")
    with pytest.raises(ArcgateError, match=r"zero_point is 27 in the file and 22\.5 in the imaging of the command line"):
        open_source(path, DECALS)
    for wrong in (np.array(["twenty"]), np.array([27.0, 30.0])):
        with pytest.raises(ArcgateError, match=r"(?s)zero_point is .*AB magnitude of one count"):
            open_source(write_arrays(counts(paired) | {"zero_point": wrong}, tmp_path / "wrong.npz"))
    with pytest.raises(ValueError, match="the zero point is a magnitude"):
        replace(DECALS, zero_point=float("nan"))


def test_nanomaggies_are_not_touched(paired, tmp_path):
    source = open_source(write_arrays(arrays_of(paired), tmp_path / "plain.npz"))
    assert source.facts.nanomaggies_per_count == 1.0
    assert "pixels are taken as nanomaggies" in notes_of(source)
