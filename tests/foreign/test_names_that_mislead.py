"""Splits that only names of files tell, row numbers that look like names, and names in two forms."""

from __future__ import annotations

import numpy as np
import pytest
from layouts import write_arrays, write_rows
from leaking_tables import BIG, GALAXY, LEAKING, N, arrays, found, leaking_rows, place

from arcgate.foreign.identity import identify
from arcgate.foreign.opening import notes_of, open_source
from arcgate.ground.errors import ArcgateError


@pytest.fixture(scope="module")
def leaking():
    return leaking_rows()


@pytest.mark.parametrize(
    "stems",
    [
        ("train", "test"),
        ("data/train-00000-of-00001", "data/Test-00000-of-00001"),
        ("training_0", "validation_0"),
        ("valid", "test.2"),
    ],
)
def test_splits_are_read_from_the_names_of_files(leaking, tmp_path, stems):
    rows = leaking.assign(host_id=GALAXY)
    for stem, (_, part) in zip(stems, rows.groupby("split", sort=False), strict=True):
        write_rows(part.drop(columns="split"), tmp_path / f"set/{stem}.parquet")
    assert found(tmp_path / "set") == (N, True, "failed")
    assert any("read from the names of the files" in note for note in notes_of(open_source(tmp_path / "set")))


def test_a_recorded_split_wins_over_names_of_files_and_must_agree(leaking, tmp_path):
    rows = leaking.assign(host_id=GALAXY)
    for split, part in rows.groupby("split"):
        write_rows(part, tmp_path / f"agree/{split}.parquet")
        write_rows(part, tmp_path / f"swapped/{'test' if split == 'train' else 'train'}.parquet")
        write_rows(part, tmp_path / f"part/{'rest' if split == 'train' else 'test'}.parquet")
    for folder in ("agree", "part"):
        assert found(tmp_path / folder) == (N, True, "failed")
        assert not any("names of the files" in note or "no split" in note for note in notes_of(open_source(tmp_path / folder)))
    with pytest.raises(
        ArcgateError, match=r"(?s)the file's name says split=test, its column split says otherwise.*test\.parquet"
    ):
        open_source(tmp_path / "swapped")


@pytest.mark.parametrize("other", ["more", "trainees", "set-test"])
def test_names_of_some_files_are_no_split(leaking, tmp_path, other):
    rows = leaking.assign(host_id=GALAXY).drop(columns="split")
    write_rows(rows[::2], tmp_path / "set/train.parquet")
    write_rows(rows[1::2], tmp_path / f"set/{other}.parquet")
    assert found(tmp_path / "set")[2] == "not_run"
    (note,) = [note for note in notes_of(open_source(tmp_path / "set")) if "no split is read" in note]
    assert f"{other}.parquet" in note


def test_a_name_that_never_repeats_gives_way_to_one_that_does(leaking, tmp_path):
    rows = leaking.assign(object_id=np.arange(2 * N), TargetID=BIG + GALAXY)
    assert found(write_rows(rows, tmp_path / "set.parquet")) == (N, True, "failed")
    assert any(
        "by targetid, which repeats, and not by object_id" in note for note in notes_of(open_source(tmp_path / "set.parquet"))
    )
    brick = leaking.assign(object_id=np.arange(2 * N), objid=GALAXY, brickname="b")
    assert found(write_rows(brick, tmp_path / "brick.parquet")) == (N, True, "failed")
    numbered = arrays(groups=np.arange(2 * N), targetid=BIG + GALAXY, split=LEAKING)
    assert found(write_arrays(numbered, tmp_path / "set.npz")) == (N, True, "failed")


@pytest.mark.parametrize("targetid", [np.full(2 * N, 7), np.where(GALAXY < 4, -1, GALAXY), np.where(GALAXY < 4, None, GALAXY)])
def test_a_column_that_names_no_galaxy_in_some_rows_takes_no_place(leaking, targetid):
    names = identify(leaking.assign(object_id=np.arange(2 * N), targetid=targetid), place)
    assert names.by_columns == ("object_id",)


def test_columns_that_name_galaxies_otherwise_are_said(leaking):
    rows = leaking.assign(object_id=np.arange(2 * N) // 2, targetid=GALAXY, ls_id=float(BIG))
    notes = identify(rows, place).notes
    assert any("8 galaxies by targetid have more than one object_id" in note for note in notes), notes
    assert any("ls_id may name galaxies too and cannot be compared" in note for note in notes), notes


@pytest.mark.parametrize("form", ["{:05d}", "{}.0", "+{}", "{}."])
def test_one_number_in_two_forms_is_refused(leaking, tmp_path, form):
    names = [form.format(i) if row < N else str(i) for row, i in enumerate(GALAXY)]
    for column in ("galaxy_id", "objid"):
        with pytest.raises(
            ArcgateError, match=rf"(?s){column} holds '0'.*row 0: one number in two forms.*row 8, column {column}"
        ):
            open_source(write_rows(leaking.assign(**{column: names}), tmp_path / "set.parquet"))
    assert found(write_rows(leaking.assign(galaxy_id=[form.format(i) for i in GALAXY]), tmp_path / "one.parquet"))[0] == N


def test_names_that_differ_in_case_only_are_said(leaking):
    names = [f"g{i}" if row < N else f"G{i}" for row, i in enumerate(GALAXY)]
    assert any(
        "8 names by galaxy_id differ from others in case only" in note
        for note in identify(leaking.assign(galaxy_id=names), place).notes
    )
