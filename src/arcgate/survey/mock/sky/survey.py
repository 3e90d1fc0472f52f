"""A mock survey as a folder: bricks by worker processes, then what is one for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arcgate.ground.atomic import write_json
from arcgate.ground.counting import count_of
from arcgate.ground.hashing import as_plain
from arcgate.ground.locks import locked
from arcgate.ground.progress import say, step
from arcgate.ground.workers import completed
from arcgate.survey.mock.sky.brick import BrickTask, write_brick
from arcgate.survey.mock.sky.choosing import pointings
from arcgate.survey.mock.sky.claim import FOLDER, claim, mock_sky_digest, require_folder
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.sweeps import write_catalogues
from arcgate.survey.mock.sky.truth import CARD


@dataclass(frozen=True)
class Written:
    """What a mock survey came to: bricks of both surveys, those that were there already, and rows of the sweeps."""

    bricks: int
    found: int
    rows: int


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
    require_folder(root)
    with locked(root):
        claim(settings, root)
        tasks = [BrickTask(settings, pointing, root) for pointing in pointings(settings)]
        missing = [task for task in tasks if not task.done]
        with step("painting bricks", len(missing)) as advance:
            for _ in completed(write_brick, missing, workers, root):
                advance(1)
        with step("writing catalogues"):
            rows = write_catalogues(settings, root, [task.pointing for task in tasks])
        card = {"digest": mock_sky_digest(settings), "settings": as_plain(settings), "bricks": len(tasks), "rows": rows}
        write_json(root / FOLDER / CARD, card)
    say(f"mock survey of {count_of(len(tasks), 'brick')} and {count_of(rows, 'catalogue row')}: {root}")
    return Written(len(tasks), len(tasks) - len(missing), rows)
