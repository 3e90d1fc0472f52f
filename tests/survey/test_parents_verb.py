"""`arcgate parents` as it is typed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sweep_files import sweep_rows, write_survey

from arcgate import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def parents(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run the verb in a folder of its own; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["arcgate", "parents", "runtime.workers=1", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_a_run_ends_with_the_cut_flow_and_where_the_catalogue_lies(parents: Run, tmp_path: Path) -> None:
    rows = sweep_rows(12)
    rows["FLUX_G"][:4] = 4.0
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": rows})
    code, out, err = parents(f"root={root}", "dry_run=true")
    assert (code, err) == (0, "")
    assert "south 10.1: 1 sweep, 12 rows" in out
    assert {path.name for path in tmp_path.iterdir()} == {"dr10"}
    code, out, err = parents(f"root={root}")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines[:-1])) <= 100
    (cut,) = [line for line in lines if line.startswith("g - r > 0.5")]
    assert cut.split()[-1] == "8"
    (folder,) = (tmp_path / "data" / "parents").glob("*/card.json")
    assert lines[-1] == f"parents: 8 galaxies: {folder.parent.relative_to(tmp_path)}"
    assert parents(f"root={root}")[1] == out


def test_versions_are_text_and_footprints_are_added(parents: Run, tmp_path: Path) -> None:
    root = write_survey(tmp_path / "dr9", {"150p020-155p025": sweep_rows(3, release=9010)}, "south", "9.0")
    write_survey(root, {"150p020-155p025": sweep_rows(3, release=9011)}, "north", "9.0")
    code, out, _ = parents(f"root={root}", "versions.south=9.0", "+versions.north=9.0")
    assert code == 0
    assert "one row of a galaxy that both surveys list" in out
    assert "parents: 3 galaxies" in out


def test_what_is_missing_or_wrong_is_one_message(parents: Run, tmp_path: Path) -> None:
    code, out, err = parents()
    assert (code, out) == (1, "")
    assert "needs root=<value>" in err
    code, _, err = parents("root=nowhere")
    assert code == 1
    assert "there is no folder south/sweep/10.1" in err
    assert "where: nowhere/south/sweep/10.1" in err
    code, _, err = parents("root=nowhere", "parents=lrg")
    assert code == 1
    assert "desi_lrg" in err
    code, _, err = parents("root=nowhere", "selection.cuts.r_magnitude.below=faint")
    assert code == 1
    assert "selection.cuts.r_magnitude.below" in err
    assert not (tmp_path / "data").exists()
