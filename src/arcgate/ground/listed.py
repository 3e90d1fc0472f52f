"""Modules that settings list by their names."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from pathlib import Path
from types import ModuleType

from arcgate.ground.code_version import DATA_SUFFIXES
from arcgate.ground.errors import ArcgateError


def full_name(name: str, room: str) -> str:
    """Whole name of a listed module: names without a dot lie in the package `room`."""
    return name if "." in name else f"{room}.{name}"


def known_name(name: str, room: str) -> str:
    """Whole name of a module: of the package `room` where one there is called so, else the name as it is."""
    return f"{room}.{name}" if "." not in name and importlib.util.find_spec(f"{room}.{name}") is not None else name


def modules_of(room: str) -> tuple[str, ...]:
    """Whole names of the modules that lie in a package, without the packages in it."""
    places = importlib.import_module(room).__path__
    return tuple(f"{room}.{module.name}" for module in pkgutil.iter_modules(places) if not module.ispkg)


def listed_module(whole: str, setting: str) -> ModuleType:
    """Import a module that a setting lists.

    Parameters
    ----------
    whole : str
        See `full_name`.
    setting : str
        Key of the list, for the message.

    Raises
    ------
    ArcgateError
        There is no such module. Whatever the module itself raises passes through.
    """
    source_file(whole, setting)
    return importlib.import_module(whole)


def source_file(whole: str, setting: str) -> Path:
    """File of a module that a setting lists; of the module itself nothing is run.

    Raises
    ------
    ArcgateError
        There is no such module, or it lies in no file of its own. Whatever a package that it lies in raises passes through.
    """
    room, _, last = whole.rpartition(".")
    known = room.startswith("arcgate.")
    try:
        spec = importlib.util.find_spec(whole)
    except ModuleNotFoundError as error:
        # A package that it lies in, or something that such a package imports.
        if error.name is None or not f"{whole}.".startswith(f"{error.name}."):
            raise
        spec, known = None, False
    if spec is None or not spec.has_location or spec.origin is None:
        near = difflib.get_close_matches(last, [each.rpartition(".")[2] for each in modules_of(room)], n=1) if known else []
        hint = f"; {near[0]} is meant?" if near else ""
        found = f"a module of {room}{hint}" if known else "install its package, or let PYTHONPATH name the folder that it lies in"
        raise ArcgateError(f"there is no module {whole}", where=setting, todo=f"correct the name: {found}")
    file = Path(spec.origin)
    if not file.is_file():
        raise ArcgateError(
            f"{whole} lies in no file of its own: {file}",
            where=setting,
            todo="unpack its package into a folder, so that the key of the evidence can follow its files",
        )
    return file


def package_files(whole: str, file: Path) -> set[Path]:
    """A module's file, and whatever else it may import from its own package, or read there."""
    # A module that lies in no package may have anything beside it.
    package = importlib.util.find_spec(whole.partition(".")[0]) if "." in whole else None
    # A package without an __init__ may lie in several folders.
    folders = (package.submodule_search_locations if package is not None else None) or []
    beside = (each for folder in folders for each in Path(folder).rglob("*") if each.suffix in {".py", *DATA_SUFFIXES})
    return {file, *(each for each in beside if each.is_file())}
