"""What must be there before Spark is started, and how its settings reach it; neither Java nor Spark is needed to know."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from composing import composed

from arcgate.ground.errors import ArcgateError
from arcgate.injection.engines.spark_settings import check_java, check_master, spark_conf
from arcgate.injection.engines.spark_words import meaning, not_started
from arcgate.variant import SparkSettings

LOCAL = SparkSettings("local[2]", "1g", 300.0, {})


def java(folder: Path, told: str, code: int = 0) -> dict[str, str]:
    """An environment with a Java that says so of itself."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{told}' >&2\nexit {code}\n")
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.defpath}"}


def test_local_is_the_default_and_settings_of_spark_pass_by_their_own_names() -> None:
    runtime = composed().runtime
    assert runtime.engine == "local"
    assert runtime.spark == SparkSettings("local[*]", "1g", 300.0, {})
    named = "+runtime.spark.conf={spark.executor.cores: 4, spark.speculation: true, spark.local.dir: /scratch}"
    conf = spark_conf(composed("runtime.engine=spark", "runtime.spark.master='spark://head:7077'", named).runtime.spark, {})
    assert conf["spark.master"] == "spark://head:7077"
    assert (conf["spark.driver.memory"], conf["spark.executor.memory"]) == ("1g", "1g")
    assert (conf["spark.executor.cores"], conf["spark.speculation"], conf["spark.local.dir"]) == ("4", "true", "/scratch")
    assert not any(name.startswith("spark.executorEnv") for name in conf)


def test_on_one_machine_nothing_is_served_to_others_and_settings_of_ones_own_prevail() -> None:
    conf = spark_conf(LOCAL, {})
    assert (conf["spark.ui.enabled"], conf["spark.driver.bindAddress"]) == ("false", "127.0.0.1")
    assert "spark.ui.enabled" not in spark_conf(SparkSettings("spark://head", "1g", 1.0, {}), {})
    assert spark_conf(SparkSettings("local[2]", "1g", 1.0, {"spark.ui.enabled": True}), {})["spark.ui.enabled"] == "true"


def test_the_python_path_is_handed_over_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    conf = spark_conf(LOCAL, {"PYTHONPATH": f"src{os.pathsep}{os.pathsep}{tmp_path / 'other'}"})
    assert conf["spark.executorEnv.PYTHONPATH"] == f"{tmp_path / 'src'}{os.pathsep}{tmp_path / 'other'}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("runtime.engine=dask", r"runtime\.engine"),
        ("runtime.spark.master=head:7077", r"runtime\.spark\.master"),
        ("runtime.spark.memory=1024", r"runtime\.spark\.memory"),
        ("runtime.spark.patience_s=0", r"runtime\.spark\.patience_s"),
        ("+runtime.spark.conf={executor.cores: 4}", r"executor\.cores is no setting of Spark: their names begin with 'spark\.'"),
        ("+runtime.spark.conf={spark.master: yarn}", r"spark\.master is the setting runtime\.spark\.master"),
    ],
)
def test_settings_that_spark_would_not_take_are_refused(override: str, message: str) -> None:
    with pytest.raises(ArcgateError, match=message):
        composed(override)


def test_java_is_asked_for_its_version(tmp_path: Path) -> None:
    check_java(java(tmp_path / "17", 'openjdk version "17.0.15" 2025-04-15'))
    check_java({"JAVA_HOME": str(tmp_path / "17")} | java(tmp_path / "8", 'java version "1.8.0_401"'))
    for version in ('openjdk version "11.0.2" 2019-01-15', 'java version "1.8.0_401"', "no version at all"):
        with pytest.raises(ArcgateError, match=f"Spark needs Java 17 or later, and this one says: {version}"):
            check_java(java(tmp_path / version[-12:-1].replace(".", "_"), version))


def test_without_java_one_is_told_what_to_install(tmp_path: Path) -> None:
    todo = r"where: .*to do: install Java 17 .*JAVA_HOME"
    with pytest.raises(ArcgateError, match=r"(?s)Spark needs Java, and there is no java on the PATH.*" + todo):
        check_java({"PATH": str(tmp_path)})
    with pytest.raises(ArcgateError, match=r"(?s)Java does not run: .*nowhere.*" + todo):
        check_java({"JAVA_HOME": str(tmp_path / "nowhere")})
    with pytest.raises(ArcgateError, match=r"(?s)Java does not run: .*exit status 1.*" + todo):
        check_java(java(tmp_path / "broken", "cannot start", code=1))


def test_a_master_that_is_not_there_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = f"127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        # Bound, and not listening: whoever knocks is refused.
        with pytest.raises(
            ArcgateError, match=rf"(?s)no Spark master answers: {free}: Connection refused.*spark://<host>:<port>"
        ):
            check_master(f"spark://{free}")
        with pytest.raises(ArcgateError, match=rf"{free}: Connection refused; {free}: Connection refused"):
            check_master(f"spark://{free},{free}")
        assert time.monotonic() - began < 4.0
        with socket.create_server(("127.0.0.1", 0)) as there:
            check_master(f"spark://{free},127.0.0.1:{there.getsockname()[1]}")
    with pytest.raises(ArcgateError, match="'port' is no port"):
        check_master("spark://127.0.0.1:port")
    for other in ("local[*]", "yarn", "k8s://https://127.0.0.1:1"):
        check_master(other)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("ModuleNotFoundError: No module named 'arcgate'\n", r"(?s)no arcgate.*PYSPARK_PYTHON; the-python"),
        ("[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.11", "another version of Python than the driver"),
        ('java.io.IOException: Cannot run program "python9": error=2', "does not find its Python"),
        ("java.io.InvalidClassException: org.apache.spark.rdd.RDD; local class incompatible", "another version of Spark"),
        ("java.io.IOException: No space left on device", r"(?s)a disk is full.*spark\.local\.dir"),
        ("java.lang.OutOfMemoryError: Java heap space", r"runtime\.spark\.memory"),
        ("org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)", "a worker process ended before"),
        ("ExecutorLostFailure (executor 1 exited caused by one of the running tasks)", "were lost, the same task several times"),
        (
            "org.apache.spark.SparkException: Job 0 cancelled because SparkContext was shut down",
            "the master is gone, or what answers there",
        ),
        ("java.lang.IllegalStateException: SparkContext has been shutdown", "the master is gone, or what answers there"),
        (
            "java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.",
            "the master is gone, or what answers there",
        ),
        ("Cannot run multiple SparkContexts at once; existing SparkContext(app=mine)", "has a Spark session already"),
        ("[JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port number.", "Java process ended as it began"),
    ],
)
def test_what_spark_says_becomes_one_message(told: str, meant: str) -> None:
    error = meaning(f"An error occurred.\n: org.apache.spark.SparkException: {told}\n\tat ...", "spark://head:7077", "the-python")
    assert error is not None
    assert (error.where, error.todo is None) == ("runtime.spark.master=spark://head:7077", False)
    with pytest.raises(ArcgateError, match=meant):
        raise error


def test_what_nobody_foresaw_keeps_its_first_line() -> None:
    trace = "An error occurred while calling SparkContext.\n: java.lang.IllegalArgumentException: too little memory\n\tat org"
    assert meaning(trace, "yarn", "python") is None
    assert not_started(trace, "yarn", "python").what == (
        "Spark did not start: java.lang.IllegalArgumentException: too little memory"
    )
    assert not_started("", "yarn", "python").what == "Spark did not start: without a word"
