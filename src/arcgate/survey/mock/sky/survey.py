"""A mock survey as a folder: bricks by worker processes, then what is one for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from arcgate.ground.atomic import TEMPORARY, remove_leftovers, write_json
from arcgate.ground.code_version import code_version
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.ground.locks import locked
from arcgate.ground.progress import say, step
from arcgate.ground.workers import completed
from arcgate.survey.mock.sky.brick import BrickTask, write_brick
from arcgate.survey.mock.sky.choosing import pointings
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.sweeps import write_catalogues
from arcgate.survey.mock.sky.truth import CARD, FOLDER

# Modules whose imports make a mock survey.
CODE: Final = ("arcgate.survey.mock.sky.brick", "arcgate.survey.mock.sky.survey")
_SETTINGS: Final = "settings.json"


@dataclass(frozen=True)
class Written:
    """What a mock survey came to: bricks of both surveys, those that were there already, and rows of the sweeps."""

    bricks: int
    found: int
    rows: int


def mock_sky_digest(settings: MockSky) -> str:
    """Identity of a mock survey: its settings and the code that makes it."""
    return digest_of({"settings": as_plain(settings), "code": code_version(CODE)})


def write_survey(settings: MockSky, root: Path, workers: int) -> Written:
    """Write a mock survey, or what is missing of it.

    Parameters
    ----------
    settings : MockSky
    root : Path
        Its folder (see `arcgate.survey.legacy.layout`), beside which a lock is kept. Bricks that are complete are kept.
    workers : int
        Processes; no byte depends on it.

    Raises
    ------
    ArcgateError
        The folder holds another mock survey, or cannot be written.
    """
    with locked(root):
        _claim(settings, root)
        tasks = [BrickTask(settings, pointing, root) for pointing in pointings(settings)]
        missing = [task for task in tasks if not task.done]
        with step("painting bricks", len(missing)) as advance:
            for _ in completed(write_brick, missing, workers, root):
                advance(1)
        with step("writing catalogues"):
            rows = write_catalogues(settings, root, [task.pointing for task in tasks])
        card = {"digest": mock_sky_digest(settings), "settings": as_plain(settings), "bricks": len(tasks), "rows": rows}
        write_json(root / FOLDER / CARD, card)
    say(f"mock survey of {len(tasks)} bricks and {rows:,} catalogue rows: {root}")
    return Written(len(tasks), len(tasks) - len(missing), rows)


def _claim(settings: MockSky, root: Path) -> None:
    """State what the folder is going to hold, before anything else is written there."""
    path, digest = root / FOLDER / _SETTINGS, mock_sky_digest(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in {part.parent for part in root.rglob(f".*{TEMPORARY}")}:
        remove_leftovers(leftover)
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["digest"] != digest:
            raise ArcgateError(
                f"the folder holds another mock survey: {_differing(found['settings'], as_plain(settings))}",
                where=root,
                todo="name another folder (out=<folder>), or remove this one",
            )
        return
    write_json(path, {"digest": digest, "settings": as_plain(settings)})


def _differing(found: dict[str, object], sought: dict[str, object]) -> str:
    names = [f"{name} is {found.get(name)} there and {value} here" for name, value in sought.items() if found.get(name) != value]
    return ", ".join(names) or "it was made by other code of the same settings"
