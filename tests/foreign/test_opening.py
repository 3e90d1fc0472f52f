"""Data sets of other layouts: what is read is what was written, what is missing is measured and said."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pandas as pd
import pytest
from layouts import arrays_of, blob, hwc, paired_rows, pairs_of, unpaired_rows, write_arrays, write_rows

from arcgate.dataset.source import DatasetSource
from arcgate.foreign import foreign_source
from arcgate.foreign.opening import notes_of, open_source
from arcgate.foreign.raw_table import TableFile
from arcgate.foreign.stamp_cells import BlobStore
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS


@pytest.fixture(scope="module")
def paired(built):
    return built()


@pytest.fixture(scope="module")
def unpaired(built):
    return built("controls=unpaired")


@pytest.fixture(scope="module")
def older(paired):
    return paired_rows(paired)


def read_all(source):
    """Rows and stamps of all parts."""
    batches = [part.read() for part in source.parts()]
    return pd.concat([batch.table for batch in batches], ignore_index=True), np.concatenate([batch.image for batch in batches])


def test_an_arcgate_folder_is_a_data_set(paired):
    source = open_source(paired.path)
    assert isinstance(source, DatasetSource)
    assert (source.facts.layout, source.digest) == ("arcgate", paired.data_digest)
    assert notes_of(source) == ()
    assert sum(len(part.read().table) for part in source.parts()) == len(source.table(["role"]))


def test_pairs_of_the_older_layout(paired, older, tmp_path):
    source = open_source(write_rows(older.assign(psf_rank=1), tmp_path / "set.parquet"))
    table, image = read_all(source)
    true = pairs_of(paired)
    assert source.facts.layout == "stamp_npz"
    assert (source.facts.paired, source.facts.has_arc, source.facts.has_null, source.facts.declared) == (
        True,
        False,
        False,
        False,
    )
    np.testing.assert_array_equal(image, true.image)
    assert table["role"].tolist() == true.table["role"].tolist()
    assert table["host_id"].tolist() == true.table["host_id"].tolist()
    assert table["split"].tolist() == true.table["split"].tolist()
    assert (table["pair_id"].to_numpy() == np.arange(len(table)) // 2).all()
    # Controls have no Einstein radius, whatever stood in the positive's row; the PSF's size belongs to both.
    np.testing.assert_array_equal(table["theta_e_arcsec"], true.table["theta_e_arcsec"])
    np.testing.assert_array_equal(table["psfsize_r"], true.table["psfsize_r"])
    assert {"theta_e_arcsec", "psf_fwhm_used_r", "psfsize_r", "arc_snr", "host_x_pix", "sky_sigma_z"} <= source.facts.columns
    assert "depth_r" not in source.facts.columns
    assert table["provenance"].eq("brick 0001m002").all()
    assert any("psf_rank" in note for note in notes_of(source))


def test_centres_and_noise_are_measured_on_the_control(paired, older, tmp_path):
    source = open_source(write_rows(older, tmp_path / "set.parquet"))
    table, true = source.table(["host_x_pix", "host_y_pix", "sky_sigma_r"]), pairs_of(paired).table
    offset = np.hypot(table["host_x_pix"] - true["host_x_pix"], table["host_y_pix"] - true["host_y_pix"])
    # x and y exchanged, or 32 taken for 31.5, would be off by half a pixel and more.
    assert np.median(offset) < 0.1
    assert np.quantile(offset, 0.9) < 0.3
    ratio = table["sky_sigma_r"] / true["sky_sigma_r"]
    assert 0.95 < ratio.median() < 1.1
    assert (table["host_x_pix"].to_numpy()[::2] == table["host_x_pix"].to_numpy()[1::2]).all()
    assert any("centres are not recorded" in note for note in notes_of(source))


def test_recorded_centres_are_taken(paired, older, tmp_path):
    rows = older.assign(host_x_pix=30.25, host_y_pix=33.0, sky_sigma_g=1.0, sky_sigma_r=2.0, sky_sigma_z=3.0)
    source = open_source(write_rows(rows, tmp_path / "set.parquet"))
    table, _ = read_all(source)
    assert table["host_x_pix"].eq(30.25).all()
    assert table["sky_sigma_z"].eq(3.0).all()
    assert not any("not recorded" in note for note in notes_of(source))


def test_unpaired_controls_are_matched_within_their_split(unpaired, tmp_path):
    rows = unpaired_rows(unpaired)
    # Shuffled, and two controls too many: each positive still gets a control of its own split.
    rows = pd.concat([rows, rows[rows["is_control"] == 1].head(2)]).sample(frac=1, random_state=1).reset_index(drop=True)
    source = open_source(write_rows(rows, tmp_path / "set.parquet"))
    table, _ = read_all(source)
    assert not source.facts.paired
    assert table["role"].value_counts().to_dict() == {"positive": 100, "control": 100}
    assert table.groupby("pair_id")["split"].nunique().eq(1).all()
    assert table.loc[table["role"] == "control", "theta_e_arcsec"].isna().all()
    whole = source.table(["role", "pair_id", "split"])
    assert (len(whole), (whole["role"] == "unmatched").sum()) == (202, 2)
    assert whole.loc[whole["role"] == "unmatched", "pair_id"].min() > whole.loc[whole["role"] != "unmatched", "pair_id"].max()


def test_recorded_pairs_and_shared_galaxies_decide_before_the_order(paired, tmp_path):
    batch = pairs_of(paired)
    rows = unpaired_rows(paired).assign(pair_id=batch.table["pair_id"].to_numpy()).sample(frac=1, random_state=1)
    by_pair = open_source(write_rows(rows, tmp_path / "pairs.parquet"))
    by_galaxy = open_source(write_rows(rows.drop(columns="pair_id"), tmp_path / "galaxies.parquet"))
    for source in (by_pair, by_galaxy):
        table, _ = read_all(source)
        assert source.facts.paired
        assert table.groupby("pair_id")["host_id"].nunique().eq(1).all()


def test_controls_of_other_galaxies_beside_own_ones_are_left_to_split_integrity(older, unpaired, tmp_path):
    others = unpaired_rows(unpaired).query("is_control == 1").head(5).rename(columns={"split": "region_split"})
    source = open_source(write_rows(pd.concat([older, others], ignore_index=True), tmp_path / "set.parquet"))
    table, _ = read_all(source)
    assert (len(table), len(source.table(["role"]))) == (200, 205)
    assert source.facts.paired
    assert any("are not judged" in note for note in notes_of(source))
    assert any("0 positives and 5 controls have no partner" in note for note in notes_of(source))


def test_a_folder_of_files_is_one_set_and_folders_may_name_splits(older, tmp_path):
    rows = older.drop(columns="region_split")
    write_rows(rows.iloc[:60], tmp_path / "set/train/part-0.parquet")
    write_rows(rows.iloc[60:], tmp_path / "set/region_split=validation/part-0.parquet")
    (tmp_path / "set/_SUCCESS").touch()
    (tmp_path / "set/_temporary").mkdir()
    (tmp_path / "set/_temporary/part-9.parquet").write_bytes(b"unfinished")
    table = open_source(tmp_path / "set").table(["split", "role"])
    assert table["split"].value_counts().to_dict() == {"train": 120, "val": 80}


def test_parts_are_runs_of_pairs_and_change_nothing(older, tmp_path, monkeypatch):
    source = open_source(write_rows(older, tmp_path / "set.parquet"))
    whole, image = read_all(source)
    monkeypatch.setattr(foreign_source, "ROWS_PER_PART", 30)
    parts = source.parts()
    assert len(parts) == 7
    again, image_again = read_all(source)
    pd.testing.assert_frame_equal(whole, again)
    np.testing.assert_array_equal(image, image_again)
    assert all(part.table["pair_id"].nunique() * 2 == len(part.table) for part in parts)
    assert len(pickle.dumps(parts[0])) < 50_000


def test_the_digest_follows_content_and_not_layout(older, tmp_path):
    one = open_source(write_rows(older, tmp_path / "one.parquet", row_group_size=7)).digest
    write_rows(older.iloc[:31], tmp_path / "two/a.parquet")
    write_rows(older.iloc[31:], tmp_path / "two/b.parquet")
    assert open_source(tmp_path / "two").digest == one
    changed = older.copy()
    changed.loc[3, "theta_e_arcsec"] += 1e-9
    assert open_source(write_rows(changed, tmp_path / "three.parquet")).digest != one
    stamp = np.load(io.BytesIO(older["stamp_npz"][5]))["arr_0"]
    stamp[0, 0, 0] += 1e-6
    moved = older.copy()
    moved.at[5, "stamp_npz"] = blob(stamp)
    assert open_source(write_rows(moved, tmp_path / "four.parquet")).digest != one


@pytest.mark.parametrize("bands_last", [False, True])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_with_shared_groups_are_pairs(paired, tmp_path, bands_last, save):
    source = open_source(write_arrays(arrays_of(paired, bands_last), tmp_path / "set.npz", save))
    table, image = read_all(source)
    true = pairs_of(paired)
    np.testing.assert_array_equal(image, true.image)
    assert (source.facts.layout, source.facts.paired, source.facts.has_arc) == ("arrays", True, False)
    assert table["host_id"].tolist() == true.table["host_id"].tolist()
    assert "split" not in source.facts.columns


def test_arrays_with_controls_arcs_and_centres(paired, tmp_path):
    batch = pairs_of(paired)
    arrays = {
        "stamps": batch.image[::2],
        "controls": batch.image[1::2],
        "arcs": batch.arc[::2],
        "labels": np.ones(len(batch.table) // 2),
        "groups": np.arange(len(batch.table) // 2),
        "x": batch.table["host_x_pix"].to_numpy()[::2],
        "y": batch.table["host_y_pix"].to_numpy()[::2],
        "redshift": np.zeros(3),
    }
    source = open_source(write_arrays(arrays, tmp_path / "set.npz"))
    part = source.parts()[0].read()
    assert (source.facts.paired, source.facts.has_arc) == (True, True)
    np.testing.assert_array_equal(part.image, batch.image)
    np.testing.assert_array_equal(part.arc[::2], batch.arc[::2])
    assert not part.arc[1::2].any()
    np.testing.assert_array_equal(part.table["host_y_pix"], batch.table["host_y_pix"])
    assert any("redshift" in note for note in notes_of(source))


def test_arrays_read_in_any_order_and_in_small_blocks(unpaired, tmp_path, monkeypatch):
    arrays = arrays_of(unpaired)
    order = np.random.default_rng(0).permutation(len(arrays["labels"]))
    source = open_source(write_arrays({name: value[order] for name, value in arrays.items()}, tmp_path / "set.npz"))
    _, whole = read_all(source)
    monkeypatch.setattr("arcgate.foreign.array_file._READ_ROWS", 7)
    monkeypatch.setattr(foreign_source, "ROWS_PER_PART", 20)
    table, image = read_all(source)
    np.testing.assert_array_equal(image, whole)
    by_host = dict(zip(arrays["groups"], arrays["stamps"], strict=True))
    assert all((by_host[host] == stamp).all() for host, stamp in zip(table["host_id"], image, strict=True))


def spoiled(rows, column, value):
    out = rows.copy()
    out[column] = out[column].astype(object)
    out.at[4, column] = value
    return out


def pickled_blob():
    file = io.BytesIO()
    np.savez(file, np.array([{"a": 1}], dtype=object))
    return file.getvalue()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: spoiled(rows, "stamp_npz", pickled_blob()), ["pickled", "row 4", "stamp_npz"]),
        (lambda rows: spoiled(rows, "stamp_npz", pickle.dumps([1])), ["pickled", "row 4"]),
        (
            lambda rows: spoiled(rows, "ctrl_stamp_npz", b"PK\x03\x04 and then nothing"),
            ["numpy bytes", "row 4", "ctrl_stamp_npz"],
        ),
        (
            lambda rows: spoiled(rows, "stamp_npz", blob(np.zeros((61, 61, 3)))),
            ["(61, 61, 3)", "row 4", "(64, 64, 3)", "imaging=..."],
        ),
        (lambda rows: spoiled(rows, "stamp_npz", blob(np.zeros((64, 64, 3), np.int16))), ["int16", "row 4"]),
        (lambda rows: rows.assign(is_control=1), ["0 positives", "both classes"]),
        (lambda rows: rows.drop(columns="ctrl_stamp_npz"), ["0 controls", "both classes"]),
        (lambda rows: rows.assign(is_control=2), ["is_control is 2", "true or false"]),
        (lambda rows: rows.assign(theta_e_arcsec="wide"), ["theta_e_arcsec", "not numbers"]),
        (lambda rows: rows.assign(region_split="north"), ["'north'", "train, val, test"]),
        (lambda rows: rows.drop(columns="stamp_npz"), ["no column stamp_npz"]),
        (lambda rows: rows.assign(stamp_npz="text"), ["stamp_npz holds", "binary"]),
        (lambda rows: spoiled(rows, "objid", None), ["objid is empty in 1 row", "row 4"]),
    ],
)
def test_bad_tables_are_refused_in_words(older, tmp_path, change, says):
    path = write_rows(change(older.head(8)), tmp_path / "set.parquet")
    with pytest.raises(ArcgateError) as raised:
        read_all(open_source(path))
    assert all(word in str(raised.value) for word in [*says, "set.parquet"])


def test_files_that_are_no_parquet_or_lack_a_column(older, tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(ArcgateError, match="not a Parquet file"):
        open_source(tmp_path / "bad.parquet")
    write_rows(older.head(2), tmp_path / "set/a.parquet")
    write_rows(older.head(2).drop(columns="arc_snr"), tmp_path / "set/b.parquet")
    with pytest.raises(ArcgateError, match=r"'arc_snr'.*b\.parquet|(?s:'arc_snr'.*a\.parquet.*b\.parquet)"):
        open_source(tmp_path / "set")
    (tmp_path / "notes.txt").write_text("stamps")
    with pytest.raises(ArcgateError, match=r"sought is \.npz, \.parquet"):
        open_source(tmp_path / "notes.txt")
    with pytest.raises(ArcgateError, match="no such folder"):
        open_source(tmp_path / "nowhere.npz")


def few(n=6):
    rng = np.random.default_rng(0)
    return {
        "stamps": np.repeat(rng.normal(size=((n + 1) // 2, 3, 64, 64)), 2, axis=0)[:n].astype(np.float32),
        "labels": np.arange(n) % 2,
        "groups": np.arange(n) // 2,
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"groups": None}, ["no array groups", "holds stamps, labels", "the galaxy of each one"]),
        ({"labels": None, "stamps": None}, ["no array stamps and no array labels"]),
        ({"labels": np.array([0, 1, 2, 0, 1, 0])}, ["labels hold 2", "row 2"]),
        ({"labels": np.full(6, np.nan)}, ["labels hold nan"]),
        ({"labels": np.ones(6)}, ["6 positives and 0 controls"]),
        ({"labels": np.zeros(5)}, ["stamps is float32 of shape (6, 3, 64, 64)", "labels of shape (5,)"]),
        (
            {"stamps": np.zeros((6, 3, 61, 61), np.float32)},
            ["(3, 61, 61)", "64 x 64 pixels in g, r, z", "imaging=hsc_gri", "pixel_scale_arcsec", "array stamps"],
        ),
        ({"stamps": np.zeros((6, 3, 64, 64), np.uint8)}, ["uint8"]),
        ({"controls": np.zeros((3, 3, 64, 64), np.float32)}, ["controls is float32 of shape (3, 3, 64, 64)"]),
        ({"groups": np.array([0, 0, 1, 1, np.nan, 2])}, ["groups is empty in 1 row", "row 4", "galaxies"]),
        ({"groups": np.array([{}] * 6, dtype=object)}, ["pickled", "array groups"]),
        ({"x": np.array([31.5, 31.5, 99.0, 31.5, 31.5, 31.5])}, ["column x", "x is 99", "row 2", "31.5 in the middle"]),
        ({"stamps": np.asfortranarray(np.zeros((6, 3, 64, 64), np.float32))}, ["Fortran order", "array stamps"]),
    ],
)
def test_bad_arrays_are_refused_in_words(tmp_path, change, says):
    arrays = {name: value for name, value in {**few(), **change}.items() if value is not None}
    path = write_arrays(arrays, tmp_path / "set.npz")
    with pytest.raises(ArcgateError) as raised:
        read_all(open_source(path))
    assert all(word in str(raised.value) for word in [*says, "set.npz"])


def test_a_file_cut_short_is_refused(tmp_path):
    path = write_arrays(few(), tmp_path / "set.npz")
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(ArcgateError, match="cannot be read"):
        open_source(path)


def test_constant_stamps_have_a_unit_and_a_middle(tmp_path):
    path = write_arrays({**few(), "stamps": np.zeros((6, 3, 64, 64), np.float32)}, tmp_path / "set.npz")
    table, _ = read_all(open_source(path))
    assert table["sky_sigma_g"].eq(1.0).all()
    assert table["host_x_pix"].eq(31.5).all()


def test_a_column_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ArcgateError, match="depth_r"):
        open_source(write_arrays(few(), tmp_path / "set.npz")).table(["depth_r"])


def test_centres_and_noise_are_measured_beside_missing_pixels(older, tmp_path):
    """A missing pixel is for the gate on it to find; it must not spoil what is measured on other stamps."""
    columns = ["host_x_pix", "host_y_pix", "sky_sigma_g", "sky_sigma_z"]
    sound = open_source(write_rows(older, tmp_path / "set.parquet")).table(columns)
    hole = np.where(np.arange(3) == 2, np.nan, 1.0) * np.ones((64, 64, 3))
    found = open_source(write_rows(spoiled(older, "ctrl_stamp_npz", blob(hole)), tmp_path / "hole.parquet")).table(columns)
    assert np.isfinite(found).all(axis=None)
    others = (found == sound).all(axis=1)
    assert others.sum() == len(sound) - 2


def test_places_name_file_and_row(tmp_path):
    store = BlobStore((TableFile(tmp_path / "a.parquet", 3, {}), TableFile(tmp_path / "b.parquet", 5, {})), DECALS)
    assert store.place(2).endswith("a.parquet, row 2")
    assert store.place(3).endswith("b.parquet, row 0")


def test_hwc_is_what_the_older_layout_means():
    stamp = np.arange(3 * 64 * 64, dtype=np.float32).reshape(3, 64, 64)
    assert hwc(stamp)[5, 7, 2] == stamp[2, 5, 7]
