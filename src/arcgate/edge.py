"""The edge of the command line: whatever ends a command becomes one message and an exit code, never a traceback."""

from __future__ import annotations

import io
import os
import platform
import re
import select
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final, TextIO

from arcgate.ground.errors import ArcgateError

ERROR: Final = 1
USAGE_ERROR: Final = 2
# As shells report a process that a signal ended: 128 and the number of the signal.
INTERRUPTED: Final = 128 + 2
READER_GONE: Final = 128 + 13
ERRORS: Final = "errors"
_LONGEST: Final = 300


class ReaderGoneError(BaseException):
    """Whoever read standard output has gone: all jobs end. No Exception, since Hydra prints a line about each of those."""


class JobFailedError(Exception):
    """A job of a sweep that ran in another process failed there, and has said why."""


def code_of_command(work: Callable[[], int], data_dir: Path) -> int:
    """Do all that a command does and give its exit code.

    Parameters
    ----------
    work : callable
        Returns an exit code.
    data_dir : Path
        Tracebacks of errors that nobody foresaw are written in the folder `errors` under it.

    Returns
    -------
    int
        130 after an interrupt; 141, without a word, if whoever read the output has gone (`arcgate ... | head`); 1 after an error.
    """
    try:
        code = _code(work, data_dir)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _say("interrupted; what is finished is kept, and the same command goes on from there")
        return INTERRUPTED
    except (BrokenPipeError, ReaderGoneError):
        # Python flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except SystemExit as ended:
        # rich ends the process by itself, with another code.
        if isinstance(ended.__context__, BrokenPipeError):
            return READER_GONE
        raise
    return code


def code_of_job(work: Callable[[], int], data_dir: Path) -> int:
    """Do one job and give its exit code, so that a job of a sweep that fails does not stop the others.

    An error becomes one message on standard error and the code 1. So does `sys.exit()`, whatever its code: a job of arcgate's
    returns, and one that a listed module ends has judged nothing. Interrupts, and the end of whoever reads standard output, pass
    through (the latter as a `ReaderGoneError`): they end all jobs.
    """
    try:
        return _code(work, data_dir)
    except SystemExit as ended:
        # rich ends the process by itself when the reader has gone, and has closed standard output by then.
        if isinstance(ended.__context__, BrokenPipeError):
            raise ReaderGoneError from ended
        _say(_message(ended, data_dir))
        return ERROR


def _code(work: Callable[[], int], data_dir: Path) -> int:
    try:
        return work()
    except JobFailedError:
        return ERROR
    # The one place where any exception of any work is caught: a stranger gets a message, and the traceback is kept in a file.
    except Exception as error:
        if isinstance(error, BrokenPipeError) and reader_gone(sys.stdout):
            raise ReaderGoneError from error
        _say(_message(error, data_dir))
        return ERROR


def reader_gone(stream: TextIO) -> bool:
    """Whether a stream is a pipe that nobody reads any more; pipes between processes break as well."""
    try:
        number = stream.fileno()
    except io.UnsupportedOperation:
        return False
    poll = select.poll()
    poll.register(number, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _say(text: str) -> None:
    print(f"arcgate: {text}", file=sys.stderr, flush=True)


def _message(error: Exception | SystemExit, data_dir: Path) -> str:
    if isinstance(error, ArcgateError):
        return str(error)
    line = _line_of_theirs(error)
    mend = "" if line is None else f"mend {line}, which is neither arcgate's nor a library's"
    if "hydra" in sys.modules and isinstance(error, Exception):
        from arcgate.composing import composition_message

        words = composition_message(error)
        if words is not None:
            return words
    if isinstance(error, OSError) and error.strerror is not None:
        # Folders that cannot be made, full disks: the system's own words.
        place = "" if error.filename is None else f"\n  where: {error.filename}"
        return f"{error.strerror}{place}\n  to do: check the place and its permissions{mend and f', or {mend}'}"
    kept = f"\n  where: its traceback is in {_kept(error, data_dir)}"
    if isinstance(error, MemoryError):
        return f"memory does not suffice: {_short(error)}{kept}\n  to do: fewer workers (runtime.workers) or smaller batches"
    what = f"{type(error).__name__}: {_short(error)}"
    if isinstance(error, SystemExit):
        what = f"sys.exit({error.code!r}) was called before the work was done"
    todo = mend or "an error that arcgate did not foresee, most likely its own fault: please report it with that file"
    return f"{what}{kept}\n  to do: {todo}"


def _line_of_theirs(error: BaseException) -> str | None:
    """The last line of somebody's own code, as of a gate that the settings list, that the error came through; None if of none."""
    libraries = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")]
    homes = {Path(home).resolve() for home in (*libraries, str(Path(__file__).parent))}
    # As text: what a worker process raised has its frames nowhere else.
    frames = re.findall(r'^ *File "([^"<]+)", line (\d+)', "".join(traceback.format_exception(error)), re.MULTILINE)
    theirs = [f"{file}:{line}" for file, line in frames if not _of_a_library(Path(file).resolve(), homes)]
    return theirs[-1] if theirs else None


def _of_a_library(file: Path, homes: set[Path]) -> bool:
    """Whether a file lies where libraries do: of this Python, or of another whose folders it was told to look in."""
    return not homes.isdisjoint(file.parents) or not {"site-packages", "dist-packages"}.isdisjoint(file.parts)


def _short(error: BaseException) -> str:
    """What an error says, on one line."""
    text = " ".join(str(error).split()) or "(it says nothing more)"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _kept(error: BaseException, data_dir: Path) -> Path:
    """Write the traceback to a file of its own, and say where."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    about = f"arcgate {version('arcgate')}, Python {platform.python_version()}, {platform.platform()}"
    content = f"{command}\n{about}\n\n{''.join(traceback.format_exception(error))}"
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 1_000_000:06d}.txt"
    try:
        place = data_dir.absolute() / ERRORS / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    except OSError:
        # The error may well be that this folder cannot be written.
        place = Path(tempfile.gettempdir()) / f"arcgate-error-{name}"
        place.write_text(content)
    return place
