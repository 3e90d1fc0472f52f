"""A bare .npz file as a source: stamps, labels and groups, with controls, arcs and centres where they are given."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.dataset.foreign import ForeignSource, alone_note, foreign_facts, measuring_notes, require_pairs
from arcgate.dataset.older_layouts import unreadable
from arcgate.dataset.pairing import arrange, pair_rows
from arcgate.dataset.recorded import CENTRE, schema_columns, whole_groups, with_declared_arcs
from arcgate.dataset.schema import COLUMN_NAMES, IMAGE_SHAPE, STAMP_SIZE
from arcgate.errors import ArcgateError

LAYOUT = "arrays"
STAMPS, LABELS, GROUPS, CONTROLS, ARCS = "stamps", "labels", "groups", "controls", "arcs"
_KNOWN = (STAMPS, LABELS, GROUPS, CONTROLS, ARCS, "x", "y")
_SHAPES = (IMAGE_SHAPE, (STAMP_SIZE, STAMP_SIZE, IMAGE_SHAPE[0]))
_READ_ROWS = 256
_BLOCK = 1 << 22
_EXPECTED = (
    f"save {STAMPS} (n, 3, 64, 64) or (n, 64, 64, 3), {LABELS} (1 with arc, 0 without) and {GROUPS} (the galaxy of each stamp); "
    f"if there are any, {CONTROLS} (each stamp without its arc), {ARCS}, x, y (centre of the galaxy, pixels), and columns of the "
    "schema, one value a stamp"
)


@dataclass(frozen=True)
class Header:
    """Shape and type of one array of a file."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


@dataclass(frozen=True)
class ArrayStore:
    """Stamps in a .npz file, read as a stream: of the arrays only the wanted rows are ever in memory."""

    path: Path
    headers: dict[str, Header]

    def stamps(self, rows: NDArray[np.int64], own: NDArray[np.bool_]) -> tuple[Pixels, Pixels | None]:
        """Stamps, and arcs where they are stored; a control has none."""
        out = np.empty((len(rows), *IMAGE_SHAPE), dtype=np.float32)
        for name, chosen in ((STAMPS, ~own), (CONTROLS, own)):
            if chosen.any():
                out[chosen] = self._rows(name, rows[chosen])
        if ARCS not in self.headers:
            return out, None
        arc = np.zeros_like(out)
        arc[~own] = self._rows(ARCS, rows[~own])
        return out, arc

    def _rows(self, name: str, rows: NDArray[np.int64]) -> Pixels:
        """Rows of one array in the order asked for, repeated where they are asked for twice."""
        header = self.headers[name]
        wanted, place = np.unique(rows, return_inverse=True)
        out = np.empty((len(wanted), *header.shape[1:]), dtype=np.float32)
        width = int(np.prod(header.shape[1:])) * header.dtype.itemsize
        with _array(self.path, name) as (_, stream):
            position = 0
            for first in range(int(wanted[0]), int(wanted[-1]) + 1, _READ_ROWS):
                last = min(first + _READ_ROWS, int(wanted[-1]) + 1)
                inside = (wanted >= first) & (wanted < last)
                if not inside.any():
                    continue
                _skip(stream, (first - position) * width)
                block = np.frombuffer(_exactly(stream, (last - first) * width, self.path, name), dtype=header.dtype)
                out[inside] = block.reshape(last - first, *header.shape[1:])[wanted[inside] - first]
                position = last
        pixels = out if header.shape[1:] == IMAGE_SHAPE else np.moveaxis(out, -1, 1)
        return np.ascontiguousarray(pixels)[place]


def open_arrays(path: Path) -> ForeignSource:
    """Open a .npz file of stamps.

    Parameters
    ----------
    path : Path
        Holds `stamps`, `labels` and `groups`; optionally `controls` (the galaxy of each stamp without its arc; then stamps
        with label 0 are not needed), `arcs` (light as added), `x` and `y` (centre of the galaxy), and any column of the schema,
        one value a stamp. Pixels are taken as nanomaggies, bands as g, r, z.

    Returns
    -------
    ForeignSource

    Raises
    ------
    ArcgateError
        For a missing array, a wrong shape or type, labels other than 0 and 1, pickled objects, or one class only.
    """
    headers = _headers(path)
    n = _checked(headers, path)
    labels = _labels(_whole(path, LABELS), path)
    columns = {name: _whole(path, name) for name in headers if name in COLUMN_NAMES and headers[name].shape == (n,)}
    scalars = pd.DataFrame(schema_columns(pd.DataFrame(columns, index=range(n)), path))
    scalars["host_id"] = _groups(_whole(path, GROUPS), path)
    for name, column in zip(("x", "y"), CENTRE, strict=True):
        if name in headers:
            scalars[column] = _centre(_whole(path, name), name, path)
    scalars = whole_groups(scalars)
    is_control = labels == 0
    own = CONTROLS in headers
    pairs = None if own else pair_rows(is_control, scalars)
    same = pairs is None or pairs.same_galaxy
    arcs = with_declared_arcs(scalars, is_control, own)
    arranged = arrange(arcs.table, is_control, pairs)
    require_pairs(path, arranged, is_control)
    notes = [
        "pixels are taken as nanomaggies and bands as g, r, z",
        f"each positive is compared with its own galaxy ({CONTROLS})" if pairs is None else pairs.rule,
        *alone_note(arranged),
        *measuring_notes(scalars, same),
        *arcs.notes,
    ]
    if unknown := sorted(set(headers) - {*_KNOWN, *columns}):
        notes.append(f"arrays that arcgate does not know, and does not use: {', '.join(unknown)}")
    if scalars["host_id"].nunique() == n and not own:
        notes.append(f"every stamp has a group of its own: if galaxies repeat, give them the same value in {GROUPS}")
    facts = foreign_facts(LAYOUT, arranged, same, has_arc=ARCS in headers, declared=arcs.declared)
    used = {name: header for name, header in headers.items() if name in (*_KNOWN, *columns)}
    return ForeignSource(path, _digest(path, used), facts, tuple(notes), ArrayStore(path, used), arranged)


