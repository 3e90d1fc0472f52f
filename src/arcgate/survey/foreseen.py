"""What is known of the galaxies that a configuration names before any is looked at: nothing is drawn, measured or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from arcgate.ground.counting import count_of
from arcgate.hosts_node import CutoutHosts, Hosts, LegacyHosts, MmuHosts, MockHosts, PackHosts
from arcgate.imaging import Imaging
from arcgate.survey.apart import apart
from arcgate.survey.columns import as_table, declared_columns
from arcgate.survey.kept import KERNELS, is_kept
from arcgate.survey.legacy.plan_cost import PlanCost
from arcgate.survey.parents import artifacts, parents_digest, stamp_reader
from arcgate.survey.places import Parents

# Galaxies of a mock survey that are drawn to see which columns it declares: those of all are the same.
_DRAWN: Final = 8


@dataclass(frozen=True, eq=False)
class Foreseen:
    """Parents as far as they are known.

    Attributes
    ----------
    digest : str
        Of the parents (`parents_digest`).
    what : str
        One line for dry runs.
    count : int
        Galaxies, some of which may turn out to be of no use.
    catalogue : DataFrame
        Columns that the parents will have, of as many galaxies as are known: all, some, or none.
    whole : bool
        Whether it is the catalogue that a run would choose from.
    left_out : mapping of str to int
        How many galaxies are no parents, by reason, as far as that is known.
    notes : tuple of str
        What a run would say, or run into.
    plans : mapping of str to PlanCost
        What each plan of bricks costs, that of the specification first.
    """

    digest: str
    what: str
    count: int
    catalogue: pd.DataFrame
    whole: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    plans: Mapping[str, PlanCost] = field(default_factory=dict)


def foreseen(hosts: Hosts, imaging: Imaging, data_dir: Path) -> Foreseen:
    """Look at what parents declare, and at what was measured before.

    Raises
    ------
    ArcgateError
        The galaxies cannot be opened, as a run would say.
    """
    if isinstance(hosts, LegacyHosts):
        return _of_bricks(hosts, imaging)
    if isinstance(hosts, PackHosts):
        return _of_pack(hosts, imaging, data_dir)
    if isinstance(hosts, MmuHosts | CutoutHosts):
        return _of_stamps(hosts, imaging, data_dir)
    return _of_mock(hosts, imaging, data_dir)


def _of_bricks(hosts: LegacyHosts, imaging: Imaging) -> Foreseen:
    from arcgate.survey.legacy.parents import LegacyCatalogue, LegacyParents

    catalogue = LegacyCatalogue.read(hosts, imaging)
    files = catalogue.planned()
    parents = apart(LegacyParents.declared(files))
    absent = files.absent()
    notes: tuple[str, ...] = ()
    if absent:
        which = f"files are missing in {len(absent):,} of {count_of(len(files.bricks), 'brick')}, which the plan counts"
        then = "stops and lists what to fetch" if hosts.missing_bricks == "refuse" else "does without their galaxies"
        notes = (f"{which}: {absent[min(absent)].what}. A run {then}",)
    what = f"{count_of(len(files.table), 'galaxy')} in {count_of(len(files.bricks), 'brick')}"
    # Which galaxies measured PSFs serve is known once they are made.
    whole = hosts.kernels is None and not (absent and hosts.missing_bricks == "leave_out")
    return Foreseen(files.digest, what, len(files.table), parents.catalogue, whole, parents.left_out, notes, catalogue.costs())


def _of_pack(hosts: PackHosts, imaging: Imaging, data_dir: Path) -> Foreseen:
    from arcgate.survey.pack import PackFiles, PackParents

    files = PackFiles.open(hosts, imaging)
    what, place = f"stamp pack of {count_of(files.count, 'galaxy')}, {hosts.path}", artifacts(data_dir, files.digest)
    if (files.catalogue is not None or is_kept(place)) and _psfs_are_made(hosts, place):
        pack = PackParents.open(files, place, workers=1)
        return _known(files.digest, what, files.count, apart(pack), pack.notes)
    return Foreseen(files.digest, what, files.count, _nothing(imaging), notes=tuple(files.notes))


def _of_stamps(hosts: MmuHosts | CutoutHosts, imaging: Imaging, data_dir: Path) -> Foreseen:
    from arcgate.survey.stamp_parents import StampParents

    reader = stamp_reader(hosts, imaging)
    count, place = sum(reader.stretches), artifacts(data_dir, reader.digest)
    if is_kept(place) and _psfs_are_made(hosts, place):
        stamps = StampParents.open(reader, place, workers=1)
        return _known(reader.digest, reader.describe(), count, apart(stamps), stamps.notes)
    return Foreseen(reader.digest, reader.describe(), count, _nothing(imaging))


def _of_mock(hosts: MockHosts, imaging: Imaging, data_dir: Path) -> Foreseen:
    from arcgate.survey.mock.catalogue import declared
    from arcgate.survey.mock.parents import MockParents

    inside, digest = imaging.in_nanomaggies, parents_digest(hosts, imaging)
    what, place = f"mock survey of {count_of(hosts.n_hosts, 'galaxy')}", artifacts(data_dir, digest)
    if is_kept(place):
        return _known(digest, what, hosts.n_hosts, apart(MockParents.open(hosts, inside, place, workers=1)), ())
    rows = [declared(hosts, inside, index) for index in range(min(_DRAWN, hosts.n_hosts))]
    return Foreseen(digest, what, hosts.n_hosts, as_table(rows, declared_columns(inside)))


def _psfs_are_made(hosts: PackHosts | MmuHosts | CutoutHosts, place: Path) -> bool:
    return hosts.kernels is None or is_kept(place, KERNELS)


def _known(digest: str, what: str, count: int, parents: Parents, notes: tuple[str, ...]) -> Foreseen:
    return Foreseen(digest, what, count, parents.catalogue, True, parents.left_out, tuple(notes))


def _nothing(imaging: Imaging) -> pd.DataFrame:
    return as_table([], declared_columns(imaging))
