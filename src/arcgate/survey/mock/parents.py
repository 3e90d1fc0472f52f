"""The mock survey: a catalogue that is drawn, and galaxies that are made when they are asked for.

Each galaxy is a function of (specification, index), so that neither workers nor what else is asked for changes a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.ground.code_version import code_version
from arcgate.ground.counting import count_of
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.hosts_node import MockHosts
from arcgate.imaging import Imaging
from arcgate.survey.columns import as_table, declared_columns
from arcgate.survey.kept import kept_table, rows_in_order
from arcgate.survey.mock.catalogue import declared
from arcgate.survey.places import Cut, Unusable, numbered_places

# The modules whose imports make a galaxy, and those that keep it.
SURVEY: Final = ("arcgate.survey.mock.parents", "arcgate.survey.host_files")
# So many galaxies are drawn in a few seconds, in which worker processes would have started.
_DRAWN_AT_ONCE: Final = 2500


def mock_digest(hosts: MockHosts, imaging: Imaging) -> str:
    """Identity of a mock survey: its specification and the code that makes it."""
    return digest_of({"spec": as_plain(hosts), "imaging": as_plain(imaging), "code": code_version(SURVEY)})


@dataclass(frozen=True)
class MockPlace:
    """Galaxies of a mock survey by index, as a `Place`."""

    hosts: MockHosts
    imaging: Imaging
    indices: tuple[int, ...]

    def cut(self) -> list[Cut | Unusable]:
        """Make the galaxies."""
        # torch takes seconds to import, which whoever only finds finished galaxies is spared.
        from arcgate.survey.mock.stamps import make_host

        # One BLAS thread: several neither pay off on matrices this small nor give the same last bits for every number of threads.
        with threadpool_limits(limits=1):
            return [make_host(self.hosts, self.imaging, index) for index in self.indices]


@dataclass(frozen=True, eq=False)
class MockParents:
    """A mock survey as `Parents`; the catalogue holds true values of the simulation."""

    hosts: MockHosts
    imaging: Imaging
    digest: str
    catalogue: pd.DataFrame

    @classmethod
    def open(cls, hosts: MockHosts, imaging: Imaging, folder: Path, workers: int) -> MockParents:
        """Draw the catalogue, or read it where it was kept.

        Parameters
        ----------
        hosts : MockHosts
            Specification.
        imaging : Imaging
            Bands, size and scale of the stamps.
        folder : Path
            Where the survey's artifacts are kept.
        workers : int
            Processes; no value depends on it.
        """
        table = kept_table(folder, lambda: _drawn(hosts, imaging, folder, workers))
        return cls(hosts, imaging, mock_digest(hosts, imaging), table)

    @property
    def left_out(self) -> dict[str, int]:
        """None: every mock galaxy can be used."""
        return {}

    @property
    def cut_flow(self) -> list[tuple[str, int]]:
        """None: galaxies are drawn, not cut out of more."""
        return []

    @property
    def kernels(self) -> None:
        """None: the mock survey declares the Moffats that it makes galaxies with."""
        return

    @property
    def places(self) -> NDArray[np.int64]:
        """Galaxies of neighbouring indices are made together."""
        return numbered_places(len(self.catalogue), self.imaging)

    def place(self, rows: NDArray[np.int64]) -> MockPlace:
        """Galaxies by catalogue row, which is their index."""
        return MockPlace(self.hosts, self.imaging, tuple(int(row) for row in rows))

    def warm_up(self) -> None:
        """Compile the renderer's loops, if no earlier process did."""
        MockPlace(self.hosts, self.imaging, (0,)).cut()

    def describe(self) -> str:
        """One line for cards and dry runs."""
        return f"mock survey of {count_of(len(self.catalogue), 'galaxy')}, seed {self.hosts.seed}"


def _drawn(hosts: MockHosts, imaging: Imaging, folder: Path, workers: int) -> pd.DataFrame:
    count, at_once = hosts.n_hosts, _DRAWN_AT_ONCE
    stretches = [(hosts, imaging, range(start, min(start + at_once, count))) for start in range(0, count, at_once)]
    rows = rows_in_order(f"drawing a catalogue of {count_of(count, 'galaxy')}", count, _rows, stretches, workers, folder)
    return as_table(rows, declared_columns(imaging))


def _rows(part: tuple[MockHosts, Imaging, range]) -> list[dict[str, object]]:
    hosts, imaging, indices = part
    return [declared(hosts, imaging, index) for index in indices]
