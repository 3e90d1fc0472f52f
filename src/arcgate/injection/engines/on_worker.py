"""What a worker of a cluster does around each item of work. Imports no Spark."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from arcgate.dataset.card import device, libraries
from arcgate.ground.code_version import code_version
from arcgate.ground.errors import ArcgateError
from arcgate.ground.memory import keep_memory
from arcgate.injection.spec_digest import PIXELS


@dataclass(frozen=True)
class Surroundings:
    """What driver and workers must have in common, since a data set is kept under the code of the driver.

    Attributes
    ----------
    code : str
        Hash of the code that determines pixels.
    libraries : dict of str to str
        Versions of what last bits depend on.
    """

    code: str
    libraries: dict[str, str]


@dataclass(frozen=True)
class Failure:
    """An error that work raised, on its way back: the cluster would try an exception again, which helps nobody."""

    error: ArcgateError


@dataclass(frozen=True)
class Done:
    """What became of one item.

    Attributes
    ----------
    position : int
        Of the item.
    result : object
        What the work returned, or a `Failure`.
    device : str
        On which it was made.
    """

    position: int
    result: object
    device: str


@dataclass(frozen=True)
class Errand:
    """Work as it is sent to a worker.

    Attributes
    ----------
    work : callable
    folder : Path
        Working directory of the driver, in which its relative paths hold.
    mark : Path
        A file that the driver has written where results belong: whoever sees it sees the same folder.
    surroundings : Surroundings
        Of the driver.
    """

    work: Callable[[Any], object]
    folder: Path
    mark: Path
    surroundings: Surroundings

    def done(self, position: int, item: object) -> Done:
        """Do the work on one item."""
        try:
            self._settle()
            result = self.work(item)
        except ArcgateError as error:
            result = Failure(error)
        return Done(position, result, _device())

    def _settle(self) -> None:
        """Make the worker one that works as a process of the driver's own machine would."""
        _prepared()
        try:
            os.chdir(self.folder)
        except OSError as error:
            raise ArcgateError(
                f"the worker on {platform.node()} cannot enter the folder in which arcgate was started: {error.strerror}",
                where=self.folder,
                todo="start arcgate in a folder that all nodes of the cluster see under the same name",
            ) from error
        if not self.mark.exists():
            raise ArcgateError(
                f"the worker on {platform.node()} does not see the folder in which results are written, or sees another one",
                where=self.mark.parent,
                todo="set runtime.data_dir to a folder that all nodes of the cluster share",
            )
        _compare(self.surroundings, surroundings())


class Arrivals(Protocol):
    """Where finished items are handed in; Spark's accumulator counts each task once, however often it was tried."""

    def add(self, term: list[Done]) -> None:
        """Hand some in."""
        ...


def deliver(errand: Errand, arrivals: Arrivals, numbered: tuple[int, object]) -> None:
    """Do an errand for one item and hand the outcome in."""
    arrivals.add([errand.done(*numbered)])


@lru_cache(maxsize=1)
def surroundings() -> Surroundings:
    """Code and libraries of this process."""
    return Surroundings(code_version(PIXELS), libraries())


@lru_cache(maxsize=1)
def _prepared() -> None:
    """Once a process."""
    keep_memory()


@lru_cache(maxsize=1)
def _device() -> str:
    return device()


def _compare(driver: Surroundings, worker: Surroundings) -> None:
    todo = "install the same arcgate and the same locked requirements on all nodes (PYSPARK_PYTHON names the Python they run)"
    here = f"worker on {platform.node()}"
    if driver.code != worker.code:
        raise ArcgateError("the worker has other code of arcgate than the driver", where=here, todo=todo)
    other = [name for name, version in driver.libraries.items() if worker.libraries.get(name) != version]
    if other:
        differing = ", ".join(f"{name} {worker.libraries.get(name)} (driver: {driver.libraries[name]})" for name in other)
        raise ArcgateError(f"the worker has other libraries than the driver: {differing}", where=here, todo=todo)
