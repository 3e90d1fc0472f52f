"""Receipts: the proof that a shard is finished, kept as JSON beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from arcgate.dataset.schema import SCHEMA_VERSION

_HASH = r"^[0-9a-f]{64}$"
Sha256 = Annotated[str, Field(pattern=_HASH)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Receipt:
    """What a finished shard holds.

    Attributes
    ----------
    file : str
        Name of the shard, without folder.
    split : str
        The one split of its rows.
    rows, bytes : int
        Rows and size of the file.
    sha256 : str
        Checksum of the file, hexadecimal.
    ids_digest : str
        `ids_digest` of its sample ids in the order of the rows.
    first_sample_id : int
        Sample id of the first row.
    roles : dict of str to int
        Rows by role.
    schema_version : int
        Version of the columns.
    """

    file: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    split: str
    rows: Annotated[int, Field(gt=0)]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256
    ids_digest: Sha256
    first_sample_id: int
    roles: dict[str, Count]
    schema_version: int

    __pydantic_config__ = ConfigDict(extra="forbid")


RECEIPT = TypeAdapter(Receipt)
RECEIPTS = TypeAdapter(Annotated[list[Receipt], Field(min_length=1)])


def ids_digest(sample_ids: Iterable[int]) -> str:
    """SHA-256 (hexadecimal) of sample ids in the given order: says whether a shard holds the rows that are planned."""
    return hashlib.sha256(np.fromiter(sample_ids, dtype="<i8").tobytes()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def receipt_path(shard: Path) -> Path:
    """Where the receipt of a shard is kept."""
    return shard.with_suffix(".receipt.json")


def finished(shard: Path, sample_ids: Iterable[int] | None = None) -> Receipt | None:
    """Receipt of a shard if it is finished, for resuming.

    A shard counts as finished when its receipt can be read, was written for these columns, and states the size that
    the file has. Contents are guarded by page checksums whenever they are read, and by `Dataset.verify`.

    Parameters
    ----------
    shard : Path
        The shard's file.
    sample_ids : iterable of int, optional
        Rows planned for the shard; a shard that holds others (cut with another number of rows a shard) is not finished.

    Returns
    -------
    Receipt or None
        None: build the shard again.
    """
    try:
        receipt = RECEIPT.validate_python(json.loads(receipt_path(shard).read_text(encoding="utf-8")))
        size = shard.stat().st_size
    except (FileNotFoundError, ValidationError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    expected = (shard.name, size, SCHEMA_VERSION)
    if (receipt.file, receipt.bytes, receipt.schema_version) != expected:
        return None
    if sample_ids is not None and receipt.ids_digest != ids_digest(sample_ids):
        return None
    return receipt
