"""Lines for a person: their width, and what a pipe gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from arcgate.ground import terminal


@pytest.mark.parametrize(("columns", "wide"), [("80", 80), ("100", 100), ("200", 120), ("20", 60)])
def test_a_terminal_is_filled_up_to_120_columns(monkeypatch, columns, wide):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.width() == wide


def test_a_pipe_has_100_columns_and_no_colour(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    assert terminal.width() == 100
    terminal.show(["safe? failed: x", "core  raw  failed"])
    assert capsys.readouterr().out == "safe? failed: x\ncore  raw  failed\n"


def test_digests_in_a_long_path_are_cut_short():
    path = Path("data/audits") / ("0123456789ab" + "c" * 52) / "report.html"
    assert terminal.place(path, 100) == str(path)
    assert terminal.place(path, 80) == "data/audits/0123456789ab*/report.html"


def test_words_are_never_broken():
    assert terminal.wrapped(f"report {'x' * 90}", 60) == ["report", f"  {'x' * 90}"]
    assert terminal.wrapped("one two three four", 10, most=1) == ["one ..."]
