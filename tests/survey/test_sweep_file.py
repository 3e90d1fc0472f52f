"""Sweep files: rows as astropy reads them, the survey's own older files, and what is refused in words."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from composing import REAL, needs_real
from sweep_files import spec_of, sweep_rows, write_sweep

from arcgate.ground.errors import ArcgateError
from arcgate.survey.catalogue import matched
from arcgate.survey.catalogue.card import read_card
from arcgate.survey.catalogue.inputs import look_at
from arcgate.survey.catalogue.making import make_parents
from arcgate.survey.catalogue.matched import MatchedSweep
from arcgate.survey.catalogue.rows import Rows
from arcgate.survey.catalogue.sweep_headers import open_sweep

SWEEPS = sorted((REAL / "sweep_format").glob("sweep-*.fits"))
TRACTOR = REAL / "tractor_format" / "tractor-1054p567_DR9north.fits"


def read_whole(path: Path) -> dict[str, np.ndarray]:
    """Every plain column of a file, by pieces."""
    sweep = MatchedSweep(open_sweep(path))
    names = list(sweep.fields)
    pieces = [
        {name: np.array(Rows(piece, None, len(piece["RA"]), True, "observed", sweep.logical)[name], copy=True) for name in names}
        for piece in sweep.pieces(names)
    ]
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in names}


def assert_as_astropy(path: Path) -> int:
    """Compare every plain column with astropy's; gives their number."""
    found = read_whole(path)
    with fits.open(path) as file:
        data = file[1].data
        scaled = [column.name for column in file[1].columns if column.bzero]
        plain = [name for name in data.names if data[name].ndim == 1 and name not in scaled]
        assert set(found) == set(plain)
        for name in plain:
            sought = np.asarray(data[name])
            if sought.dtype.kind == "U":
                assert [text.decode().rstrip() for text in found[name].tolist()] == [text.rstrip() for text in sought.tolist()]
            else:
                np.testing.assert_array_equal(found[name], sought)
                assert found[name].dtype.isnative
    return len(plain)


