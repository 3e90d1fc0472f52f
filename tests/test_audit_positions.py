"""`arcgate audit` of a table without pixels: what is printed, written, and how it ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from composing import audited

from arcgate.audit import audit, print_audit_plan
from arcgate.edge import code_of_job
from arcgate.gates.core.result import read_evidence

LISTED = "gates.listed=[residual_core,published,overlaps,bricks,known_lenses,both_labels,split_integrity,left_out_rows]"
POSITIONS = "positions and columns:"


@pytest.fixture
def table():
    """Galaxies of a degree's distance in two splits, of either class."""
    row = np.arange(300)
    rows = pd.DataFrame({"ra": row % 20 * 1.0, "dec": row // 20 * 1.0, "label": row % 2})
    return rows.assign(split=np.where(row < 60, "test", "train"))


@pytest.fixture
def spec(tmp_path):
    def make(rows, *settings):
        path = tmp_path / "table.csv"
        rows.to_csv(path, index=False)
        places = (f"runtime.data_dir={tmp_path / 'data'}", f"output={tmp_path / 'out'}", "runtime.workers=1")
        return audited(f"data={path}", "gates=quick", LISTED, "track=false", *places, *settings)

    return make


def test_a_clean_table_is_undetermined_and_says_first_what_positions_tell(spec, table, tmp_path, capsys):
    assert audit(spec(table)) == "undetermined"
    lines = capsys.readouterr().out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(POSITIONS))
    assert lines[first] == f"{POSITIONS} no leak found; pixels were not looked at"
    assert lines[first + 1 : first + 3] == ["safe? undetermined", "cause? undetermined: no pixels were given."]
    text = "\n".join(lines)
    assert "2 gates look at pixels and are not run: no pixels were given" in text
    assert "residual_core" not in text.split("cause?")[1]
    evidence = read_evidence(tmp_path / "out" / "evidence.json")
    assert not evidence.pixels_given
    reasons = {result.name: result.reason for result in evidence.results if result.status == "not_run"}
    assert reasons["residual_core"] == "no pixels were given"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Positions and columns: no leak found; pixels were not looked at. A pass needs stamps." in page
    assert "Positions on the sky" in page
    assert "Give the stamps too: whether pixels tell the label was not asked." in page


def test_a_leak_fails_and_is_named(spec, table, tmp_path, capsys):
    twice = table.iloc[[3]].assign(split="train", label=1 - table["label"][3])
    assert audit(spec(pd.concat([table, twice], ignore_index=True))) == "failed"
    out = capsys.readouterr().out
    assert f"{POSITIONS} failed, namely Neighbours in other splits" in " ".join(out.split())
    assert "overlaps (table): 2 of 301 rows" in out
    evidence = read_evidence(tmp_path / "out" / "evidence.json")
    assert evidence.cause.name == "split + labels"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Design: lenses among the negatives" in page


@pytest.mark.parametrize(("of_controls", "answer"), [(0, "failed"), (17, "undetermined")])
def test_positions_that_one_class_lacks_fail_and_both_classes_do_not(spec, tmp_path, capsys, of_controls, answer):
    row = np.arange(4000)
    rows = pd.DataFrame({"ra": row % 100 * 1.0, "dec": row // 100 * 1.0, "label": row % 2})
    lost = [*np.flatnonzero(row % 2 == 1)[: 35 - of_controls], *np.flatnonzero(row % 2 == 0)[:of_controls]]
    rows.loc[lost, "dec"] = np.nan
    assert audit(spec(rows.assign(split=np.where(row < 800, "test", "train")))) == answer
    said = " ".join(capsys.readouterr().out.split())
    evidence = read_evidence(tmp_path / "out" / "evidence.json")
    [result] = [result for result in evidence.results if result.name == "left_out_rows"]
    assert result.status == ("failed" if answer == "failed" else "passed")
    assert result.reason.startswith("rows without a position were left out when the table was read; the classes differ")
    assert (f"{POSITIONS} failed, namely Rows that were left out" in said) == (answer == "failed")
    assert (f"{POSITIONS} no leak found" in said) == (answer != "failed")
    assert evidence.cause.name == ("selection" if answer == "failed" else "undetermined")
    page = (tmp_path / "out" / "report.html").read_text()
    assert ("Design: hosts and controls were chosen differently" in page) == (answer == "failed")


def test_a_list_of_lenses_counts_in_the_key_by_its_content(spec, table, tmp_path):
    lenses = tmp_path / "lenses.csv"
    lenses.write_text("ra,dec\n200,20\n")
    assert audit(spec(table, f"gates.known_lenses=[{lenses}]")) == "undetermined"
    key = read_evidence(tmp_path / "out" / "evidence.json").key
    control = table[table["label"] == 0].iloc[0]
    lenses.write_text(f"ra,dec\n{control['ra']},{control['dec']}\n")
    assert audit(spec(table, f"gates.known_lenses=[{lenses}]")) == "failed"
    assert read_evidence(tmp_path / "out" / "evidence.json").key != key


def test_the_plan_writes_nothing(spec, table, tmp_path, capsys):
    print_audit_plan(spec(table))
    assert "positions, 300 rows" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_table_ends_with_a_message(spec, table, tmp_path, capsys):
    assert code_of_job(lambda: audit(spec(table.drop(columns="label"))), tmp_path) == 1
    assert "no column tells lenses from the others" in capsys.readouterr().err
