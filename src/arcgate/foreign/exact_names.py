"""Names as other makers store them (whole numbers, floats, bytes, text) as text, without losing a digit."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError

Place = Callable[[int], str]

# Whole numbers from here on share a float64 with their neighbours.
_FLOAT_LIMIT: Final = 2.0**53
_FLOATS: Final = ("float16", "float32")
_EMPTY: Final = frozenset({"", "nan", "none", "null", "<na>", "nat"})
# With a point, an exponent, or both.
_FLOAT_TEXT: Final = re.compile(r"[+-]?\d+(\.\d*([eE]\+?\d+)?|[eE]\+?\d+)")
_WHOLE_TEXT: Final = re.compile(r"[+-]?\d+(\.0*)?")


def plain_names(stored: Iterable[str], what: str, path: Path) -> dict[str, str]:
    """Names as stored by the same without case or blanks at their ends, by which they are looked for.

    Raises
    ------
    ArcgateError
        Two of these `what` (arrays, columns) of the file cannot be told apart.
    """
    found: dict[str, str] = {}
    for name in stored:
        plain = name.strip().lower()
        if plain in found:
            raise ArcgateError(
                f"{what} {found[plain]!r} and {name!r} differ by case or blanks only",
                where=path,
                todo="rename or leave out one of them",
            )
        found[plain] = name
    return found


def exact_names(values: pd.Series, name: str, place: Place, empty: str | None) -> pd.Series:
    """Each value as text: bytes decoded, blanks at the ends stripped, whole numbers with all their digits.

    Parameters
    ----------
    values : Series of n rows
        Of any dtype.
    name : str
        The column, for messages.
    place : callable
        File and row of a row, for messages.
    empty : str or None
        What to do about empty values; None where they are allowed and stay null.

    Returns
    -------
    Series of str, with None where a value is empty

    Raises
    ------
    ArcgateError
        For an empty value, bytes that are no UTF-8, a number that a float cannot hold exactly, or one that is not whole.
    """
    limit = _FLOAT_LIMIT
    if values.dtype in _FLOATS:
        limit = 2.0 ** (np.finfo(str(values.dtype)).nmant + 1)
    # By type and value: a float that stands for several whole numbers equals one of them.
    known: dict[tuple[type, object], str | None] = {}
    texts: list[str | None] = []
    for row, (value, gone) in enumerate(zip(values.astype(object), values.isna(), strict=True)):
        key = (type(value), None if gone else value)
        if key not in known:
            try:
                known[key] = None if gone else _text(value, limit)
            except ValueError as error:
                raise ArcgateError(f"{name} {error}", where=f"{place(row)}, column {name}", todo=_advice(value)) from error
        texts.append(known[key])
    words = pd.Series(texts, index=values.index, dtype=object)
    missing = words.isna().to_numpy()
    if empty is not None and missing.any():
        raise ArcgateError(
            f"{name} is empty in {count_of(int(missing.sum()), 'row')}",
            where=f"{place(int(np.argmax(missing)))}, column {name}",
            todo=empty,
        )
    return words


def require_one_form(names: pd.Series, name: str, place: Place) -> None:
    """Raise ArcgateError where names are one number in two forms, such as 00012 and 12, or 7.0 and 7."""
    first: dict[str, tuple[int, str]] = {}
    for row, text in zip(np.flatnonzero(~names.duplicated()), names.drop_duplicates(), strict=True):
        if text is None or not _WHOLE_TEXT.fullmatch(text):
            continue
        number = str(int(text.partition(".")[0]))
        earlier = first.setdefault(number, (int(row), text))
        if earlier[1] != text:
            raise ArcgateError(
                f"{name} holds {text!r}, and {earlier[1]!r} at {place(earlier[0])}: one number in two forms, which would count "
                "as two galaxies",
                where=f"{place(int(row))}, column {name}",
                todo="write all ids in one form, best as integers; if these are two galaxies, give names that differ otherwise",
            )


def _text(value: object, limit: float) -> str | None:
    """Text of one value, None if it is empty; ValueError says what is wrong with it."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"holds bytes that are no UTF-8 text ({error.object[:8]!r}...)") from error
    if isinstance(value, str):
        text = value.strip(" \t\r\n\0")
        if _FLOAT_TEXT.fullmatch(text) and float(text) >= limit:
            raise ValueError(f"holds {text!r}: a number that went through a float, in which neighbouring ids become one")
        return None if text.lower() in _EMPTY else text
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating | decimal.Decimal):
        return _whole(value, limit)
    return str(value)


def _whole(value: float | np.floating | decimal.Decimal, limit: float) -> str:
    if isinstance(value, decimal.Decimal):
        whole, exact = value == value.to_integral_value(), True
    else:
        whole, exact = float(value).is_integer(), abs(float(value)) < limit
    if not exact:
        raise ValueError(f"holds {value!r}, a float beyond 2**{int(np.log2(limit))}, where neighbouring ids become one")
    if not whole:
        raise ValueError(f"holds {value!r}: a name is a whole number or text")
    return str(int(value))


def _advice(value: object) -> str:
    if isinstance(value, bytes):
        return "save text, for example names.hex(), or whole numbers"
    return "save the ids as integers (int64, uint64) or text, from a source in which they never were floats"
