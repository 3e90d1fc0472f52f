"""What is typed after a verb: what Hydra makes of it, and messages that say how to write it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Final

import yaml
from hydra.errors import HydraException, MissingConfigException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from arcgate.ground.errors import ArcgateError

# Long options that Hydra knows; an abbreviation of one will do.
_OPTIONS: Final = (
    *("--help", "--hydra-help", "--version", "--cfg", "--resolve", "--package", "--run", "--multirun", "--shell-completion"),
    *("--config-path", "--config-name", "--config-dir", "--experimental-rerun", "--info"),
)
# Hydra's words where a group such as `variant` is given a number or a truth value.
_NO_OPTION: Final = "Config group override"
_QUOTED: Final = """'variant="2024"'"""
# Where the seeing and depth of an imaging's mock survey lie.
_MOCKS: Final = "hosts/mock/"
_NO_KEY: Final = re.compile(r"Could not override '([^']+)'")
# Lines of Hydra's that speak of where it looked, in words of its own.
_NOISE: Final = frozenset({"Config search path:", "provider=schema, path=structured://"})
_FOLDERS: Final = {"audit": "data", "predict": "model", "inspect": "data", "report": "study"}


def check_words(verb: str, words: Sequence[str]) -> None:
    """Refuse what is neither an option nor key=value.

    Parameters
    ----------
    verb : str
        The command's verb.
    words : sequence of str
        What follows it.

    Raises
    ------
    ArcgateError
        With the way to write it.
    """
    earlier = ""
    for word, later in pairwise([*words, ""]):
        if word.startswith("--"):
            _check_option(word, "" if "=" in later or later.startswith("-") else later)
        elif not word.startswith(("-", "~")) and "=" not in word and not earlier.startswith("-"):
            key = _FOLDERS.get(verb, "<key>")
            raise ArcgateError(
                f"{word!r} is no setting: settings are written key=value",
                where=f"arcgate {verb}",
                todo=f"write {shell_word(key, word)}; `arcgate {verb} --help` lists the keys",
            )
        earlier = word


def options_first(words: Sequence[str]) -> list[str]:
    """The same words, with options and their values before all settings, which is the only order that Hydra reads."""
    options: list[str] = []
    settings: list[str] = []
    earlier = ""
    for word in words:
        of_option = word.startswith("-") or (earlier.startswith("-") and "=" not in word and not word.startswith("~"))
        (options if of_option else settings).append(word)
        earlier = word
    return [*options, *settings]


def _check_option(word: str, later: str) -> None:
    name, equals, value = word.partition("=")
    if len(name) == 2 or any(option.startswith(name) for option in _OPTIONS):
        return
    key = name.removeprefix("--").replace("-", "_")
    meant = value if equals else later or "true"
    raise ArcgateError(
        f"there is no option {name}: settings are written key=value, without dashes",
        where="command line",
        todo=f"write {f'{key}={meant}' if meant.isdecimal() else shell_word(key, meant)}; --help lists the keys",
    )


def shell_word(key: str, value: str) -> str:
    r"""An override as one types it in a shell, quoted for Hydra and for the shell where the value needs that.

    Examples
    --------
    >>> shell_word("study", "pilot")
    'study=pilot'
    >>> shell_word("study", "2024")
    '\'study="2024"\''
    """
    plain = value.replace("_", "").replace("-", "").replace("/", "").replace(".", "")
    if plain.isascii() and plain.isalnum() and not plain[0].isdigit():
        return f"{key}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f"""'{key}="{escaped}"'"""


def _no_setting(key: str) -> str:
    """What to tell about a key that does not exist, with the closest name that stands in its place."""
    parent, dot, last = key.rpartition(".")
    near = difflib.get_close_matches(last if dot else key, _known_words(), n=1)
    hint = f"; {parent}{dot}{near[0]} is meant?" if near else ""
    todo = "correct its name; `arcgate <verb> --help` lists them"
    return f"there is no setting {key}{hint}\n  where: command line\n  to do: {todo}"


def _known_words() -> list[str]:
    """Names of groups, and every key of the files in them."""
    found: set[str] = set()
    for path in Path(str(files("arcgate.conf"))).rglob("*.yaml"):
        found |= {path.parent.name} | _keys_of(yaml.safe_load(path.read_text(encoding="utf-8")))
    return sorted(found)


def _keys_of(content: object) -> set[str]:
    if not isinstance(content, dict):
        return set()
    return {str(key) for key in content} | {key for value in content.values() for key in _keys_of(value)}


def composition_message(error: Exception) -> str | None:
    """What to tell about an error in composing a configuration: Hydra's own words, and how to quote; None for other errors."""
    if isinstance(error, ValueError) and str(error).startswith(_NO_OPTION):
        return f"{error}\n  to do: name one of the group's options (see --help); one that is called 2024 is written {_QUOTED}"
    if not isinstance(error, HydraException | OmegaConfBaseException | YAMLError):
        return None
    if (unknown := _NO_KEY.search(str(error))) is not None and isinstance(error.__cause__, OmegaConfBaseException):
        return _no_setting(unknown.group(1))
    words = "\n  ".join(line for line in str(error).splitlines() if line.strip() and line.strip() not in _NOISE)
    if isinstance(error.__cause__, OmegaConfBaseException):
        words += f"\n  {error.__cause__}"
    if isinstance(error, MissingConfigException) and str(error.missing_cfg_file).startswith(_MOCKS):
        words += (
            "\n  to do: take the mock survey of another imaging with the same bands (hosts=mock/<imaging>) or galaxies of yours "
            f"(hosts=pack), or state seeing and depth in a file {error.missing_cfg_file}.yaml"
        )
    key, equals, value = str(getattr(error, "override", "")).partition("=")
    if equals:
        words += f"\n  to do: values with characters other than letters, digits and / . _ - need quotes: {shell_word(key, value)}"
    return words
