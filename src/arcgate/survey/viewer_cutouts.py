"""Folders of the viewer's cutouts: files of one kind and of one layer, and where their galaxies are.

The viewer resamples unless it is asked for a sub-image, and where one layer ends it delivers another without a word. Native and
resampled stamps in one set would be told apart by their noise, and so would two layers: folders that mix are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.ground.progress import say, step
from arcgate.hosts_node import CutoutHosts
from arcgate.imaging import Imaging
from arcgate.survey.cutout_file import Kind, Position, kind_of, read_native, read_resampled
from arcgate.survey.from_files import files_digest
from arcgate.survey.legacy.brick_files import of_ends
from arcgate.survey.pack_catalogue import catalogue_path, read_table
from arcgate.survey.stamp_reading import Found, Raw

CUTOUTS: Final = ("arcgate.survey.viewer_cutouts", "arcgate.survey.host_files")
# Files in such folders that are no cutouts.
_OTHERS: Final = ("copsf", "catalogue.")
_IN_NAME: Final = re.compile(r"_(\d{1,3}(?:\.\d+)?)_([+-]?\d{1,2}(?:\.\d+)?)$")
_AT_ONCE: Final = 50


@dataclass(frozen=True)
class CutoutReader:
    """Such a folder.

    Attributes
    ----------
    hosts : CutoutHosts
    imaging : Imaging
    files : tuple of (Path, Position)
        A file a galaxy.
    kind : Kind
        Of all of them.
    """

    hosts: CutoutHosts
    imaging: Imaging
    files: tuple[tuple[Path, Position], ...]
    kind: Kind

    @classmethod
    def open(cls, hosts: CutoutHosts, imaging: Imaging) -> CutoutReader:
        """Look at all headers.

        Raises
        ------
        ArcgateError
            There is no cutout, or no position; the files are of several kinds or layers, of another layer than the
            configuration's, or resampled without leave.
        """
        folder = Path(hosts.path)
        paths = sorted(path for path in folder.glob("*.fits*") if not path.name.startswith(_OTHERS))
        if not paths:
            raise ArcgateError(
                "no FITS cutout is there", where=folder, todo="set data.hosts.path to a folder with a file a galaxy"
            )
        files = _positions(folder, paths)
        kinds = {}
        with step(f"looking at {len(files):,} cutouts", len(files)) as advance:
            for path, _ in files:
                kinds[path] = kind_of(path)
                advance(1)
        return cls(hosts, imaging.in_nanomaggies, files, _one_kind(kinds, hosts))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the specification, what the files are and where their galaxies, and the code."""
        files = [[path.name, path.stat().st_size, of_ends(path), *as_plain(at).values()] for path, at in self.files]
        return files_digest(self.hosts, self.imaging, {"files": files}, CUTOUTS)

    @property
    def stretches(self) -> list[int]:
        """Some files each."""
        return [min(_AT_ONCE, len(self.files) - begin) for begin in range(0, len(self.files), _AT_ONCE)]

    def read(self, stretch: int, rows: Sequence[int]) -> Iterator[Found]:
        """Galaxies, file by file."""
        read = read_native if self.kind.pixels == "native" else read_resampled
        for row in rows:
            path, at = self.files[stretch * _AT_ONCE + row]
            found = read(path, self.imaging, at)
            if isinstance(found, Raw) and self.hosts.kernels is None:
                found.declared.update({f"psfsize_{band}": self.hosts.psfsize_arcsec[band] for band in self.imaging.bands})
            yield found

    def describe(self) -> str:
        """What it is, and of which pixels."""
        words = "native pixels" if self.kind.pixels == "native" else "pixels that the viewer RESAMPLED, noise and all"
        return f"the viewer's cutouts, {self.kind.survey} {self.kind.version}, {words}"


