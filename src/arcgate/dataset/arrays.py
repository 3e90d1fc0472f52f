"""A bare .npz file as a source: stamps, labels and groups, with controls, arcs and centres where they are given."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.assembling import Kept, Stored, assembled
from arcgate.dataset.cells import pickled, unreadable
from arcgate.dataset.digests import Pixels
from arcgate.dataset.foreign import ForeignSource
from arcgate.dataset.identity import PAIR, SPLIT_NAMES
from arcgate.dataset.left_out import FLAGS, flagged, leave_out
from arcgate.dataset.pixel_scale import PIXEL_SCALE
from arcgate.dataset.recorded import CENTRE, STRUCTURAL
from arcgate.dataset.rows import recorded, unused_note
from arcgate.dataset.same_look import compare, namesakes, stored_types, type_notes
from arcgate.dataset.schema import COLUMNS, IMAGE_SHAPE, STAMP_SIZE
from arcgate.errors import ArcgateError

LAYOUT = "arrays"
STAMPS, LABELS, GROUPS, CONTROLS, ARCS = "stamps", "labels", "groups", "controls", "arcs"
_CENTRES = dict(zip(("x", "y"), CENTRE, strict=True))
_KNOWN = (STAMPS, LABELS, GROUPS, CONTROLS, ARCS, *_CENTRES)
_RECORDED = [column for column in COLUMNS if column.name not in STRUCTURAL]
_NUMBERS = {*(column.name for column in _RECORDED if column.kind != "text"), PIXEL_SCALE, *FLAGS}
# Where one of these is there, it is read: it cannot be passed over because of how it was saved.
_NEEDED = {*_KNOWN, *(column.name for column in _RECORDED), *SPLIT_NAMES, PAIR, PIXEL_SCALE, *FLAGS}
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
    """One array of a file: its name there, shape, type, and whether its first axis runs fastest."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool


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

    def some(self, name: str, rows: NDArray[np.int64]) -> dict[int, Pixels]:
        """A few stamps by row."""
        return dict(zip(rows.tolist(), self._rows(name, rows), strict=True)) if len(rows) else {}

    def _rows(self, name: str, rows: NDArray[np.int64]) -> Pixels:
        """Rows of one array in the order asked for, repeated where they are asked for twice."""
        header = self.headers[name]
        wanted, place = np.unique(rows, return_inverse=True)
        out = np.empty((len(wanted), *header.shape[1:]), dtype=np.float32)
        width = int(np.prod(header.shape[1:])) * header.dtype.itemsize
        with _array(self.path, header.name) as (_, stream):
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
    found = _headers(path)
    headers = {name: header for name, header in found.items() if not header.dtype.hasobject or name in _NEEDED}
    n = _checked(headers, path)
    raw = pd.DataFrame({name: _column(path, header, n) for name, header in headers.items() if _is_column(name, header, n)})
    is_control = _labels(_whole(path, headers[LABELS]), path) == 0
    place = _Place(path)
    failed, flags = flagged(raw, place)
    left = leave_out(is_control, failed, None, flags)
    rows = left.kept
    columns = raw.iloc[rows].reset_index(drop=True).rename(columns=_CENTRES)
    known = recorded(columns, lambda row: place(int(rows[row])), {}, (GROUPS,))
    used = {**dict.fromkeys(_KNOWN), **dict.fromkeys(known.used), **dict.fromkeys(flags)}
    store = ArrayStore(path, {name: header for name, header in headers.items() if name in used})
    own = CONTROLS in headers
    namesake = rows[namesakes(pd.factorize(known.table["host_id"])[0])]
    types = {name: stored_types([np.empty(0, headers[name].dtype)]) for name in (STAMPS, CONTROLS, ARCS) if name in headers}
    kept = Kept(
        recorded=known,
        is_control=is_control[rows],
        own=CONTROLS if own else None,
        left=left,
        runs={"split": known.table["split"].to_numpy(np.str_)} if "split" in known.table else {},
        look=compare(namesake, store.some(CONTROLS if own else STAMPS, np.unique(namesake))),
        place=place,
    )
    stored = Stored(
        layout=LAYOUT,
        path=path,
        digest=_digest(path, store.headers),
        store=store,
        has_arc=ARCS in headers,
        types=frozenset().union(*types.values()),
    )
    notes = ["pixels are taken as nanomaggies and bands as g, r, z", *type_notes(types), *_passed_over(found, used, n)]
    if known.table["host_id"].nunique() == n and not own:
        notes.append(f"every stamp has a group of its own: if galaxies repeat, give them the same value in {GROUPS}")
    return assembled(kept, stored, notes)


