"""A mock survey as a folder: bricks by worker processes, then what is one for all of them."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import Table
from numpy.typing import NDArray

from arcgate.ground.atomic import atomically, remove_leftovers, write_json
from arcgate.ground.code_version import code_version
from arcgate.ground.draws import generator
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.ground.locks import locked
from arcgate.ground.progress import say, step
from arcgate.ground.workers import completed
from arcgate.survey.legacy.layout import Footprint, SurveyFolder
from arcgate.survey.mock.sky.brick import BrickTask, write_brick
from arcgate.survey.mock.sky.choosing import Pointing, pointings
from arcgate.survey.mock.sky.geometry import whole_sky
from arcgate.survey.mock.sky.objects import objects_of
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.sweep_columns import SWEEP
from arcgate.survey.mock.sky.truth import CARD, FOLDER, OBJECTS, part_file

SWEEP_VERSION: Final = "10.1"
KNOWN_LENSES: Final = "known_lenses.csv"
# Modules whose imports make a mock survey.
CODE: Final = ("arcgate.survey.mock.sky.brick", "arcgate.survey.mock.sky.survey")
_SETTINGS: Final = "settings.json"
_SWEEP_DEG: Final = 5
# From a parent to its entry in a list of known lenses, whose coordinates are rounded.
_LENS_OFFSET_DEG: Final = 0.3 / 3600.0


@dataclass(frozen=True)
class Written:
    """What a mock survey came to: bricks of both surveys, those that were there already, and rows of the sweeps."""

    bricks: int
    found: int
    rows: int


def mock_sky_digest(settings: MockSky) -> str:
    """Identity of a mock survey: its settings and the code that makes it."""
    return digest_of({"settings": as_plain(settings), "code": code_version(CODE)})


def write_survey(settings: MockSky, root: Path, workers: int) -> Written:
    """Write a mock survey, or what is missing of it.

    Parameters
    ----------
    settings : MockSky
    root : Path
        Its folder (see `arcgate.survey.legacy.layout`), beside which a lock is kept. Bricks that are complete are kept.
    workers : int
        Processes; no byte depends on it.

    Raises
    ------
    ArcgateError
        The folder holds another mock survey, or cannot be written.
    """
    with locked(root):
        _claim(settings, root)
        tasks = [BrickTask(settings, pointing, root) for pointing in pointings(settings)]
        missing = [task for task in tasks if not task.done]
        with step("painting bricks", len(missing)) as advance:
            for _ in completed(write_brick, missing, workers, root):
                advance(1)
        with step("writing catalogues"):
            rows = _write_catalogues(settings, root, [task.pointing for task in tasks])
        card = {"digest": mock_sky_digest(settings), "settings": as_plain(settings), "bricks": len(tasks), "rows": rows}
        write_json(root / FOLDER / CARD, card)
    say(f"mock survey of {len(tasks)} bricks and {rows:,} catalogue rows: {root}")
    return Written(len(tasks), len(tasks) - len(missing), rows)


def _claim(settings: MockSky, root: Path) -> None:
    """State what the folder is going to hold, before anything else is written there."""
    path, digest = root / FOLDER / _SETTINGS, mock_sky_digest(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in {part.parent for part in root.rglob(".*.tmp")}:
        remove_leftovers(leftover)
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["digest"] != digest:
            raise ArcgateError(
                f"the folder holds another mock survey: {_differing(found['settings'], as_plain(settings))}",
                where=root,
                todo="name another folder (out=<folder>), or remove this one",
            )
        return
    write_json(path, {"digest": digest, "settings": as_plain(settings)})


def _differing(found: dict[str, object], sought: dict[str, object]) -> str:
    names = [f"{name} is {found.get(name)} there and {value} here" for name, value in sought.items() if found.get(name) != value]
    return ", ".join(names) or "it was made by other code of the same settings"


def _write_catalogues(settings: MockSky, root: Path, seen: list[Pointing]) -> int:
    """Geometry of bricks, sweeps, truth and the list of known lenses; the number of rows in the sweeps."""
    _write_bricks(root)
    rows = 0
    for footprint in sorted({pointing.footprint for pointing in seen}):
        rows += _write_sweeps(root, footprint, [pointing for pointing in seen if pointing.footprint == footprint])
    parts = [pq.read_table(part_file(root, pointing)).to_pandas() for pointing in seen]
    with atomically(root / FOLDER / OBJECTS) as temporary:
        pd.concat(parts, ignore_index=True).to_parquet(temporary, index=False)
    _write_known_lenses(settings, root, [pointing for pointing in seen if pointing.footprint == "south"])
    return rows


def _write_bricks(root: Path) -> None:
    path = SurveyFolder(root, "south").bricks
    if path.is_file():
        return
    table = fits.table_to_hdu(Table(whole_sky()))
    with atomically(path) as temporary, temporary.open("wb") as raw:
        # Without a time in it, so that the same survey is the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as packed:
            fits.HDUList([fits.PrimaryHDU(), table]).writeto(packed)


def _write_sweeps(root: Path, footprint: Footprint, seen: list[Pointing]) -> int:
    """Rows of all bricks by where they lie, in files of 5 x 5 degrees."""
    folder = SurveyFolder(root, footprint)
    places: dict[tuple[int, int], list[NDArray[np.void]]] = {}
    for pointing in seen:
        brick = pointing.brick
        rows = _sweep_rows(folder.checksums(brick.name).with_name(f"tractor-{brick.name}.fits"))
        # What has no position is listed where its brick is.
        ra, dec = (np.where(np.isfinite(rows["RA"]), at, own) for at, own in ((rows["RA"], brick.ra), (rows["DEC"], brick.dec)))
        corners = [(int(r // _SWEEP_DEG) * _SWEEP_DEG, int(d // _SWEEP_DEG) * _SWEEP_DEG) for r, d in zip(ra, dec, strict=True)]
        for corner in sorted(set(corners)):
            places.setdefault(corner, []).append(rows[[each == corner for each in corners]])
    folder.sweeps(SWEEP_VERSION).mkdir(parents=True, exist_ok=True)
    for (ra, dec), parts in places.items():
        name = f"sweep-{_corner(ra, dec)}-{_corner(ra + _SWEEP_DEG, dec + _SWEEP_DEG)}.fits"
        table = fits.BinTableHDU(np.concatenate(parts), name="SWEEP")
        with atomically(folder.sweeps(SWEEP_VERSION) / name) as temporary:
            fits.HDUList([fits.PrimaryHDU(), table]).writeto(temporary)
    return sum(len(part) for parts in places.values() for part in parts)


def _corner(ra: int, dec: int) -> str:
    return f"{ra:03d}{'m' if dec < 0 else 'p'}{abs(dec):03d}"


def _sweep_rows(tractor: Path) -> NDArray[np.void]:
    with fits.open(tractor) as hdus:
        data = hdus[1].data
        rows: NDArray[np.void] = np.empty(len(data), dtype=SWEEP)
        for name in SWEEP.names or ():
            rows[name] = data[name.lower()]
    return rows


def _write_known_lenses(settings: MockSky, root: Path, seen: list[Pointing]) -> None:
    """Parents that are known lenses, by turns from all bricks, and as many entries where no parent is."""
    rows: list[dict[str, object]] = []
    rng = generator(settings.seed, "mock sky known lenses", 0)
    for number in range(settings.known_lenses):
        brick = seen[number % len(seen)].brick
        parent = objects_of(settings, brick)[number // len(seen)]
        rows.append({"name": f"MOCK J{parent.ra:.4f}{parent.dec:+.4f}", "ra": parent.ra, "dec": parent.dec + _LENS_OFFSET_DEG})
        # South of the brick by its own height, which no other brick of the list's parents covers at these distances.
        ra, dec = brick.ra + float(rng.uniform(-0.1, 0.1)), brick.dec - 1.0
        rows.append({"name": f"MOCK J{ra:.4f}{dec:+.4f}", "ra": ra % 360.0, "dec": dec})
    with atomically(root / KNOWN_LENSES) as temporary:
        pd.DataFrame(rows, columns=["name", "ra", "dec"]).to_csv(temporary, index=False)
