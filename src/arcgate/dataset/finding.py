"""Finished data sets by what is printed of them: a digest, its beginning, or the word `latest`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from arcgate.dataset import reader
from arcgate.dataset.card import CARD, read_card
from arcgate.dataset.describing import in_short, made_on
from arcgate.ground.errors import ArcgateError

LATEST: Final = "latest"
SHORTEST: Final = 6
"""Characters of a digest that are needed."""
SHOWN: Final = 12
"""Characters of a digest that are printed."""
_DIGEST: Final = re.compile(r"[0-9a-f]{1,64}\*?")
_LISTED: Final = 4


@dataclass(frozen=True)
class _Kept:
    """A data set's folder, which is named by its spec digest, and its card; None where this version reads none there."""

    folder: Path
    card: dict[str, Any] | None

    @property
    def names(self) -> tuple[str, ...]:
        """Digests that it is known by."""
        return (self.folder.name,) if self.card is None else (self.folder.name, str(self.card["data_digest"]))

    @property
    def finished(self) -> int:
        """When its card was written; 0 for one that is not finished."""
        return 0 if self.card is None else (self.folder / CARD).stat().st_mtime_ns

    @property
    def in_words(self) -> str:
        """A line about it, with the digest to type."""
        if self.card is None:
            return f"{self.folder.name[:SHOWN]}  not finished, or of another version of arcgate"
        return f"{self.names[-1][:SHOWN]}  {made_on(self.folder)}  {in_short(self.card)}"

    def shares(self, beginning: str) -> int:
        """How many characters it has in common with the beginning of a digest."""
        pairs = (zip(beginning, name, strict=False) for name in self.names)
        return max(len(list(takewhile(lambda pair: pair[0] == pair[1], both))) for both in pairs)


def find_set(named: str | Path, data_dir: str | Path) -> Path:
    """Give the place that a data set was named by.

    Parameters
    ----------
    named : str or Path
        A path, which is taken if it exists. Else the beginning, at least 6 characters, of a data digest or of a folder's name in
        `<data_dir>/sets`, with or without the asterisk with which it is printed; a printed path that ends in such a name; or
        `latest`, the set that was finished last, other than a test set alone.
    data_dir : str or Path
        Folder of artifacts.

    Returns
    -------
    Path
        What else was named is returned as it is: whoever opens it says what is missing.

    Raises
    ------
    ArcgateError
        No data set has such a digest, or several have; those that are closest are listed.
    """
    place = Path(named)
    if place.exists() or (place.name != LATEST and not _DIGEST.fullmatch(place.name)):
        return place
    sets = place.parent if len(place.parts) > 1 else Path(data_dir) / "sets"
    if not sets.is_dir():
        if len(place.parts) > 1:
            return place
        raise ArcgateError(f"no data set {place.name}: there are none yet", where=sets, todo="build one, or give its folder")
    kept = sorted(_kept_in(sets), key=lambda one: one.finished, reverse=True)
    return (_latest(kept, sets) if place.name == LATEST else _beginning_with(place.name.rstrip("*"), kept, sets)).folder


def open_dataset(path: str | Path, data_dir: str | Path = "data") -> reader.Dataset:
    """Open a finished data set by its folder, by a digest as it is printed, or as `latest`.

    Parameters
    ----------
    path : str or Path
        Its folder; or the beginning of its data digest or folder's name (6 characters or more); or `latest`.
    data_dir : str or Path
        Folder of artifacts, in which digests are sought.

    Returns
    -------
    Dataset

    Raises
    ------
    ArcgateError
        As `find_set`; or the folder holds no finished data set, one of another version of arcgate, or a shard that is missing or
        cut short.
    """
    return reader.open_dataset(find_set(path, data_dir))


def _kept_in(sets: Path) -> list[_Kept]:
    return [_Kept(folder, _card(folder)) for folder in sets.iterdir() if folder.is_dir()]


def _card(folder: Path) -> dict[str, Any] | None:
    """None where none can be read: whoever opens the folder says why."""
    try:
        return read_card(folder)
    except ArcgateError:
        return None


def _latest(kept: Sequence[_Kept], sets: Path) -> _Kept:
    """Of sets with the newest first; every run also builds a common test set, which nobody means."""
    finished = [one for one in kept if one.card is not None]
    whole = [one for one in finished if one.card is not None and one.card["data"].get("only_split") is None]
    if not finished:
        raise ArcgateError("no data set is finished here", where=sets, todo="build one, or give its folder")
    return [*whole, *finished][0]


def _beginning_with(beginning: str, kept: Sequence[_Kept], sets: Path) -> _Kept:
    found = [one for one in kept if any(name.startswith(beginning) for name in one.names)]
    if len(beginning) >= SHORTEST and len(found) == 1:
        return found[0]
    if len(beginning) < SHORTEST:
        what = f"{beginning} is too short: {SHORTEST} characters of a digest are needed"
    elif found:
        what = f"{len(found)} data sets have a digest that begins with {beginning}"
    else:
        what = f"no data set has a digest that begins with {beginning}"
    near = found or sorted(kept, key=lambda one: one.shares(beginning), reverse=True)
    lines = [f"\n  {one.in_words}" for one in near[:_LISTED]]
    more = f"\n  and {len(near) - _LISTED} more" if len(near) > _LISTED else ""
    listed = f"; {'these are' if found else 'there are'}{''.join(lines)}{more}" if near else "; there are none"
    raise ArcgateError(f"{what}{listed}", where=sets, todo="give more characters of one of these digests, or a folder")
