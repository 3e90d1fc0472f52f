"""Making the parents catalogue: one result however it is made, resumed where it was broken off, nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.lib.recfunctions import append_fields
from sweep_files import spec_of, sweep_rows, write_survey, write_sweep

from arcgate.ground.errors import ArcgateError
from arcgate.survey.catalogue import making, part
from arcgate.survey.catalogue.card import is_made, read_card, verify
from arcgate.survey.catalogue.columns import schema
from arcgate.survey.catalogue.making import make_parents
from arcgate.survey.catalogue.part import read_strip
from arcgate.survey.catalogue.planning import plan_lines
from arcgate.survey.catalogue.showing import flow_lines


def pieces_of_sky(files: int, each: int) -> dict[str, np.ndarray]:
    """Sweeps whose galaxies lie in bricks that two of them share."""
    sweeps = {}
    for number in range(files):
        rows = sweep_rows(each)
        rows["OBJID"] = np.arange(each)[::-1] * files + number
        rows["BRICKID"] = 1000 + (number + np.arange(each) % 2) // 2
        rows["BRICKNAME"] = [f"{1500 + 25 * (brick - 1000):04d}p200".encode() for brick in rows["BRICKID"]]
        rows["FLUX_R"][::3] = 1.0
        sweeps[f"{150 + 5 * number}p020-{155 + 5 * number}p025"] = rows
    return sweeps


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return write_survey(tmp_path / "dr10", pieces_of_sky(4, 30))


def made_times(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the sweeps that are read from now on, in this process."""
    read: list[str] = []
    selected = part._selected

    def counted(task):
        read.append(task.sweep.sweep.path.name)
        return selected(task)

    monkeypatch.setattr(part, "_selected", counted)
    return read


def test_one_result_whatever_the_processes_and_the_order_and_place_of_files(survey, tmp_path):
    one = make_parents(spec_of(survey))
    two = make_parents(spec_of(survey, f"runtime.data_dir={tmp_path / 'two'}", "runtime.workers=2"))
    assert two.name == one.name
    assert read_card(two) == read_card(one)
    verify(one)
    # The same rows in other files, the last ones first.
    rows = np.concatenate(list(pieces_of_sky(4, 30).values())[::-1])
    cut = {"000p020-005p025": rows[:50], "005p020-010p025": rows[50:51], "010p020-015p025": rows[51:]}
    other = read_card(make_parents(spec_of(write_survey(tmp_path / "moved" / "dr10", cut))))
    assert other["rows_digest"] == read_card(one)["rows_digest"]
    assert other["rows"] == 80
    assert other["digest"] != read_card(one)["digest"]


def test_the_table_is_sorted_and_of_the_schema(survey):
    folder = make_parents(spec_of(survey))
    table = pq.read_table(folder / "parents.parquet")
    assert table.schema.equals(schema(("g", "r", "z")), check_metadata=True)
    assert not any(column.null_count for column in table.columns)
    order = list(zip(table["footprint"].to_pylist(), table["brick"].to_pylist(), table["objid"].to_pylist(), strict=True))
    assert order == sorted(order)
    assert len(set(table["brick"].to_pylist())) == 3


def test_a_catalogue_that_is_there_is_taken(survey, monkeypatch):
    folder = make_parents(spec_of(survey))
    read, written = made_times(monkeypatch), (folder / "card.json").stat().st_mtime_ns
    assert make_parents(spec_of(survey)) == folder
    assert (read, (folder / "card.json").stat().st_mtime_ns) == ([], written)
    # Another table under its name is found, and made anew of the parts.
    card = read_card(folder)
    (folder / "parents.parquet").write_bytes(b"")
    assert not is_made(folder)
    assert read_card(make_parents(spec_of(survey))) == card
    assert read == []


def test_sweeps_that_are_added_are_read_alone(survey, monkeypatch):
    make_parents(spec_of(survey))
    read = made_times(monkeypatch)
    rows = sweep_rows(7)
    rows["BRICKNAME"], rows["BRICKID"] = b"1900p200", 2000
    write_survey(survey, {"190p020-195p025": rows})
    assert read_card(make_parents(spec_of(survey)))["rows"] == 87
    assert read == ["sweep-190p020-195p025.fits"]


def test_another_selection_reads_all(survey, monkeypatch):
    make_parents(spec_of(survey))
    read = made_times(monkeypatch)
    make_parents(spec_of(survey, "selection.cuts.r_magnitude.below=20.9"))
    assert len(read) == 4


def test_a_part_that_is_cut_short_or_of_other_code_is_made_again_alone(survey, monkeypatch):
    folder = make_parents(spec_of(survey))
    card = read_card(folder)
    parts = sorted((folder.parent / "parts").glob("*.parquet"))
    parts[0].write_bytes(parts[0].read_bytes()[:-1])
    parts[1].with_suffix(".receipt.json").write_text("{}")
    (folder / "card.json").unlink()
    read = made_times(monkeypatch)
    assert read_card(make_parents(spec_of(survey))) == card
    assert len(read) == 2


