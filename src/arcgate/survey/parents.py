"""The parents that a configuration names, whatever they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from arcgate.hosts_node import CutoutHosts, Hosts, LegacyHosts, MmuHosts, PackHosts
from arcgate.imaging import Imaging
from arcgate.survey.apart import apart
from arcgate.survey.places import Parents

if TYPE_CHECKING:
    from arcgate.survey.stamp_reading import Reader


def artifacts(data_dir: Path, digest: str) -> Path:
    """Folder of what is made once of some parents and kept: `<data_dir>/hosts/<digest>`."""
    return data_dir / "hosts" / digest


def open_parents(hosts: Hosts, imaging: Imaging, *, data_dir: Path, workers: int) -> Parents:
    """Open the parents that a configuration names; what is known of them without a look at pixels, as far as they declare it.

    Parameters
    ----------
    hosts : Hosts
        Specification.
    imaging : Imaging
        Bands, size and scale of the cutouts, and the zero point of the files that they come from.
    data_dir : Path
        Folder of artifacts.
    workers : int
        Processes; no result depends on it.

    Returns
    -------
    Parents

    Raises
    ------
    ArcgateError
        If a pack is unusable, or a worker process ends.
    """
    if isinstance(hosts, PackHosts):
        from arcgate.survey.pack import PackFiles, PackParents

        files = PackFiles.open(hosts, imaging)
        pack = PackParents.open(files, artifacts(data_dir, files.digest), workers)
        for note in pack.notes:
            print(f"note: {note}", flush=True)
        return apart(pack)
    if isinstance(hosts, LegacyHosts):
        from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents

        bricks = LegacyFiles.open(hosts, imaging)
        return apart(LegacyParents.open(bricks, artifacts(data_dir, bricks.digest)))
    if isinstance(hosts, MmuHosts | CutoutHosts):
        from arcgate.survey.stamp_parents import StampParents

        reader = stamp_reader(hosts, imaging)
        stamps = StampParents.open(reader, artifacts(data_dir, reader.digest), workers)
        for note in stamps.notes:
            print(f"note: {note}", flush=True)
        return apart(stamps)
    from arcgate.survey.mock.parents import MockParents, mock_digest

    inside = imaging.in_nanomaggies
    return MockParents.open(hosts, inside, artifacts(data_dir, mock_digest(hosts, inside)), workers)


def parents_digest(hosts: Hosts, imaging: Imaging) -> str:
    """Digest of the parents that `open_parents` would return; nothing is drawn, measured or written."""
    if isinstance(hosts, PackHosts):
        from arcgate.survey.pack import PackFiles

        return PackFiles.open(hosts, imaging).digest
    if isinstance(hosts, LegacyHosts):
        from arcgate.survey.legacy.parents import LegacyFiles

        return LegacyFiles.open(hosts, imaging).digest
    if isinstance(hosts, MmuHosts | CutoutHosts):
        return stamp_reader(hosts, imaging).digest
    from arcgate.survey.mock.parents import mock_digest

    return mock_digest(hosts, imaging.in_nanomaggies)


def stamp_reader(hosts: MmuHosts | CutoutHosts, imaging: Imaging) -> Reader:
    """The reader of files of stamps: each is looked at as far as that takes no look at pixels."""
    if isinstance(hosts, MmuHosts):
        from arcgate.survey.mmu import MmuReader

        return MmuReader.open(hosts, imaging)
    from arcgate.survey.viewer_cutouts import CutoutReader

    return CutoutReader.open(hosts, imaging)
