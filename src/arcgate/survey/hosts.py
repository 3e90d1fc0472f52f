"""The hosts artifact: galaxies that a manifest asks for, cut out place by place, measured, and kept for all variants.

`<data_dir>/hosts/<digest of the parents>` holds a file for each place and set of galaxies that were asked for together. What
another variant asks for later comes in files of its own; no galaxy is cut out twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.ground.atomic import remove_leftovers
from arcgate.ground.counting import count_of
from arcgate.ground.locks import locked
from arcgate.ground.progress import step
from arcgate.imaging import Imaging
from arcgate.survey.columns import compared_columns, measured_columns
from arcgate.survey.host_files import read_hosts, read_images, write_hosts
from arcgate.survey.parents import artifacts
from arcgate.survey.places import MAY_BE_REPAIRED, Parents, Place, Unusable, counted, told

if TYPE_CHECKING:
    from arcgate.ground.engine import Engine

_PATTERN: Final = "place-*.parquet"
_USED: Final = "used"


@dataclass(frozen=True, eq=False)
class HostRows:
    """Where some galaxies lie, row by row: all that a worker needs to read them.

    Attributes
    ----------
    folder : Path
    imaging : Imaging
    files : tuple of str
        Names of files.
    file, row : ndarray of int, shape (n,)
        Number of each galaxy's file in `files`, and its row in it.
    """

    folder: Path
    imaging: Imaging
    files: tuple[str, ...]
    file: NDArray[np.int64]
    row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    def read(self) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Measured columns (`arcgate.survey.columns.measured_columns`), and pixels, float32 (n, band, y, x)."""
        images = np.empty((len(self), *self.imaging.shape), dtype=np.float32)
        parts = []
        for number in np.unique(self.file):
            here, path = np.flatnonzero(self.file == number), self.folder / self.files[number]
            different, which = np.unique(self.row[here], return_inverse=True)
            images[here] = read_images(path, different, self.imaging)[which]
            parts.append(read_hosts(path, self.imaging).iloc[self.row[here]].set_axis(here))
        columns = measured_columns(self.imaging)
        return pd.concat(parts).sort_index()[list(columns)].astype(columns), images