def test_a_part_whose_bytes_changed_is_made_again(survey, monkeypatch):
    folder = make_parents(spec_of(survey))
    card = read_card(folder)
    (path, *_) = sorted((folder.parent / "parts").glob("*.parquet"))
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    (folder / "card.json").unlink()
    read = made_times(monkeypatch)
    assert read_card(make_parents(spec_of(survey))) == card
    assert len(read) == 1
    path.write_bytes(content[:-20])
    with pytest.raises(ArcgateError, match="what was selected from a sweep cannot be read") as error:
        read_strip(path, 0)
    assert error.value.where == path


def test_one_object_in_two_sweeps_is_there_once(survey):
    rows = pieces_of_sky(4, 30)["150p020-155p025"]
    write_survey(survey, {"145p020-150p025": rows[:10]})
    card = read_card(make_parents(spec_of(survey)))
    assert [step["left"] for step in card["cut_flow"][-2:]] == [86, 80]


def test_a_full_disk_is_told_and_leaves_nothing_half_written(survey, monkeypatch):
    write, calls = pq.ParquetWriter.write_table, []

    def full(self, table, *arguments, **options):
        calls.append(table)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, table, *arguments, **options)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(ArcgateError, match="could not write: No space left on device") as error:
        make_parents(spec_of(survey))
    assert "make room" in str(error.value.todo)
    folder = survey.parent / "data" / "parents"
    assert not list(folder.rglob("*.tmp"))
    assert not list(folder.rglob("card.json"))
    receipts = list(folder.rglob("*.receipt.json"))
    assert 0 < len(receipts) < 4
    monkeypatch.undo()
    read = made_times(monkeypatch)
    assert read_card(make_parents(spec_of(survey)))["rows"] == 80
    assert len(read) == 4 - len(receipts)


