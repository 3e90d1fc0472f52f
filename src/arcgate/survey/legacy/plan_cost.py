"""What a plan costs: files and hours, sky that it does not see, and galaxies that are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.counting import count_of
from arcgate.survey.legacy.brick_files import BrickFiles

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

# Of an image in one band; bits are small. Measured on DR9 and DR10.
BYTES_AN_IMAGE: Final = 12e6
# Rough, on one core: to open an image, to read a stamp of it, to read it whole, and to measure a galaxy.
SECONDS_TO_OPEN, SECONDS_A_STAMP, SECONDS_WHOLE, SECONDS_TO_MEASURE = 0.01, 0.0045, 1.2, 0.006


@dataclass(frozen=True)
class PlanCost:
    """A plan in numbers.

    Attributes
    ----------
    bricks, bricks_of : int
        Bricks that are read, of all in which there are parents.
    galaxies : int
    bytes : float
        Of the files that are read.
    hours : float
        To cut on one core.
    cells, cells_of : int
        Cells of the sky that are reached, of all in which there are parents.
    quantity : str
        Depth or PSF size: what galaxies of a brick share most.
    rho : float or None
        Its correlation between two galaxies of a brick; None where there is one brick alone, which tells nothing of that.
    effective : float or None
        Independent galaxies of the same worth for that quantity; None likewise.
    """

    bricks: int
    bricks_of: int
    galaxies: int
    bytes: float
    hours: float
    cells: int
    cells_of: int
    quantity: str
    rho: float | None
    effective: float | None

    def told(self) -> str:
        """One line."""
        return (
            f"{count_of(self.galaxies, 'galaxy')} in {self.bricks:,} of {count_of(self.bricks_of, 'brick')}, "
            f"{self.bytes / 1e9:.3g} GB, {self.hours:.2g} h to cut on one core; {self.cells:,} of "
            f"{count_of(self.cells_of, 'cell')} of the sky; {self._worth()}"
        )

    def _worth(self) -> str:
        if self.rho is None or self.effective is None:
            return "one brick alone does not tell how much its galaxies share depth and seeing"
        worth = count_of(round(self.effective), "independent galaxy")
        return f"worth {worth} in {self.quantity} (correlation {self.rho:.2f} within a brick)"


def cost_of(
    table: pd.DataFrame, rows: Numbers, places: Numbers, cells: Numbers, files: Sequence[BrickFiles], quantities: Sequence[str]
) -> PlanCost:
    """Cost of taking some galaxies.

    Parameters
    ----------
    table : DataFrame
        All parents, with the quantities.
    rows : ndarray of int
        Those that the plan takes.
    places, cells : ndarray of int, shape (len(table),)
        Number of each parent's brick in `files`, and its cell of the sky.
    files : sequence of BrickFiles
    quantities : sequence of str
        Columns that galaxies of a brick may share.
    """
    counts = np.bincount(places[rows], minlength=len(files))
    taken: list[int] = np.flatnonzero(counts).tolist()
    alone = len(files) == 1
    worst, rho = max(
        ((name, intraclass(table[name].to_numpy(np.float64), places)) for name in quantities), key=lambda one: one[1]
    )
    return PlanCost(
        bricks=len(taken),
        bricks_of=len(files),
        galaxies=len(rows),
        bytes=float(sum(_bytes(files[number]) for number in taken)),
        hours=float(sum(_seconds(files[number], int(counts[number])) for number in taken)) / 3600.0,
        cells=len(np.unique(cells[rows])),
        cells_of=len(np.unique(cells)),
        quantity=worst,
        rho=None if alone else rho,
        effective=None if alone else effective_size(counts[taken], rho),
    )


def intraclass(values: Array, groups: Numbers) -> float:
    """Correlation of a quantity between two members of a group, by analysis of variance (Fisher 1925), within 0 to 1.

    Parameters
    ----------
    values : ndarray, shape (n,)
    groups : ndarray of int, shape (n,)
        Numbers from 0, each of which occurs.

    Returns
    -------
    float
        (B - W) / (B + (m0 - 1) W) with mean squares B between and W within groups, and m0 their size, weighted as unequal groups
        ask for. 0 where there is one group, none has two members, or all values are one.
    """
    counts = np.bincount(groups)
    n, k = len(values), len(counts)
    if k < 2 or n == k or np.ptp(values) == 0.0:
        return 0.0
    means = np.bincount(groups, values) / counts
    between = float((counts * (means - values.mean()) ** 2).sum()) / (k - 1)
    within = float(((values - means[groups]) ** 2).sum()) / (n - k)
    size = (n - float((counts**2).sum()) / n) / (k - 1)
    whole = between + (size - 1.0) * within
    return 0.0 if whole <= 0.0 else float(np.clip((between - within) / whole, 0.0, 1.0))


def effective_size(counts: Numbers, rho: float) -> float:
    """Independent galaxies of equal worth, n / (1 + (m - 1) rho), m the size of a galaxy's own brick on average (Kish 1965)."""
    n = float(counts.sum())
    m = float((counts.astype(np.float64) ** 2).sum()) / n
    return n / (1.0 + (m - 1.0) * rho)


def _bytes(files: BrickFiles) -> float:
    size = files.size()
    return 2 * len(files.bands) * BYTES_AN_IMAGE if size is None else float(size)


def _seconds(files: BrickFiles, count: int) -> float:
    images = 2 * len(files.bands) + files.masks
    return images * (SECONDS_TO_OPEN + min(count * SECONDS_A_STAMP, SECONDS_WHOLE)) + count * SECONDS_TO_MEASURE
