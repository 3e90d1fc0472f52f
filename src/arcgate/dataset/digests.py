"""Digests that name the content of a data set: canonical columns and decoded pixels, never files.

A row digest is the SHA-256 of the row's columns in schema order, followed by the bytes of its two images. A column
is one marker byte (0 null, 1 value) and, for a value, eight little-endian bytes (int64 or float64) or the
length-prefixed UTF-8 text; a null number keeps eight zero bytes. The data digest is the SHA-256 of the row digests
in the order of sample_id, so neither batches nor shards nor file layout enter it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import IMAGE_COLUMNS, Column, Schema
from arcgate.ground.errors import ArcgateError

Table = pd.DataFrame | Mapping[str, NDArray[np.generic]]
Pixels = NDArray[np.float32]

ROW_DIGEST = "row_digest"
_NUMBER_BYTES = 9
_LENGTH_BYTES = 8


@dataclass(frozen=True, eq=False)
class CanonicalColumn:
    """One column in the form in which it is hashed and stored.

    Attributes
    ----------
    column : Column
        Its entry in the schema.
    values : ndarray, shape (n,)
        int64, float64 (no -0.0, no NaN) or object (str); 0 or '' where null.
    null : ndarray of bool, shape (n,)
        True where the value is missing; a NaN is a missing float.
    """

    column: Column
    values: NDArray[np.generic]
    null: NDArray[np.bool_]


def canonical_columns(table: Table, schema: Schema) -> list[CanonicalColumn]:
    """Bring a table to its canonical columns, in schema order.

    Parameters
    ----------
    table : DataFrame or mapping of arrays
        Must hold every column of the schema; `row_digest`, `image` and `arc` are passed over.
    schema : Schema

    Returns
    -------
    list of CanonicalColumn

    Raises
    ------
    ArcgateError
        For a missing or unknown column, unequal lengths, a value of the wrong kind, or a null where none is allowed.
    """
    _check_names(table, schema)
    columns = [_canonical(column, table[column.name]) for column in schema.columns]
    lengths = {len(item.values) for item in columns}
    if len(lengths) != 1:
        raise ArcgateError(f"the columns of the table have different lengths: {sorted(lengths)}")
    return columns


def row_digests(table: Table, image: Pixels, arc: Pixels, schema: Schema) -> list[bytes]:
    """SHA-256 of each row.

    Parameters
    ----------
    table : DataFrame or mapping of arrays, n rows
        All columns of the schema.
    image, arc : ndarray of float32, shape (n, band, y, x)
        Nanomaggies per pixel.
    schema : Schema

    Returns
    -------
    list of bytes
        n digests of 32 bytes.

    Raises
    ------
    ArcgateError
        As `canonical_columns`, or for images of another shape or dtype.
    """
    return digest_canonical(canonical_columns(table, schema), image, arc, schema)


def digest_canonical(columns: Sequence[CanonicalColumn], image: Pixels, arc: Pixels, schema: Schema) -> list[bytes]:
    """SHA-256 of each row of columns that are already canonical (see `row_digests`)."""
    n = len(columns[0].values)
    pixels = [_pixel_bytes(name, block, n, schema) for name, block in zip(IMAGE_COLUMNS, (image, arc), strict=True)]
    digests = []
    for row, *images in zip(map(b"".join, zip(*_encoded(columns), strict=True)), *pixels, strict=True):
        digest = hashlib.sha256(row)
        for piece in images:
            digest.update(piece)
        digests.append(digest.digest())
    return digests


def data_digest(sample_ids: Iterable[int], digests: Sequence[bytes]) -> str:
    """SHA-256 (hexadecimal) over row digests in the order of sample_id.

    Parameters
    ----------
    sample_ids : iterable of int
        One per row, in any order.
    digests : sequence of bytes
        Row digests in the order of `sample_ids`.

    Raises
    ------
    ArcgateError
        If a sample_id occurs twice.
    """
    ids = np.fromiter(sample_ids, dtype=np.int64)
    if len(ids) != len(digests):
        raise ArcgateError(f"{len(ids)} sample ids do not go with {len(digests)} row digests")
    order = np.argsort(ids, kind="stable")
    twice = ids[order][1:][np.diff(ids[order]) == 0]
    if twice.size:
        raise ArcgateError(f"sample_id {twice[0]} occurs more than once", todo="give every row its own sample_id")
    digest = hashlib.sha256()
    for position in order:
        digest.update(digests[position])
    return digest.hexdigest()


def check_pixels(name: str, block: Pixels, n: int, schema: Schema) -> None:
    """Raise ArcgateError unless `block` is float32 of shape (n, band, y, x)."""
    shape = (n, *schema.imaging.shape)
    if block.dtype.kind != "f" or block.dtype.itemsize != 4 or block.shape != shape:
        raise ArcgateError(
            f"{name} is {block.dtype} of shape {block.shape}; float32 of shape {shape} was expected",
            where=f"column {name}",
        )


def _check_names(table: Table, schema: Schema) -> None:
    present = set(table.keys())
    missing = [name for name in schema.names if name not in present]
    unknown = sorted(present - set(schema.names) - {ROW_DIGEST, *IMAGE_COLUMNS})
    if missing or unknown:
        raise ArcgateError(f"the table does not follow the schema: missing columns {missing}, unknown columns {unknown}")


def _canonical(column: Column, raw: object) -> CanonicalColumn:
    try:
        values, null = _CONVERSIONS[column.kind](raw)
    except (TypeError, ValueError, OverflowError) as error:
        raise ArcgateError(
            f"column {column.name} holds values that are not {column.kind}: {error}", where=f"column {column.name}"
        ) from error
    if not column.nullable and null.any():
        first = int(np.argmax(null))
        raise ArcgateError(f"column {column.name} may not be null", where=f"column {column.name}, row {first} of the table")
    return CanonicalColumn(column, values, null)


def _integers(raw: object) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    array = np.asarray(raw) if isinstance(raw, np.ndarray) else pd.array(raw, dtype="Int64")  # type: ignore[call-overload]  # any array-like
    if isinstance(array, np.ndarray) and array.dtype.kind == "i":
        return array.astype(np.int64), np.zeros(len(array), dtype=bool)
    masked = pd.array(array, dtype="Int64")
    return masked.to_numpy(dtype=np.int64, na_value=0), np.asarray(masked.isna(), dtype=bool)


def _floats(raw: object) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    values = pd.Series(raw).astype("float64").to_numpy(copy=True)
    null = np.isnan(values)
    values[null] = 0.0
    return values + 0.0, null  # adding 0.0 turns -0.0 into 0.0


def _texts(raw: object) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    values = np.array(raw, dtype=object)
    null = np.asarray(pd.isna(values), dtype=bool)
    values[null] = ""
    strangers = [value for value in values if not isinstance(value, str)]
    if strangers:
        raise TypeError(f"{strangers[0]!r} is {type(strangers[0]).__name__}")
    return values, null


_CONVERSIONS = {"int": _integers, "float": _floats, "text": _texts}


def _encoded(columns: Sequence[CanonicalColumn]) -> list[Sequence[bytes] | NDArray[np.uint8]]:
    """Per run of neighbouring columns of like kind, the bytes of each row."""
    pieces: list[Sequence[bytes] | NDArray[np.uint8]] = []
    for is_text, run in groupby(columns, key=lambda item: item.column.kind == "text"):
        neighbours = list(run)
        pieces += [_encode_texts(item) for item in neighbours] if is_text else [_encode_numbers(neighbours)]
    return pieces


def _encode_numbers(run: Sequence[CanonicalColumn]) -> NDArray[np.uint8]:
    n = len(run[0].values)
    out = np.empty((n, len(run), _NUMBER_BYTES), dtype=np.uint8)
    for position, item in enumerate(run):
        code = "<i8" if item.column.kind == "int" else "<f8"
        out[:, position, 0] = ~item.null
        out[:, position, 1:] = np.ascontiguousarray(item.values, dtype=code).view(np.uint8).reshape(n, _NUMBER_BYTES - 1)
    return out.reshape(n, len(run) * _NUMBER_BYTES)


def _encode_texts(item: CanonicalColumn) -> list[bytes]:
    encoded = []
    for value, null in zip(item.values, item.null, strict=True):
        text = str(value).encode()
        encoded.append(b"\x00" if null else b"\x01" + len(text).to_bytes(_LENGTH_BYTES, "little") + text)
    return encoded


def _pixel_bytes(name: str, block: Pixels, n: int, schema: Schema) -> NDArray[np.uint8]:
    check_pixels(name, block, n, schema)
    return np.ascontiguousarray(block, dtype="<f4").reshape(n, schema.image_bytes // 4).view(np.uint8)
