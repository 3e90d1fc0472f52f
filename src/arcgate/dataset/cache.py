"""The content-addressed cache of data sets: built once, however many jobs want the same one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from arcgate.dataset.card import CARD, read_card, receipts_of
from arcgate.dataset.receipts import finished
from arcgate.ground.atomic import remove_leftovers
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked


def set_folder(data_dir: Path, spec_digest: str) -> Path:
    """Folder of a data set: `<data_dir>/sets/<spec_digest>`."""
    return data_dir / "sets" / spec_digest


def is_built(folder: Path) -> bool:
    """Whether a data set is finished and whole: it has a card, and every shard has the size that the card states.

    Raises
    ------
    ArcgateError
        If the card is damaged or newer.
    """
    if not (folder / CARD).exists():
        return False
    receipts = receipts_of(folder, read_card(folder))
    return all(finished(folder / receipt.file) == receipt for receipt in receipts)


def build_once(folder: Path, build: Callable[[Path], None]) -> Literal["built", "reused"]:
    """Build a data set unless it is there; of two jobs at once one builds and the other waits for it.

    A shard that was deleted, or is not of the size that its receipt states, makes the set unfinished again, so that
    only that shard is rebuilt. The lock ends with its process: after a crash the next job goes on where the last one stopped.

    Parameters
    ----------
    folder : Path
        From `set_folder`; created when needed.
    build : callable
        Fills the folder and ends by writing the card; skips shards that are finished.

    Returns
    -------
    {'built', 'reused'}

    Raises
    ------
    ArcgateError
        If the card in the folder is damaged or newer, or `build` wrote none; whatever `build` raises passes through.
    """
    if is_built(folder):
        return "reused"
    with locked(folder):
        if is_built(folder):
            return "reused"
        (folder / CARD).unlink(missing_ok=True)  # a shard was deleted or cut short: no longer finished
        remove_leftovers(folder)
        build(folder)
        if not is_built(folder):
            raise ArcgateError("the build ended without writing the card, or with a shard that is not whole", where=folder)
        return "built"
