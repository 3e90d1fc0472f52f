"""The Spark engine but for Spark: a session of this process in its place, so that what the engine does with it can be seen."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from arcgate.ground.errors import ArcgateError
from arcgate.injection.engines import on_worker
from arcgate.injection.engines.spark import PYTHON, Spark, parts
from arcgate.variant import SparkSettings

SETTINGS = SparkSettings("local[2]", "1g", 300.0, {})


class Session:
    """A Spark context that works in its caller's thread on what has been pickled."""

    begun: list[Session] = []  # noqa: RUF012  # emptied by the fixture
    active_tasks = 1

    def __init__(self, conf: Any) -> None:
        self.conf, self.jobs, self.stopped = conf, [], threading.Event()
        self.begun.append(self)
        signal.signal(signal.SIGINT, lambda *_: None)

    def stop(self) -> None:
        self.stopped.set()

    def accumulator(self, value: list[Any], _: Any) -> Any:
        return SimpleNamespace(value=value, add=value.extend)

    def parallelize(self, items: Sequence[Any], slices: int) -> Any:
        assert slices == len(items)
        self.jobs.append(len(items))
        travelled = pickle.loads(pickle.dumps(list(items)))  # noqa: S301  # pickled here
        return SimpleNamespace(foreach=lambda work: [work(item) for item in travelled])

    def statusTracker(self) -> Any:  # noqa: N802  # Spark's name
        info = SimpleNamespace(numActiveTasks=self.active_tasks)
        return SimpleNamespace(getActiveStageIds=lambda: [0], getStageInfo=lambda _: info)


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Session]]:
    """The sessions that were begun."""

    def conf() -> Any:
        return SimpleNamespace(setAll=dict)

    modules = {
        "pyspark": {"SparkConf": conf, "SparkContext": Session},
        "pyspark.errors": {"PySparkRuntimeError": RuntimeError},
        "pyspark.accumulators": {"AddingAccumulatorParam": list},
        "py4j": {},
        "py4j.protocol": {"Py4JError": ConnectionError},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("arcgate.injection.engines.spark.check_java", lambda _: None)
    monkeypatch.delenv(PYTHON, raising=False)
    monkeypatch.setattr(Session, "begun", [])
    before = Path.cwd()
    yield Session.begun
    os.chdir(before)


def doubled(number: int) -> int:
    if number < 0:
        raise ArcgateError(f"{number} has no double", todo="take another")
    if number > 100:
        raise ZeroDivisionError(number)
    return 2 * number


def test_results_come_with_their_places_and_one_session_serves_all_rounds(spark: list[Session], tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with Spark(SETTINGS) as engine:
        assert list(engine.completed(doubled, [], tmp_path)) == []
        assert spark == []
        assert dict(engine.completed(doubled, [3, 5, 4], tmp_path)) == {0: 6, 1: 10, 2: 8}
        assert dict(engine.completed(doubled, [1], tmp_path)) == {0: 2}
        assert engine.for_little() is engine
        assert not spark[0].stopped.is_set()
    assert spark[0].stopped.is_set()
    assert len(spark) == 1
    assert spark[0].jobs == [3, 1]
    assert spark[0].conf["spark.master"] == "local[2]"
    assert os.environ[PYTHON] == sys.executable
    assert signal.getsignal(signal.SIGINT) is handler
    assert list(tmp_path.iterdir()) == [], "the mark stayed"


def test_results_arrive_while_the_job_goes_on_and_each_once(
    spark: list[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def in_turn(work: Callable[[Any], None], items: Sequence[Any]) -> None:
        for item in items:
            work(item)
            assert goes_on.wait(20)

    monkeypatch.setattr(Session, "parallelize", lambda _, items, __: SimpleNamespace(foreach=lambda work: in_turn(work, items)))
    with Spark(SETTINGS) as engine:
        results = engine.completed(doubled, [3, 5, 4], tmp_path)
        assert next(results) == (0, 6)
        goes_on.set()
        assert list(results) == [(1, 10), (2, 8)]


def test_what_work_raises_in_words_is_raised_here_and_ends_the_session(spark: list[Session], tmp_path: Path) -> None:
    with Spark(SETTINGS) as engine:
        with pytest.raises(ArcgateError, match=r"-1 has no double\n  to do: take another"):
            list(engine.completed(doubled, [2, -1, 3], tmp_path))
        assert spark[0].stopped.is_set()
        assert dict(engine.completed(doubled, [2], tmp_path)) == {0: 4}
    assert len(spark) == 2


def test_other_errors_pass_unless_they_have_a_meaning(spark: list[Session], tmp_path: Path, monkeypatch: Any) -> None:
    with Spark(SETTINGS) as engine:
        with pytest.raises(ZeroDivisionError):
            list(engine.completed(doubled, [2, 101], tmp_path))

        def lost(*_: Any) -> None:
            raise ConnectionError("Python worker exited unexpectedly (crashed)")

        monkeypatch.setattr(Session, "parallelize", lost)
        with pytest.raises(ArcgateError, match="a worker process ended before its work did"):
            list(engine.completed(doubled, [2], tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_ends_the_session(spark: list[Session], tmp_path: Path) -> None:
    with Spark(SETTINGS) as engine:
        results = engine.completed(doubled, [2, 3], tmp_path)
        next(results)
        results.close()  # type: ignore[attr-defined]  # a generator
        assert spark[0].stopped.is_set()


def test_a_cluster_that_works_on_nothing_is_given_up(spark: list[Session], tmp_path: Path, monkeypatch: Any) -> None:
    def waiting(session: Session, *_: Any) -> Any:
        return SimpleNamespace(foreach=lambda _: session.stopped.wait(20))

    monkeypatch.setattr(Session, "parallelize", waiting)
    monkeypatch.setattr(Session, "active_tasks", 0)
    began = time.monotonic()
    todo = r"start workers.*runtime\.spark\.patience_s"
    with (
        Spark(SparkSettings("local[2]", "1g", 0.5, {})) as engine,
        pytest.raises(
            ArcgateError, match=rf"(?s)the cluster has worked on nothing for \d s.*runtime\.spark\.master=local.*{todo}"
        ),
    ):
        list(engine.completed(doubled, [2], tmp_path))
    assert time.monotonic() - began < 15


def test_a_worker_of_another_type_is_told_once(
    spark: list[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(on_worker, "_device", lambda: "an abacus")
    with Spark(SETTINGS) as engine:
        list(engine.completed(doubled, [1, 2, 3], tmp_path))
    assert capsys.readouterr().out.count("note: a worker is of another type than this machine (an abacus)") == 1


def test_tasks_are_divided_so_that_java_can_hold_them() -> None:
    items = [bytes(size) for size in (10, 400, 400, 5000, 10, 10)]
    assert [[position for position, _ in part] for part in parts(items, 1000)] == [[0, 1, 2], [3], [4, 5]]
    assert [item for part in parts(items, 1000) for _, item in part] == items
    assert parts([]) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("Cannot run multiple SparkContexts at once"), "this process has a Spark session already"),
        (RuntimeError("[JAVA_GATEWAY_EXITED]"), "Java process ended as it began"),
        (
            ConnectionError("\n: java.lang.IllegalArgumentException: no such key"),
            "did not start: java.lang.IllegalArg.*no such key",
        ),
    ],
)
def test_a_session_that_does_not_start_says_why(spark: list[Session], error: Exception, message: str, monkeypatch: Any) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Session, "__init__", fails)
    with Spark(SETTINGS) as engine, pytest.raises(ArcgateError, match=message):
        list(engine.completed(doubled, [2], Path()))


def test_without_pyspark_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with Spark(SETTINGS) as engine, pytest.raises(ArcgateError, match=r"(?s)needs pyspark, which is not installed.*`make spark`"):
        list(engine.completed(doubled, [2], tmp_path))
    assert list(tmp_path.iterdir()) == []
