"""What a mock survey has once: geometry of bricks, sweeps, known lenses, and the truth of all bricks together."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from astropy.io import fits
from numpy.typing import NDArray

from arcgate.ground.atomic import atomically
from arcgate.ground.draws import generator
from arcgate.survey.legacy.layout import Footprint, SurveyFolder
from arcgate.survey.mock.sky.brick_tables import tractor_file
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.claim import FOLDER
from arcgate.survey.mock.sky.geometry import whole_sky
from arcgate.survey.mock.sky.objects import objects_of
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.sweep_columns import SWEEP
from arcgate.survey.mock.sky.truth import OBJECTS, part_file

SWEEP_VERSION: Final = "10.1"
KNOWN_LENSES: Final = "known_lenses.csv"
_SWEEP_DEG: Final = 5
_BLOCK: Final = 2880  # bytes, of which FITS files have whole numbers
# From a parent to its entry in a list of known lenses, whose coordinates are rounded.
_LENS_OFFSET_DEG: Final = 0.3 / 3600.0


def write_catalogues(settings: MockSky, root: Path, seen: list[Pointing]) -> int:
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
    columns = whole_sky()
    table = np.empty(len(columns["RA"]), dtype=[(name, values.dtype.newbyteorder(">")) for name, values in columns.items()])
    for name, values in columns.items():
        table[name] = values
    # astropy goes through all names one by one, which takes longer than all else: it describes one row, and numpy writes all.
    header = fits.BinTableHDU(table[:1]).header
    header["NAXIS2"] = len(table)
    content = table.tobytes()
    # Without a time in it, so that the same survey is the same bytes.
    with atomically(path) as temporary, temporary.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
        fits.PrimaryHDU().writeto(packed)
        packed.write(header.tostring().encode("ascii") + content + bytes(-len(content) % _BLOCK))


def _write_sweeps(root: Path, footprint: Footprint, seen: list[Pointing]) -> int:
    """Rows of all bricks by where they lie, in files of 5 x 5 degrees; how many there are."""
    folder, count = SurveyFolder(root, footprint), 0
    places: dict[tuple[int, int], list[NDArray[np.void]]] = {}
    for pointing in seen:
        rows = _sweep_rows(tractor_file(folder, pointing.brick.name))
        corners = _corners(rows, pointing)
        for corner in sorted(set(corners)):
            places.setdefault(corner, []).append(rows[[each == corner for each in corners]])
        count += len(rows)
    folder.sweeps(SWEEP_VERSION).mkdir(parents=True, exist_ok=True)
    for (east, south), parts in places.items():
        name = f"sweep-{_named(east, south)}-{_named(east + _SWEEP_DEG, south + _SWEEP_DEG)}.fits"
        with atomically(folder.sweeps(SWEEP_VERSION) / name) as temporary:
            table = fits.BinTableHDU(np.concatenate(parts), name="SWEEP")
            # With a comment of its own: astropy's holds the time.
            table.add_datasum(when="checksum of the rows")
            fits.HDUList([fits.PrimaryHDU(), table]).writeto(temporary)
    return count


def _corners(rows: NDArray[np.void], pointing: Pointing) -> list[tuple[int, int]]:
    """Lower corner of the sweep that each row lies in; what has no position lies where its brick is."""
    centre = {"RA": pointing.brick.ra, "DEC": pointing.brick.dec}
    lower = [np.floor(np.where(np.isfinite(rows[axis]), rows[axis], centre[axis]) / _SWEEP_DEG) for axis in ("RA", "DEC")]
    return [(_SWEEP_DEG * int(ra), _SWEEP_DEG * int(dec)) for ra, dec in zip(*lower, strict=True)]


def _named(ra: int, dec: int) -> str:
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
