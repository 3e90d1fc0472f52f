"""Building the mock survey: part folders of a content-addressed survey, once, resumable after any interruption.

A part is a stamp pack with a catalogue. The catalogue is written last and under a temporary name first: a part without it is
not finished and is made again. Parts are functions of (specification, indices), so that neither workers nor part size nor an
interruption changes a pixel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock
from threadpoolctl import threadpool_limits

from arcgate.data_node import MockHosts
from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.ground.progress import step
from arcgate.ground.workers import completed
from arcgate.imaging import Imaging
from arcgate.survey.columns import as_catalogue
from arcgate.survey.cubes import write_cubes
from arcgate.survey.mock.survey import CATALOGUE_FILE, MockSurvey

PART_HOSTS: Final = 500
# The module whose imports make a survey's pixels.
SURVEY: Final = ("arcgate.survey.mock.build",)


@dataclass(frozen=True)
class Part:
    """Galaxies `start` to `stop` - 1 of a survey and the folder that holds them."""

    hosts: MockHosts
    imaging: Imaging
    folder: Path
    start: int
    stop: int

    @property
    def finished(self) -> bool:
        """Whether the part's catalogue, its last file, is there."""
        return (self.folder / CATALOGUE_FILE).is_file()


def mock_digest(hosts: MockHosts, imaging: Imaging) -> str:
    """Identity of a mock survey: its specification and the code that makes it."""
    return digest_of({"spec": as_plain(hosts), "imaging": as_plain(imaging), "code": code_version(SURVEY)})


def open_mock(
    hosts: MockHosts, imaging: Imaging, *, data_dir: Path, workers: int, progress: bool, part_hosts: int = PART_HOSTS
) -> MockSurvey:
    """Open a mock survey, building what is missing of it.

    Parameters
    ----------
    hosts : MockHosts
        Specification.
    imaging : Imaging
        Bands, size and scale of the stamps.
    data_dir : Path
        The survey lives in `surveys/<digest>` under it. A second process that wants the same survey waits for the first.
    workers : int
        Processes.
    progress : bool
        Tell how far it is (`arcgate.ground.progress`).
    part_hosts : int
        Galaxies a part.

    Returns
    -------
    MockSurvey

    Raises
    ------
    ArcgateError
        If a worker process dies.
    """
    digest = mock_digest(hosts, imaging)
    folder = data_dir / "surveys" / digest
    parts = list(_parts(hosts, imaging, folder, part_hosts))
    if not all(part.finished for part in parts):
        folder.mkdir(parents=True, exist_ok=True)
        # The lock belongs to the operating system and is freed with the process that holds it.
        with FileLock(folder / ".lock", fallback_to_soft=False):
            missing = [part for part in parts if not part.finished]
            # None is missing any more if another process held the lock and built the survey.
            if missing:
                _build(missing, workers, progress)
    return MockSurvey.open(hosts, imaging, digest, [part.folder for part in parts])


def _parts(hosts: MockHosts, imaging: Imaging, folder: Path, part_hosts: int) -> Iterator[Part]:
    for start in range(0, hosts.n_hosts, part_hosts):
        stop = min(start + part_hosts, hosts.n_hosts)
        yield Part(hosts, imaging, folder / f"hosts-{start:07d}-{stop - 1:07d}", start, stop)


def _build(parts: list[Part], workers: int, progress: bool) -> None:
    total = sum(part.stop - part.start for part in parts)
    with step(f"making {total:,} mock galaxies", total) if progress else nullcontext(_unheard) as advance:
        if workers > 1:
            from arcgate.survey.mock.stamps import make_host

            # Compiles what is not compiled yet, once, where each worker would do it for itself.
            make_host(parts[0].hosts, parts[0].imaging, parts[0].start)
        for done, _ in completed(build_part, parts, workers, parts[0].folder.parent):
            advance(parts[done].stop - parts[done].start)


def _unheard(parts: int) -> None:
    """Progress that nobody asked for."""


def build_part(part: Part) -> None:
    """Make one part: its cubes, then the catalogue that marks it as finished."""
    # torch takes seconds to import, which whoever only opens a finished survey is spared.
    from arcgate.survey.mock.stamps import make_host

    part.folder.mkdir(parents=True, exist_ok=True)
    # One BLAS thread: several neither pay off on matrices this small nor give the same last bits for every number of threads.
    with threadpool_limits(limits=1):
        made = [make_host(part.hosts, part.imaging, index) for index in range(part.start, part.stop)]
    write_cubes(part.folder, np.stack([stamp for stamp, _ in made]), part.imaging.bands)
    temporary = part.folder / f".{CATALOGUE_FILE}.{os.getpid()}.tmp"
    as_catalogue([row for _, row in made], part.imaging).to_parquet(temporary)
    os.replace(temporary, part.folder / CATALOGUE_FILE)
