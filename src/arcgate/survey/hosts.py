"""One way to host galaxies: a catalogue and cutouts, whatever they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import MockHosts, PackHosts


class Survey(Protocol):
    """Galaxies that may carry arcs. Pixels are memory-mapped where they are read.

    Attributes
    ----------
    digest : str
        SHA-256 of the content: two surveys of one digest hold the same galaxies.
    catalogue : pandas.DataFrame
        Columns and types of `arcgate.survey.columns.CATALOGUE`, index 0..n-1.
    """

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        ...

    @property
    def catalogue(self) -> pd.DataFrame:
        """One row per galaxy."""
        ...

    def cutouts(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Native pixels of galaxies by catalogue row: (n, band, y, x), 64 x 64, nanomaggies per pixel."""
        ...

    def only(self, rows: NDArray[np.int64]) -> Survey:
        """The same survey with nothing but these galaxies, in this order: for a worker, who needs no others."""
        ...

    def describe(self) -> str:
        """One line for reports and dry runs."""
        ...


def open_survey(hosts: MockHosts | PackHosts, *, data_dir: Path, workers: int, progress: bool) -> Survey:
    """Open the survey that a configuration names; the mock survey is built first unless it is there.

    Parameters
    ----------
    hosts : MockHosts or PackHosts
        Specification.
    data_dir : Path
        Folder of artifacts; a mock survey lives in `surveys/<digest>` under it.
    workers : int
        Processes that build the mock survey; no result depends on it.
    progress : bool
        Tell how far the mock survey is (`arcgate.ground.progress`).

    Returns
    -------
    Survey

    Raises
    ------
    ArcgateError
        If a pack is unusable, or a worker process dies.
    """
    if isinstance(hosts, PackHosts):
        from arcgate.survey.pack import PackSurvey

        survey = PackSurvey.open(hosts)
        for note in survey.notes:
            print(f"note: {note}", flush=True)
        return survey
    from arcgate.survey.mock.build import open_mock

    return open_mock(hosts, data_dir=data_dir, workers=workers, progress=progress)


def survey_digest(hosts: MockHosts | PackHosts) -> str:
    """Digest of the survey that `open_survey` would return, without building anything."""
    if isinstance(hosts, PackHosts):
        from arcgate.survey.pack import PackSurvey

        return PackSurvey.open(hosts).digest
    from arcgate.survey.mock.build import mock_digest

    return mock_digest(hosts)
