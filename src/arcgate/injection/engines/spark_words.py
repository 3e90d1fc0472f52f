"""What goes wrong in Spark, in words: its own fill pages, of which one line matters. Imports no Spark."""

from __future__ import annotations

import re
from typing import Final

from arcgate.ground.errors import ArcgateError

_KEPT: Final = "run again: finished parts are kept"
_MASTER_GONE: Final = (
    "Spark ended before the work did: the master is gone, or what answers there is no master of this version of Spark"
)
# What Spark's message contains; what it means; what to do. The first that fits is said.
_MEANINGS: Final = (
    (
        "No module named 'arcgate",
        "a worker of the cluster has no arcgate",
        "install arcgate for the Python that workers run (PYSPARK_PYTHON; {python}), or let PYTHONPATH name a folder with it "
        "that all nodes see",
    ),
    (
        "PYTHON_VERSION_MISMATCH",
        "the workers of the cluster run another version of Python than the driver",
        "let PYSPARK_PYTHON name the same version as {python} on all nodes",
    ),
    (
        "Cannot run program",
        "a worker of the cluster does not find its Python",
        "let PYSPARK_PYTHON name a Python that all nodes have at the same place ({python})",
    ),
    (
        "InvalidClassException",
        "the cluster runs another version of Spark than this pyspark",
        "install the cluster's version: pip install 'pyspark==<version>'",
    ),
    (
        "No space left on device",
        "a disk is full: that of the results, or the one on which Spark keeps what it sends",
        "make room there and in spark.local.dir (/tmp unless set in runtime.spark.conf); " + _KEPT,
    ),
    (
        "OutOfMemoryError",
        "Java's memory does not suffice",
        "give more (runtime.spark.memory), or make smaller shards (runtime.rows_per_shard); " + _KEPT,
    ),
    (
        "Python worker exited unexpectedly",
        "a worker process ended before its work did (killed, or out of memory)",
        _KEPT + "; if memory is short, with fewer tasks at once on a node",
    ),
    (
        "ExecutorLostFailure",
        "workers of the cluster were lost, the same task several times",
        _KEPT + "; if memory is short, with fewer tasks at once on a node",
    ),
    ("SparkContext was shut down", _MASTER_GONE, _KEPT),
    ("SparkContext has been shutdown", _MASTER_GONE, _KEPT),
    ("stopped SparkContext", _MASTER_GONE, _KEPT),
    ("Cannot run multiple SparkContexts", "this process has a Spark session already", "end it (spark.stop()), then run again"),
    ("JAVA_GATEWAY_EXITED", "Spark's Java process ended as it began", "see what it printed above"),
)


def meaning(text: str, master: str, python: str) -> ArcgateError | None:
    """What a message of Spark's means, as far as the user can act on it.

    Parameters
    ----------
    text : str
        The message, Java's and Python's traces included.
    master : str
        Address of the cluster.
    python : str
        The Python that workers are to run.

    Returns
    -------
    ArcgateError or None
        None for what nobody foresaw.
    """
    where = f"runtime.spark.master={master}"
    for sign, what, todo in _MEANINGS:
        if sign in text:
            return ArcgateError(what, where=where, todo=todo.format(python=python))
    return None


def not_started(text: str, master: str, python: str) -> ArcgateError:
    """Why Spark did not start."""
    return meaning(text, master, python) or ArcgateError(
        f"Spark did not start: {_cause(text)}",
        where=f"runtime.spark.master={master}",
        todo="correct runtime.spark (master, memory, conf); with runtime.spark.conf={spark.log.level: INFO} Spark tells more",
    )


def _cause(text: str) -> str:
    """The first line that names a Java exception with its words, or the first line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"^(: )?[\w.]+(Exception|Error): ", line)]
    return (named or lines or ["without a word"])[0].removeprefix(": ")
