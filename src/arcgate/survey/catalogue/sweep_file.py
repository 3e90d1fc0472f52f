"""The rows of a survey's sweep file, in pieces of bounded memory.

Rows are read by their place in the file and looked at where they were read, big-endian as they are: of 600 bytes a row a
selection needs some tens, and most of those only for the few rows that passed the cuts before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.survey.catalogue.datasum import DataSum

_MARGIN_BYTES: Final = 2**16
DOWNLOAD: Final = "download it again, or take it out of the folder"


@dataclass(frozen=True)
class SweepFile:
    """The table of a sweep file.

    Attributes
    ----------
    path : Path
    rows : int
    row_bytes : int
    data_at : int
        Byte of the file at which the table's rows begin.
    fields : mapping of str to (int, str)
        Of each column its first byte in a row and its numpy type, big-endian. Columns of arrays, and those that a file keeps in
        scaled form (DR8 a few of Gaia's), are left out.
    logical : frozenset of str
        Columns of truth values, which FITS keeps as the letters T and F.
    datasum : int or None
        Checksum of the rows as the header states it; None where it states none.
    """

    path: Path
    rows: int
    row_bytes: int
    data_at: int
    fields: Mapping[str, tuple[int, str]]
    logical: frozenset[str]
    datasum: int | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of the rows."""
        return self.rows * self.row_bytes

    def require(self, names: Sequence[str]) -> None:
        """Refuse a file without some of the columns that are needed.

        Raises
        ------
        ArcgateError
            Naming the columns that are missing.
        """
        missing = [name for name in names if name not in self.fields]
        if missing:
            older = {"SERSIC", "SHAPE_R"} & set(missing)
            raise ArcgateError(
                f"{self.path.name} has no column {', '.join(missing)}, which the selection or the catalogue needs",
                where=self.path,
                todo="take sweeps of DR9 or later: those before have SHAPEDEV_R and SHAPEEXP_R, and no size of the PSF"
                if older
                else "take the cuts of that column out of the selection, ask for bands that the files have, or take other sweeps",
            )

    def pieces(self, names: Sequence[str], count: int) -> Iterator[NDArray[np.void]]:
        """Rows with some of the columns, in the order of the file, so many at a time.

        A piece lies in memory that the next one overwrites.

        Raises
        ------
        ArcgateError
            The file ends early, cannot be read, or its rows, once all are read, have another checksum than the header states.
        """
        dtype, found = self._dtype(names), DataSum()
        memory = bytearray(min(count, self.rows) * self.row_bytes)
        try:
            with self.path.open("rb", buffering=0) as stream:
                stream.seek(self.data_at)
                for first in range(0, self.rows, count):
                    held = memoryview(memory)[: min(count, self.rows - first) * self.row_bytes]
                    _fill(stream, held, self.path)
                    if self.datasum is not None:
                        found.add(held)
                    yield np.frombuffer(held, dtype=dtype)
        except OSError as error:
            raise ArcgateError(
                f"{self.path.name} cannot be read: {error.strerror or error}", where=self.path, todo=DOWNLOAD
            ) from error
        if self.datasum is not None and found.value != self.datasum:
            raise ArcgateError(
                f"{self.path.name} is damaged: the checksum of its rows is {found.value}, its header states "
                f"{self.datasum} (DATASUM)",
                where=self.path,
                todo=DOWNLOAD,
            )

    def _dtype(self, names: Sequence[str]) -> np.dtype[np.void]:
        chosen = [self.fields[name] for name in names]
        return np.dtype(
            {
                "names": list(names),
                "formats": [kind for _, kind in chosen],
                "offsets": [offset for offset, _ in chosen],
                "itemsize": self.row_bytes,
            }
        )

    def fingerprint(self) -> str:
        """SHA-256 of the file's size, its headers and the ends of its rows: tells files apart without reading terabytes.

        A survey's own headers hold checksums of the rows, so that files of one size with other content differ as well, unless one
        is damaged: that is found when its rows are read, and nothing is kept of it.
        """
        digest = hashlib.sha256(f"{self.path.name} {self.path.stat().st_size} ".encode())
        with self.path.open("rb") as stream:
            digest.update(stream.read(self.data_at + _MARGIN_BYTES))
            stream.seek(max(self.data_at, self.data_at + self.size_bytes - _MARGIN_BYTES))
            digest.update(stream.read(_MARGIN_BYTES))
        return digest.hexdigest()


def _fill(stream: Any, held: memoryview, path: Path) -> None:
    """Read until the memory is full: a single read may bring less."""
    done = 0
    while done < len(held):
        got = stream.readinto(held[done:])
        if not got:
            raise ArcgateError(f"{path.name} ends early, while it was read", where=path, todo=DOWNLOAD)
        done += got
