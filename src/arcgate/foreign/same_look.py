"""Whether stamps that are called the same galaxy show the same pixels, and how stamps were stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.foreign.cells import Stamp
from arcgate.foreign.measuring import annulus

MOST_COMPARED: Final = 48
# Two stamps of one galaxy share their noise beyond the arc: even with as much noise again on one of them the correlation is 0.7,
# and that of strangers 0 +- 0.03.
_ALIKE: Final = 0.3
# Above this share of strangers among those that share a name, the name is none.
STRANGERS_ALLOWED: Final = 0.1


@dataclass(frozen=True)
class SameLook:
    """What a comparison of stamps that share a name gave.

    Attributes
    ----------
    compared, strangers : int
        Pairs of stamps, and those that show different pixels.
    first : tuple of int or None
        Rows of the first such pair.
    """

    compared: int
    strangers: int
    first: tuple[int, int] | None

    @property
    def believable(self) -> bool:
        """Whether what shares a name mostly looks the same."""
        return self.strangers <= STRANGERS_ALLOWED * self.compared


def namesakes(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Some pairs of rows that share a name, (pairs, 2): neighbours in the order of names, spread over all names."""
    order = np.argsort(codes, kind="stable")
    shared = np.flatnonzero(codes[order][1:] == codes[order][:-1])
    if len(shared) > MOST_COMPARED:
        shared = shared[np.linspace(0, len(shared) - 1, MOST_COMPARED).round().astype(np.int64)]
    return np.stack([order[shared], order[shared + 1]], axis=1).astype(np.int64)


def compare(pairs: NDArray[np.int64], stamps: dict[int, Stamp]) -> SameLook:
    """Compare the stamps of pairs of rows; pairs of which one has no stamp are passed over."""
    compared, strangers = 0, []
    for one, other in pairs.tolist():
        if one in stamps and other in stamps:
            compared += 1
            if not alike(stamps[one], stamps[other]):
                strangers.append((one, other))
    return SameLook(compared, len(strangers), strangers[0] if strangers else None)


def alike(one: Stamp, other: Stamp) -> bool:
    """Whether two stamps share their noise at r >= 20 px, in any band and in any of the eight turns and mirrors of the square.

    Steps between neighbouring pixels are compared, in which galaxies and arcs hardly show, each cut at three times their median
    size. Without noise to compare nothing speaks against it.
    """
    first = _steps(one)
    for mirrored in (other, other[:, :, ::-1]):
        for turns in range(4):
            found = _correlation(first, _steps(np.rot90(mirrored, turns, axes=(1, 2))))
            if found is None or found > _ALIKE:
                return True
    return False


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Largest over bands; None where no band has noise in both."""
    size = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    judged = size > 0.0
    return float(((first * second).sum(axis=1)[judged] / size[judged]).max()) if judged.any() else None


def _steps(stamp: Stamp) -> NDArray[np.float64]:
    outer = annulus(stamp.shape[-1])[:, 1:]
    values = np.nan_to_num(np.asarray(stamp, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    steps = np.diff(values, axis=2)[:, outer]
    limit = 3.0 * np.median(np.abs(steps), axis=1, keepdims=True)
    return np.asarray(np.clip(steps, -limit, limit), dtype=np.float64)


def stored_types(stamps: Iterable[Stamp]) -> set[str]:
    """Names of the floating-point types of stamps."""
    return {stamp.dtype.newbyteorder("=").name for stamp in stamps}


def coarsest(types: Iterable[str]) -> str:
    """The type with the fewest digits."""
    return min(types, key=lambda name: np.finfo(name).nmant)


def type_notes(types: Mapping[str, set[str]]) -> list[str]:
    """Say where stamps of the two classes, or of one, were written in different types: last bits tell them apart."""
    if len({frozenset(found) for found in types.values()}) == 1 and all(len(found) == 1 for found in types.values()):
        return []
    found = "; ".join(f"{side}: {', '.join(sorted(names))}" for side, names in sorted(types.items()))
    return [f"stamps were not all written in one type ({found}): last bits can tell them apart"]
