"""Parents of the Legacy Surveys: what the sweep catalogues declare, and the bricks in which their pixels lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.atomic import atomically
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import step
from arcgate.hosts_node import LegacyHosts
from arcgate.imaging import Imaging
from arcgate.survey.columns import declared_columns
from arcgate.survey.from_files import FileParents, files_digest
from arcgate.survey.legacy.brick_files import BrickFiles, identities
from arcgate.survey.legacy.catalogue import BrickCentres, ParentsFile
from arcgate.survey.legacy.layout import Footprint, SurveyFolder
from arcgate.survey.legacy.place import LegacyPlace
from arcgate.survey.legacy.plan import PLANS, Plan, bricks_of, chosen
from arcgate.survey.legacy.plan_cost import PlanCost, cost_of
from arcgate.survey.legacy.planes import DamagedError
from arcgate.survey.places import DAMAGED, Unusable

LEGACY: Final = ("arcgate.survey.legacy.parents", "arcgate.survey.host_files")
FOOTPRINTS: Final[tuple[Footprint, ...]] = ("south", "north")
UNDECLARED: Final = "a catalogue entry without position, flux, PSF size or depth"
MISSING_FILES: Final = "missing_files.txt"


@dataclass(frozen=True, eq=False)
class LegacyCatalogue:
    """All galaxies that a plan can take, read once for what it costs and what it takes.

    Attributes
    ----------
    hosts : LegacyHosts
    imaging : Imaging
    parents : ParentsFile
    centres : BrickCentres
    table : pandas.DataFrame
        Rows of the catalogue, index 0..n-1.
    lost : tuple of (str, Unusable)
        Rows that no plan can take, by name.
    """

    hosts: LegacyHosts
    imaging: Imaging
    parents: ParentsFile
    centres: BrickCentres
    table: pd.DataFrame
    lost: tuple[tuple[str, Unusable], ...]

    @classmethod
    def read(cls, hosts: LegacyHosts, imaging: Imaging) -> LegacyCatalogue:
        """Read it.

        Raises
        ------
        ArcgateError
            The catalogue or the geometry of bricks is missing or unusable, or no galaxy is left.
        """
        parents = ParentsFile.open(Path(hosts.parents))
        centres = BrickCentres.read(SurveyFolder(Path(hosts.survey), "south").bricks)
        return cls(hosts, imaging, parents, centres, *_sound(parents, imaging))

    def costs(self) -> dict[str, PlanCost]:
        """What the plan of the specification costs, and after it what the other one would."""
        places, files = _bricks(self.table, self.hosts, self.imaging)
        cells, band = self.centres.cells(self.table["brick"]), self.imaging.reference_band
        return {
            str(plan): cost_of(self.table, self._rows(plan), places, cells, files, (f"depth_{band}", f"psfsize_{band}"))
            for plan in sorted(PLANS, key=lambda name: name != self.hosts.plan)
        }

    def planned(self) -> LegacyFiles:
        """The galaxies of the specification's plan."""
        table = self.table.iloc[self._rows(self.hosts.plan)].reset_index(drop=True)
        places, files = _bricks(table, self.hosts, self.imaging)
        return LegacyFiles(self.hosts, self.imaging.in_nanomaggies, self.parents, self.centres, table, places, files, self.lost)

    def _rows(self, plan: Plan) -> NDArray[np.int64]:
        return chosen(self.table, plan, self.hosts.n_hosts, self.hosts.seed, self.imaging.reference_band)


