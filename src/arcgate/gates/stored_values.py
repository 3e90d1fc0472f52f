"""Do the classes differ in how their numbers are stored: in precision, in steps, or in exact zeros?

Exact, and silent on sound sets: what adding an arc leaves in the last bits of single pixels (docs/explanation/gates.md) is no
grid. Zeros of a positive are those of its stamp and those that its declared arc covers. Where no arc is declared, only zeros that
controls lack count, since the wings of an arc fill those of its galaxy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import NOTICED, CountStatistic, Noticed, exactly
from arcgate.gates.core.counting import limit, share_interval
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import RAW
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels
from arcgate.ground.statistics import BY_CHANCE, classes_differ

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


_CLASSES: Final = ("positives", "controls")


@dataclass(frozen=True, kw_only=True)
class StoredValues(StatedGate):
    """Counts galaxies with each trait, class by class, over every row of positives and controls as stored."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Traits of each row, and those that a planted row does not show."""
        if not len(shard.positive) or not len(shard.control):
            return {}
        factor = shard.context.facts.nanomaggies_per_count
        bare = None if shard.declared is None else shard.positive.image - shard.declared
        return {
            "positives": traits(shard.positive.image, bare, factor),
            "positives/galaxy": shard.positive.galaxy,
            "controls": traits(shard.control.image, None, factor),
            "controls/galaxy": shard.control.galaxy,
            "noticed": _noticed(shard.control.image[:1], factor),
        }

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """Share of positives' galaxies that have a trait less that of the controls' galaxies, of the trait that differs most."""
        stated = Statement(self.name, RAW, 0.0, 0.0, NOTICED)
        if not arrays:
            return Judgement([not_run(stated, "a class has no rows")], [], [])
        names = [arrays[f"{which}/galaxy"] for which in _CLASSES]
        sizes = [len(np.unique(each)) for each in names]
        counts = [
            [len(np.unique(name[arrays[which][:, k]])) for k in range(len(TRAITS))]
            for name, which in zip(names, _CLASSES, strict=True)
        ]
        found = [_Counted(trait, one, zero, *sizes) for trait, one, zero in zip(TRAITS, *counts, strict=True)]
        worst = max(found, key=lambda each: abs(each.difference))
        value = exactly(worst.difference, len(names[0]) + len(names[1]), len(np.union1d(*names)))
        planted = dict(zip(TRAITS, map(Noticed, arrays["noticed"].all(axis=0).tolist()), strict=True))
        evaluated = evaluate(stated, CountStatistic(self.name, RAW, value, _outcome(found, context.facts.declared), planted))
        return Judgement([evaluated.result], [], list(evaluated.curves))


def _outcome(found: Sequence[_Counted], covered: bool) -> Outcome:
    """What the counts show; `covered` says whether zeros under arcs are known."""
    failed = [each for each in found if each.p_value < BY_CHANCE / len(found) and (covered or not each.fewer_zeros)]
    if failed:
        return Outcome("leak", f"{'; '.join(each.in_words() for each in failed)}: how a stamp is stored tells its class")
    if open_ := [each for each in found if each.trait != ZEROS and not each.alike]:
        return Outcome("nothing", "; ".join(each.in_words() for each in open_))
    seen = [each.in_words() for each in found if each.one or each.zero]
    both = f" ({'; '.join(seen)})" if seen else ""
    return Outcome("no leak", f"both classes are stored alike{both}")


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


def _noticed(row: Pixels, factor: float) -> Marks:
    """Which traits a stamp (1, band, y, x) shows that was given each, (1, 3); nothing is planted in a flat one."""
    step = np.median(np.abs(row - np.median(row))) / np.float32(2.0)
    if step == 0.0:
        return np.ones((1, len(TRAITS)), dtype=bool)
    # What bits are left does not depend on the size of numbers, which half precision cannot hold all.
    numbers = np.abs(row[np.isfinite(row) & (row != 0.0)]) / np.float32(factor)
    scale = np.exp2(np.floor(np.log2(numbers.max())) - 12).astype(np.float32) if len(numbers) else np.float32(1.0)
    stored = (row / np.float32(factor) / scale).astype(np.float16).astype(np.float32) * scale
    dead = row.copy()
    dead[..., 0] = 0.0
    given = (stored * np.float32(factor), np.rint(row / step) * step, dead)
    return np.array([[traits(image, factor=factor)[0, k] for k, image in enumerate(given)]])


GATE: Final = StoredValues(
    name="stored_values",
    section="identity",
    title="How numbers are stored",
    asks="Do the classes differ in precision, steps or zeros?",
    failing="one class lies on a coarser grid than the other, or holds more zeros",
    advice="Write both classes by the same path, in the same precision, after all arithmetic is done.",
    requires="pixels that are numbers, and stored alike in both classes",
    compares="positives and controls as stored: bits, steps, zeros",
    plants="half precision; steps; a dead column",
)
