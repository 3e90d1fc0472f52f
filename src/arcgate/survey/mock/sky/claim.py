"""Which mock survey a folder holds, or is going to hold: stated there before anything else is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from arcgate.ground.atomic import TEMPORARY, remove_leftovers, write_json
from arcgate.ground.code_version import code_version
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.survey.mock.sky.settings import MockSky

# Modules whose imports make a mock survey.
CODE: Final = ("arcgate.survey.mock.sky.brick", "arcgate.survey.mock.sky.survey")
FOLDER: Final = "truth"
"""In which a mock survey states what it is, and keeps the truth of its objects."""
_SETTINGS: Final = "settings.json"


def mock_sky_digest(settings: MockSky) -> str:
    """Identity of a mock survey: its settings and the code that makes it."""
    return digest_of({"settings": as_plain(settings), "code": code_version(CODE)})


def require_folder(root: Path) -> None:
    """Refuse a place where no folder can be.

    Raises
    ------
    ArcgateError
        It, or what should be a folder above it, is a file.
    """
    for place in (root, *root.parents):
        if place.exists() and not place.is_dir():
            raise ArcgateError(
                f"a mock survey is written into a folder, and {place.name} is a file",
                where=place,
                todo="name another folder (out=<folder>), or move the file away",
            )


def require_ours(settings: MockSky, root: Path) -> bool:
    """Whether a folder holds this mock survey, or what was written of it; False where it holds none.

    Raises
    ------
    ArcgateError
        It holds another mock survey, or what it holds cannot be told.
    """
    path = root / FOLDER / _SETTINGS
    if not path.is_file():
        return False
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        same, theirs = found["digest"] == mock_sky_digest(settings), dict(found["settings"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArcgateError(
            f"it cannot be told which mock survey the folder holds: {path.name} is damaged ({error})",
            where=path,
            todo="name another folder (out=<folder>), or remove this one",
        ) from error
    if not same:
        raise ArcgateError(
            f"the folder holds another mock survey: {_differing(theirs, as_plain(settings))}",
            where=root,
            todo="name another folder (out=<folder>), or remove this one",
        )
    return True


def claim(settings: MockSky, root: Path) -> None:
    """State what a folder is going to hold, unless it does; what an earlier process left half written is removed.

    Raises
    ------
    ArcgateError
        It holds another mock survey.
    """
    path = root / FOLDER / _SETTINGS
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in {part.parent for part in root.rglob(f".*{TEMPORARY}")}:
        remove_leftovers(leftover)
    if not require_ours(settings, root):
        write_json(path, {"digest": mock_sky_digest(settings), "settings": as_plain(settings)})


def _differing(found: dict[str, object], sought: dict[str, object]) -> str:
    names = [f"{name} is {found.get(name)} there and {value} here" for name, value in sought.items() if found.get(name) != value]
    return ", ".join(names) or "it was made by other code of the same settings"
