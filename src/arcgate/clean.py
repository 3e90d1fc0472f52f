"""What no study names: data sets, their galaxies, runs and audits that nobody would miss, listed and removed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from arcgate.dataset.card import CARD
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import HeldElsewhereError, lock_file, locked
from arcgate.survey.catalogue.card import CARD as CATALOGUE_CARD
from arcgate.tracking.named import Named, named_by_runs
from arcgate.tracking.store import DATABASE, open_store

# A folder under this name is being removed, or was when the process ended.
_REMOVED: Final = ".removed-"
_DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class Unnamed:
    """A folder that no study names.

    Attributes
    ----------
    folder : Path
    why : str
        In words.
    size_bytes : int
    changed : float
        When something in it was written last, seconds since 1970.
    """

    folder: Path
    why: str
    size_bytes: int
    changed: float


def unnamed(data_dir: Path, mlruns_dir: Path, min_age_days: float) -> list[Unnamed]:
    """Folders that no run in MLflow names, directly or through what it was made from.

    A data set is named by its digest on a run, of a variant or an audit; galaxies that were cut out, and images that were
    prepared, by the card of a data set that is kept; the folders of gates, networks, scores and figures by the record of
    a finished variant; an audit by its key. What was written less than `min_age_days` ago may be in use, or be resumed, and is
    passed over.

    Parameters
    ----------
    data_dir, mlruns_dir : Path
        Folders of artifacts and of the tracking database.
    min_age_days : float

    Returns
    -------
    list of Unnamed
        Largest first.

    Raises
    ------
    ArcgateError
        There is no tracking database, so that everything would seem unnamed.
    """
    if not (mlruns_dir / DATABASE).is_file():
        raise ArcgateError(
            "there is no tracking database, which says what studies name",
            where=mlruns_dir.absolute(),
            todo="name the right folder (runtime.mlruns_dir)",
        )
    named = named_by_runs(open_store(mlruns_dir))
    sets = {folder: _card(folder) for folder in _folders(data_dir / "sets")}
    kept = [card for card in sets.values() if card.get("data_digest") in named.data_digests]
    recorded = _recorded(data_dir / "runs", named)
    parents = {card.get(name) for card in kept for name in ("parents_digest", "images_digest")}
    found: list[tuple[Path, str]] = []
    for folder, card in sets.items():
        if not card:
            found.append((folder, "was never finished"))
        elif card not in kept:
            found.append((folder, "on no run"))
    found += [(folder, "of no data set that is kept") for folder in _folders(data_dir / "hosts") if folder.name not in parents]
    # Whole mock surveys, which earlier versions made.
    found += [(folder, "of an earlier version") for folder in _folders(data_dir / "surveys")]
    found += [(folder, "of no finished variant") for folder in _folders(data_dir / "runs") if folder.name not in recorded]
    found += [(folder, "on no run") for folder in _folders(data_dir / "audits") if folder.name not in named.keys]
    listed = [_measured(folder, "removing it was interrupted" if _REMOVED in folder.name else why) for folder, why in found]
    before = time.time() - _DAY_S * min_age_days
    return sorted((one for one in listed if one.changed <= before), key=lambda one: -one.size_bytes)


def clean(data_dir: Path, mlruns_dir: Path, min_age_days: float, remove: bool) -> None:
    """List what no study names, and remove it if asked to (see `unnamed`)."""
    found = unnamed(data_dir, mlruns_dir, min_age_days)
    console = Console()
    if kept := _parents(data_dir):
        console.print(kept, highlight=False)
    if not found:
        console.print(f"nothing in {data_dir} is unnamed and older than {min_age_days:g} days", highlight=False)
        return
    table = Table("folder", "size, MB", "last written", "why", box=None, pad_edge=False)
    for one in found:
        place = one.folder.relative_to(data_dir)
        shown = f"{place.parent}/{place.name[:12]}"
        table.add_row(shown, f"{one.size_bytes / 1e6:,.1f}", time.strftime("%Y-%m-%d", time.localtime(one.changed)), one.why)
    console.print(table)
    size = sum(one.size_bytes for one in found) / 1e9
    what = f"{count_of(len(found), 'folder')}, {size:.2f} GB"
    if not remove:
        console.print(f"{what}: remove=true removes them; what is needed again is built again", highlight=False)
        return
    held = [one.folder for one in found if not _remove(one.folder)]
    console.print(f"removed: {what}" + (f", but for {len(held)} that are in use" if held else ""), highlight=False)


def _parents(data_dir: Path) -> str:
    """What stays although no study need name it, in words; empty where there is none.

    Catalogues are made from the terabytes of a survey's sweeps, which their owner may have deleted since.
    """
    place = data_dir / "parents"
    catalogues = sum((folder / CATALOGUE_CARD).is_file() for folder in _folders(place))
    size = _measured(place, "").size_bytes if place.is_dir() else 0
    if not size:
        return ""
    what = f"{count_of(catalogues, 'catalogue')} of `arcgate parents` and what single sweeps yielded, {size / 1e9:.2f} GB"
    return f"{place}: {what}: never removed here, since the sweeps may be gone; what you do not need, delete by hand"


def _folders(place: Path) -> list[Path]:
    return sorted(folder for folder in place.iterdir() if folder.is_dir()) if place.is_dir() else []


def _card(folder: Path) -> dict[str, object]:
    """The card of a data set as it stands, of whatever version; nothing where there is none, or one that is damaged."""
    try:
        found = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _recorded(runs: Path, named: Named) -> set[str]:
    """Names of the folders that records of finished variants name, their own included."""
    names: set[str] = set()
    for record in runs.glob("*/finished-*.json"):
        try:
            found = json.loads(record.read_text(encoding="utf-8"))
            run_id, files = found["run_id"], found["files"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # damaged: `arcgate run` says so, and makes it anew
        if run_id in named.run_ids:
            names |= {record.parent.name, *(Path(file).parts[0] for file in files)}
    return names


def _measured(folder: Path, why: str) -> Unnamed:
    stats = [path.lstat() for path in _within(folder)]
    changed = max((one.st_mtime for one in stats), default=folder.lstat().st_mtime)
    return Unnamed(folder, why, sum(one.st_size for one in stats), changed)


def _within(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def _remove(folder: Path) -> bool:
    """Remove a folder and its lock, unless a process holds it; whether it is gone."""
    try:
        with locked(folder, patience_s=0):
            # Whoever looks for the folder finds all of it or nothing.
            gone = folder if _REMOVED in folder.name else folder.rename(folder.with_name(f"{_REMOVED}{folder.name}"))
            shutil.rmtree(gone)
    except HeldElsewhereError:
        return False
    lock_file(folder).unlink(missing_ok=True)
    return True
