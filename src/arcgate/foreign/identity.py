"""The first step with other people's rows: which galaxy each shows, in which split it is, and which rows form a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import SPLITS
from arcgate.foreign.exact_names import Place, exact_names, require_one_form
from arcgate.foreign.positions import SAME_PLACE_ARCSEC, same_place, sky_positions
from arcgate.ground.errors import ArcgateError
from arcgate.survey.positions import DEC_NAMES, RA_NAMES

# Names that tell a galaxy by themselves, the surest first.
HOST_NAMES: Final = ("host_id", "galaxy_id", "object_id", "objectid", "targetid", "target_id", "ls_id", "coadd_object_id")
# Tells a galaxy within its brick and release only; `id` may as well number rows.
OBJID: Final = "objid"
ROW_OR_GALAXY: Final = "id"
BRICK_NAMES: Final = ("brickname", "brickid", "brick")
RELEASE: Final = "release"
SPLIT_NAMES: Final = ("split", "region_split")
PAIR: Final = "pair_id"
SPLIT_WORDS: Final = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
# Objects of a brick are numbered from 0; ids of whole surveys are larger.
_COUNTER: Final = 2**31
_NAME_ROWS: Final = "name the galaxy of each row: statistics and splits count galaxies, not stamps"


@dataclass(frozen=True, eq=False)
class Identity:
    """What rows are called.

    Attributes
    ----------
    table : DataFrame of n rows
        host_id; split, pair_id and provenance where they are recorded.
    by : {'name', 'position', 'row'}
        What tells galaxies apart; row: nothing does, each row counts as a galaxy of its own.
    by_columns : tuple of str
        The columns that do.
    in_one_place : bool
        Positions are recorded, and each galaxy has one.
    used : frozenset of str
        Columns that were read for this, and for splits and pairs.
    notes : tuple of str
    """

    table: pd.DataFrame
    by: Literal["name", "position", "row"]
    by_columns: tuple[str, ...]
    in_one_place: bool
    used: frozenset[str]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Galaxies:
    names: pd.Series
    by: Literal["name", "position", "row"]
    used: tuple[str, ...]
    notes: tuple[str, ...]
    in_one_place: bool = False


def identify(raw: pd.DataFrame, place: Place, host_names: Sequence[str] = HOST_NAMES) -> Identity:
    """Galaxy, split, pair and brick of each row, from columns as recorded.

    Parameters
    ----------
    raw : DataFrame of n rows
        Columns by their names in lower case, values of any dtype; nothing that was a whole number is a float.
    place : callable
        File and row of a row, for messages.
    host_names : sequence of str
        Columns that tell a galaxy by themselves, the surest first. One that never repeats gives way to one that does.

    Returns
    -------
    Identity

    Raises
    ------
    ArcgateError
        For names that are empty, cannot be read, went through floats, or are one number in two forms; for an `objid` that
        repeats without its brick; for a split of another name.
    """
    galaxies = _galaxies(raw, place, host_names)
    out = {"host_id": galaxies.names}
    used, notes = [*galaxies.used], [*galaxies.notes]
    brick = _first_of(raw, BRICK_NAMES)
    if brick is not None:
        out["provenance"] = "brick " + exact_names(raw[brick], brick, place, None).fillna("unknown")
        used.append(brick)
    if PAIR in raw:
        out[PAIR] = exact_names(raw[PAIR], PAIR, place, None)
        used.append(PAIR)
    split = _first_of(raw, SPLIT_NAMES)
    if split is not None:
        out["split"] = split_words(raw[split], split, place)
        used.append(split)
    table = pd.DataFrame(out, index=raw.index).reset_index(drop=True)
    return Identity(table, galaxies.by, galaxies.used, galaxies.in_one_place, frozenset(used), tuple(notes))


def same_everywhere(raw: pd.DataFrame) -> str | None:
    """The position of all rows, in words, where several have one and the same; None where they differ, or none is recorded."""
    names = [name for name in (_first_of(raw, RA_NAMES), _first_of(raw, DEC_NAMES)) if name is not None]
    if len(names) < 2 or len(raw) < 2 or not raw[names].astype(str).nunique().eq(1).all():
        return None
    return ", ".join(f"{name} {raw[name].iloc[0]}" for name in names)


def split_words(values: pd.Series, name: str, place: Place) -> pd.Series:
    """Splits by the schema's words.

    Raises
    ------
    ArcgateError
        For an empty value or another word.
    """
    todo = f"write one of {', '.join(SPLIT_WORDS)}"
    words = exact_names(values, name, place, todo)
    split = words.str.lower().map(SPLIT_WORDS)
    if (wrong := split.isna().to_numpy()).any():
        row = int(np.argmax(wrong))
        raise ArcgateError(
            f"{name} is {words.iloc[row]!r}; splits are {', '.join(SPLITS)}", where=f"{place(row)}, column {name}", todo=todo
        )
    return split


def _galaxies(raw: pd.DataFrame, place: Place, host_names: Sequence[str]) -> _Galaxies:
    """By a name, by objid within its brick, by position, by `id`; else each row is a galaxy of its own."""
    position, doubt = _by_position(raw, place)
    named = _by_name(raw, place, host_names, position)
    if named is None and doubt is not None:
        raise doubt
    if named is None:
        return position if position is not None else _by_row(raw)
    notes = [*named.notes]
    if position is not None:
        once, places = not named.names.duplicated().any(), pd.factorize(position.names)[0]
        if once and position.names.duplicated().any():
            note = (
                f"{' and '.join(named.used)} differs from row to row, although galaxies repeat by their position: it names rows"
            )
            return replace(position, notes=(note, *position.notes))
        notes += _contradictions(pd.factorize(named.names)[0], places, named.used)
    if same := named.names.nunique() - named.names.str.lower().nunique():
        column = " and ".join(named.used)
        notes.append(f"{same} names by {column} differ from others in case only, and count as other galaxies: are they the same?")
    one_place = position is not None and bool(position.names.groupby(named.names).nunique().eq(1).all())
    if len(named.names) > 1 and named.names.nunique() == 1:
        notes.append(f"{' and '.join(named.used)} is the same in every row: by it the set shows one galaxy")
    return replace(named, notes=tuple(notes), in_one_place=one_place)


def _by_name(raw: pd.DataFrame, place: Place, host_names: Sequence[str], position: _Galaxies | None) -> _Galaxies | None:
    found = [name for name in dict.fromkeys((*host_names, *HOST_NAMES)) if name in raw]
    if not found and OBJID in raw:
        return _by_objid(raw, place, position)
    if not found and position is None and ROW_OR_GALAXY in raw:
        found = [ROW_OR_GALAXY]
    if not found:
        return None
    host = found[0]
    names = _whole_names(raw[host], host, place)
    named = _Galaxies(names, "name", (host,), (f"galaxies are told apart by the column {host}",))
    rivals, notes = _rivals(raw, place, found[1:])
    if not names.duplicated().any():
        for rival in rivals:
            if _tells_galaxies(rival.names):
                other = " and ".join(rival.used)
                note = f"galaxies are told apart by {other}, which repeats, and not by {host}, which never does: that names rows"
                return replace(rival, notes=(note, *notes))
    notes += [note for rival in rivals for note in _several_names(named, rival)]
    return replace(named, notes=(*named.notes, *notes))


def _whole_names(values: pd.Series, name: str, place: Place) -> pd.Series:
    """Names of all rows, each in one form."""
    names = exact_names(values, name, place, _NAME_ROWS)
    require_one_form(names, name, place)
    return names


def _rivals(raw: pd.DataFrame, place: Place, columns: Sequence[str]) -> tuple[list[_Galaxies], list[str]]:
    """What other columns call the galaxies, the surest first; and which of them cannot be read, which is no error: one can."""
    rivals, notes = [], []
    for name in columns:
        try:
            names = exact_names(raw[name], name, place, None)
            require_one_form(names, name, place)
        except ArcgateError as error:
            notes.append(f"{name} may name galaxies too and cannot be compared: {error.what}")
        else:
            rivals.append(_Galaxies(names, "name", (name,), ()))
    if OBJID in raw and _first_of(raw, BRICK_NAMES) is not None:
        try:
            by_objid = _by_objid(raw, place, None)
        except ArcgateError as error:
            notes.append(f"{OBJID} may name galaxies too and cannot be compared: {error.what}")
        else:
            rivals += [] if by_objid is None else [by_objid]
    return rivals, notes


def _tells_galaxies(names: pd.Series) -> bool:
    """Whether names are there in every row, some again and not all the same; a negative number marks a galaxy without one."""
    again = names[names.duplicated()]
    return bool(names.notna().all() and len(again) and names.nunique() > 1 and not again.str.startswith("-").any())


def _several_names(named: _Galaxies, rival: _Galaxies) -> list[str]:
    """Say that a galaxy by another column goes by several names."""
    if not _tells_galaxies(rival.names):
        return []
    several = int((named.names.groupby(rival.names).nunique() > 1).sum())
    host, other = (" and ".join(names.used) for names in (named, rival))
    if not several:
        return []
    return [f"{several} galaxies by {other} have more than one {host}, which is taken: the same galaxy under several names?"]


def _by_objid(raw: pd.DataFrame, place: Place, position: _Galaxies | None) -> _Galaxies | None:
    """The column objid, which as a number starts again in every brick and release; None where positions must tell instead."""
    number = _whole_names(raw[OBJID], OBJID, place)
    alone = _Galaxies(number, "name", (OBJID,), (f"galaxies are told apart by the column {OBJID}",))
    if not number.duplicated().any() or not (pd.to_numeric(number, errors="coerce") < _COUNTER).all():
        return alone
    brick = _first_of(raw, BRICK_NAMES)
    if brick is not None:
        keys = [name for name in (RELEASE, brick) if name in raw]
        whole = number
        for name in reversed(keys):
            whole = (
                exact_names(raw[name], name, place, f"give {name} of each row: {OBJID} starts again in every one") + "-" + whole
            )
        used = (*keys, OBJID)
        return _Galaxies(whole, "name", used, (f"galaxies are told apart by {' and '.join(used)} together",))
    if position is not None:
        return None
    row = int(np.argmax(number.duplicated(keep=False)))
    raise ArcgateError(
        f"{OBJID} {number.iloc[row]} is that of {int((number == number.iloc[row]).sum())} rows, and no column names their brick: "
        "it starts again in every brick and release, so that different galaxies can share it",
        where=f"{place(row)}, column {OBJID}",
        todo=f"add brickname or brickid (and release); if {OBJID} is unique in itself, call it galaxy_id",
    )


def _by_position(raw: pd.DataFrame, place: Place) -> tuple[_Galaxies | None, ArcgateError | None]:
    """None without positions, or where all rows share one, which then is none; and what is wrong with positions that are."""
    names = _first_of(raw, RA_NAMES), _first_of(raw, DEC_NAMES)
    if names[0] is None or names[1] is None or len(raw) == 0:
        return None, None
    if same_everywhere(raw) is not None:
        return None, None
    try:
        ra, dec = sky_positions(raw[names[0]], raw[names[1]], place)
    except ArcgateError as error:
        # Where a name is there, positions with gaps are not needed; the caller decides.
        return None, error
    number = pd.Series(same_place(ra, dec), index=raw.index)
    note = f"galaxies are told apart by position ({names[0]}, {names[1]}): rows within {SAME_PLACE_ARCSEC} arcsec are one"
    return _Galaxies("position " + number.astype(str), "position", (names[0], names[1]), (note,), in_one_place=True), None


def _by_row(raw: pd.DataFrame) -> _Galaxies:
    names = pd.Series([f"row {row}" for row in range(len(raw))], index=raw.index, dtype=object)
    one_place = ""
    if (at := same_everywhere(raw)) is not None:
        one_place = f"every row has the position {at}, which tells no galaxies apart: was it filled in, or is it a field's? And "
    note = (
        f"{one_place}no column names the galaxy ({', '.join(HOST_NAMES)}; {OBJID} with brickname; ra and dec; {ROW_OR_GALAXY}): "
        "each row counts as a galaxy of its own. If galaxies repeat, intervals are too narrow, and whether a galaxy lies on two "
        "sides of a split is not judged"
    )
    return _Galaxies(names, "row", (), (note,))


def _contradictions(name: NDArray[np.int64], position: NDArray[np.int64], used: Sequence[str]) -> list[str]:
    """Say where names and positions disagree."""
    table = pd.DataFrame({"name": name, "position": position}).drop_duplicates()
    apart = int((table.groupby("name").size() > 1).sum())
    together = int((table.groupby("position").size() > 1).sum())
    column, notes = " and ".join(used), []
    if apart:
        notes.append(f"{apart} galaxies by {column} lie at more than one position: is the name unique?")
    if together:
        notes.append(f"{together} positions belong to more than one galaxy by {column}: the same galaxy under two names?")
    return notes


def _first_of(raw: pd.DataFrame, names: Sequence[str]) -> str | None:
    """The first of the names that is there."""
    return next((name for name in names if name in raw), None)
