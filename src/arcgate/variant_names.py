"""Names of hand-made variants: short in tables, and no two compositions share one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

LONGEST: Final = 48
"""Characters of a name, whatever was typed."""
# The variant that overrides change where none is named; it goes without saying.
_USUAL: Final = "published"
_MARK: Final = 6
# Overrides that say where, under what name or to what end, not what: they name no variant.
_UNNAMED: Final = (
    "experiment",
    "study",
    "variant",
    "dry_run",
    "force",
    "optimized_metric",
    "runtime",
    "data.hosts.path",
    "evaluation.realistic.source.path",
)


def naming(overrides: Sequence[str]) -> list[str]:
    """Those of the overrides that name a variant, as they were typed but for a leading plus sign.

    Examples
    --------
    >>> naming(["controls=unpaired", "study=mine", "runtime.workers=1", "+kernels=psfex"])
    ['controls=unpaired', 'kernels=psfex']
    """
    words = [word.lstrip("+") for word in overrides]
    return [word for word in words if not word.lstrip("~").partition("=")[0].startswith(_UNNAMED)]


def whole_name(variant: str, words: Sequence[str]) -> str:
    """The variant that was changed, and all words that changed it."""
    return " ".join([variant, *words])


def short_name(variant: str, words: Sequence[str], keys: Sequence[str]) -> str:
    """A name of at most 48 characters for a variant that was changed by hand.

    Keys lose what is not needed to tell them from others: `data.seed` becomes `seed`, `evaluation.common.n_pairs` becomes
    `common.n_pairs`. Beside other words a choice stands for itself where it is arcgate's own and of one group only:
    `unpaired seed=1`, `stamp_rotation gates=quick`. Choices come first, then seeds, then other settings and sizes. What does not
    fit is left out, and a digest of the whole tells the name from others that begin alike.

    Parameters
    ----------
    variant : str
        The named variant that was changed.
    words : sequence of str
        From `naming`.
    keys : sequence of str
        Every key of the composed configuration (see `dotted_keys`); they decide how much of a key is needed.
    """
    # What does not fit is left out from the end: choices of groups say most, seeds tell repetitions apart, sizes say least.
    ordered = sorted(words, key=_weight)
    parts = [_short_word(word, keys, alone=len(words) == 1) for word in ordered]
    # The sign tells a variant that was changed from two choices without their groups.
    started = [] if variant == _USUAL else [f"{variant} +"]
    text = " ".join([*started, *parts])
    if len(text) <= LONGEST:
        return text
    mark = hashlib.sha256(whole_name(variant, words).encode()).hexdigest()[:_MARK]
    room = LONGEST - _MARK - len(" ... ")
    kept = [*started, *parts]
    # The first word stays, and is cut off where it must be: it says most.
    while len(kept) > len(started) + 1 and len(" ".join(kept)) > room:
        kept.pop()
    return f"{' '.join(kept)[:room].rstrip()} ... {mark}"


def dotted_keys(config: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Every key of nested mappings, those of inner nodes included: `data`, `data.seed`, ..."""
    keys = []
    for name, value in config.items():
        keys.append(f"{prefix}{name}")
        if isinstance(value, Mapping):
            keys += dotted_keys(value, f"{prefix}{name}.")
    return keys


def _weight(word: str) -> int:
    key = word.partition("=")[0]
    if "." not in key or "@" in key:
        return 2 if key in _LAST else 0
    return 1 if key.endswith("seed") else 2


def _short_word(word: str, keys: Sequence[str], alone: bool) -> str:
    key, equals, value = word.partition("=")
    if "." in key and "@" not in key:
        return f"{_short_key(key, keys)}{equals}{value}"
    # By itself `core_mask=hard_r5` keeps its group, since a variant may be called hard_r5.
    if alone or key.startswith("~"):
        return word
    return value if _speaks_for_itself(key, value) else f"{key.rpartition('/')[2]}{equals}{value}"


def _short_key(key: str, keys: Sequence[str]) -> str:
    """The shortest end of a key of which it is the first owner: the one that lies highest, then the one that comes first."""
    parts = key.split(".")
    for length in range(1, len(parts)):
        end = ".".join(parts[-length:])
        owners = [other for other in keys if other == end or other.endswith(f".{end}")]
        if min(owners, key=lambda owner: owner.count("."), default="") == key:
            return end
    return key


@cache
def _options() -> tuple[frozenset[tuple[str, str]], Counter[str]]:
    """Groups of arcgate's own with their options, and how many groups have an option of a name."""
    conf = files("arcgate.conf")
    pairs = {pair for folder in _folders(conf) for pair in _options_in(folder, folder.name)}
    pairs |= {
        pair
        for folder in _folders(conf)
        for within in _folders(folder)
        for pair in _options_in(within, f"{folder.name}/{within.name}")
    }
    return frozenset(pairs), Counter(option for group, option in pairs if group not in ("variant", "experiment"))


def _folders(place: Traversable) -> list[Traversable]:
    return [folder for folder in place.iterdir() if folder.is_dir()]


def _options_in(folder: Traversable, group: str) -> set[tuple[str, str]]:
    names = (file.name for file in folder.iterdir())
    return {(group, name.removesuffix(".yaml")) for name in names if name.endswith(".yaml")}


def _speaks_for_itself(group: str, option: str) -> bool:
    """Whether it is clear which group an option of arcgate's own belongs to, and what it means."""
    pairs, groups = _options()
    return (group, option) in pairs and groups[option] == 1 and group not in _SIZES


# Groups whose options are sizes (`quick`, `pilot`) and say nothing without the group; a network's size is a choice, too.
_LAST: Final = ("gates", "dataset", "evaluation", "runtime")
_SIZES: Final = (*_LAST, "learning")