@pytest.mark.parametrize("rows_a_piece", [1, 3, 7, 1000])
def test_rows_are_those_that_astropy_reads(tmp_path, monkeypatch, rows_a_piece):
    rows = sweep_rows(20)
    rng = np.random.default_rng(1)
    for name in rows.dtype.names:
        if rows[name].dtype.kind == "f":
            rows[name] = rng.normal(size=rows[name].shape)
    rows["GAIA_DUPLICATED_SOURCE"] = rng.random(20) < 0.5
    path = write_sweep(tmp_path / "sweep-a.fits", rows)
    monkeypatch.setattr(matched, "_PIECE_BYTES", rows_a_piece * rows.dtype.itemsize)
    assert assert_as_astropy(path) > 60
    assert len(list(MatchedSweep(open_sweep(path)).pieces(["RA"]))) == -(-20 // rows_a_piece)


@needs_real
@pytest.mark.parametrize("path", [*SWEEPS, TRACTOR], ids=lambda path: path.name)
def test_genuine_files_are_read_as_astropy_reads_them(path):
    assert assert_as_astropy(path) > 90


@needs_real
def test_genuine_sweeps_of_before_dr9_are_refused_with_what_they_lack(tmp_path):
    folder = tmp_path / "dr8" / "south" / "sweep" / "8.0"
    folder.mkdir(parents=True)
    for path in SWEEPS:
        shutil.copy(path, folder)
    with pytest.raises(ArcgateError) as error:
        make_parents(spec_of(tmp_path / "dr8", "versions.south=8.0"))
    assert f"{len(SWEEPS)} of {len(SWEEPS)} sweeps cannot be used. The first: {SWEEPS[0].name} has no column " in error.value.what
    for name in ("SHAPE_R", "SERSIC", "PSFSIZE_G", "PSFSIZE_R", "PSFSIZE_Z"):
        assert name in error.value.what
    assert "take sweeps of DR9 or later" in str(error.value.todo)
    assert not (tmp_path / "data").exists()


@needs_real
def test_a_genuine_tractor_file_of_dr9_has_all_that_a_sweep_has(tmp_path):
    folder = tmp_path / "dr9" / "north" / "sweep" / "9.0"
    folder.mkdir(parents=True)
    shutil.copy(TRACTOR, folder / "sweep-100p050-110p060.fits")
    overrides = ("~versions.south", "+versions.north=9.0")
    # It lies at declination 56.7 degrees.
    with pytest.raises(ArcgateError, match=r"no object of 1 is left: the cut declination \(DEC < 32\) took the last 1"):
        make_parents(spec_of(tmp_path / "dr9", *overrides))
    folder = make_parents(spec_of(tmp_path / "dr9", *overrides, "selection.cuts.declination.below=90"))
    (galaxy,) = pq.read_table(folder / "parents.parquet").to_pylist()
    with fits.open(TRACTOR) as file:
        row = file[1].data[0]
        assert galaxy["host_id"] == f"ls-9011-{row['BRICKID']}-{row['OBJID']}"
        assert (galaxy["brick"], galaxy["footprint"], galaxy["type"]) == ("1054p567", "north", "REX")
        for name in ("ra", "dec", "ebv", "flux_g", "psfsize_r", "galdepth_z", "shape_r", "sersic", "maskbits", "nobs_z"):
            assert galaxy[name] == row[name.upper()]


def refused(path: Path) -> ArcgateError:
    with pytest.raises(ArcgateError) as error:
        open_sweep(path)
    assert str(error.value.where) == str(path)
    return error.value


def test_a_file_that_is_compressed_or_empty_is_told_as_such(tmp_path):
    path = write_sweep(tmp_path / "sweep-a.fits", sweep_rows(500))
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ArcgateError, match=r"sweep-a.fits is compressed \(gzip\) under a plain name") as caught:
        open_sweep(path)
    assert caught.value.todo == "decompress it (gunzip)"
    path.write_bytes(b"")
    with pytest.raises(ArcgateError, match=r"sweep-a\.fits is empty: it does not hold a single byte"):
        open_sweep(path)


def test_a_file_that_ends_early_is_refused_with_its_lengths(tmp_path):
    path = write_sweep(tmp_path / "sweep-a.fits", sweep_rows(500))
    whole = path.read_bytes()
    end = open_sweep(path).data_at + open_sweep(path).size_bytes
    path.write_bytes(whole[: end - 1])
    error = refused(path)
    assert f"ends early: {end - 1:,} bytes, and its header states 500 rows, which end at byte {end:,}" in error.what
    assert "download it again" in str(error.todo)
    # Only what fills the last block of a FITS file up is missing: all rows are there.
    path.write_bytes(whole[:end])
    assert open_sweep(path).rows == 500


def test_a_file_that_loses_its_end_while_it_is_read_is_refused(tmp_path):
    path = write_sweep(tmp_path / "sweep-a.fits", sweep_rows(500))
    sweep = open_sweep(path)
    path.write_bytes(path.read_bytes()[: sweep.data_at + 1000])
    with pytest.raises(ArcgateError, match="ends early, while it was read"):
        list(sweep.pieces(["RA"], 100))


def test_other_files_are_refused(tmp_path):
    text = tmp_path / "sweep-text.fits"
    text.write_text("404 not found\n")
    assert "is no FITS file that can be read" in refused(text).what
    header = tmp_path / "sweep-header.fits"
    header.write_bytes(write_sweep(tmp_path / "sweep-a.fits", sweep_rows(5)).read_bytes()[:4000])
    refused(header)
    image = tmp_path / "sweep-image.fits"
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(image)
    assert "holds no table SWEEP, nor one with columns RELEASE, BRICKID, OBJID; found is no table" in refused(image).what
    other = tmp_path / "sweep-other.fits"
    fits.BinTableHDU(np.rec.array([(1.0,)], dtype=[("RA", ">f8")]), name="STARS").writeto(other)
    assert "found is STARS" in refused(other).what


