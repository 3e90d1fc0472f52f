"""A few rows on which transformations of arcs are tried, and what a transformation is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.verdict.rows import RefitRows
from arcgate.gates.verdict.scene import Few, Scene

Array = NDArray[np.float64]
Images = NDArray[np.floating]
Index = NDArray[np.int64]

LEAST_GAIN: Final = 5.0
"""Log likelihood that a transformation, or a step towards it, must gain on the rows tried."""
# Rows on which transformations are tried; more where hosts hide light.
_TRIED: Final = 12
_TRIED_HIDDEN: Final = 24


@dataclass(frozen=True)
class Transform:
    """What happens to whole arcs.

    Attributes
    ----------
    bug : str
        Name of the bug.
    words : str
    of : callable
        From a table of rows and their declared arcs (n, band, y, x) to images of the same shape.
    also : callable or None
        What else predicts the same pixels on the rows tried, in words; empty if nothing does. Two of a kind have no name.
    """

    bug: str
    words: str
    of: Callable[[pd.DataFrame, Images], Images]
    also: Callable[[Trial], str] | None = None


@dataclass(frozen=True)
class Trial:
    """Some of the rows, ready for many comparisons.

    Attributes
    ----------
    rows : RefitRows
        All rows, with their scene.
    candidates : ndarray of bool (n,)
        Rows that something is known to be wrong with; all, where that is not known of single rows.
    tried : ndarray of int (m,)
        The ones tried.
    few : Few
        Their pixels.
    """

    rows: RefitRows
    candidates: NDArray[np.bool_]
    tried: Index
    few: Few

    @classmethod
    def of(cls, rows: RefitRows, candidates: NDArray[np.bool_]) -> Trial:
        """On the rows with most to explain; where hosts hide light, on those whose arcs stand out most."""
        power = rows.product[:, :, 0, 0].sum(axis=1) if rows.hosts_hide else rows.squared.sum(axis=1)
        order = np.argsort(np.where(candidates, -power, 0.0), kind="stable")
        tried = np.sort(order[: min(_TRIED_HIDDEN if rows.hosts_hide else _TRIED, int(candidates.sum()))])
        return cls(rows, candidates, tried, rows.pixels_at_hand.few(tried))

    @property
    def scene(self) -> Scene:
        """The pixels of all rows."""
        return self.rows.pixels_at_hand

    def where_light_is_missed(self) -> Trial:
        """On the rows that miss most light, over its noise, where the declared arc is."""
        rows, at = self.rows, self.rows.place("flux")
        missed = rows.found[:, :, at].sum(axis=1) / np.sqrt(np.maximum(rows.product[:, :, at, at].sum(axis=1), 1e-300))
        order = np.argsort(np.where(self.candidates, missed, np.inf), kind="stable")
        tried = np.sort(order[: min(_TRIED_HIDDEN, int(self.candidates.sum()))])
        return replace(self, tried=tried, few=self.scene.few(tried))

    def gain(self, images: Images) -> float:
        """Log likelihood that images (m, band, y, x) gain on the rows tried; a row that they do not hold in costs little."""
        rows, tried = self.rows, self.tried
        product, found = self.few.added(images)
        left = (rows.squared[tried] - 2.0 * found + product).clip(min=0.0)
        gain = rows.pixels * (np.log1p(rows.squared[tried] / rows.pixels) - np.log1p(left / rows.pixels)).sum(axis=1)
        return float(np.logaddexp(gain, 0.0).sum() - len(tried) * np.log(2.0))

    def best(self, transforms: Sequence[Transform]) -> Transform | None:
        """The one that the rows tried speak for most; None if they speak for none."""
        gains = [self.gain(each.of(self.few.table, self.few.arc)) for each in transforms]
        best = int(np.argmax(gains))
        return transforms[best] if gains[best] > LEAST_GAIN else None
