"""All parts as one table, sorted by footprint, brick and object: a strip of the sky in memory at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.ground.atomic import atomically
from arcgate.survey.catalogue.columns import row_bytes, schema
from arcgate.survey.catalogue.part import Receipt, read_strip
from arcgate.survey.catalogue.twins import twins
from arcgate.survey.legacy.layout import Footprint

_ROWS_TOGETHER: Final = 2**16
# What names an object, and what else puts two rows of one object in an order that no file decides.
_ORDER: Final = ("brick", "objid", "release", "ra", "dec", "flux")


@dataclass(frozen=True)
class Part:
    """A finished part of one sweep.

    Attributes
    ----------
    path : Path
    footprint : {'south', 'north'}
    receipt : Receipt
    """

    path: Path
    footprint: Footprint
    receipt: Receipt


@dataclass(frozen=True)
class Merged:
    """What is left of the parts.

    Attributes
    ----------
    without_twins : int
        Rows once each galaxy of both surveys is there once.
    rows : int
        Rows that were written: each object once, too.
    rows_digest : str
        SHA-256 over the rows in their order; neither the files nor their order decide on it.
    """

    without_twins: int
    rows: int
    rows_digest: str


def merge(parts: Sequence[Part], bands: Sequence[str], twin_radius_arcsec: float, path: Path) -> Merged:
    """Write the catalogue.

    Parameters
    ----------
    parts : sequence of Part
        In any order.
    bands : sequence of str
    twin_radius_arcsec : float
        See `arcgate.survey.catalogue.twins`.
    path : Path
        The catalogue's file; its folder exists.

    Raises
    ------
    ArcgateError
        A part is damaged, or the disk refuses.
    """
    gone = _twins(parts, twin_radius_arcsec)
    taken = sum(part.receipt.lenses[-1] if part.receipt.lenses else part.receipt.counts.chosen[-1] for part in parts)
    digest, rows = hashlib.sha256(), 0
    with (
        atomically(path) as temporary,
        pq.ParquetWriter(temporary, schema(bands), compression="zstd", write_page_checksum=True) as writer,
    ):
        for table in _together(_strips(parts, bands, gone)):
            digest.update(row_bytes(table))
            rows += table.num_rows
            writer.write_table(table)
    return Merged(taken - sum(map(len, gone.values())), rows, digest.hexdigest())


_Gone = dict[tuple[int, int], NDArray[np.int64]]


def _strips(parts: Sequence[Part], bands: Sequence[str], gone: _Gone) -> Iterator[pa.Table]:
    """Sorted rows of each strip of each footprint, in order."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for number, part in enumerate(parts):
        for group, strip in enumerate(part.receipt.strips):
            places.setdefault((part.footprint, strip), []).append((number, group))
    for place in sorted(places):
        tables = []
        for number, group in places[place]:
            table = read_strip(parts[number].path, group)
            if (number, group) in gone:
                kept = np.ones(table.num_rows, dtype=bool)
                kept[gone[number, group]] = False
                table = table.filter(pa.array(kept))
            tables.append(table)
        yield _once(pa.concat_tables(tables), bands)


def _once(table: pa.Table, bands: Sequence[str]) -> pa.Table:
    """Sorted, and each object once: of copies in several sweeps the first."""
    order = [name if name != "flux" else f"flux_{bands[0]}" for name in _ORDER]
    table = table.sort_by([(name, "ascending") for name in order])
    keys = np.stack([table[name].to_numpy() for name in ("release", "brickid", "objid")], axis=1)
    if len(keys) < 2:
        return table
    new = np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)])
    return table if new.all() else table.filter(pa.array(new))


def _together(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Small tables joined, so that row groups are of a size that reads well."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(one.num_rows for one in waiting) >= _ROWS_TOGETHER:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _twins(parts: Sequence[Part], radius_arcsec: float) -> _Gone:
    """Rows of each strip of each part that go since the other survey's row of the galaxy stays."""
    if len({part.footprint for part in parts}) < 2:
        return {}
    low = min((low for part in parts if part.footprint == "north" for low, _ in _declinations(part)), default=90.0)
    high = max((high for part in parts if part.footprint == "south" for _, high in _declinations(part)), default=-90.0)
    margin = radius_arcsec / 3600.0
    found = {name: _Positions.between(parts, name, low - margin, high + margin) for name in ("south", "north")}
    south, north = found["south"], found["north"]
    gone = twins((south.ra, south.dec), (north.ra, north.dec), radius_arcsec)
    return south.places(gone[0]) | north.places(gone[1])


def _declinations(part: Part) -> list[tuple[float, float]]:
    """Smallest and largest declination of each strip, from the file's own statistics."""
    metadata = pq.read_metadata(part.path)
    column = metadata.schema.to_arrow_schema().get_field_index("dec")
    found = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    # A strip without any declination has none.
    return [(one.min, one.max) if one.has_min_max else (np.inf, -np.inf) for one in found]


@dataclass(frozen=True, eq=False)
class _Positions:
    """Where rows lie on the sky, and in which part, strip and row."""

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    part: NDArray[np.int64]
    group: NDArray[np.int64]
    row: NDArray[np.int64]

    @staticmethod
    def between(parts: Sequence[Part], footprint: str, low: float, high: float) -> _Positions:
        """Rows of a survey between two declinations."""
        found: list[list[NDArray[Any]]] = [[np.zeros(0)] * 2 + [np.zeros(0, dtype=np.int64)] * 3]
        for number, part in enumerate(parts):
            if part.footprint != footprint:
                continue
            for group, (least, most) in enumerate(_declinations(part)):
                if most < low or least > high:
                    continue
                table = read_strip(part.path, group)
                ra, dec = table["ra"].to_numpy(), table["dec"].to_numpy()
                row = np.flatnonzero(np.isfinite(ra) & (dec >= low) & (dec <= high))
                found.append([ra[row], dec[row], np.full_like(row, number), np.full_like(row, group), row])
        return _Positions(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def places(self, gone: NDArray[np.bool_]) -> _Gone:
        """Rows that go, by part and strip."""
        out: _Gone = {}
        for key in sorted({(int(part), int(group)) for part, group in zip(self.part[gone], self.group[gone], strict=True)}):
            out[key] = self.row[gone & (self.part == key[0]) & (self.group == key[1])]
        return out
