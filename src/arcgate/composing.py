"""What is typed after a verb: what Hydra makes of it, and messages that say how to write it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

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
_FOLDERS: Final = {"audit": "data", "inspect": "data", "report": "study"}


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


def composition_message(error: Exception) -> str | None:
    """What to tell about an error in composing a configuration: Hydra's own words, and how to quote; None for other errors."""
    if isinstance(error, ValueError) and str(error).startswith(_NO_OPTION):
        return f"{error}\n  to do: name one of the group's options (see --help); one that is called 2024 is written {_QUOTED}"
    if not isinstance(error, HydraException | OmegaConfBaseException | YAMLError):
        return None
    words = "\n  ".join(line for line in str(error).splitlines() if line.strip())
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
