"""Which Parquet files make up a table, and what their folders say of their rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from arcgate.foreign.identity import SPLIT_WORDS
from arcgate.ground.errors import ArcgateError

_HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_SPARK_PART: Final = re.compile(r"part-\d{5}-[0-9a-f]{8}-[0-9a-f-]{27}.*")
_PLAIN: Final = "write the table's present rows as plain Parquet with its own engine, for example {}, and give that folder"
# Folders by which table formats are known: their logs say which files count, and files of removed rows stay where they are.
_LOGS: Final = {
    "_delta_log": ("Delta Lake", "spark.read.format('delta').load(table).write.parquet(copy)"),
    ".hoodie": ("Hudi", "spark.read.format('hudi').load(table).write.parquet(copy)"),
}
_ICEBERG: Final = ("Iceberg", "spark.read.format('iceberg').load(table).write.parquet(copy)")
# A file's name begins with a split, which ends there or before something that is no letter: train-00000-of-00001, test_0.
_SPLIT_STEM: Final = re.compile(rf"({'|'.join(SPLIT_WORDS)})(?![a-z])", re.IGNORECASE)
# As far above a file as table formats put their partitions.
_LEVELS_ABOVE: Final = 6


def parquet_files(path: Path) -> list[Path]:
    """Parquet files of a path, in order; hidden ones and those that Spark sets apart (`_...`) are passed over."""
    if path.is_file():
        return [path]
    found = sorted(path.rglob("*.parquet"))
    return [file for file in found if file.is_file() and not any(part[0] in "._" for part in file.relative_to(path).parts)]


def refuse_table_logs(path: Path) -> None:
    """Raise where a log decides which files count, or where a writer has not finished.

    Raises
    ------
    ArcgateError
        For a table of Delta Lake, Iceberg or Hudi, at the path, above or below it, and for a folder that Spark is still writing.
    """
    absolute = path.resolve()
    folders = [*list(absolute.parents)[:_LEVELS_ABOVE]]
    if absolute.is_dir():
        folders += [absolute, *(folder for folder in absolute.rglob("*") if folder.is_dir())]
    for folder in folders:
        known = [kind for name, kind in _LOGS.items() if (folder / name).is_dir()]
        if (folder / "metadata").is_dir() and any((folder / "metadata").glob("*.metadata.json")):
            known.append(_ICEBERG)
        if known:
            kind, how = known[0]
            raise ArcgateError(
                f"a table of {kind}: its log says which of its files count, and arcgate does not read the log",
                where=folder,
                todo=_PLAIN.format(how),
            )
    unfinished = [folder for folder in folders if (folder / "_temporary").is_dir() and not (folder / "_SUCCESS").exists()]
    if unfinished and absolute.is_dir():
        raise ArcgateError(
            "Spark has not finished writing here: there is a folder _temporary and no file _SUCCESS",
            where=unfinished[0],
            todo="wait until the job has ended, or write the folder again; if its files are known to be whole, remove _temporary",
        )


def commit_notes(path: Path, files: list[Path]) -> list[str]:
    """Say that Spark's mark of a finished job is missing, where its part files lie."""
    if any(_SPARK_PART.fullmatch(file.name) for file in files) and path.is_dir() and not any(path.rglob("_SUCCESS")):
        return ["there is no file _SUCCESS beside Spark's part files: nothing says that all of them were written"]
    return []


def folder_values(file: Path) -> dict[str, str | None]:
    """Columns that are in no file but in the names of the folders above it, `key=value`, by their names in lower case.

    Raises
    ------
    ArcgateError
        Two folders give one key different values.
    """
    found: dict[str, str | None] = {}
    for folder in reversed(file.resolve().parents):
        key, equals, value = folder.name.partition("=")
        key = unquote(key).strip().lower()
        if not equals or not key:
            continue
        new = None if value == _HIVE_NULL else unquote(value)
        if found.setdefault(key, new) != new:
            raise ArcgateError(f"folders above the file say both {key}={found[key]} and {key}={new}", where=file)
    return found


def folder_split(file: Path, root: Path) -> str | None:
    """Split by a folder, between the opened one and the file, that is called train, val or test; None without one.

    Raises
    ------
    ArcgateError
        Two folders name different splits.
    """
    inner = file.relative_to(root).parts[:-1] if root.is_dir() else ()
    words = dict.fromkeys(SPLIT_WORDS[part.lower()] for part in inner if part.lower() in SPLIT_WORDS)
    if len(words) > 1:
        raise ArcgateError(f"folders above the file name two splits: {' and '.join(words)}", where=file)
    return next(iter(words), None)


def stem_splits(files: Sequence[Path]) -> list[str | None]:
    """Split with which each file's name begins; None where it begins otherwise."""
    found = [_SPLIT_STEM.match(file.stem) for file in files]
    return [None if match is None else SPLIT_WORDS[match[1].lower()] for match in found]
