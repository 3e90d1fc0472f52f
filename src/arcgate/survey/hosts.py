"""One way to host galaxies: a catalogue and cutouts, whatever they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import MockHosts, PackHosts
from arcgate.imaging import Imaging


class Survey(Protocol):
    """Galaxies that may carry arcs. Pixels are memory-mapped where they are read.

    Attributes
    ----------
    digest : str
        SHA-256 of the content: two surveys of one digest hold the same galaxies.
    imaging : Imaging
        Of its cutouts.
    catalogue : pandas.DataFrame
        Columns and types of `arcgate.survey.columns.catalogue_columns`, index 0..n-1.
    left_out : dict of str to int
        Reasons for which galaxies cannot be used, and how many.
    """

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        ...

    @property
    def imaging(self) -> Imaging:
        """Of the cutouts."""
        ...

    @property
    def catalogue(self) -> pd.DataFrame:
        """One row per galaxy."""
        ...

    @property
    def left_out(self) -> dict[str, int]:
        """How many galaxies cannot be used, by reason."""
        ...

    def cutouts(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Native pixels of galaxies by catalogue row: (n, band, y, x), nanomaggies per pixel."""
        ...

    def only(self, rows: NDArray[np.int64]) -> Survey:
        """The same survey with nothing but these galaxies, in this order: for a worker, who needs no others."""
        ...

    def describe(self) -> str:
        """One line for reports and dry runs."""
        ...


def open_survey(hosts: MockHosts | PackHosts, imaging: Imaging, *, data_dir: Path, workers: int, progress: bool) -> Survey:
    """Open the survey that a configuration names; the mock survey is built first unless it is there.

    Parameters
    ----------
    hosts : MockHosts or PackHosts
        Specification.
    imaging : Imaging
        Bands, size and scale of the cutouts.
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

        survey = PackSurvey.open(hosts, imaging)
        for note in survey.notes:
            print(f"note: {note}", flush=True)
        return survey
    from arcgate.survey.mock.build import open_mock

    return open_mock(hosts, imaging, data_dir=data_dir, workers=workers, progress=progress)


def survey_digest(hosts: MockHosts | PackHosts, imaging: Imaging) -> str:
    """Digest of the survey that `open_survey` would return, without building anything."""
    if isinstance(hosts, PackHosts):
        from arcgate.survey.pack import PackSurvey

        return PackSurvey.open(hosts, imaging).digest
    from arcgate.survey.mock.build import mock_digest

    return mock_digest(hosts, imaging)
