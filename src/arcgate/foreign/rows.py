"""What other people's files say of their rows, beside pixels: identity first, then the columns of the schema."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import schema_of
from arcgate.foreign.doubtful import doubtful_notes
from arcgate.foreign.exact_names import Place, exact_names
from arcgate.foreign.identity import BRICK_NAMES, HOST_NAMES, OBJID, RELEASE, ROW_OR_GALAXY, SPLIT_NAMES, Identity, identify
from arcgate.foreign.left_out import FLAGS
from arcgate.foreign.pairing import Pairs
from arcgate.foreign.position_columns import FOOTPRINT_NAMES, RELEASE_NAMES
from arcgate.foreign.recorded import schema_columns, whole_groups
from arcgate.foreign.same_look import SameLook
from arcgate.foreign.stated_imaging import PIXEL_SCALE
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.survey.positions import DEC_NAMES, RA_NAMES

_NAMES: Final = {*HOST_NAMES, OBJID, ROW_OR_GALAXY, RELEASE, *BRICK_NAMES, *SPLIT_NAMES, *RA_NAMES, *DEC_NAMES}


@dataclass(frozen=True, eq=False)
class Recorded:
    """Rows by the schema's names.

    Attributes
    ----------
    table : DataFrame of n rows
        host_id, split, pair_id, provenance and the other columns of the schema that are recorded.
    identity : Identity
    imaging : Imaging
        Of the stamps.
    used : frozenset of str
        Columns that were read.
    notes : tuple of str
    """

    table: pd.DataFrame
    identity: Identity
    imaging: Imaging
    used: frozenset[str]
    notes: tuple[str, ...]

    def at(self, rows: NDArray[np.int64]) -> Recorded:
        """The same of some of the rows."""
        identity = replace(self.identity, table=self.identity.table.iloc[rows].reset_index(drop=True))
        return replace(self, table=self.table.iloc[rows].reset_index(drop=True), identity=identity)


def recorded(raw: pd.DataFrame, place: Place, imaging: Imaging, host_names: Sequence[str] = HOST_NAMES) -> Recorded:
    """Read everything that is recorded of rows.

    Parameters
    ----------
    raw : DataFrame of n rows
        Columns as stored, by their names in lower case.
    place : callable
        File and row of a row, for messages.
    imaging : Imaging
        Of the stamps.
    host_names : sequence of str
        Columns that tell a galaxy by themselves, the surest first.

    Raises
    ------
    ArcgateError
        For names or numbers that cannot be what they should be.
    """
    identity = identify(raw, place, host_names)
    columns = pd.DataFrame(schema_columns(raw, imaging, place), index=raw.index).reset_index(drop=True)
    doubtful = doubtful_notes(columns)
    places, read = place_columns(raw, place)
    table = whole_groups(pd.concat([columns, places, identity.table], axis=1), imaging)
    used = frozenset([*identity.used, *columns, *read, PIXEL_SCALE])
    return Recorded(table, identity, imaging, used, (*identity.notes, *doubtful))


def place_columns(raw: pd.DataFrame, place: Place) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Where galaxies lie: ra, dec, brick, footprint, release, as far as they are recorded; and the columns that say so.

    Positions that cannot be read, or are the same in every row, are none: `identify` says so where it needs them.
    """
    found: dict[str, pd.Series] = {}
    read: list[str] = []
    ra, dec = (next((name for name in known if name in raw), None) for known in (RA_NAMES, DEC_NAMES))
    if ra is not None and dec is not None and (degrees := _degrees(raw[[ra, dec]])) is not None:
        found |= {"ra": degrees[ra], "dec": degrees[dec]}
        read += [ra, dec]
    for new, candidates in (("brick", BRICK_NAMES), ("footprint", FOOTPRINT_NAMES), ("release", RELEASE_NAMES)):
        name = next((name for name in candidates if name in raw), None)
        if name is not None and name not in SPLIT_NAMES:
            found[new] = exact_names(raw[name], name, place, None)
            read.append(name)
    return pd.DataFrame(found, index=raw.index).reset_index(drop=True), tuple(read)


def _degrees(positions: pd.DataFrame) -> pd.DataFrame | None:
    """Right ascension and declination as numbers, both null where one is; None where they are no positions, or all the same."""
    numbers = positions.apply(pd.to_numeric, errors="coerce").astype(np.float64)
    if (numbers.isna() & positions.notna()).any(axis=None):
        return None
    known = numbers.notna().all(axis=1)
    ra, dec = (numbers.loc[known].iloc[:, axis] for axis in (0, 1))
    inside = ra.between(-360.0, 720.0).all() and dec.between(-90.0, 90.0).all()
    one = len(positions) > 1 and ra.nunique() < 2 and dec.nunique() < 2
    return numbers.where(known) if known.any() and inside and not one else None


def unused_note(
    what: str, found: Collection[str], used: Collection[str], passed_over: Mapping[str, str], imaging: Imaging
) -> list[str]:
    """List what was not read, with the reason of each.

    Parameters
    ----------
    what : str
        columns or arrays.
    found, used : collection of str
        Names in the file, and those that were read.
    passed_over : mapping
        Reasons by name.
    imaging : Imaging
    """
    reasons: dict[str, list[str]] = {}
    for name in sorted(set(found) - {*used, *FLAGS}):
        if name in _NAMES:
            reason = "other columns name galaxies and splits"
        elif name in schema_of(imaging).names:
            reason = "the layout says it otherwise"
        else:
            reason = "arcgate does not know them"
        reasons.setdefault(reason, []).append(name)
    for name, reason in sorted(passed_over.items()):
        reasons.setdefault(reason, []).append(name)
    if not reasons:
        return []
    return [f"{what} that are not used: " + "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())]


def believed(pairs: Pairs | None, look: SameLook, identity: Identity, place: Place) -> tuple[Pairs | None, list[str]]:
    """Pairs, after asking whether stamps that are called the same galaxy look the same.

    Raises
    ------
    ArcgateError
        Most do not, and no position says that they are one galaxy: then the name is none.
    """
    if look.first is None:
        return pairs, []
    one, other = look.first
    found = (
        f"{look.strangers} of {look.compared} pairs of stamps that are called the same galaxy share no noise in the outer part, "
        f"which cuts of one image do, however turned: for example {place(one)} and {place(other)}"
    )
    if look.believable:
        return pairs, [found]
    if not identity.in_one_place:
        raise ArcgateError(
            f"{found}. Either what names the galaxy ({', '.join(identity.by_columns)}) is that of several galaxies, or these are "
            "not cut from one image",
            where=place(one),
            todo="give a name that is unique (objid with brickname and release; text or integers); if these are several images "
            "of one galaxy, add its position, ra and dec",
        )
    if pairs is not None and pairs.same_galaxy:
        pairs = Pairs(pairs.positive, pairs.control, False, f"{pairs.rule}, but as other galaxies")
    return pairs, [f"{found}. They lie at one position and stay one galaxy; no control is taken for its positive's pixels"]


def spread(values: Sequence[bool] | NDArray[np.bool_], at_most: int = 16) -> NDArray[np.int64]:
    """Some of the rows that are true, spread over all of them."""
    rows = np.flatnonzero(np.asarray(values))
    if len(rows) <= at_most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, at_most).round().astype(np.int64)]