@dataclass(frozen=True)
class _Place:
    """Names a row of the file."""

    path: Path

    def __call__(self, row: int) -> str:
        return f"{self.path}, row {row}"


def _is_column(name: str, header: Header, n: int) -> bool:
    """Whether an array holds one value a stamp, or one for all, that may say something of the rows."""
    alone = name == PIXEL_SCALE and header.shape in ((), (1,))
    return (header.shape == (n,) or alone) and name not in (STAMPS, LABELS, CONTROLS, ARCS) and header.dtype.kind in "biufUS"


def _column(path: Path, header: Header, n: int) -> NDArray[np.generic]:
    values = _whole(path, header)
    native = values.astype(values.dtype.newbyteorder("="))
    return native if header.shape == (n,) else np.repeat(native.reshape(1), n)


def _passed_over(found: dict[str, Header], used: Mapping[str, object], n: int) -> list[str]:
    """List the arrays that are not used, and why."""
    reasons = {
        header.name: "dtype object, unread" if header.dtype.hasobject else f"{header.dtype} of shape {header.shape}"
        for name, header in found.items()
        if name not in used and (header.dtype.hasobject or header.shape != (n,))
    }
    plain = {name for name, header in found.items() if header.name not in reasons}
    return unused_note("arrays", plain, {*used}, reasons)


def _headers(path: Path) -> dict[str, Header]:
    """Headers of all arrays by their names in lower case."""
    with _archive(path) as archive:
        stored = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    headers: dict[str, Header] = {}
    for name in stored:
        plain = name.strip().lower()
        if plain in headers:
            raise ArcgateError(
                f"arrays {headers[plain].name!r} and {name!r} differ by case or blanks only",
                where=path,
                todo="rename or leave out one of them",
            )
        with _array(path, name) as (header, _):
            headers[plain] = header
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
        yield Header(name, shape, dtype, fortran and len(shape) > 1), stream


def _whole(path: Path, header: Header) -> NDArray[np.generic]:
    """A small array."""
    with _array(path, header.name) as (_, stream):
        size = int(np.prod(header.shape)) * header.dtype.itemsize
        return np.frombuffer(_exactly(stream, size, path, header.name), dtype=header.dtype).reshape(header.shape)


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
    for name in (name for name in headers if name in _NEEDED):
        _require_plain(headers[name], path)
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


def _require_plain(header: Header, path: Path) -> None:
    """Raise ArcgateError for an array that is needed and was pickled, or is not stored row by row."""
    where = f"{path}, array {header.name}"
    if header.dtype.hasobject:
        numbers = header.name.lower() in (STAMPS, LABELS, CONTROLS, ARCS, *_CENTRES) or header.name.lower() in _NUMBERS
        raise pickled(where, f"{header.name}.astype({'float' if numbers else 'str'})")
    if header.fortran:
        raise ArcgateError("the array is stored in Fortran order", where=where, todo="save np.ascontiguousarray(array)")


def _labels(values: NDArray[np.generic], path: Path) -> NDArray[np.int64]:
    strange = ~np.isin(values, [0, 1])
    if strange.any():
        raise ArcgateError(
            f"{LABELS} hold {values[strange][0]!s} in {int(strange.sum())} rows; they are 1 (with arc) or 0 (without)",
            where=f"{path}, row {int(np.argmax(strange))}",
        )
    return values.astype(np.int64)


def _digest(path: Path, headers: dict[str, Header]) -> str:
    """SHA-256 over names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(headers):
        with _array(path, headers[name].name) as (header, stream):
            digest.update(f"{name} {header.dtype.str} {header.shape}".encode())
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
