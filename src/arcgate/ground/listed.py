"""Modules that settings list by their names."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from arcgate.ground.errors import ArcgateError


def full_name(name: str, room: str) -> str:
    """Whole name of a listed module: names without a dot lie in the package `room`."""
    return name if "." in name else f"{room}.{name}"


def listed_module(name: str, room: str, setting: str) -> ModuleType:
    """Import a module that a setting lists.

    Parameters
    ----------
    name, room : str
        See `full_name`.
    setting : str
        Key of the list, for the message.

    Raises
    ------
    ArcgateError
        There is no such module.
    """
    whole = full_name(name, room)
    source_file(name, room, setting)
    return importlib.import_module(whole)


def source_file(name: str, room: str, setting: str) -> Path:
    """File of a module that a setting lists; of the module itself nothing is run.

    Raises
    ------
    ArcgateError
        There is no such module.
    """
    whole = full_name(name, room)
    try:
        spec = importlib.util.find_spec(whole)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise ArcgateError(
            f"there is no module {whole}",
            where=setting,
            todo=f"correct the name: a module of {room}, or with dots any module that Python finds",
        )
    return Path(spec.origin)
