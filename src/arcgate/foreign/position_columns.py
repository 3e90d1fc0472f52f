"""What columns of a table without pixels are called: labels, footprints, and what is known of rows beside their positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.foreign.exact_names import Place
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.survey.positions import DEC_NAMES, RA_NAMES

LABEL_NAMES: Final = ("label", "is_lens", "lens", "labels", "is_positive")
"""1 where the row is a lens, the surest name first."""
CONTROL_NAMES: Final = ("is_control", "is_negative", "is_nonlens")
"""1 where it is none."""
VAGUE_NAMES: Final = ("class", "target", "y")
"""1 where the row is a lens, if no surer name is there: they may be a type, an object's name, or a place in pixels."""
FOOTPRINT_NAMES: Final = ("footprint", "photsys", "survey", "region", "field", "hemisphere")
RELEASE_NAMES: Final = ("release", "data_release", "dr")
LENS_WORDS: Final = ("1", "1.0", "true", "t", "yes", "lens", "lenses", "positive", "pos", "p", "arc", "stamp")
OTHER_WORDS: Final = (
    *("0", "0.0", "false", "f", "no", "nonlens", "nonlenses", "non-lens", "non_lens", "not_lens", "notlens", "negative", "neg"),
    *("n", "control", "ctrl", "galaxy", "-1", "-1.0"),
)
# Stems of columns that hold a number a band, by what they are called here; depths are of several kinds, which must not mix.
_STEMS: Final = {
    "psfsize": "psfsize",
    "psf_fwhm": "psfsize",
    "fwhm": "psfsize",
    "seeing": "psfsize",
    "depth": "depth",
    "psfdepth": "psfdepth",
    "galdepth": "galdepth",
    "nobs": "nobs",
    "nexp": "nobs",
    "host_mag": "host_mag",
    "mag": "host_mag",
    "dered_mag": "dered_mag",
    "flux": "flux",
}
_SINGLE: Final = {
    "ebv": "ebv",
    "host_reff_arcsec": "host_reff_arcsec",
    "shape_r": "host_reff_arcsec",
    "psfsize": "psfsize",
    "seeing": "psfsize",
    "fwhm": "psfsize",
    "psf_fwhm": "psfsize",
    "depth": "depth",
    "mag": "host_mag",
    "magnitude": "host_mag",
}
_BAND: Final = re.compile(rf"({'|'.join(sorted(_STEMS, key=len, reverse=True))})_([a-z][a-z0-9]{{0,3}})")
# What catalogues write where nothing is known.
_MARKS: Final = (-9999.0, -999.0, -99.0, 99.0, 999.0)


def conditions_in(stored: Mapping[str, str]) -> dict[str, str]:
    """Columns that say under which conditions, or how bright, a galaxy was seen: name in the file by the name it gets here."""
    found: dict[str, str] = {}
    for plain, name in stored.items():
        match = _BAND.fullmatch(plain)
        known = f"{_STEMS[match[1]]}_{match[2]}" if match else _SINGLE.get(plain)
        if known is not None:
            found.setdefault(known, name)
    return found


def label_column(stored: Mapping[str, str]) -> tuple[str, bool]:
    """The column that tells the classes, and whether it is 1 on lenses; a column of controls is 1 on the others.

    Raises
    ------
    ArcgateError
        None is there.
    """
    for names, of_lenses in ((LABEL_NAMES, True), (CONTROL_NAMES, False), (VAGUE_NAMES, True)):
        if found := next((name for name in names if name in stored), None):
            return found, of_lenses
    raise ArcgateError(
        f"no column tells lenses from the others; the columns are {', '.join([*stored.values()][:12])}",
        todo=f"call it {LABEL_NAMES[0]}: 1 for lenses, 0 for the others",
    )


def position_columns(stored: Mapping[str, str]) -> tuple[str, str]:
    """The columns of right ascension and declination.

    Raises
    ------
    ArcgateError
        One is not there.
    """
    ra, dec = (next((name for name in names if name in stored), None) for names in (RA_NAMES, DEC_NAMES))
    if ra is None or dec is None:
        missing = " and ".join(what for what, name in (("right ascension", ra), ("declination", dec)) if name is None)
        raise ArcgateError(
            f"no column of {missing}; the columns are {', '.join([*stored.values()][:12])}",
            todo=f"call them {RA_NAMES[0]} and {DEC_NAMES[0]}, degrees; a table of stamps has the column stamp_npz",
        )
    return ra, dec


def lens_flags(values: pd.Series, place: Place) -> NDArray[np.bool_]:
    """Which rows are lenses, from numbers, true and false, or words.

    Raises
    ------
    ArcgateError
        For an empty value or another word.
    """
    known = dict.fromkeys(LENS_WORDS, True) | dict.fromkeys(OTHER_WORDS, False)
    code, distinct = pd.factorize(values.astype(object))
    words = [_word(value) for value in distinct]
    said = np.array([known.get(word, -1) for word in words] + [-1], dtype=np.int64)
    if (strange := said[code] < 0).any():
        row = int(np.argmax(strange))
        raise ArcgateError(
            f"{values.name} is {values.iloc[row]!s} "
            f"in {count_of(int(strange.sum()), 'row')}, which is neither a lens nor another galaxy",
            where=f"{place(row)}, column {values.name}",
            todo=f"write 1 or 0, true or false, or one of {', '.join(LENS_WORDS[5:8])} and {', '.join(OTHER_WORDS[5:8])}",
        )
    lenses: NDArray[np.bool_] = said[code] == 1
    return lenses


def _word(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip().lower()


def is_empty(values: pd.Series) -> NDArray[np.bool_]:
    """Cells without a value: null, not a number, or text of blanks or `nan`."""
    null: NDArray[np.bool_] = values.isna().to_numpy(bool)
    if pd.api.types.is_numeric_dtype(values):
        return null
    return null | values.astype(str).str.strip().str.lower().isin(("", "nan")).to_numpy(bool)


def known_numbers(values: pd.Series, place: Place) -> pd.Series:
    """A column as numbers; what is empty, not finite, or a mark for a missing value is null.

    Raises
    ------
    ArcgateError
        It holds text that is no number.
    """
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    if (wrong := numbers.isna().to_numpy() & ~is_empty(values)).any():
        row = int(np.argmax(wrong))
        raise ArcgateError(
            f"column {values.name} holds values that are not numbers: {values.iloc[row]!r} "
            f"in {count_of(int(wrong.sum()), 'row')}",
            where=f"{place(row)}, column {values.name}",
            todo="leave unknown values empty, or leave the column out",
        )
    return numbers.where(np.isfinite(numbers) & ~numbers.isin(_MARKS))
