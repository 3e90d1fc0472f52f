"""A sweep with the file of further columns that goes with it row by row, such as `10.1-extra`, which alone has NGOOD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.survey.catalogue.sweep_file import SweepFile

KEY: Final = ("RELEASE", "BRICKID", "OBJID")
"""What names an object."""
_PIECE_BYTES: Final = 2**24


@dataclass(frozen=True)
class MatchedSweep:
    """What is read together.

    Attributes
    ----------
    sweep : SweepFile
    extra : SweepFile or None
        Further columns of the same rows; those that the sweep has too are not taken from it.
    """

    sweep: SweepFile
    extra: SweepFile | None = None

    @property
    def fields(self) -> Mapping[str, object]:
        """Columns of both."""
        return self.sweep.fields if self.extra is None else {**self.extra.fields, **self.sweep.fields}

    @property
    def logical(self) -> frozenset[str]:
        """Columns of truth values."""
        return self.sweep.logical if self.extra is None else self.sweep.logical | self.extra.logical

    @property
    def size_bytes(self) -> int:
        """Bytes of the rows of both."""
        return self.sweep.size_bytes + (0 if self.extra is None else self.extra.size_bytes)

    def fingerprint(self) -> str:
        """Of both files (see `SweepFile.fingerprint`)."""
        return " ".join(one.fingerprint() for one in (self.sweep, self.extra) if one is not None)

    def pieces(self, names: Sequence[str]) -> Iterator[dict[str, NDArray[np.generic]]]:
        """Columns of rows in the order of the file, as far as there are such columns; at most 16 MiB of rows at a time.

        Columns lie in memory that the next piece overwrites.

        Raises
        ------
        ArcgateError
            A file ends early or cannot be read, or a row of the two is not of one object.
        """
        count = max(1, _PIECE_BYTES // self.sweep.row_bytes)
        own = [name for name in names if name in self.sweep.fields]
        if self.extra is None:
            for piece in self.sweep.pieces(own, count):
                yield {name: piece[name] for name in own}
            return
        further = [name for name in names if name in self.extra.fields and name not in self.sweep.fields]
        pairs = zip(self.sweep.pieces(list({*own, *KEY}), count), self.extra.pieces(list({*further, *KEY}), count), strict=True)
        for piece, more in pairs:
            self._require_same(piece, more)
            yield {name: piece[name] for name in own} | {name: more[name] for name in further}

    def require_rows(self) -> None:
        """Refuse two files with different numbers of rows, or an extra file without the names of objects."""
        assert self.extra is not None
        self.extra.require(KEY)
        if self.extra.rows != self.sweep.rows:
            raise self._unlike(f"it has {self.extra.rows:,} rows, and {self.sweep.path.name} has {self.sweep.rows:,}")

    def _require_same(self, piece: NDArray[np.void], more: NDArray[np.void]) -> None:
        wrong = np.zeros(len(piece), dtype=bool)
        for name in KEY:
            wrong |= piece[name] != more[name]
        if wrong.any():
            raise self._unlike(f"{int(wrong.sum()):,} rows are of other objects than those of {self.sweep.path.name}")

    def _unlike(self, how: str) -> ArcgateError:
        assert self.extra is not None
        return ArcgateError(
            f"{self.extra.path.name} does not go with its sweep row by row: {how}",
            where=self.extra.path,
            todo="take the files of one version, or leave extra_versions out",
        )
