"""What may differ among the variants of a study, by the names of its columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

PREFIXES: Final = ("data.", "view.", "gates.", "learning.", "evaluation.")
"""How the columns begin that say what differs among the variants."""
# What names a choice, and so decides the other settings of its node.
_CHOICES: Final = ("name", "kind")


def is_seed(name: str) -> bool:
    """Whether a parameter repeats a variant rather than change it: `data.seed`, `learning.seed`, ..."""
    return name.rpartition(".")[2].endswith("seed")


def telling(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Those of some factors that no other of them decides, in their order.

    A choice such as `data.psf.name` decides `data.psf.profile` and `data.psf.width_convention`; showing the name is enough.
    """
    ordered = sorted(names, key=lambda name: (not name.endswith(".name"), not name.endswith(".kind"), names.index(name)))
    told: list[str] = []
    for name in ordered:
        choices = [f"{name.rpartition('.')[0]}.{choice}" for choice in _CHOICES]
        if not any(_decides(table, choice, name) for choice in choices if choice in told):
            told.append(name)
    return sorted(told, key=names.index)


def _decides(table: pd.DataFrame, name: str, other: str) -> bool:
    pairs = table[[name, other]].astype(str).drop_duplicates()
    return not bool(pairs[name].duplicated().any())
