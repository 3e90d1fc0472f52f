"""The catalogue of parents that `arcgate parents` left, as far as hosts are concerned, and the centres of bricks."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning
from astropy_healpix import lonlat_to_healpix
from numpy.typing import NDArray

from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.table_text import require_plain
from arcgate.imaging import Imaging
from arcgate.survey.columns import HEALPIX_NSIDE
from arcgate.survey.legacy.layout import Footprint

PARENTS_FILE: Final = "parents.parquet"
CARD_FILE: Final = "card.json"


@dataclass(frozen=True)
class ParentsFile:
    """Where the catalogue lies, what it is, and how many galaxies each cut left (nothing of a bare file)."""

    path: Path
    digest: str
    cut_flow: tuple[tuple[str, int], ...] = ()

    @classmethod
    def open(cls, place: Path) -> ParentsFile:
        """Find it.

        Parameters
        ----------
        place : Path
            A folder that `arcgate parents` finished, or one that holds one such folder, or a Parquet file with the
            same columns.

        Raises
        ------
        ArcgateError
            There is none of these, or a choice of several.
        """
        if place.is_file():
            with place.open("rb") as file:
                return cls(place, hashlib.file_digest(file, "sha256").hexdigest())
        place = _only_one(place)
        card = place / CARD_FILE
        try:
            content = json.loads(card.read_text(encoding="utf-8"))
            digest, flow = content["digest"], content["cut_flow"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            found = "no such folder or file" if not place.exists() else f"no sound {CARD_FILE}, which is written last ({error})"
            raise ArcgateError(
                f"no finished catalogue of parents: {found}",
                where=place,
                todo="set data.hosts.parents to the folder that `arcgate parents` names, or run it again",
            ) from error
        return cls(place / PARENTS_FILE, str(digest), tuple((str(one["cut"]), int(one["left"])) for one in flow))

    def read(self, imaging: Imaging) -> pd.DataFrame:
        """The columns that hosts need, in the catalogue's order.

        Raises
        ------
        ArcgateError
            The file cannot be read, a column is missing, or a name occurs twice.
        """
        wanted = ["host_id", "ra", "dec", "ebv", "release", "brick", "footprint", "shape_r"]
        wanted += [f"{stem}_{band}" for stem in ("host_mag", "psfsize", "depth") for band in imaging.bands]
        try:
            require_plain(self.path)
            there = pq.read_schema(self.path).names
            lacking = [name for name in wanted if name not in there]
            if lacking:
                raise ArcgateError(
                    f"the catalogue of parents has no {', '.join(lacking)}",
                    where=self.path,
                    todo="run `arcgate parents` with these bands, or take an imaging without them",
                )
            table: pd.DataFrame = pq.read_table(self.path, columns=wanted).to_pandas()
        except (OSError, pa.ArrowException) as error:
            again = "run `arcgate parents` again"
            raise ArcgateError(f"the catalogue of parents cannot be read: {error}", where=self.path, todo=again) from error
        if table.empty:
            raise ArcgateError(
                "the catalogue of parents holds no galaxy",
                where=self.path,
                todo="name another catalogue (data.hosts.parents), or make one with a wider selection: `arcgate parents`",
            )
        twice = table["host_id"].duplicated()
        if twice.any():
            raise ArcgateError(
                f"{table['host_id'][twice].iloc[0]} occurs twice among the parents", where=self.path, todo="leave one of them out"
            )
        odd = ~table["footprint"].isin(get_args(Footprint))
        if odd.any():
            raise ArcgateError(
                f"footprint of row {int(np.argmax(odd))} is {table['footprint'][odd].iloc[0]!r}, sought is south or north",
                where=self.path,
                todo="correct the catalogue",
            )
        return table


def _only_one(place: Path) -> Path:
    """The finished catalogue in a folder of catalogues; the folder itself where it is one, or holds none."""
    finished = sorted(card.parent for card in place.glob(f"*/{CARD_FILE}"))
    if (place / CARD_FILE).exists() or not finished:
        return place
    if len(finished) > 1:
        rows = [pq.read_metadata(folder / PARENTS_FILE).num_rows for folder in finished]
        found = [f"{folder.name[:12]} ({count_of(n, 'galaxy')})" for folder, n in zip(finished, rows, strict=True)]
        raise ArcgateError(
            f"{len(finished)} finished catalogues of parents: {', '.join(found)}",
            where=place,
            todo="name one of these folders as data.hosts.parents: `arcgate parents` prints which it made",
        )
    return finished[0]


@dataclass(frozen=True, eq=False)
class BrickCentres:
    """Centres of a survey's bricks, degrees, by name, and the digest of the file that gives them."""

    table: pd.DataFrame
    digest: str

    @classmethod
    def read(cls, path: Path) -> BrickCentres:
        """Read `survey-bricks.fits.gz`.

        Raises
        ------
        ArcgateError
            It is missing, cannot be read, or has no BRICKNAME, RA, DEC.
        """
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            with warnings.catch_warnings():
                # astropy only warns of a file that ends early or goes on as something else.
                warnings.simplefilter("error", AstropyUserWarning)
                table = Table.read(path, hdu=1, format="fits", character_as_bytes=False)
            names = np.char.strip(np.asarray(table["BRICKNAME"], dtype=np.str_))
            centres = {name.lower(): np.asarray(table[name], dtype=np.float64) for name in ("RA", "DEC")}
        except (OSError, EOFError, ValueError, KeyError, IndexError, AstropyUserWarning) as error:
            raise ArcgateError(
                f"the geometry of bricks cannot be read: {error}",
                where=path,
                todo="download the survey's survey-bricks.fits.gz into data.hosts.survey",
            ) from error
        return cls(pd.DataFrame(centres, index=pd.Index(names, name="brick")), digest)

    def cells(self, bricks: pd.Series[str]) -> NDArray[np.int64]:
        """HEALPix cells of the centres of bricks, by name.

        Raises
        ------
        ArcgateError
            A brick is none of the survey's.
        """
        codes, names = pd.factorize(bricks)
        unknown = [str(name) for name in names if name not in self.table.index]
        if unknown:
            raise ArcgateError(
                f"{count_of(len(unknown), 'brick')} of the parents {'is' if len(unknown) == 1 else 'are'} not among the "
                f"survey's, such as {unknown[0]}",
                where="data.hosts.survey, data.hosts.parents",
                todo="take parents and survey-bricks.fits.gz of one survey",
            )
        centres = self.table.loc[names]
        ra, dec = (centres[name].to_numpy() * units.deg for name in ("ra", "dec"))
        return np.asarray(lonlat_to_healpix(ra, dec, HEALPIX_NSIDE, order="nested"), dtype=np.int64)[codes]
