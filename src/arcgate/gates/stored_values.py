"""Gate on how numbers are stored: whether one class's values lie on a coarser grid than the other's, or hold more zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Pixels
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.result import RAW, GateResult, Status
from arcgate.gates.tails_statistic import limit, share_interval
from arcgate.ground.statistics import BY_CHANCE, classes_differ
from arcgate.variant import Gates
from arcgate.views.view import Viewer

Marks = NDArray[np.bool_]

COARSE, STEPPED, ZEROS = "fewer bits than float32 holds", "values on a grid of equal steps", "exact zeros"
TRAITS: Final = (COARSE, STEPPED, ZEROS)
# The last eight bits of a mantissa: no number of a band of an ordinary stamp leaves them all empty by chance, half precision and
# bfloat16 always do. Adding an arc fills them.
_LAST_BITS: Final = np.uint32(0xFF)
# So many pixels in either direction: of 64 of a band the smallest gap is the step where there is one.
_ALONG: Final = 8
_OFF_GRID: Final = 0.02
# A sum may hit zero by chance in a pixel or two.
_LEAST_ZEROS: Final = 8


@dataclass
class StoredValues:
    """Looks at every row of positives and controls as stored; counts galaxies with each trait, class by class.

    Exact, and silent on sound sets: what adding an arc leaves in the last bits of single pixels (docs/gates.md) is no grid. Zeros
    of a positive are those of its stamp and those that its declared arc covers. Where no arc is declared, only zeros that
    controls lack count, since the wings of an arc fill those of its galaxy.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _names: list[list[NDArray[np.str_]]] = field(default_factory=lambda: [[], []])
    _traits: list[list[Marks]] = field(default_factory=lambda: [[], []])
    _deaf: set[str] = field(default_factory=set)
    _covered: bool = True

    def add(self, arms: Arms) -> None:
        """Look at one shard's rows."""
        if arms.stamp.table.empty or arms.control.table.empty:
            return
        self._covered &= arms.residual is not None
        bare = None if arms.residual is None else arms.residual.image
        for number, (stamps, without) in enumerate(((arms.stamp, bare), (arms.control, None))):
            self._names[number].append(stamps.table["host_id"].to_numpy(np.str_))
            self._traits[number].append(traits(stamps.image, without, self.facts.nanomaggies_per_count))
        self._deaf |= _unnoticed(arms.control.image[:1], self.facts.nanomaggies_per_count)

    def merge(self, other: Self) -> None:
        """Append a later shard's rows."""
        for number in range(2):
            self._names[number] += other._names[number]
            self._traits[number] += other._traits[number]
        self._deaf |= other._deaf
        self._covered &= other._covered

    def judge(self) -> list[GateResult]:
        """Share of positives' galaxies that have a trait less that of the controls' galaxies, of the trait that differs most."""
        if not self._traits[0]:
            return [_result(None, 0, 0, "not_run", "a class has no rows")]
        names = [np.concatenate(parts) for parts in self._names]
        marks = [np.concatenate(parts) for parts in self._traits]
        sizes = [len(np.unique(each)) for each in names]
        counts = [[len(np.unique(name[mark[:, k]])) for k in range(len(TRAITS))] for name, mark in zip(names, marks, strict=True)]
        found = [_Counted(trait, one, zero, *sizes) for trait, one, zero in zip(TRAITS, *counts, strict=True)]
        worst = max(found, key=lambda each: abs(each.difference))
        status, reason = self._status(found)
        galaxies = len(np.union1d(*names))
        return [_result(worst.difference, len(names[0]) + len(names[1]), galaxies, status, reason)]

    def exhibits(self) -> list[Exhibit]:
        """Nothing to draw."""
        return []

    def _status(self, found: Sequence[_Counted]) -> tuple[Status, str]:
        failed = [each for each in found if each.p_value < BY_CHANCE / len(found) and (self._covered or not each.fewer_zeros)]
        open_ = [each for each in found if each.trait != ZEROS and not each.alike]
        if failed:
            return "failed", f"{'; '.join(each.in_words() for each in failed)}: how a stamp is stored tells its class"
        if self._deaf:
            return "blind", f"went unnoticed in a planted row: {', '.join(sorted(self._deaf))}"
        if open_:
            return "undetermined", "; ".join(each.in_words() for each in open_)
        seen = [each.in_words() for each in found if each.one or each.zero]
        both = f" ({'; '.join(seen)})" if seen else ""
        return "passed", f"both classes are stored alike{both}; noticed in a planted row: half precision, steps, zeros"