def _headers(path: Path) -> dict[str, Header]:
    with _archive(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
    headers = {}
    for name in names:
        with _array(path, name) as (header, _):
            headers[name] = header
    return headers


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise unreadable(error, path) from error


@contextmanager
def _array(path: Path, name: str) -> Iterator[tuple[Header, IO[bytes]]]:
    """Header of one array, and the stream of its values."""
    with _archive(path) as archive, archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        where = f"{path}, array {name}"
        if dtype.hasobject:
            raise unreadable(ValueError("pickle"), where)
        if fortran and len(shape) > 1:
            raise ArcgateError("the array is stored in Fortran order", where=where, todo="save np.ascontiguousarray(array)")
        yield Header(shape, dtype), stream


def _whole(path: Path, name: str) -> NDArray[np.generic]:
    """A small array."""
    with _array(path, name) as (header, stream):
        size = int(np.prod(header.shape)) * header.dtype.itemsize
        return np.frombuffer(_exactly(stream, size, path, name), dtype=header.dtype).reshape(header.shape)


def _exactly(stream: IO[bytes], size: int, path: Path, name: str) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ArcgateError("the array ends early", where=f"{path}, array {name}", todo="copy or write the file again")
    return data


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0 and (block := stream.read(min(size, _BLOCK))):
        size -= len(block)


def _checked(headers: dict[str, Header], path: Path) -> int:
    """Number of stamps, after checking what is there and its shapes."""
    missing = [name for name in (STAMPS, LABELS, GROUPS) if name not in headers]
    if missing:
        found = ", ".join(headers) or "nothing"
        raise ArcgateError(f"no array {' and no array '.join(missing)}; the file holds {found}", where=path, todo=_EXPECTED)
    n = headers[LABELS].shape[0] if len(headers[LABELS].shape) == 1 else -1
    for name in (name for name in _KNOWN if name in headers):
        header = headers[name]
        images = name in (STAMPS, CONTROLS, ARCS)
        right = header.shape[0:1] == (n,) and (header.shape[1:] in _SHAPES if images else len(header.shape) == 1)
        if not right or (images and (header.dtype.kind != "f" or header.shape != headers[STAMPS].shape)):
            raise ArcgateError(
                f"{name} is {header.dtype} of shape {header.shape}, beside {LABELS} of shape {headers[LABELS].shape}",
                where=path,
                todo=f"{_EXPECTED}; stamps of another size have to be cut or padded to 64 x 64 first",
            )
    return n


def _labels(values: NDArray[np.generic], path: Path) -> NDArray[np.int64]:
    strange = ~np.isin(values, [0, 1])
    if strange.any():
        raise ArcgateError(
            f"{LABELS} hold {values[strange][0]!s} in {int(strange.sum())} rows; they are 1 (with arc) or 0 (without)",
            where=f"{path}, row {int(np.argmax(strange))}",
        )
    return values.astype(np.int64)


def _groups(values: NDArray[np.generic], path: Path) -> NDArray[np.object_]:
    unknown = pd.isna(values)
    if unknown.any():
        raise ArcgateError(
            f"{GROUPS} are empty (NaN) in {int(unknown.sum())} rows",
            where=f"{path}, row {int(np.argmax(unknown))}",
            todo="give each stamp its galaxy: statistics and splits count galaxies, not stamps",
        )
    return values.astype(str).astype(object)


def _centre(values: NDArray[np.generic], name: str, path: Path) -> NDArray[np.float64]:
    centre = values.astype(np.float64)
    wrong = ~((centre >= 0) & (centre <= STAMP_SIZE - 1))
    if wrong.any():
        raise ArcgateError(
            f"{name} is {centre[wrong][0]:g}, which is outside the stamp",
            where=f"{path}, row {int(np.argmax(wrong))}",
            todo="give centres in pixels, 0-based, 31.5 in the middle",
        )
    return centre


def _digest(path: Path, headers: dict[str, Header]) -> str:
    """SHA-256 over names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(headers):
        with _array(path, name) as (header, stream):
            digest.update(f"{name} {header.dtype.str} {header.shape}".encode())
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
