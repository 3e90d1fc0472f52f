"""The card `dataset.json`: written last, so that a data set with a card is finished."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from arcgate.dataset.digests import ROW_DIGEST, data_digest
from arcgate.dataset.receipts import RECEIPTS, Receipt, file_digest
from arcgate.dataset.references import IMAGES_FILE, KERNELS_FILE
from arcgate.dataset.schema import SCHEMA_VERSION
from arcgate.dataset.shard_reading import read_table
from arcgate.ground.atomic import write_json
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

CARD = "dataset.json"
_KEYS = {
    "schema_version": int,
    "arcgate": str,
    "data": dict,
    "hosts": str,
    "parents_digest": str,
    "tables": dict,
    "hosts_digest": str,
    "counts": dict,
    "imaging": dict,
    "data_digest": str,
    "spec_digest": str,
    "code_version": str,
    "device": str,
    "libraries": dict,
    "shards": list,
}
_LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow")


def write_card(
    folder: Path,
    *,
    data: Mapping[str, Any],
    imaging: Imaging,
    hosts: str,
    parents_digest: str,
    hosts_digest: str,
    spec_digest: str,
    code_version: str,
    images_digest: str | None,
    receipts: Sequence[Receipt],
    selection: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Finish a data set: compute its data digest from its shards and write its card.

    Parameters
    ----------
    folder : Path
        Folder of the shards.
    data : mapping
        The resolved `data` node as plain values.
    imaging : Imaging
        Bands and pixels.
    hosts : str
        Description of the host survey, and of galaxies that were left out.
    parents_digest, hosts_digest : str
        Of the parents, under which their galaxies are kept, and of the names, measurements and pixels of those that are used.
    spec_digest, code_version : str
        Cache key, and hash of the code that determines pixels.
    images_digest : str or None
        Of the source images, under which they are kept.
    receipts : sequence of Receipt
        All shards, in the order in which they are to be read.
    selection : mapping, optional
        How the galaxies were chosen (`arcgate.injection.selection`), plain values; sets that nothing chose have none.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    ArcgateError
        For no shards, a shard that cannot be read, or a sample_id that occurs twice.
    """
    if not receipts:
        raise ArcgateError("a data set needs at least one shard", where=folder)
    card = {
        "schema_version": SCHEMA_VERSION,
        "arcgate": arcgate_version(),
        "data": dict(data),
        "imaging": dataclasses.asdict(imaging),
        "hosts": hosts,
        "parents_digest": parents_digest,
        "hosts_digest": hosts_digest,
        "images_digest": images_digest,
        "tables": tables_of(folder),
        "counts": counts(receipts),
        "selection": None if selection is None else dict(selection),
        "data_digest": stored_data_digest([folder / receipt.file for receipt in receipts]),
        "spec_digest": spec_digest,
        "code_version": code_version,
        "device": device(),
        "libraries": libraries(),
        "shards": [dataclasses.asdict(receipt) for receipt in receipts],
    }
    write_json(folder / CARD, card)
    return card


def tables_of(folder: Path) -> dict[str, str]:
    """Digests of the tables of kernels and images beside the shards of a data set, as far as there are any."""
    return {name: file_digest(folder / name) for name in (KERNELS_FILE, IMAGES_FILE) if (folder / name).exists()}


def imaging_of(card: Mapping[str, Any]) -> Imaging:
    """Bands and pixels of a data set, from its card."""
    return Imaging.of(card["imaging"])


def selection_on(card: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How the galaxies of a data set were chosen, from its card; None where that is not stated."""
    stated: Mapping[str, Any] | None = card.get("selection")
    return stated


def read_card(folder: Path) -> dict[str, Any]:
    """Card of a finished data set.

    Parameters
    ----------
    folder : Path
        Folder of the data set.

    Returns
    -------
    dict
        As written by `write_card`.

    Raises
    ------
    ArcgateError
        If there is no card, it was written by a newer arcgate, or it is damaged.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArcgateError(
            _unfinished(folder), where=folder, todo="give the folder of a data set, or build it with `arcgate simulate`"
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(card, dict):
        raise _damaged(path, "not a JSON object")
    _check_version(path, card)
    _check_keys(path, card)
    return card


def receipts_of(folder: Path, card: Mapping[str, Any]) -> list[Receipt]:
    """Receipts that a card lists; ArcgateError if they are damaged."""
    try:
        return RECEIPTS.validate_python(card["shards"])
    except ValidationError as error:
        raise _damaged(folder / CARD, f"its list of shards: {error.errors()[0]['msg']}") from error


def counts(receipts: Sequence[Receipt]) -> dict[str, dict[str, int]]:
    """Rows by split and role: `counts[split][role]`."""
    table: dict[str, dict[str, int]] = {}
    for receipt in receipts:
        roles = table.setdefault(receipt.split, {})
        for role, rows in receipt.roles.items():
            roles[role] = roles.get(role, 0) + rows
    return table


def stored_data_digest(shards: Sequence[Path]) -> str:
    """Compute the data digest from the row digests stored in shards."""
    tables = pd.concat([read_table(path, ["sample_id", ROW_DIGEST]) for path in shards])
    return data_digest(tables["sample_id"].to_numpy(dtype=np.int64), list(tables[ROW_DIGEST]))


def device() -> str:
    """Processor model, with the system: last bits of pixels may differ between devices."""
    info = Path("/proc/cpuinfo")
    models = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    model = models[0] if models else platform.processor() or "processor of unknown model"
    return f"{model}, {platform.machine()}, {platform.system()}"


def libraries() -> dict[str, str]:
    """Versions of the libraries that pixels are made and written with."""
    return {name: metadata.version(name) for name in _LIBRARIES}


def arcgate_version() -> str:
    """Version of the installed arcgate; 'checkout' where the sources run without being installed."""
    try:
        return metadata.version("arcgate")
    except metadata.PackageNotFoundError:
        return "checkout"


def _unfinished(folder: Path) -> str:
    if not folder.is_dir():
        return "not a finished data set: no such folder"
    return f"not a finished data set: the folder has no {CARD}, which is written last"


def _damaged(path: Path, why: str) -> ArcgateError:
    return ArcgateError(
        f"the card is damaged: {why}",
        where=path,
        todo="delete the card and run again: finished shards are kept and the card is rewritten",
    )


def _check_version(path: Path, card: Mapping[str, Any]) -> None:
    version = card.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _damaged(path, f"schema_version is {version!r}")
    if version < SCHEMA_VERSION:
        raise ArcgateError(
            f"the data set has schema version {version}; this arcgate ({arcgate_version()}) reads version {SCHEMA_VERSION} alone",
            where=path,
            todo="build it anew with the command that built it: the same specification gives a folder of its own",
        )
    if version > SCHEMA_VERSION:
        raise ArcgateError(
            f"the data set has schema version {version}; this arcgate ({arcgate_version()}) reads version {SCHEMA_VERSION} alone",
            where=path,
            todo=f"read it with arcgate {card.get('arcgate', 'of a newer version')}, which wrote it, or newer",
        )


def _check_keys(path: Path, card: Mapping[str, Any]) -> None:
    wrong = [key for key, kind in _KEYS.items() if not isinstance(card.get(key), kind)]
    if wrong:
        raise _damaged(path, f"missing or of the wrong kind: {', '.join(wrong)}")
    try:
        imaging_of(card)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