def test_a_table_without_a_name_will_do(tmp_path):
    assert open_sweep(write_sweep(tmp_path / "sweep-a.fits", sweep_rows(5), name="")).rows == 5


def test_missing_columns_are_named_before_any_row_is_read(tmp_path):
    folder = tmp_path / "dr10" / "south" / "sweep" / "10.1"
    write_sweep(folder / "sweep-a.fits", sweep_rows(5))
    path = write_sweep(folder / "sweep-b.fits", sweep_rows(5), without=("FRACMASKED_Z", "NOBS_G"))
    with pytest.raises(ArcgateError, match=r"sweep-b.fits has no column NOBS_G, FRACMASKED_Z, which the selection") as error:
        look_at(spec_of(tmp_path / "dr10"))
    assert error.value.where == path
    assert "take the cuts of that column out of the selection" in str(error.value.todo)
    write_sweep(path, sweep_rows(5, bands=("G", "R", "Z")))
    look_at(spec_of(tmp_path / "dr10"))
    with pytest.raises(ArcgateError, match="has no column FLUX_I"):
        look_at(spec_of(tmp_path / "dr10", "bands=[g,r,i,z]"))


@pytest.mark.parametrize("change", ["rows", "name", "header", "first", "last"])
def test_a_fingerprint_tells_files_apart(tmp_path, change):
    rows = sweep_rows(3000)
    path = write_sweep(tmp_path / "sweep-a.fits", rows)
    before = open_sweep(path).fingerprint()
    assert open_sweep(Path(shutil.copy(path, tmp_path / "copy.fits")).rename(path)).fingerprint() == before
    if change == "name":
        path = path.rename(tmp_path / "sweep-b.fits")
    elif change == "header":
        fits.setval(path, "DATASUM", value="12345", ext=1)
    else:
        rows = rows[:-1] if change == "rows" else rows
        rows["FLUX_R"][{"first": 0, "last": -1}.get(change, 5)] += 1.0
        write_sweep(path, rows)
    assert open_sweep(path).fingerprint() != before


def test_no_sweeps(tmp_path):
    folder = tmp_path / "dr10" / "south" / "sweep" / "10.1"
    with pytest.raises(ArcgateError, match=r"there is no folder south/sweep/10.1, sought are sweeps of the southern survey"):
        look_at(spec_of(tmp_path / "dr10"))
    folder.mkdir(parents=True)
    with pytest.raises(ArcgateError, match=r"there is no file sweep-\*.fits") as error:
        look_at(spec_of(tmp_path / "dr10"))
    assert "correct root" in str(error.value.todo)
    (folder / "sweep-a.fits.gz").touch()
    with pytest.raises(ArcgateError) as error:
        look_at(spec_of(tmp_path / "dr10"))
    assert "unpack" in str(error.value.todo)


def with_extra(root: Path, rows: np.ndarray) -> Path:
    """A survey with a sweep, and beside it a file of rows that is to go with it."""
    write_sweep(root / "south" / "sweep" / "10.1" / "sweep-a.fits", sweep_rows(4))
    return write_sweep(root / "south" / "sweep" / "10.1-extra" / "sweep-a-ex.fits", rows, name="EXTRA")


