"""What every reader of a survey offers: parents as a catalogue declares them, and the places where their pixels lie.

A place is what one worker cuts out in one go: a file, a brick, a part of a mock survey. It is opened once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.imaging import DECALS, Imaging

# Of DECaLS: some 12 MB of pixels, and six seconds of rendering where a galaxy is made and not read.
_AT_ONCE: Final = 250
_FEWEST: Final = 25
DAMAGED: Final = "a brick whose files are missing or damaged"
ABSURD: Final = "a pixel beyond any galaxy's: a damaged file, or another unit"
MAY_BE_REPAIRED: Final = (DAMAGED, ABSURD)
"""Why galaxies are left out that may be there another time: the key of a survey's parents is the same before a file's repair."""


@dataclass(frozen=True)
class Cut:
    """A galaxy as it was cut out.

    Attributes
    ----------
    image : ndarray, float32 (band, y, x)
        Native pixels, nanomaggies per pixel.
    measured : dict
        Columns of `arcgate.survey.columns.measured_columns`.
    compared : dict, optional
        Columns of `arcgate.survey.columns.compared_columns`, of surveys that state the noise of their pixels.
    """

    image: NDArray[np.float32]
    measured: dict[str, object]
    compared: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Unusable:
    """A galaxy that cannot be used: why, in words that many share, and what was found."""

    reason: str
    found: str


class Place(Protocol):
    """Galaxies whose pixels lie together; small, since it travels to a worker process."""

    def cut(self) -> list[Cut | Unusable]:
        """Cut out and measure its galaxies, in their order."""
        ...


class Parents(Protocol):
    """Galaxies that may carry arcs, as far as they are known without their pixels.

    Attributes
    ----------
    digest : str
        SHA-256 of the specification, of what it is read from, and of the code: parents of one digest are the same galaxies.
    imaging : Imaging
        Of their cutouts.
    catalogue : pandas.DataFrame
        Columns and types of `arcgate.survey.columns.declared_columns`, index 0..n-1.
    left_out : dict of str to int
        Reasons for which galaxies are no parents, and how many.
    cut_flow : list of (str, int)
        The cuts that made the catalogue, and how many galaxies each left; none where it was not cut.
    kernels : pandas.DataFrame or None
        Measured PSFs that the catalogue names: columns of `arcgate.dataset.references.KERNEL_COLUMNS`.
    places : ndarray of int, shape (n,)
        Number of the place in which each galaxy's pixels lie.
    """

    @property
    def digest(self) -> str:
        """SHA-256 of all that determines the galaxies."""
        ...

    @property
    def imaging(self) -> Imaging:
        """Of the cutouts."""
        ...

    @property
    def catalogue(self) -> pd.DataFrame:
        """One row a galaxy."""
        ...

    @property
    def left_out(self) -> dict[str, int]:
        """How many galaxies are no parents, by reason."""
        ...

    @property
    def cut_flow(self) -> list[tuple[str, int]]:
        """What each cut left."""
        ...

    @property
    def kernels(self) -> pd.DataFrame | None:
        """Measured PSFs."""
        ...

    @property
    def places(self) -> NDArray[np.int64]:
        """Where each galaxy's pixels lie."""
        ...

    def place(self, rows: NDArray[np.int64]) -> Place:
        """These galaxies, by catalogue row; all of them lie in one place."""
        ...

    def warm_up(self) -> None:
        """Do once what each worker process would do for itself before its first galaxy: compile."""
        ...

    def describe(self) -> str:
        """One line for cards and dry runs."""
        ...


def numbered_places(count: int, imaging: Imaging) -> NDArray[np.int64]:
    """Places of galaxies that lie one after the other, each with about as many pixels."""
    at_once = max(_FEWEST, _AT_ONCE * prod(DECALS.shape) // prod(imaging.shape))
    return np.arange(count, dtype=np.int64) // at_once


def told(unusable: Sequence[tuple[str, Unusable]]) -> list[str]:
    """A sentence for each reason, from the names of galaxies and what is wrong with each."""
    by_reason: dict[str, list[tuple[str, Unusable]]] = {}
    for name, one in unusable:
        by_reason.setdefault(one.reason, []).append((name, one))
    return [
        f"{'1 galaxy is' if len(some) == 1 else f'{len(some)} galaxies are'} left out for {reason} "
        f"({some[0][0]}, {some[0][1].found}): {', '.join(name for name, _ in some[:10])}{', ...' if len(some) > 10 else ''}"
        for reason, some in by_reason.items()
    ]


def counted(unusable: Sequence[tuple[str, Unusable]]) -> dict[str, int]:
    """How many there are for each reason."""
    return dict(Counter(one.reason for _, one in unusable))
