"""The files that a parents catalogue is made from: found, looked at once before any work, and told apart by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from arcgate.ground.code_version import code_version
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.ground.progress import step
from arcgate.survey.catalogue.lens_list import read_lens_list
from arcgate.survey.catalogue.matched import MatchedSweep
from arcgate.survey.catalogue.spec import ParentsSpec
from arcgate.survey.catalogue.sweep_headers import open_sweep
from arcgate.survey.legacy.layout import Footprint, SurveyFolder

# The modules that compute one sweep's part, and a catalogue from all of them; with them count all that they import.
PART: Final = ("arcgate.survey.catalogue.part", "arcgate.survey.catalogue.sweep_headers")
CATALOGUE: Final = ("arcgate.survey.catalogue.merging",)


@dataclass(frozen=True)
class Input:
    """A sweep that is read.

    Attributes
    ----------
    sweep : MatchedSweep
    footprint : {'south', 'north'}
    fingerprint : str
        See `MatchedSweep.fingerprint`.
    """

    sweep: MatchedSweep
    footprint: Footprint
    fingerprint: str


@dataclass(frozen=True)
class Inputs:
    """All that a catalogue follows from.

    Attributes
    ----------
    sweeps : tuple of Input
        By footprint and name.
    lenses : dict of str to str
        Paths of the lists of known lenses, in order, and SHA-256 of their bytes.
    selected_by : str
        Digest of what decides on a row, and of how it is written: selection, bands, lists, code.
    """

    sweeps: tuple[Input, ...]
    lenses: dict[str, str]
    selected_by: str

    def part_key(self, one: Input) -> str:
        """What one sweep's part follows from; the other sweeps are no part of it."""
        return digest_of({"by": self.selected_by, "footprint": one.footprint, "sweep": one.fingerprint})

    def digest(self, spec: ParentsSpec) -> str:
        """Name of the catalogue's folder; the order of files and the place where they lie are no part of it."""
        parts = sorted(map(self.part_key, self.sweeps))
        return digest_of({"parts": parts, "twins": spec.twin_radius_arcsec, "code": code_version(CATALOGUE)})


def look_at(spec: ParentsSpec) -> Inputs:
    """Find the sweeps and lists of a specification and look at their headers.

    Raises
    ------
    ArcgateError
        There are no sweeps, some cannot be used (how many, and why the first), or a list of lenses cannot be read.
    """
    lenses = {path: _bytes_digest(Path(path)) for path in spec.known_lenses}
    paths = [
        (footprint, path) for footprint, version in sorted(spec.versions.items()) for path in _sweeps(spec, footprint, version)
    ]
    found: list[Input] = []
    wrong: list[ArcgateError] = []
    with step("looking at sweeps", len(paths)) as advance:
        for footprint, path in paths:
            try:
                sweep = _opened(spec, footprint, path)
                found.append(Input(sweep, footprint, sweep.fingerprint()))
            except ArcgateError as error:
                wrong.append(error)
            advance(1)
    if wrong:
        raise _together(wrong, len(paths))
    selection = as_plain(spec.selection)
    decides = {
        "selection": selection | {"cuts": list(selection["cuts"].items())},
        "bands": spec.bands,
        "lenses": [list(lenses.values()), spec.lens_radius_arcsec if lenses else None],
        "code": code_version(PART),
    }
    return Inputs(tuple(found), lenses, digest_of(decides))


def _opened(spec: ParentsSpec, footprint: Footprint, path: Path) -> MatchedSweep:
    sweep = open_sweep(path)
    sweep.require(spec.wanted.needs())
    if footprint not in spec.extra_versions:
        return MatchedSweep(sweep)
    beside = SurveyFolder(Path(spec.root), footprint).sweeps(spec.extra_versions[footprint]) / f"{path.stem}-ex.fits"
    if not beside.is_file():
        raise ArcgateError(
            f"{path.name} has no file of further columns, sought is {beside.name}",
            where=beside.parent,
            todo="copy it there, or leave extra_versions out",
        )
    matched = MatchedSweep(sweep, open_sweep(beside))
    matched.require_rows()
    return matched


def _sweeps(spec: ParentsSpec, footprint: Footprint, version: str) -> list[Path]:
    folder = SurveyFolder(Path(spec.root), footprint).sweeps(version)
    found = sorted(folder.glob("sweep-*.fits")) if folder.is_dir() else []
    if not found:
        packed = any(folder.glob("sweep-*.fits.*")) if folder.is_dir() else False
        what = f"no folder {footprint}/sweep/{version}" if not folder.is_dir() else "no file sweep-*.fits"
        raise ArcgateError(
            f"there is {what}, sought are sweeps of the {footprint}ern survey, version {version}",
            where=folder,
            todo="unpack its files first" if packed else f"correct root, or the version (versions.{footprint}={version})",
        )
    return found


def _bytes_digest(path: Path) -> str:
    read_lens_list(path)  # a list that cannot be used is told before any work
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _together(wrong: Sequence[ArcgateError], count: int) -> ArcgateError:
    first = wrong[0]
    if len(wrong) == 1:
        return first
    return ArcgateError(
        f"{len(wrong)} of {count} sweeps cannot be used. The first: {first.what}", where=first.where, todo=first.todo
    )