@dataclass(frozen=True, eq=False)
class LegacyFiles:
    """The galaxies of a plan and the files that they lie in, before a look at any pixel.

    Attributes
    ----------
    hosts, imaging, parents, centres, lost
        As of `LegacyCatalogue`.
    table : pandas.DataFrame
        Rows of the catalogue that the plan takes, index 0..n-1.
    places : ndarray of int, shape (n,)
        Number of each galaxy's brick in `bricks`.
    bricks : tuple of BrickFiles
    """

    hosts: LegacyHosts
    imaging: Imaging
    parents: ParentsFile
    centres: BrickCentres
    table: pd.DataFrame
    places: NDArray[np.int64]
    bricks: tuple[BrickFiles, ...]
    lost: tuple[tuple[str, Unusable], ...]

    @classmethod
    def open(cls, hosts: LegacyHosts, imaging: Imaging) -> LegacyFiles:
        """Read the catalogue and choose; errors as of `LegacyCatalogue.read`."""
        return LegacyCatalogue.read(hosts, imaging).planned()

    def absent(self) -> dict[int, DamagedError]:
        """Numbers of the bricks of which files are not there, with what to say of each."""
        sums = self.hosts.verify == "checksums"
        return {number: error for number, brick in enumerate(self.bricks) if (error := brick.absent(sums)) is not None}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what counts in the specification, the catalogue, what the files of the bricks are, and the code."""
        with step(f"looking for the files of {count_of(len(self.bricks), 'brick')}"):
            contents = {"parents": self.parents.digest, "centres": self.centres.digest, "bricks": identities(self.bricks)}
        return files_digest(self.hosts, self.imaging, contents, LEGACY)


@dataclass(frozen=True, eq=False)
class LegacyParents(FileParents[LegacyFiles]):
    """Galaxies of the Legacy Surveys as `Parents`.

    In the catalogue `healpix` is the cell of the brick's centre, so that a brick lies in one split.
    """

    @classmethod
    def open(cls, files: LegacyFiles, folder: Path) -> LegacyParents:
        """The galaxies of a plan whose bricks are there.

        Parameters
        ----------
        files : LegacyFiles
        folder : Path
            Where artifacts are kept.

        Raises
        ------
        ArcgateError
            Files are missing and such bricks are not left out, or all are, or a PSF model cannot be used.
        """
        return cls.declared(files)._with_bricks(folder).with_psfs(folder)

    @classmethod
    def declared(cls, files: LegacyFiles) -> LegacyParents:
        """The galaxies of a plan as the catalogue declares them, whether or not their bricks are there."""
        table, columns = files.table, declared_columns(files.imaging)
        table = table.assign(release=table["release"].astype("str"), healpix=files.centres.cells(table["brick"]))
        table = table.rename(columns={"shape_r": "host_reff_arcsec"})
        for band in files.imaging.bands:
            table[f"psf_beta_{band}"], table[f"kernel_{band}"] = files.hosts.psf_beta.get(band, np.nan), None
        catalogue = table[list(columns)].astype(columns)
        return cls(files, catalogue, None, np.arange(len(table)), files.lost)

    def _with_bricks(self, folder: Path) -> LegacyParents:
        """Without galaxies of bricks that are not there; where those are refused, what to fetch is listed beside `folder`."""
        absent = self.files.absent()
        if not absent:
            return self
        first = absent[min(absent)]
        there = ~np.isin(self.places, np.fromiter(absent, np.int64))
        if self.files.hosts.missing_bricks == "refuse" or not there.any():
            listed = folder.parent / MISSING_FILES
            count = self._list_missing(listed)
            raise ArcgateError(
                f"files are missing in {len(absent):,} of {count_of(len(self.files.bricks), 'brick')}: {first.what}",
                where=first.where,
                todo=f"fetch what {listed} names ({count_of(count, 'file')}), below {self.files.hosts.survey}, or leave "
                "their galaxies out (data.hosts.missing_bricks=leave_out)",
            )
        return self.only(there, Unusable(DAMAGED, first.what))

    def _list_missing(self, path: Path) -> int:
        """Write the names of the files that are not there, a line each, as they are called below the survey's folder."""
        root = Path(self.files.hosts.survey)
        absent = [one for brick in self.files.bricks for _, one in brick.planes() if not one.is_file()]
        if self.files.hosts.verify == "checksums":
            lists = (brick.folder.checksums(brick.brick) for brick in self.files.bricks)
            absent += [one for one in lists if not one.is_file()]
        lines = [one.relative_to(root).as_posix() for one in absent]
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomically(path) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return len(lines)

    @property
    def places(self) -> NDArray[np.int64]:
        """Bricks."""
        return self.files.places[self.indices]

    @property
    def cut_flow(self) -> list[tuple[str, int]]:
        """Of the catalogue, and what the plan and its bricks left of it."""
        flow = list(self.files.parents.cut_flow)
        return [*flow, (f"bricks of the plan ({self.files.hosts.plan})", len(self.catalogue))] if flow else []

    def place(self, rows: NDArray[np.int64]) -> LegacyPlace:
        """Galaxies of one brick, by catalogue row."""
        ra, dec = (self.catalogue[name].to_numpy(np.float64)[rows] for name in ("ra", "dec"))
        return LegacyPlace(self.files.bricks[int(self.places[rows[0]])], self.files.hosts, self.imaging, ra, dec)

    def describe(self) -> str:
        """One line for cards and dry runs."""
        galaxies, bricks = count_of(len(self.catalogue), "galaxy"), count_of(len(np.unique(self.places)), "brick")
        return f"Legacy Surveys, {galaxies} in {bricks} ({self.files.hosts.plan})"


def _sound(parents: ParentsFile, imaging: Imaging) -> tuple[pd.DataFrame, tuple[tuple[str, Unusable], ...]]:
    """Rows of the catalogue that declare what they must, index 0..n-1, and those that do not."""
    table = parents.read(imaging)
    needed = ["ra", "dec", *(f"{stem}_{band}" for stem in ("host_mag", "psfsize", "depth") for band in imaging.bands)]
    sound = np.isfinite(table[needed].to_numpy(np.float64)).all(axis=1)
    lost = tuple((str(name), Unusable(UNDECLARED, "no number")) for name in table["host_id"][~sound])
    if not sound.any():
        raise ArcgateError(
            f"no parent can be used: of {count_of(len(table), 'row')} {len(lost):,} are {UNDECLARED}",
            where=parents.path,
            todo="widen the selection, or make the catalogue of parents again",
        )
    return table[sound].reset_index(drop=True) if lost else table, lost


def _bricks(table: pd.DataFrame, hosts: LegacyHosts, imaging: Imaging) -> tuple[NDArray[np.int64], tuple[BrickFiles, ...]]:
    """Number of each galaxy's brick, and the files of bricks."""
    places, names = bricks_of(table)
    folders = {footprint: SurveyFolder(Path(hosts.survey), footprint) for footprint in FOOTPRINTS}
    masks = hosts.masks == "maskbits"
    return places, tuple(BrickFiles(folders[footprint], brick, imaging.bands, masks) for footprint, brick in names)