@dataclass(frozen=True, eq=False)
class Hosts:
    """Galaxies that were asked for.

    Attributes
    ----------
    folder : Path
    imaging : Imaging
    table : pandas.DataFrame
        By catalogue row: `host_id`, measured columns, `reason` and `found` of those that cannot be used, `row_digest`, and `file`
        and `row` where they lie.
    """

    folder: Path
    imaging: Imaging
    table: pd.DataFrame

    @property
    def unusable(self) -> NDArray[np.int64]:
        """Catalogue rows of galaxies that cannot be used."""
        return self.table.index[self.table["reason"].notna()].to_numpy(np.int64)

    @property
    def left_out(self) -> dict[str, int]:
        """How many cannot be used, by reason."""
        return counted(self._lost())

    def told(self) -> list[str]:
        """A sentence for each reason for which galaxies cannot be used."""
        return told(self._lost())

    def noise(self) -> list[str]:
        """A sentence on the sky's noise against what the survey's inverse variances say; none where it states none."""
        medians = self.table[list(compared_columns(self.imaging))].median()
        if medians.isna().all():
            return []
        words = [
            f"{medians[f'pixels_over_ivar_{band}']:.2f} and {medians[f'apertures_over_ivar_{band}']:.2f} in {band}"
            for band in self.imaging.bands
        ]
        return [f"sky noise of pixels and of empty apertures over what invvar says, medians: {', '.join(words)}"]

    def digest(self, rows: NDArray[np.int64]) -> str:
        """SHA-256 over names, measured columns and pixels of galaxies, in the order of their catalogue rows."""
        digests = self.table["row_digest"].loc[np.unique(rows)]
        return hashlib.sha256(b"".join(digests)).hexdigest()

    def of(self, rows: NDArray[np.int64]) -> HostRows:
        """References to galaxies by catalogue row, in this order; rows may be repeated."""
        places = self.table.loc[rows]
        files, numbers = np.unique(places["file"].to_numpy(dtype=np.str_), return_inverse=True)
        return HostRows(
            self.folder, self.imaging, tuple(map(str, files)), numbers.astype(np.int64), places["row"].to_numpy(np.int64)
        )

    def cutouts(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Native pixels of galaxies by catalogue row, float32 (n, band, y, x), nanomaggies per pixel."""
        return self.of(rows).read()[1]

    def _lost(self) -> list[tuple[str, Unusable]]:
        lost = self.table[self.table["reason"].notna()]
        texts = (lost[name].astype("str").tolist() for name in ("host_id", "reason", "found"))
        return [(name, Unusable(reason, found)) for name, reason, found in zip(*texts, strict=True)]


def cut_out(parents: Parents, rows: NDArray[np.int64], *, data_dir: Path, engine: Engine) -> Hosts:
    """Cut out and measure galaxies, as far as that was not done before.

    Of two processes that want galaxies of the same parents, one works and the other waits, and then finds them.

    Parameters
    ----------
    parents : Parents
    rows : ndarray of int
        Catalogue rows; repeated ones count once.
    data_dir : Path
        Folder of artifacts.
    engine : Engine
        Who cuts them out; no result depends on it.

    Returns
    -------
    Hosts
        Of these galaxies alone, those that cannot be used included.

    Raises
    ------
    ArcgateError
        A worker process ended, or a file that was kept cannot be read. What is finished is kept.
    """
    folder, wanted = artifacts(data_dir, parents.digest), np.unique(rows)
    names = parents.catalogue["host_id"].to_numpy()[wanted]
    kept = _kept(folder, parents.imaging)
    if not set(names) <= set(kept.index):
        with locked(folder):
            remove_leftovers(folder)
            kept = _kept(folder, parents.imaging)
            missing = wanted[~pd.Index(names).isin(kept.index)]
            if len(missing):
                _work(parents, missing, folder, engine)
                kept = _kept(folder, parents.imaging)
    # `arcgate clean` leaves alone what was used a short time ago.
    (folder / _USED).touch()
    return Hosts(folder, parents.imaging, kept.loc[names].reset_index().set_axis(wanted))


def try_again(parents: Parents, *, data_dir: Path, engine: Engine) -> None:
    """Cut out again what was left out for a file that may have been repaired since; arguments and errors as of `cut_out`.

    It is for the beginning of a data set: while one is made, a galaxy that cannot be used stays one.
    """
    folder = artifacts(data_dir, parents.digest)
    # Without the lock, which makes the folder.
    if not any(folder.glob(_PATTERN)):
        return
    with locked(folder):
        kept = _kept(folder, parents.imaging)
        lost = kept.index[kept["reason"].isin(MAY_BE_REPAIRED)]
        rows = np.flatnonzero(parents.catalogue["host_id"].isin(lost)).astype(np.int64)
        if len(rows):
            _work(parents, rows, folder, engine)


def count_kept(folder: Path) -> int:
    """How many galaxies lie in a folder of artifacts, usable or not."""
    names = (pq.read_table(path, columns=["host_id"])["host_id"].to_pylist() for path in folder.glob(_PATTERN))
    return len(set().union(*names))


@dataclass(frozen=True, eq=False)
class _Task:
    """A place, the names of its galaxies, and the file to write."""

    path: Path
    host_ids: tuple[str, ...]
    place: Place
    imaging: Imaging


def _work(parents: Parents, rows: NDArray[np.int64], folder: Path, engine: Engine) -> None:
    tasks = list(_tasks(parents, rows, folder))
    with step(f"cutting out {count_of(len(rows), 'galaxy')}", len(rows)) as advance:
        if engine.spreads(len(tasks)):
            parents.warm_up()
        for number, _ in engine.completed(_cut, tasks, folder):
            advance(len(tasks[number].host_ids))


def _tasks(parents: Parents, rows: NDArray[np.int64], folder: Path) -> Iterator[_Task]:
    places, names = parents.places[rows], parents.catalogue["host_id"].to_numpy()
    for number in np.unique(places):
        here = rows[places == number]
        host_ids = tuple(str(name) for name in names[here])
        which = hashlib.sha256("\n".join(host_ids).encode()).hexdigest()[:12]
        yield _Task(folder / f"place-{number:05d}-{which}.parquet", host_ids, parents.place(here), parents.imaging)


def _cut(task: _Task) -> None:
    write_hosts(task.path, task.host_ids, task.place.cut(), task.imaging)


def _kept(folder: Path, imaging: Imaging) -> pd.DataFrame:
    """What lies in the folder, by name of the galaxy."""
    parts = [
        read_hosts(path, imaging).assign(file=path.name, row=lambda table: np.arange(len(table)))
        for path in sorted(folder.glob(_PATTERN))
    ]
    if not parts:
        return pd.DataFrame({"host_id": pd.Series(dtype="str")}).set_index("host_id")
    # All parts have the same columns; a part without an unusable galaxy has no type of text where others have.
    together = pd.concat([part.astype({"reason": "object", "found": "object"}) for part in parts], ignore_index=True)
    # Of a galaxy that was tried again, the later row counts: the first may be left out for a file that has been repaired.
    together = together.sort_values("reason", key=lambda reasons: reasons.isin(MAY_BE_REPAIRED), kind="stable")
    return together.drop_duplicates("host_id").set_index("host_id")
