"""Modules that settings list by their names."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from pathlib import Path
from types import ModuleType

from arcgate.ground.errors import ArcgateError


def full_name(name: str, room: str) -> str:
    """Whole name of a listed module: names without a dot lie in the package `room`."""
    return name if "." in name else f"{room}.{name}"


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
        There is no such module, or it cannot be imported.
    """
    file = source_file(whole, setting)
    try:
        return importlib.import_module(whole)
    except ArcgateError:
        raise
    except Exception as error:
        raise _broken(whole, file, error) from error


def source_file(whole: str, setting: str) -> Path:
    """File of a module that a setting lists; of the module itself nothing is run.

    Raises
    ------
    ArcgateError
        There is no such module, or a package that it lies in cannot be imported.
    """
    try:
        spec = importlib.util.find_spec(whole)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{whole}.".startswith(f"{error.name}."):
            raise _broken(whole, setting, error) from error
        spec = None
    except Exception as error:
        raise _broken(whole, setting, error) from error
    if spec is None or not spec.has_location or spec.origin is None:
        room, _, last = whole.rpartition(".")
        ours = room.startswith("arcgate.")
        near = difflib.get_close_matches(last, [each.rpartition(".")[2] for each in modules_of(room)], n=1) if ours else []
        hint = f"; {near[0]} is meant?" if near else ""
        found = f"a module of {room}{hint}" if ours else "install its package, or let PYTHONPATH name the folder that it lies in"
        raise ArcgateError(f"there is no module {whole}", where=setting, todo=f"correct the name: {found}")
    return Path(spec.origin)


def source_files(whole: str, setting: str) -> list[Path]:
    """The file of a module, and whatever else it may import from its own package; errors as `source_file`."""
    file = source_file(whole, setting)
    top = file.parents[whole.count(".") - (file.name != "__init__.py")] if "." in whole else None
    return sorted(top.rglob("*.py")) if top is not None else [file]


def _broken(whole: str, where: str | Path, error: Exception) -> ArcgateError:
    return ArcgateError(
        f"{whole} cannot be imported: {type(error).__name__}: {error}",
        where=where,
        todo="mend the module, or what it imports",
    )
