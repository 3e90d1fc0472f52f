"""Progress: never long silent in a pipe, bars on a terminal, nothing twice."""

from __future__ import annotations

import sys
import time

import pytest

from arcgate.ground import progress
from arcgate.ground.progress import say, step


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0.15)


def _until(capsys, n_lines):
    """Wait for so many lines."""
    seen = ""
    end = time.monotonic() + 20
    while seen.count("\n") < n_lines and time.monotonic() < end:
        time.sleep(0.02)
        seen += capsys.readouterr().out
    return seen.splitlines()


def test_silence_is_broken_by_what_is_done_and_how_much_of_it(impatient, capsys):
    with step("the variant"), step("reading shards", 7) as advance:
        advance(3)
        lines = _until(capsys, 2)
    assert len(lines) >= 2
    assert lines[0].startswith("  the variant: ")
    assert "reading shards: 3 of 7," in lines[0]
    capsys.readouterr()
    time.sleep(0.4)
    assert capsys.readouterr().out == "", "lines after the work has ended"


def test_what_is_over_soon_leaves_no_trace_and_a_line_counts_as_one(monkeypatch, capsys):
    with step("quick"):
        pass
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 1.0)
    with step("long"):
        for _ in range(10):
            time.sleep(0.15)
            say("a line of its own")
    assert "quick" not in (out := capsys.readouterr().out)
    assert "long" not in out
    assert out.count("a line of its own") == 10


def test_a_step_ends_with_its_error(impatient, capsys):
    with pytest.raises(ValueError, match="broken"), step("doomed"):
        raise ValueError("broken")
    time.sleep(0.4)
    assert capsys.readouterr().out == ""


def test_on_a_terminal_nested_steps_are_lines_of_one_display_and_nothing_is_printed(monkeypatch, capsys, impatient):
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    with step("outer"), step("inner", 4) as advance:
        advance(1)
        (display,) = progress._BARS
        assert [(task.description, task.completed) for task in display.tasks] == [("outer", 0), ("inner", 1)]
        time.sleep(0.3)
    assert progress._BARS == []
    assert "  outer:" not in capsys.readouterr().out


def test_a_reader_that_has_gone_ends_the_lines_without_a_word(impatient, monkeypatch, capsys):
    lines = []

    def gone(*words, **_):
        lines.append(words)
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", gone)
    with step("the variant"):
        time.sleep(0.6)
    monkeypatch.undo()
    assert len(lines) == 1
    assert capsys.readouterr().err == ""
