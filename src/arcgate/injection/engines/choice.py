"""The engine that `runtime` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from arcgate.ground.engine import Engine, Local

if TYPE_CHECKING:
    from arcgate.variant import Runtime


@contextmanager
def engine_of(runtime: Runtime) -> Iterator[Engine]:
    """Who works for as long as a `with` block lasts: a cluster is asked for when there is something to do, and let go at the end.

    Parameters
    ----------
    runtime : Runtime

    Raises
    ------
    ArcgateError
        Spark cannot be started: pyspark, Java or the cluster is not there.
    """
    if runtime.engine == "local":
        yield Local(runtime.workers)
        return
    from arcgate.injection.engines.spark import Spark

    with Spark(runtime.spark) as engine:
        yield engine
