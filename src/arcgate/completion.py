"""Tab completion: a script for the shell, and the words that it asks for. Imports Hydra, and nothing that takes longer."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from arcgate.ground.errors import ArcgateError

# The configuration that each verb composes; `arcgate.cli.VERBS` has the same verbs.
CONFIGURATIONS: Final = {
    "run": "config",
    "train": "train",
    "predict": "predict",
    "parents": "parents",
    "simulate": "simulate",
    "audit": "audit",
    "inspect": "inspect",
    "report": "report",
    "ui": "ui",
    "clean": "clean",
    "mock": "mock",
}
_OPTIONS: Final = ("--help", "--cfg", "--multirun")
# Settings whose value is a file or a folder.
_PATHS: Final = ("data", "model", "output", "out", "root", "data.hosts.path", "runtime.data_dir", "runtime.mlruns_dir")
# Choices of groups decide which settings there are; other words may hold what Hydra cannot read without its quotes.
_CHOICE: Final = re.compile(r"[\w/]+=\w+")
_BASH: Final = r"""_arcgate() {
    local IFS=$'\n' line="${COMP_LINE:0:COMP_POINT}"
    COMPREPLY=($(arcgate --complete "$line" 2> /dev/null))
    local word="${line##*[[:space:]]}"
    if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
        # Bash completes what follows the last equals sign only.
        COMPREPLY=("${COMPREPLY[@]#"${word%=*}="}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=./] ]]; then
        compopt -o nospace 2> /dev/null
    fi
}
complete -F _arcgate arcgate"""
_ZSH: Final = r"""_arcgate() {
    local -a found
    found=("${(@f)$(arcgate --complete "${(j: :)words[1,CURRENT]}" 2> /dev/null)}")
    local -a open=(${(M)found:#*[=./]}) closed=(${found:#*[=./]})
    compadd -Q -S '' -- $open
    compadd -Q -- $closed
}
compdef _arcgate arcgate"""
_FISH: Final = r"""complete -c arcgate -f -a '(arcgate --complete (commandline -cp) 2> /dev/null)'"""
SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shells: Sequence[str]) -> str:
    """Give the script that makes a shell complete `arcgate`: `eval "$(arcgate --completion bash)"`.

    Parameters
    ----------
    shells : sequence of str
        One of bash, zsh and fish.

    Raises
    ------
    ArcgateError
        Another shell, or none.
    """
    if len(shells) != 1 or shells[0] not in SCRIPTS:
        raise ArcgateError(
            f"there is completion for {', '.join(SCRIPTS)}, asked for was {' '.join(shells) or 'none of them'}",
            where="arcgate --completion",
            todo='put a line into the shell\'s start-up file: eval "$(arcgate --completion bash)"',
        )
    return SCRIPTS[shells[0]]


def complete(line: str) -> str:
    """Give the words that may stand at the end of a line, one a line.

    Parameters
    ----------
    line : str
        What was typed up to the cursor, beginning with `arcgate`.
    """
    return "\n".join(candidates(line))


def candidates(line: str) -> list[str]:
    """Verbs after `arcgate`; after a verb settings, groups and their choices; files where a file is meant."""
    words = _split(line)
    if not words or line[-1].isspace():
        words.append("")
    _, *earlier, word = words if len(words) > 1 else ["", *words]
    if not earlier:
        return [verb for verb in [*CONFIGURATIONS, "--help", "--version"] if verb.startswith(word)]
    if earlier[0] not in CONFIGURATIONS:
        return []
    if word.startswith("-"):
        return [option for option in _OPTIONS if option.startswith(word)]
    key, equals, value = word.lstrip("+").partition("=")
    if equals and key in _PATHS:
        return [f"{key}={path}" for path in _paths(value)]
    return _settings(CONFIGURATIONS[earlier[0]], earlier[1:], word)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        # A quote that is still open.
        return line.split()


def _paths(beginning: str) -> list[str]:
    folder, _, name = beginning.rpartition("/")
    place = Path(f"{folder}/" if "/" in beginning else ".").expanduser()
    if not place.is_dir():
        return []
    before = beginning[: len(beginning) - len(name)]
    shown = [entry for entry in sorted(os.scandir(place), key=lambda entry: entry.name) if entry.name.startswith(name)]
    return [f"{before}{entry.name}{'/' if entry.is_dir() else ''}" for entry in shown if name or not entry.name.startswith(".")]


def _settings(config_name: str, earlier: list[str], word: str) -> list[str]:
    """Settings and groups as Hydra's own completion knows them, for a word after others."""
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_config_search_path
    from hydra.core.global_hydra import GlobalHydra
    from hydra.plugins.completion_plugin import DefaultCompletionPlugin

    hydra = Hydra.create_main_hydra2("arcgate", create_config_search_path("pkg://arcgate.conf"))
    try:
        plugin = DefaultCompletionPlugin(hydra.config_loader)
        found = plugin._query(config_name=config_name, line=" ".join([*filter(_CHOICE.fullmatch, earlier), word]))
    finally:
        GlobalHydra.instance().clear()
    return [item for item in found if not item.startswith("hydra")] if not word.startswith("hydra") else found
