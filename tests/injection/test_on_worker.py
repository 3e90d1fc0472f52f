"""What a worker of a cluster makes sure of before it works, and what it sends back."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arcgate.ground.atomic import atomically
from arcgate.injection.engines.on_worker import Done, Errand, Failure, deliver, surroundings


@pytest.fixture
def errand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Errand]:
    """Work in a folder that worker and driver share; the worker's own working directory is another one."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mark").touch()
    monkeypatch.chdir(tmp_path / "elsewhere")
    whole = Errand(written, tmp_path, tmp_path / "mark", surroundings())
    return lambda **changes: travelled(replace(whole, **changes))


def travelled(sent: Any) -> Any:
    """What arrives of it in another process."""
    return pickle.loads(pickle.dumps(sent))  # noqa: S301  # pickled here


def written(name: str) -> int:
    """Write a file under a relative name."""
    with atomically(Path(name)) as temporary:
        temporary.write_text(name)
    return len(name)


def refused(name: str) -> None:
    """Meet a disk that is full."""
    with atomically(Path(name)):
        raise OSError(28, "No space left on device")


def unforeseen(_: str) -> None:
    raise ZeroDivisionError


def message(done: Done) -> str:
    assert isinstance(done.result, Failure)
    return str(travelled(done.result).error)


def test_work_is_done_where_the_driver_works_and_comes_back_with_its_place(errand: Callable[..., Errand], tmp_path: Path) -> None:
    done = errand().done(7, "file")
    assert (done.position, done.result) == (7, 4)
    assert (tmp_path / "file").read_text() == "file"
    arrived: list[Done] = []

    class Arrivals:
        def add(self, term: list[Done]) -> None:
            arrived.extend(term)

    deliver(errand(), Arrivals(), (3, "other"))
    assert [(one.position, one.result) for one in arrived] == [(3, 5)]


def test_an_error_in_words_comes_back_as_a_value_and_any_other_is_the_clusters(
    errand: Callable[..., Errand], tmp_path: Path
) -> None:
    told = message(errand(work=refused).done(0, "file"))
    assert told.startswith("could not write: No space left on device\n  where: file\n  to do: make room")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mark"]
    with pytest.raises(ZeroDivisionError):
        errand(work=unforeseen).done(0, "file")


def test_a_worker_that_sees_other_folders_says_which(errand: Callable[..., Errand], tmp_path: Path) -> None:
    told = message(errand(folder=tmp_path / "nowhere").done(0, "file"))
    assert "cannot enter the folder in which arcgate was started: No such file" in told
    assert f"where: {tmp_path / 'nowhere'}\n  to do: start arcgate in a folder that all nodes" in told
    told = message(errand(mark=tmp_path / "elsewhere" / "mark").done(0, "file"))
    assert "does not see the folder in which results are written" in told
    assert f"where: {tmp_path / 'elsewhere'}\n  to do: set runtime.data_dir to a folder that all nodes" in told
    assert not (tmp_path / "file").exists()


def test_a_worker_with_other_code_or_libraries_does_not_work(errand: Callable[..., Errand], tmp_path: Path) -> None:
    here = surroundings()
    told = message(errand(surroundings=replace(here, code="other")).done(0, "file"))
    assert "other code of arcgate than the driver" in told
    told = message(errand(surroundings=replace(here, libraries=here.libraries | {"numpy": "1.0"})).done(0, "file"))
    assert f"other libraries than the driver: numpy {here.libraries['numpy']} (driver: 1.0)" in told
    assert "to do: install the same arcgate and the same locked requirements on all nodes" in told
    assert not (tmp_path / "file").exists()
