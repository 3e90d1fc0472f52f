"""Reading a finished mock survey."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from arcgate.data_node import MockHosts
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.survey.cubes import Cube, cube_paths, open_cube

CATALOGUE_FILE: Final = "catalogue.parquet"


@dataclass
class MockSurvey:
    """A mock survey on disk as a `Survey`.

    Attributes
    ----------
    hosts : MockHosts
        Specification.
    imaging : Imaging
        Of its stamps.
    digest : str
        Of the specification and the code.
    catalogue : pandas.DataFrame
        True values of the simulation.
    folders : list of Path
        Its parts in order.
    starts : ndarray
        Catalogue row at which each part starts.
    """

    hosts: MockHosts
    imaging: Imaging
    digest: str
    catalogue: pd.DataFrame
    folders: list[Path]
    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    _cubes: dict[int, list[Cube]] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, hosts: MockHosts, imaging: Imaging, digest: str, folders: list[Path]) -> MockSurvey:
        """Read the catalogues of finished parts; pixels are opened where they are asked for."""
        tables = [_catalogue(folder) for folder in folders]
        starts = np.cumsum([0] + [len(table) for table in tables[:-1]])
        catalogue = pd.concat(tables, ignore_index=True)
        return cls(hosts, imaging, digest, catalogue, folders, starts.astype(np.int64), np.arange(len(catalogue)))

    def cutouts(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Native pixels of galaxies by catalogue row, shape (n, band, y, x), nanomaggies per pixel."""
        wanted = np.asarray(rows, dtype=np.int64)
        out = np.empty((len(wanted), *self.imaging.shape), dtype=np.float32)
        places = self.places[wanted]
        parts = np.searchsorted(self.starts, places, side="right") - 1
        for part in np.unique(parts):
            chosen = np.flatnonzero(parts == part)
            for band, cube in enumerate(self._part(int(part))):
                out[chosen, band] = cube[places[chosen] - self.starts[part]]
        return out

    def only(self, rows: NDArray[np.int64]) -> MockSurvey:
        """The same survey with nothing but these galaxies, in this order. Digest and opened files are those of the whole."""
        wanted = np.asarray(rows, dtype=np.int64)
        return replace(self, catalogue=self.catalogue.iloc[wanted].reset_index(drop=True), places=self.places[wanted])

    @property
    def left_out(self) -> dict[str, int]:
        """None: every mock galaxy can be used."""
        return {}

    def describe(self) -> str:
        """One line for reports and dry runs."""
        return f"mock survey of {len(self.catalogue)} galaxies, seed {self.hosts.seed}"

    def _part(self, part: int) -> list[Cube]:
        if part not in self._cubes:
            self._cubes[part] = [open_cube(path) for path in cube_paths(self.folders[part], self.imaging.bands).values()]
        return self._cubes[part]

    def __getstate__(self) -> dict[str, object]:
        # Memory maps do not travel to worker processes; each opens its own.
        return {**self.__dict__, "_cubes": {}}


def _catalogue(folder: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(folder / CATALOGUE_FILE)
    except (OSError, pa.ArrowException) as error:
        raise ArcgateError(
            f"a part of the mock survey cannot be read: {error}",
            where=folder,
            todo="delete this folder and run again: it is rebuilt",
        ) from error