def test_usable_exposures_are_read_from_the_file_beside_the_sweep(tmp_path, monkeypatch):
    kinds = [
        ("RELEASE", ">i2"),
        ("BRICKID", ">i4"),
        ("OBJID", ">i4"),
        *((f"NGOOD_{band}", ">i2") for band in "GRZ"),
        ("RA", ">f8"),
    ]
    rows = np.zeros(4, dtype=kinds)
    for name in ("RELEASE", "BRICKID", "OBJID"):
        rows[name] = sweep_rows(4)[name]
    rows["NGOOD_G"], rows["NGOOD_R"], rows["NGOOD_Z"] = 1, [1, 0, 2, 3], 1
    root = tmp_path / "dr10"
    path = with_extra(root, rows)
    monkeypatch.setattr(matched, "_PIECE_BYTES", 3 * sweep_rows(1).dtype.itemsize)
    folder = make_parents(spec_of(root, "+extra_versions.south=10.1-extra"))
    table, flow = pq.read_table(folder / "parents.parquet"), read_card(folder)["cut_flow"]
    assert table["objid"].to_pylist() == [0, 2, 3]
    assert (np.diff(table["ra"].to_numpy()) > 0).all()
    assert {"cut": "NGOOD >= 1 in g, r, z", "left": 3} in flow
    assert read_card(make_parents(spec_of(root)))["rows"] == 4

    write_sweep(path, rows[::-1])
    with pytest.raises(ArcgateError, match="does not go with its sweep row by row: 3 rows are of other objects"):
        make_parents(spec_of(root, "+extra_versions.south=10.1-extra"))
    write_sweep(path, rows[:3])
    with pytest.raises(ArcgateError, match=r"row by row: it has 3 rows, and sweep-a.fits has 4"):
        make_parents(spec_of(root, "+extra_versions.south=10.1-extra"))
    path.unlink()
    with pytest.raises(ArcgateError, match=r"sweep-a.fits has no file of further columns, sought is sweep-a-ex.fits"):
        make_parents(spec_of(root, "+extra_versions.south=10.1-extra"))


def with_checksum(path: Path, count: int = 3000) -> Path:
    """A sweep whose header states the checksum of its rows, which are of no whole number of words."""
    rows = sweep_rows(count, maskbits=np.int16)
    rows["FLUX_R"] = np.random.default_rng(3).lognormal(size=count)
    assert rows.dtype.itemsize % 4
    write_sweep(path, rows)
    with fits.open(path) as file:
        file[1].add_checksum()
        file.writeto(path.with_suffix(".new"))
    return path.with_suffix(".new").rename(path)


@pytest.mark.parametrize("rows_a_piece", [1, 7, 1000, 5000])
def test_the_checksum_of_rows_is_astropys_in_pieces_of_any_length(tmp_path, rows_a_piece):
    for count in (1, 2, 3, 2999):
        sweep = open_sweep(with_checksum(tmp_path / f"sweep-{count}.fits", count))
        with fits.open(sweep.path) as file:
            assert sweep.datasum == int(file[1].header["DATASUM"])
        assert sum(len(piece) for piece in sweep.pieces(["RA"], rows_a_piece)) == count
        assert open_sweep(write_sweep(sweep.path, sweep_rows(count))).datasum is None


def test_a_damaged_sweep_is_refused_and_read_again_when_it_was_repaired(tmp_path):
    root = tmp_path / "dr10"
    path = with_checksum(root / "south" / "sweep" / "10.1" / "sweep-a.fits")
    sweep, whole = open_sweep(path), path.read_bytes()
    third = sweep.size_bytes // 3
    path.write_bytes(whole[: sweep.data_at + third] + bytes(third) + whole[sweep.data_at + 2 * third :])
    # Its ends and headers are sound.
    assert open_sweep(path).fingerprint() == sweep.fingerprint()
    with pytest.raises(ArcgateError, match=rf"sweep-a.fits is damaged: .* is \d+, its header states {sweep.datasum}") as caught:
        make_parents(spec_of(root))
    assert str(caught.value.where) == str(path)
    assert "download it again" in str(caught.value.todo)
    assert not list((tmp_path / "data").rglob("*.parquet"))
    path.write_bytes(whole)
    assert read_card(make_parents(spec_of(root)))["cut_flow"][0]["left"] == 3000
