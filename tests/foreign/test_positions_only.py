"""Tables without pixels: every kind of file and spelling gives the same rows; what cannot be read is said in words."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from layouts import paired_rows, write_rows

from arcgate.foreign.opening import notes_of, open_source
from arcgate.foreign.positions_only import PositionsSource
from arcgate.ground.errors import ArcgateError


def table(n=12, **changes):
    row = np.arange(n)
    rows = pd.DataFrame({"ra": 10.0 + row, "dec": 5.0, "label": row % 2, "split": np.where(row < 8, "train", "test")})
    return rows.assign(galaxy_id=row + 2**40, **changes)


def csv(rows, path):
    rows.to_csv(path, index=False)
    return path


def opened(rows, tmp_path):
    return open_source(csv(rows, tmp_path / "table.csv"))


def as_fits(rows, path):
    columns = [rows[name].to_numpy() if rows[name].dtype != object else rows[name].to_numpy().astype("S") for name in rows]
    fits.BinTableHDU(np.rec.fromarrays(columns, names=[*rows])).writeto(path)
    return path


def test_all_kinds_of_files_hold_the_same(tmp_path):
    rows = table().astype({"split": object})
    csv(rows, tmp_path / "a.csv")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    rows.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    rows.to_parquet(tmp_path / "d.parquet", index=False)
    as_fits(rows, tmp_path / "e.fits")
    found = [open_source(file) for file in sorted(tmp_path.iterdir())]
    assert all(isinstance(source, PositionsSource) for source in found)
    for source in found[1:]:
        pd.testing.assert_frame_equal(source.rows, found[0].rows, check_dtype=False)
    assert len({source.digest for source in found}) == 1
    assert found[0].rows["host_id"].tolist() == [str(2**40 + i) for i in range(12)]
    facts = found[0].facts
    assert (facts.layout, facts.pixels, facts.positions, facts.several_splits, facts.paired) == (
        "positions",
        False,
        True,
        True,
        False,
    )
    assert found[0].parts() == []


def test_a_change_of_any_column_that_is_read_changes_the_digest(tmp_path):
    first = opened(table(psfsize_r=1.2), tmp_path).digest
    assert opened(table(psfsize_r=1.2), tmp_path).digest == first
    assert opened(table(psfsize_r=1.3), tmp_path).digest != first
    assert opened(table(psfsize_r=1.2, note="not read"), tmp_path).digest == first


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ({"ra": "RA", "dec": "DEC"}, [0, 1]),
        ({"ra": "TARGET_RA", "dec": "TARGET_DEC", "label": "is_lens"}, ["False", "True"]),
        ({"ra": "RA [deg]", "dec": "Dec (J2000)", "label": "class", "split": "region_split"}, ["nonlens", "Lens"]),
        ({"ra": "ra_deg", "dec": "dec_deg", "label": "is_control"}, [1, 0]),
        ({"label": "lens"}, [0.0, 1.0]),
        ({"label": "label"}, ["neg", "pos"]),
    ],
)
def test_usual_names_and_labels(tmp_path, names, labels):
    rows = table()
    source = opened(rows.assign(label=[labels[i] for i in rows["label"]]).rename(columns=names), tmp_path)
    assert source.rows["role"].tolist() == ["control", "positive"] * 6
    assert source.rows["ra"].tolist() == rows["ra"].tolist()
    assert source.facts.several_splits


@pytest.mark.parametrize("sure", ["is_control", "is_positive"])
def test_vague_names_tell_the_classes_where_no_surer_name_does(tmp_path, sure):
    rows = table().rename(columns={"label": sure})
    vague = {"x": 1643.9, "y": 417.6, "target": "t0", "class": "GALAXY"}
    source = opened(rows.assign(**vague), tmp_path)
    roles = ["control", "positive"] if sure == "is_positive" else ["positive", "control"]
    assert source.rows["role"].tolist() == roles * 6
    assert any("columns that are not used: class, target, x, y" in note for note in notes_of(source))
    for name in ("class", "target", "y"):
        alone = opened(table().rename(columns={"label": name}), tmp_path)
        assert alone.rows["role"].tolist() == ["control", "positive"] * 6


def test_conditions_are_known_by_their_usual_names_and_marks_are_missing(tmp_path):
    rows = table(PSFDEPTH_R=100.0, mag_g=20.0, seeing=1.2, shape_r=0.5, EBV=0.1, BRICKNAME="0100p050", photsys="N", score=0.9)
    rows.loc[3, "mag_g"] = -99.0
    source = opened(rows, tmp_path)
    assert {"psfdepth_r", "host_mag_g", "psfsize", "host_reff_arcsec", "ebv", "brick", "footprint"} <= source.facts.columns
    assert np.isnan(source.rows["host_mag_g"][3])
    assert source.rows["brick"][0] == "0100p050"
    notes = " ".join(notes_of(source))
    assert "footprint from photsys" in notes
    # A score of somebody's network is no condition.
    assert "columns that are not used: score" in notes


def test_splits_come_from_names_of_files_too(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    rows = table().drop(columns="split")
    rows[:8].to_parquet(folder / "train-0.parquet")
    rows[8:].to_parquet(folder / "test-0.parquet")
    source = open_source(folder)
    assert source.rows["split"].value_counts().to_dict() == {"train": 8, "test": 4}


def test_without_a_split_or_name_it_is_said(tmp_path):
    source = opened(table().drop(columns=["split", "galaxy_id"]), tmp_path)
    assert "split" not in source.facts.columns
    assert any("no split is recorded" in note for note in notes_of(source))
    assert source.rows["host_id"].nunique() == 12


def test_a_few_rows_without_position_are_left_out_and_counted(tmp_path):
    rows = table(400)
    rows.loc[[7, 9, 11, 13], "ra"] = np.nan
    source = opened(rows, tmp_path)
    assert len(source.rows) == 396
    [note] = [note for note in notes_of(source) if "left out" in note]
    assert "4 of 200 positives and 0 of 200 controls" in note
    assert source.facts.left_out_p == pytest.approx(0.1231, abs=1e-3)


BAD = {
    "no right ascension": (
        table().drop(columns="ra"),
        "no column of right ascension; the columns are dec, label, split, galaxy_id",
    ),
    "no position": (table().drop(columns=["ra", "dec"]), "no column of right ascension and declination"),
    "no label": (table().drop(columns="label"), "no column tells lenses from the others"),
    "one class": (table(label=1), "all 12 rows are lenses: one class cannot be told from nothing"),
    "no lens": (table(label=0), "all 12 rows are no lenses"),
    "no rows": (table(0), "the table has columns and no rows"),
    "many gaps": (table(ra=[np.nan, 1.0] * 6), "ra or dec is empty in 6 of 12 rows"),
    "split": (table(split="holdout"), "split is 'holdout'; splits are train, val, test"),
    "empty split": (table(split=[None, *["train"] * 11]), "split is empty in 1 row"),
    "sexagesimal": (table(ra="10:23:45.6"), "ra is 10:23:45.6, which is sexagesimal"),
    "words of an angle": (table(dec="+05 12 33"), r"dec is \+05 12 33, which is sexagesimal"),
    "outside": (table(dec=95.0), "dec is 95.0, which is no angle on the sky in degrees, in 12 rows"),
    "label": (table(label=["maybe", *["lens"] * 11]), "label is maybe in 1 row, which is neither a lens nor another galaxy"),
    "empty label": (table(label=[None, *["lens"] * 11]), "label is nan in 1 row"),
    "condition": (table(depth_r="deep"), "column depth_r holds values that are not numbers: 'deep' in 12 rows"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_is_said_in_words(tmp_path, what):
    rows, said = BAD[what]
    with pytest.raises(ArcgateError, match=said) as error:
        opened(rows, tmp_path)
    assert "table.csv" in str(error.value.where)


@pytest.mark.parametrize(
    ("name", "content", "said", "todo"),
    [
        (
            "packed.csv",
            gzip.compress(b"ra,dec,label\n", mtime=0),
            r"packed.csv is compressed \(gzip\) under",
            "call it packed.csv.gz",
        ),
        ("packed.parquet", gzip.compress(b"PAR1", mtime=0), r"packed.parquet is compressed \(gzip\)", "decompress it (gunzip)"),
        ("zipped.csv", b"PK\x03\x04rest", r"zipped.csv is compressed \(zip\)", "decompress it (unzip)"),
        ("half.csv", b"ra;dec;label\n1,5;2,5;0\n", "columns of half.csv are parted by semicolons", "write it with commas and"),
        ("tabs.csv", b"ra\tdec\tlabel\n1\t2\t0\n", "columns of tabs.csv are parted by tabs", "or call it .tsv"),
        ("none.csv", b"", "none.csv is empty: it does not hold a single byte", "download it again"),
        ("none.fits", b"", "none.fits is empty", "download it again"),
        ("none.parquet", b"", "none.parquet is empty", "download it again"),
        ("head.csv", b"ra,dec,label\n", "the table has columns and no rows", "give the table that has the rows"),
    ],
)
def test_files_that_are_not_what_their_names_say(tmp_path, name, content, said, todo):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArcgateError, match=said) as error:
        open_source(tmp_path / name)
    assert todo in str(error.value.todo)


def test_a_label_that_a_fits_table_calls_null_is_missing(tmp_path):
    rows = table()
    columns = [fits.Column("ra", "D", array=rows["ra"]), fits.Column("dec", "D", array=rows["dec"])]
    columns += [fits.Column("label", "J", array=np.where(rows.index < 2, -1, rows["label"]), null=-1)]
    columns += [fits.Column("galaxy_id", "K", array=rows["galaxy_id"])]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    with pytest.raises(ArcgateError, match="label is None in 2 rows, which is neither a lens nor another galaxy"):
        open_source(tmp_path / "a.fits")


@pytest.mark.parametrize("name", ["a.fits", "a.csv.gz"])
def test_a_table_that_ends_early_is_told(tmp_path, name):
    rows = table(2000).drop(columns="split")
    if name == "a.fits":
        content = as_fits(rows, tmp_path / "whole.fits").read_bytes()
    else:
        content = gzip.compress(rows.to_csv(index=False).encode(), mtime=0)
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ArcgateError, match="can be read"):
        open_source(tmp_path / name)


def test_a_compressed_fits_table_is_read_under_any_name(tmp_path):
    path = as_fits(table().astype({"split": object}), tmp_path / "a.fits")
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert len(open_source(path).rows) == 12


def test_one_position_for_all_rows_is_refused(tmp_path):
    with pytest.raises(ArcgateError, match=r"all 12 rows have the position ra 10\.5, dec -3\.0: nothing can be said") as error:
        opened(table(ra=10.5, dec=-3.0), tmp_path)
    assert "columns ra, dec" in str(error.value.where)
    assert "the field's centre" in str(error.value.todo)


def test_other_files_are_refused_in_words(tmp_path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((2, 2)))]).writeto(tmp_path / "image.fits")
    with pytest.raises(ArcgateError, match="no table in this FITS file; it holds PrimaryHDU, ImageHDU"):
        open_source(tmp_path / "image.fits")
    (tmp_path / "broken.fits").write_bytes(b"nothing")
    with pytest.raises(ArcgateError, match="not a FITS file that can be read"):
        open_source(tmp_path / "broken.fits")
    (tmp_path / "words.txt").write_text("ra dec\n")
    with pytest.raises(ArcgateError, match=r"ends in \.txt; sought is"):
        open_source(tmp_path / "words.txt")
    (tmp_path / "broken.parquet").write_bytes(b"nothing")
    with pytest.raises(ArcgateError, match="not a Parquet file"):
        open_source(tmp_path / "broken.parquet")
    many = fits.BinTableHDU.from_columns([fits.Column(name, "3D", array=np.zeros((4, 3))) for name in ("ra", "dec", "label")])
    many.writeto(tmp_path / "many.fits")
    with pytest.raises(ArcgateError, match="column ra holds 3 values a row"):
        open_source(tmp_path / "many.fits")


def test_a_table_of_stamps_is_still_one(built, tmp_path):
    rows = paired_rows(built())
    source = open_source(write_rows(rows, tmp_path / "stamps.parquet"))
    assert source.facts.pixels
    with pytest.raises(ArcgateError, match="no column stamp_npz"):
        open_source(write_rows(pd.DataFrame({"a": [1]}), tmp_path / "neither.parquet"))


def test_stamps_keep_their_places_under_any_name(built, tmp_path):
    rows = paired_rows(built())
    n = len(rows)
    places = rows.assign(target_ra=np.arange(n) * 0.1, target_dec=1.0, brickname="0001p010", photsys="S", release=9010)
    source = open_source(write_rows(places, tmp_path / "stamps.parquet"))
    found = source.table(["ra", "dec", "brick", "footprint", "release"])
    assert source.facts.positions
    assert set(found["ra"]) == set(places["target_ra"])
    assert found[["brick", "footprint", "release"]].drop_duplicates().to_numpy().tolist() == [["0001p010", "S", "9010"]]
