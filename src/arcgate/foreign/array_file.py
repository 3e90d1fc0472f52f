"""Reading a .npz file as a stream: of its arrays only the wanted rows are ever in memory."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.foreign.cells import unreadable
from arcgate.foreign.exact_names import plain_names
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

STAMPS: Final = "stamps"
CONTROLS: Final = "controls"
ARCS: Final = "arcs"
_READ_ROWS = 256
_BLOCK = 1 << 22


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
    imaging: Imaging

    def stamps(self, rows: NDArray[np.int64], own: NDArray[np.bool_]) -> tuple[Pixels, Pixels | None]:
        """Stamps, and arcs where they are stored; a control has none."""
        out = np.empty((len(rows), *self.imaging.shape), dtype=np.float32)
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
        pixels = out if header.shape[1:] == self.imaging.shape else np.moveaxis(out, -1, 1)
        return np.ascontiguousarray(pixels)[place]


def headers_of(path: Path) -> dict[str, Header]:
    """Headers of all arrays by their names in lower case."""
    with _archive(path) as archive:
        stored = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    headers: dict[str, Header] = {}
    for plain, name in plain_names(stored, "arrays", path).items():
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


def whole_array(path: Path, header: Header) -> NDArray[np.generic]:
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


def digest_of_arrays(path: Path, headers: dict[str, Header], imaging: Imaging) -> str:
    """SHA-256 over names, types, shapes and values, and the imaging, which the command line may state."""
    digest = hashlib.sha256(repr(imaging).encode())
    for name in sorted(headers):
        with _array(path, headers[name].name) as (header, stream):
            digest.update(f"{name} {header.dtype.str} {header.shape}".encode())
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