def _positions(folder: Path, paths: Sequence[Path]) -> tuple[tuple[Path, Position], ...]:
    """From a catalogue beside the files; else from their names, which say for which place a cutout was asked."""
    beside = catalogue_path(folder)
    if beside is None:
        found = []
        for path in paths:
            match = _IN_NAME.search(path.name.split(".fits")[0])
            if match is None:
                raise ArcgateError(
                    f"{path.name} does not say where its galaxy is",
                    where=folder,
                    todo="call files <name>_<ra>_<dec>.fits, or put a catalogue.csv with file, ra, dec beside them",
                )
            found.append((path, Position(float(match.group(1)), float(match.group(2)), False)))
        return tuple(found)
    table = read_table(beside)
    key = next((name for name in ("file", "name") if name in table), None)
    if key is None or not {"ra", "dec"} <= set(table):
        raise ArcgateError(
            f"the catalogue has the columns {', '.join(map(str, table))}; sought are file (or name), ra, dec",
            where=beside,
            todo="add what is missing",
        )
    places = table.assign(ra=pd.to_numeric(table["ra"], errors="coerce"), dec=pd.to_numeric(table["dec"], errors="coerce"))
    stems = [Path(str(name)).name.split(".fits")[0] for name in places[key]]
    row_of = {stem: row for row, stem in enumerate(stems)}
    if len(row_of) < len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise ArcgateError(
            f"the catalogue has {stems.count(twice)} rows for {twice}", where=beside, todo="leave one row for each cutout"
        )
    cut = {path.name.split(".fits")[0] for path in paths}
    if absent := [stem for stem in stems if stem not in cut]:
        say(f"{len(absent)} of {len(stems)} rows of {beside.name} have no cutout beside them, such as {absent[0]}")
    unknown = [path.name for path in paths if path.name.split(".fits")[0] not in row_of]
    if unknown:
        raise ArcgateError(
            f"{len(unknown)} cutouts are not in the catalogue, such as {unknown[0]}",
            where=beside,
            todo="add them, or take them away",
        )
    ra, dec = (places[name].to_numpy(np.float64) for name in ("ra", "dec"))
    rows = [row_of[path.name.split(".fits")[0]] for path in paths]
    return tuple((path, Position(float(ra[row]), float(dec[row]), True)) for path, row in zip(paths, rows, strict=True))


def _one_kind(kinds: dict[Path, Kind], hosts: CutoutHosts) -> Kind:
    pixels, layers = (
        Counter(kind.pixels for kind in kinds.values()),
        Counter((kind.survey, kind.version) for kind in kinds.values()),
    )
    if len(pixels) > 1:
        odd = next(path for path, kind in kinds.items() if kind.pixels == "resampled")
        raise ArcgateError(
            f"{pixels['native']} cutouts hold native pixels and {pixels['resampled']} resampled ones, such as {odd.name}: "
            "their noise tells them apart",
            where=hosts.path,
            todo="download the resampled ones again with &subimage, or take them away",
        )
    if hosts.layer is not None:
        sought = (hosts.layer.survey, hosts.layer.version)
        others = [path for path, kind in kinds.items() if (kind.survey, kind.version) != sought]
        if others:
            kind = kinds[others[0]]
            raise ArcgateError(
                f"{len(others)} of {len(kinds)} cutouts are of another layer than {' '.join(sought)}, such as {others[0].name}: "
                f"{kind.survey} {kind.version}",
                where=f"{hosts.path}; data.hosts.layer",
                todo="the viewer delivers another layer where the one that was asked for ends (ls-dr10 above Dec 32.375): "
                "take these files away",
            )
    if len(layers) > 1:
        raise ArcgateError(
            "the cutouts are of several layers: " + ", ".join(f"{' '.join(layer)} ({count})" for layer, count in layers.items()),
            where=hosts.path,
            todo="the viewer delivers another layer where the one that was asked for ends: keep one of them",
        )
    kind = next(iter(kinds.values()))
    if kind.pixels == "resampled" and hosts.resampled == "refuse":
        raise ArcgateError(
            f"all {len(kinds)} cutouts were resampled by the viewer, which smooths noise and light alike",
            where=hosts.path,
            todo="download them again with &subimage; or, if that will do, data.hosts.resampled=accept",
        )
    return kind
