"""Parts of tables: cells in several forms, rows without a stamp, empty files, and logs that say which files count."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layouts import blob, hwc, write_arrays, write_rows

from arcgate.foreign.left_out import leave_out
from arcgate.foreign.opening import notes_of, open_source
from arcgate.ground.errors import ArcgateError

N = 6


@pytest.fixture(scope="module")
def stamps():
    galaxy = np.random.default_rng(0).normal(size=(N, 3, 64, 64)).astype(np.float32)
    arced = galaxy.copy()
    arced[:, :, 28:36, 28:36] += 5
    return arced, galaxy


@pytest.fixture(scope="module")
def own(stamps):
    """A table with the galaxy beside each stamp."""
    arced, galaxy = stamps
    cells = {"stamp_npz": [blob(hwc(stamp)) for stamp in arced], "ctrl_stamp_npz": [blob(hwc(stamp)) for stamp in galaxy]}
    return pd.DataFrame({**cells, "host_id": [f"g{i}" for i in range(N)], "is_control": 0})


@pytest.fixture(scope="module")
def rows(own):
    """Positives, then their galaxies as controls."""
    plain = own.drop(columns="ctrl_stamp_npz")
    return pd.concat([plain, plain.assign(stamp_npz=own["ctrl_stamp_npz"], is_control=1)], ignore_index=True)


def image_of(source):
    return np.concatenate([part.read().image for part in source.parts()])


def saved(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "cell",
    [
        lambda stamp: saved(image_z=stamp[2], image_g=stamp[0], image_r=stamp[1]),
        lambda stamp: saved(G=stamp[0], R=stamp[1], Z=stamp[2], invvar_g=stamp[1], notes=np.array([{}])),
        lambda stamp: blob(stamp),
        lambda stamp: blob(stamp.astype(">f4")),
        lambda stamp: npy(hwc(stamp)),
        lambda stamp: stamp.tolist(),
        lambda stamp: hwc(stamp).tolist(),
    ],
)
def test_cells_of_several_forms_hold_the_same_stamp(own, stamps, tmp_path, cell):
    source = open_source(write_rows(own.assign(stamp_npz=[cell(stamp) for stamp in stamps[0]]), tmp_path / "set.parquet"))
    np.testing.assert_array_equal(image_of(source)[::2], stamps[0])


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (
            lambda stamp: saved(image_g=stamp[0], image_r=stamp[1]),
            r"shape \(2, 64, 64\), the imaging has 64 x 64 pixels in g, r, z",
        ),
        (lambda stamp: saved(a=stamp[0], b=stamp[1], c=stamp[2]), "called image_g, image_r, image_z"),
        (lambda stamp: saved(image=np.array([{}])), "dtype object, which holds pickled"),
        (lambda stamp: b"hello", "no numpy bytes: they begin with b'hello'"),
        (lambda stamp: [[[1.0, 2.0], [1.0]]], "lists of different lengths"),
        (lambda stamp: [[[1.0, 2.0]]], r"shape \(1, 1, 2\)"),
    ],
)
def test_cells_that_hold_no_stamp_are_refused_in_words(own, stamps, tmp_path, cell, says):
    path = write_rows(own.assign(stamp_npz=[cell(stamp) for stamp in stamps[0]]), tmp_path / "set.parquet")
    with pytest.raises(ArcgateError, match=rf"(?s){says}.*set\.parquet, row 0, column stamp_npz"):
        image_of(open_source(path))


def test_the_type_of_pixels_is_known(own, stamps, tmp_path):
    halves = [blob(hwc(stamp).astype(np.float16)) for stamp in stamps[0]]
    source = open_source(write_rows(own.assign(stamp_npz=halves), tmp_path / "set.parquet"))
    assert source.facts.precision == "float16"
    assert any("controls: float32; positives: float16" in note for note in notes_of(source))
    sums = {"stamps": stamps[0].astype(float), "controls": stamps[1].astype(float), "labels": np.ones(N), "groups": np.arange(N)}
    double = open_source(write_arrays(sums, tmp_path / "set.npz"))
    assert double.facts.precision == "float64"
    assert not any("last bits" in note for note in notes_of(double))


@pytest.mark.parametrize("flag", [True, False])
def test_rows_without_a_stamp_are_left_out_and_counted(own, stamps, tmp_path, flag):
    failed = own.assign(cutout_ok=1).astype(object)
    failed.loc[2, ["stamp_npz", "ctrl_stamp_npz", "host_id"] if flag else ["stamp_npz", "ctrl_stamp_npz"]] = None
    if flag:
        failed.loc[2, "cutout_ok"] = 0
    source = open_source(write_rows(failed, tmp_path / "set.parquet"))
    np.testing.assert_array_equal(image_of(source)[::2], np.delete(stamps[0], 2, axis=0))
    assert source.facts.left_out_p == 1.0
    (note,) = [note for note in notes_of(source) if "left out" in note]
    assert "1 of 6 positives and 1 of 6 controls" in note
    assert "FINDING" not in note


def test_rows_that_are_flagged_in_arrays_are_left_out(stamps, tmp_path):
    arrays = {"stamps": np.concatenate(stamps), "labels": np.repeat([1, 0], N), "groups": np.tile(np.arange(N), 2)}
    source = open_source(write_arrays({**arrays, "cutout_ok": np.arange(2 * N) % N != 2}, tmp_path / "set.npz"))
    np.testing.assert_array_equal(image_of(source)[::2], np.delete(stamps[0], 2, axis=0))
    assert source.facts.left_out_p == 1.0


def test_a_class_that_lacks_more_stamps_than_chance_explains_is_a_finding(rows, tmp_path):
    many = pd.concat([rows] * 4, ignore_index=True)
    lacking = (many["is_control"] == 0) & (many.index % 2 == 0)
    source = open_source(write_rows(many.assign(stamp_npz=many["stamp_npz"].where(~lacking)), tmp_path / "set.parquet"))
    assert source.facts.left_out_p < 0.01
    assert any("FINDING" in note and "12 of 24 positives and 0 of 24 controls" in note for note in notes_of(source))


def test_the_exact_tests_are_two_sided():
    control = np.repeat([False, True], 10)
    none, half = np.zeros(20, bool), control & (np.arange(20) % 2 == 0)
    assert leave_out(control, half, None, ()).p == pytest.approx(leave_out(~control, half, None, ()).p)
    # Ten rows lack the galaxy alone: 2 / 2^10 by either side; none of them stays.
    left = leave_out(np.zeros(20, bool), none, control, ())
    assert left.p == pytest.approx(2 / 2**10)
    assert left.kept.tolist() == list(range(10))
    assert leave_out(control, none, None, ()).p is None


def test_empty_parts_are_passed_over(rows, tmp_path):
    table = pa.Table.from_pandas(rows, preserve_index=False)
    (tmp_path / "set").mkdir()
    for number, part in enumerate((table.schema.empty_table(), table[:N], table.schema.empty_table(), table[N:])):
        pq.write_table(part, tmp_path / f"set/part-{number:05d}.parquet")
    assert len(image_of(open_source(tmp_path / "set"))) == 2 * N
    pq.write_table(table.schema.empty_table(), tmp_path / "none.parquet")
    with pytest.raises(ArcgateError, match="no rows"):
        open_source(tmp_path / "none.parquet")


def test_parts_may_differ_in_the_order_case_and_type_of_columns(rows, tmp_path):
    write_rows(rows[:N].assign(theta_e_arcsec=1), tmp_path / "set/a.parquet")
    other = rows[N:].assign(theta_e_arcsec=1.5).rename(columns={"host_id": "HOST_ID", "stamp_npz": "Stamp_NPZ"})
    write_rows(other[other.columns[::-1]], tmp_path / "set/b.parquet")
    source = open_source(tmp_path / "set")
    assert source.facts.paired
    assert len(image_of(source)) == 2 * N
    write_rows(rows.assign(split="train"), tmp_path / "set/c.parquet")
    with pytest.raises(
        ArcgateError, match=r"columns \['split'\] of c\.parquet are missing|\['theta_e_arcsec'\] of a\.parquet are"
    ):
        open_source(tmp_path / "set")


@pytest.mark.parametrize(
    ("log", "kind"), [("_delta_log/0.json", "Delta"), (".hoodie/x", "Hudi"), ("metadata/v1.metadata.json", "Iceberg")]
)
def test_logs_of_table_formats_are_refused_with_what_to_do(rows, tmp_path, log, kind):
    part = write_rows(rows, tmp_path / "set/data/a.parquet")
    (tmp_path / "set" / log).parent.mkdir()
    (tmp_path / "set" / log).touch()
    for path in (tmp_path / "set", part, tmp_path):
        with pytest.raises(ArcgateError, match=rf"(?s)table of {kind}.*write\.parquet"):
            open_source(path)


def test_a_job_of_spark_that_has_not_ended_is_refused(rows, tmp_path):
    write_rows(rows, tmp_path / "set/part-00000-0a1b2c3d-0000-0000-0000-000000000000-c000.parquet")
    assert any("no file _SUCCESS" in note for note in notes_of(open_source(tmp_path / "set")))
    (tmp_path / "set/_temporary").mkdir()
    with pytest.raises(ArcgateError, match="not finished writing"):
        open_source(tmp_path / "set")
    (tmp_path / "set/_SUCCESS").touch()
    assert not any("_SUCCESS" in note for note in notes_of(open_source(tmp_path / "set")))


def test_messages_name_the_row_of_the_file(rows, tmp_path):
    write_rows(rows[:N], tmp_path / "set/a.parquet")
    write_rows(rows[N:].assign(is_control=[1, 1, 7, 1, 1, 1]), tmp_path / "set/b.parquet")
    with pytest.raises(ArcgateError, match=r"(?s)is_control is 7.*b\.parquet, row 2, column is_control"):
        open_source(tmp_path / "set")


@pytest.mark.parametrize("table", [True, False])
def test_centres_outside_the_stamp_name_row_and_column(rows, stamps, tmp_path, table):
    centres = {"host_x_pix": np.where(np.arange(2 * N) == 3, 1843.2, 31.0), "host_y_pix": 31.0}
    if table:
        path = write_rows(rows.assign(**centres), tmp_path / "set.parquet")
    else:
        arrays = {"stamps": np.concatenate(stamps), "labels": np.repeat([1, 0], N), "groups": np.tile(np.arange(N), 2)}
        path = write_arrays(
            {**arrays, "host_x_pix": centres["host_x_pix"], "host_y_pix": np.full(2 * N, 31.0)}, tmp_path / "set.npz"
        )
    with pytest.raises(ArcgateError, match=r"(?s)host_x_pix is 1843\.2, which is outside the stamp.*row 3, column host_x_pix"):
        open_source(path)


def test_values_that_can_hardly_be_meant_are_said(rows, tmp_path):
    strange = {"lens_phi_rad": 130.0, "host_mag_r": 2.0, "lens_q": 1.4, "gamma1": 0.0}
    notes = notes_of(open_source(write_rows(rows.assign(**strange), tmp_path / "set.parquet")))
    for part in (
        "are these degrees",
        "host_mag_r is 2 in one of 12 rows",
        "lens_q is 1.4",
        "one value in every row: host_mag_r 2",
    ):
        assert any(part in note for note in notes), notes
    plain = notes_of(open_source(write_rows(rows.assign(lens_phi_rad=3.0, lens_q=0.7), tmp_path / "plain.parquet")))
    assert not any("degrees" in note or "hardly" in note or "one value" in note for note in plain)
