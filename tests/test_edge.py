"""The edge of the command line: one message for whatever goes wrong, its traceback in a file, and the exit code."""

from __future__ import annotations

import os
import sys

import pytest

from arcgate.edge import (
    ERROR,
    INTERRUPTED,
    READER_GONE,
    JobFailedError,
    ReaderGoneError,
    code_of_command,
    code_of_job,
    reader_gone,
)
from arcgate.ground.errors import ArcgateError


def raising(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("zip() argument 2 is shorter than argument 1"), "ValueError: zip() argument 2 is shorter"),
        (IndexError(), "IndexError: (it says nothing more)"),
        (KeyError("host_id"), "KeyError: 'host_id'"),
        (RuntimeError("first line\nsecond line"), "RuntimeError: first line second line"),
        (MemoryError("Unable to allocate 3 TiB"), "memory does not suffice: Unable to allocate 3 TiB"),
        (BrokenPipeError("of two processes"), "BrokenPipeError: of two processes"),
    ],
)
def test_an_unforeseen_error_is_one_message_and_a_file_with_its_traceback(tmp_path, capsys, error, says):
    assert code_of_job(raising(error), tmp_path / "data") == ERROR
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"arcgate: {says}")
    assert "Traceback" not in err
    assert len(err.splitlines()) == 3
    (kept,) = (tmp_path / "data/errors").iterdir()
    assert str(kept) in err
    assert "Traceback (most recent call last)" in kept.read_text()
    assert "in work" in kept.read_text()


def test_where_the_data_folder_cannot_be_written_the_file_lies_among_temporary_ones(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "data").write_text("a file where the folder should be")
    assert code_of_job(raising(ValueError("x")), tmp_path / "data") == ERROR
    (kept,) = tmp_path.glob("arcgate-error-*.txt")
    assert str(kept) in capsys.readouterr().err


def test_two_errors_at_once_have_a_file_each(tmp_path):
    for _ in range(3):
        code_of_job(raising(ValueError("x")), tmp_path)
    assert len(list((tmp_path / "errors").iterdir())) == 3


def test_errors_that_say_what_to_do_and_those_of_the_system_leave_no_file(tmp_path, capsys):
    foreseen = ArcgateError("no stamps", where="x.npz", todo="cut some")
    assert code_of_job(raising(foreseen), tmp_path) == ERROR
    assert capsys.readouterr().err == "arcgate: no stamps\n  where: x.npz\n  to do: cut some\n"
    assert code_of_job(raising(OSError(28, "No space left on device", "/full")), tmp_path) == ERROR
    assert capsys.readouterr().err.startswith("arcgate: No space left on device\n  where: /full\n")
    assert code_of_job(raising(JobFailedError()), tmp_path) == ERROR
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.iterdir())


def test_an_interrupt_ends_all_jobs_with_one_line(tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        code_of_job(raising(KeyboardInterrupt()), tmp_path)
    assert code_of_command(raising(KeyboardInterrupt()), tmp_path) == INTERRUPTED == 130
    err = capsys.readouterr().err
    assert err.startswith("arcgate: interrupted")
    assert len(err.splitlines()) == 1


def test_a_reader_that_has_gone_is_no_error(tmp_path, capfd, monkeypatch):
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        assert not reader_gone(stream)
        os.close(ours)
        assert reader_gone(stream)
        monkeypatch.setattr(sys, "stdout", stream)

        def work():
            print("much to read", flush=True)
            return 0

        assert code_of_command(work, tmp_path) == READER_GONE == 141
        monkeypatch.undo()
    assert capfd.readouterr().err == ""
    assert not list(tmp_path.iterdir())


def test_libraries_that_end_the_process_when_the_reader_has_gone_do_so_with_the_same_code(tmp_path):
    def work():
        try:
            raise BrokenPipeError
        except BrokenPipeError:
            sys.exit(1)

    assert code_of_command(work, tmp_path) == READER_GONE
    with pytest.raises(SystemExit):
        code_of_command(lambda: sys.exit(5), tmp_path)


def test_a_job_whose_reader_has_gone_raises_no_exception_that_hydra_tells(tmp_path, monkeypatch):
    monkeypatch.setattr("arcgate.edge.reader_gone", lambda stream: True)
    with pytest.raises(ReaderGoneError):
        code_of_job(raising(BrokenPipeError()), tmp_path)
    assert not issubclass(ReaderGoneError, Exception)


def from_file(path, error):
    """Work that raises in a file of somebody's, called from here."""
    work: dict = {}
    exec(compile(f"def work():\n    {error}\n", str(path), "exec"), work)
    return work["work"]


@pytest.mark.parametrize("code", ["", "0", "3", "'stop'"])
def test_a_module_that_ends_the_process_is_an_error_whatever_its_code(tmp_path, capsys, code):
    assert code_of_job(from_file(tmp_path / "theirs.py", f"raise SystemExit({code})"), tmp_path) == ERROR
    err = capsys.readouterr().err
    assert err.startswith(f"arcgate: sys.exit({code or None}) was called before the work was done")
    assert f"mend {tmp_path}/theirs.py:2" in err


def test_an_error_of_the_system_in_somebodys_code_names_the_line(tmp_path, capsys):
    code_of_job(from_file(tmp_path / "theirs.py", "open('/no/such/file')"), tmp_path)
    err = capsys.readouterr().err
    assert "where: /no/such/file" in err
    assert f"mend {tmp_path}/theirs.py:2" in err


@pytest.mark.parametrize("folder", ["lib/python3/dist-packages/numpy", "venv/lib/python3.11/site-packages/numpy"])
def test_a_library_of_another_python_is_not_somebodys_own(tmp_path, capsys, folder):
    code_of_job(from_file("/elsewhere/" + folder + "/core.py", "raise ValueError('x')"), tmp_path)
    assert "core.py" not in capsys.readouterr().err