@dataclass(frozen=True)
class _Counted:
    """Galaxies with a trait: `one` of `n_one` of positives, `zero` of `n_zero` of controls."""

    trait: str
    one: int
    zero: int
    n_one: int
    n_zero: int

    @property
    def difference(self) -> float:
        return self.one / self.n_one - self.zero / self.n_zero

    @property
    def fewer_zeros(self) -> bool:
        return self.trait == ZEROS and self.difference < 0.0

    @property
    def p_value(self) -> float:
        return classes_differ((self.one, self.zero), (self.n_one, self.n_zero))

    @property
    def alike(self) -> bool:
        """Whether the upper 95 % limit of the share that differs is as small as the tails allow."""
        n = min(self.n_one, self.n_zero)
        differ = round(abs(self.difference) * n)
        return differ == 0 or share_interval(differ, n)[1] < limit(n)

    def in_words(self) -> str:
        return f"{self.trait}: {self.one} of {self.n_one} galaxies of positives, {self.zero} of {self.n_zero} of controls"


def traits(image: Pixels, without_arc: Pixels | None = None, factor: float = 1.0) -> Marks:
    """Which of `TRAITS` each stamp has in any of its bands, (n, 3).

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
        As stored, times the factor.
    without_arc : ndarray or None
        The same less the declared arc; its zeros count, too.
    factor : float
        What stored values were multiplied by when they were read.
    """
    flat = np.ascontiguousarray(image).reshape(*image.shape[:2], -1)
    coarse = _coarse(flat) if factor == 1.0 else _coarse_before(flat, factor)
    zero = flat == 0
    if without_arc is not None:
        zero |= without_arc.reshape(flat.shape) == 0
    zeros = np.count_nonzero(zero, axis=2) >= _LEAST_ZEROS
    # Numbers of few bits lie on a grid of steps wherever they are of one size.
    return np.stack([mark.any(axis=1) for mark in (coarse, _stepped(image) & ~coarse, zeros)], axis=1)


def _coarse(flat: Pixels) -> Marks:
    """Whether the last bits of all values are empty, (n, band)."""
    used = np.bitwise_or.reduce(flat.view(np.uint32), axis=2)
    marks: Marks = ((used & _LAST_BITS) == 0) & (used != 0)
    return marks


def _coarse_before(flat: Pixels, factor: float) -> Marks:
    """The same of what the values were before they were multiplied: that is known but for one unit of the last bit."""
    stored = (flat.astype(np.float64) / np.float32(factor)).astype(np.float32)
    near = ((stored.view(np.uint32) + np.uint32(1)) & _LAST_BITS) <= 2
    marks: Marks = near.all(axis=2) & (flat != 0).any(axis=2)
    return marks


def _stepped(image: Pixels) -> Marks:
    """Whether all values that are looked at are whole steps apart, (n, band)."""
    stride = image.shape[-1] // _ALONG
    some = np.sort(image[:, :, stride // 2 :: stride, stride // 2 :: stride].reshape(*image.shape[:2], -1), axis=2).astype(
        np.float64
    )
    some -= some[:, :, :1]
    gaps = np.diff(some, axis=2)
    step = np.where(gaps > 0.0, gaps, np.inf).min(axis=2, keepdims=True)
    steps = some / step
    # Two values alone are always a step apart, and none are where all are equal: those are zeros, or cannot be scaled.
    several = np.count_nonzero(gaps > 0.0, axis=2) >= 2
    on_grid: Marks = several & (np.abs(steps - np.rint(steps)) < _OFF_GRID).all(axis=2)
    return on_grid


def _unnoticed(row: Pixels, factor: float) -> set[str]:
    """Traits that a stamp (1, band, y, x) does not show although it was given them; nothing is planted in a flat one."""
    step = np.median(np.abs(row - np.median(row))) / np.float32(2.0)
    if step == 0.0:
        return set()
    # What bits are left does not depend on the size of numbers, which half precision cannot hold all.
    numbers = np.abs(row[np.isfinite(row) & (row != 0.0)]) / np.float32(factor)
    scale = np.exp2(np.floor(np.log2(numbers.max())) - 12).astype(np.float32) if len(numbers) else np.float32(1.0)
    stored = (row / np.float32(factor) / scale).astype(np.float16).astype(np.float32) * scale
    dead = row.copy()
    dead[..., 0] = 0.0
    given = (stored * np.float32(factor), np.rint(row / step) * step, dead)
    return {trait for k, (trait, image) in enumerate(zip(TRAITS, given, strict=True)) if not traits(image, factor=factor)[0, k]}


def _result(value: float | None, n: int, groups: int, status: Status, reason: str) -> GateResult:
    return GateResult(
        "stored_values", RAW, "overall", "gate", value, value, value, 0.0, None, n, groups, status, reason, null=0.0, leak_unit=""
    )