def test_a_full_disk_at_the_end_costs_no_sweep(survey, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("arcgate.survey.catalogue.merging.row_bytes", full)
    with pytest.raises(ArcgateError, match="No space left on device"):
        make_parents(spec_of(survey))
    monkeypatch.undo()
    read = made_times(monkeypatch)
    assert is_made(make_parents(spec_of(survey)))
    assert read == []


def test_a_sweep_that_fails_does_not_stop_the_others(survey, monkeypatch):
    selected = part._selected

    def failing(task):
        if "150p020" in task.sweep.sweep.path.name or "155p020-160" in task.sweep.sweep.path.name:
            raise ArcgateError("the disk has a fault", where=task.sweep.sweep.path, todo="copy it again")
        return selected(task)

    monkeypatch.setattr(part, "_selected", failing)
    with pytest.raises(ArcgateError, match=r"2 of 4 sweeps could not be read; the others are kept\. The first: the disk has a"):
        make_parents(spec_of(survey))
    monkeypatch.undo()
    read = made_times(monkeypatch)
    make_parents(spec_of(survey))
    assert len(read) == 2


def test_a_damaged_sweep_with_names_that_are_no_text_is_refused(survey):
    rows = sweep_rows(3)
    rows["BRICKNAME"] = b"\xff\xfe00p200"
    write_survey(survey, {"190p020-195p025": rows})
    with pytest.raises(ArcgateError, match=r"sweep-190p020-195p025.fits is damaged: names of bricks or types that are no text"):
        make_parents(spec_of(survey))


def test_nothing_left_names_the_cut_that_took_the_last(survey, tmp_path):
    with pytest.raises(ArcgateError) as error:
        make_parents(spec_of(survey, "selection.cuts.g_r.above=3"))
    assert "no object of 120 is left: the cut g_r (g - r > 3) took the last 80" in error.value.what
    assert "selection.cuts.<name>" in str(error.value.todo)
    lens = tmp_path / "lens.csv"
    lens.write_text("ra,dec\n150,20\n")
    with pytest.raises(ArcgateError, match=r"the list of known lenses .*lens.csv took the last 80"):
        make_parents(spec_of(survey, f"known_lenses=['{lens}']", "lens_radius_arcsec=10000"))
    empty = write_sweep(tmp_path / "none" / "south" / "sweep" / "10.1" / "sweep-a.fits", sweep_rows(0))
    with pytest.raises(ArcgateError, match="no object was read: of 1 sweep none holds a row"):
        make_parents(spec_of(empty.parents[3]))
    assert not list((tmp_path / "data").rglob("parents.parquet"))


def test_another_list_under_the_same_name_is_read_again(survey, tmp_path):
    lens = tmp_path / "lens.csv"
    left = []
    for place in ("ra,dec\n10,20\n", "ra,dec\n150.3,20\n"):
        lens.write_text(place)
        words = (f"known_lenses=['{lens}']", "lens_radius_arcsec=120")
        left.append(int(read_card(make_parents(spec_of(survey, *words)))["rows"]))
    assert left[0] == 80
    assert left[1] < 80


def test_no_card_no_catalogue(survey):
    folder = make_parents(spec_of(survey))
    with pytest.raises(ArcgateError, match="there is no finished catalogue of parents"):
        read_card(folder.parent)
    (folder / "parents.parquet").write_bytes((folder / "parents.parquet").read_bytes()[:-1] + b"x")
    with pytest.raises(ArcgateError, match="its checksum is another"):
        verify(folder)
    for content in ("{", "[]"):
        (folder / "card.json").write_text(content)
        with pytest.raises(ArcgateError, match="the card of the catalogue"):
            read_card(folder)


def test_a_dry_run_says_what_would_be_read_and_writes_nothing(survey):
    lines = plan_lines(spec_of(survey))
    assert lines[0].endswith("would be made")
    assert lines[1].startswith("  south 10.1: 4 sweeps, 120 rows, ")
    assert "  4 sweeps to read, " in lines[-1]
    assert "hours with 1 process where" in lines[-1]
    assert not (survey.parent / "data").exists()
    folder = make_parents(spec_of(survey))
    assert plan_lines(spec_of(survey))[0].endswith(f"is there ({folder})")
    (folder / "card.json").unlink()
    assert "  0 sweeps to read" in plan_lines(spec_of(survey))[-1]


def test_the_cut_flow_fits_a_terminal_of_100_columns(survey, tmp_path):
    lens = tmp_path / f"{'a_long_name_' * 9}.csv"
    lens.write_text("ra,dec\n10,20\n")
    card = read_card(make_parents(spec_of(survey, f"known_lenses=['{lens}']")))
    lines = flow_lines(card, 100)
    assert max(map(len, lines)) <= 100 + len(lens.name)
    table = [line for line in lines if lens.name not in line]
    assert max(map(len, table)) <= 100
    assert table[0].split() == ["rows", "left", "after", "observed", "dereddened"]
    assert table[1].split() == ["all", "rows", "120"]
    assert lines[-1].split()[-1] == "80"


def test_the_card_states_what_it_was_made_from(survey):
    card = read_card(make_parents(spec_of(survey)))
    assert [(one["file"], one["rows"], one["footprint"]) for one in card["inputs"]] == [
        (f"sweep-{name}.fits", 30, "south") for name in pieces_of_sky(4, 30)
    ]
    assert all(one["bytes"] > 0 for one in card["inputs"])
    assert card["selection"]["cuts"]["r_magnitude"]["below"] == 21.0
    assert card["cut_flow"][2]["cut"] == "BRICK_PRIMARY >= 1 (4 of 4 sweeps lack it)"
    assert len(card["code"]) == len(card["digest"]) == len(card["rows_digest"]) == 64


def test_sweeps_that_lack_a_column_which_others_have_are_counted(survey):
    rows = sweep_rows(6)
    names = [f"NGOOD_{band}" for band in "GRZ"]
    rows = append_fields(rows, names, [np.array([0, 1, 1, 1, 1, 1], dtype=">i2")] * 3, usemask=False)
    write_survey(survey, {"190p020-195p025": rows})
    card = read_card(make_parents(spec_of(survey)))
    assert {"cut": "NGOOD >= 1 in g, r, z (4 of 5 sweeps lack it)", "left": 125} in card["cut_flow"]


@pytest.mark.long
def test_a_run_that_is_killed_again_and_again_goes_on(tmp_path):
    """Killed with all its processes as soon as a sweep more is read, which leaves files as a power cut would."""
    root = write_survey(tmp_path / "dr10", pieces_of_sky(8, 40_000))
    sought = read_card(make_parents(spec_of(root, f"runtime.data_dir={tmp_path / 'whole'}")))
    words = ["parents", f"root={root}", f"runtime.data_dir={tmp_path / 'data'}", "runtime.workers=2"]
    command = [sys.executable, "-m", "arcgate.cli", *words]
    parts = tmp_path / "data" / "parents" / "parts"
    left = []
    for _ in range(3):
        before = len(list(parts.glob("*.receipt.json")))
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
        while process.poll() is None and len(list(parts.glob("*.receipt.json"))) == before:
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        left.append(len(list(parts.glob("*.receipt.json"))))
    assert 0 < left[0] < 8
    assert left == sorted(left)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (card,) = (tmp_path / "data" / "parents").glob("*/card.json")
    assert json.loads(card.read_text()) == sought
    assert not list((tmp_path / "data").rglob("*.tmp"))


def test_temporary_files_of_a_killed_run_are_removed(survey):
    folder = make_parents(spec_of(survey))
    (folder / "card.json").unlink()
    for place in (folder, folder.parent / "parts"):
        (place / ".parents.parquet.123.tmp").touch()
    make_parents(spec_of(survey))
    assert not list(folder.parent.rglob("*.tmp"))
    shutil.rmtree(folder)
    assert making.parents_folder(survey.parent / "data", folder.name) == folder
