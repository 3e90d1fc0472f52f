"""Whether an explanation is to be believed by itself: what it gains, what controls alone give, and how much it leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.verdict.bug_model import UNKNOWN, Explanation
from arcgate.gates.verdict.explaining import Explained, explain, without
from arcgate.gates.verdict.geometry import Transformed
from arcgate.gates.verdict.refit import QUANTITIES
from arcgate.gates.verdict.rows import RefitRows

Array = NDArray[np.float64]

# Gain in log likelihood below which no explanation is taken, and how far it must exceed what controls alone give.
GAIN: Final = 20.0
_OVER_NULL: Final = 3.0
# A bug that is there or not has amplitude one in the rows that it touches. A transformation moves all of the arc's light, so that
# its amplitude is well known.
_AMPLITUDE: Final = (0.6, 1.4)
_OF_ALL_LIGHT: Final = {False: (0.9, 1.1), True: (0.75, 1.25)}
ALL_ROWS: Final = 0.9
# An explanation in less than half of the rows must explain them: light that it leaves there, as a share of what there was.
_HALF: Final = 0.5
_MAY_LEAVE: Final = 0.2
_LARGE_FACTOR: Final = float(np.log(2.0))
# A common factor of the flux below this is none: the arcs are missing. The smallest that a unit brings is 0.01; between galaxies
# what is left of neighbours is as bright as that.
_NO_LIGHT: Final = {False: 0.01, True: 0.03}
# What is plain below its margin leaves less than this share.
_OF_A_SMALL_ONE: Final = 0.1


def believable(rows: RefitRows, fit: Explained, alarming: set[str]) -> bool:
    """Whether an explanation may name what is there; `alarming` are the quantities that raise an alarm by themselves."""
    if fit.score < GAIN or _common_factor(rows, fit):
        return False
    if fit.explanation.free and not fit.explanation.partial:
        if fit.explanation.bug != UNKNOWN and not rows.hosts_hide and not _names_most(rows, fit):
            return False
        return any(name in alarming for name in fit.explanation.quantities)
    if not rows.hosts_hide and not _explains_its_rows(rows, fit):
        return False
    if rows.hosts_hide:
        null = explain(replace(rows, found=rows.null_found, squared=rows.null_squared), fit.explanation)
        if fit.score < _OVER_NULL * max(null.score, GAIN):
            return False
    if fit.explanation.nothing_left:
        return True
    if fit.explanation.free:
        factor = 1.0 + fit.amplitude
        if factor.min() <= 0.0:
            return False
        if rows.hosts_hide and fit.share < ALL_ROWS:
            # A unit is off by a large factor; neighbours make a few arcs look somewhat brighter.
            return bool(np.abs(np.log(factor)).min() > _LARGE_FACTOR)
        return bool(np.abs(fit.amplitude).max() > _least(fit.explanation, rows))
    low, high = _AMPLITUDE
    return low < _typical_amplitude(rows, fit) < high


def without_light(rows: RefitRows, fit: Explained) -> Explained:
    """An explanation; a common factor of the flux that cannot be told from zero as arcs that are missing."""
    nothing = fit.explanation.without_light
    if nothing is not None and np.abs(1.0 + fit.amplitude).max() < _NO_LIGHT[rows.hosts_hide]:
        return replace(fit, explanation=nothing)
    return fit


def believable_turn(rows: RefitRows, found: Transformed, odd: NDArray[np.bool_]) -> bool:
    """Whether a transformation accounts for the rows: amplitude one, and next to nothing left in most of the odd ones."""
    fit = found.explained
    touched = fit.touched
    if fit.score < GAIN or not touched.any():
        return False
    low, high = _OF_ALL_LIGHT[rows.hosts_hide]
    size = found.product[touched].sum(axis=1)
    if not low < float(np.median(found.found[touched].sum(axis=1) / np.maximum(size, 1e-300))) < high:
        return False
    if rows.hosts_hide:
        return fit.score > _OVER_NULL * max(found.null.score, GAIN)
    left = (rows.squared - 2.0 * found.found + found.product).sum(axis=1)
    share = (left - rows.expected.sum(axis=1)).clip(min=0.0) / np.maximum(rows.squared.sum(axis=1), 1e-300)
    return bool(np.median(share[touched]) < _MAY_LEAVE and touched[odd].mean() > _HALF)


def plain_below_margin(rows: RefitRows, ranked: list[Explained]) -> Explained | None:
    """A quantity that is off by little, where nothing hides the light: below its margin, and yet plain.

    It must explain best of all, and nearly all of what there is.
    """
    best = ranked[0]
    least = best.explanation.plain_from
    if rows.hosts_hide or least is None or best.score < GAIN or abs(float(best.amplitude[0, 0])) < least:
        return None
    excess = [(each.squared - rows.expected).sum() for each in (rows, without(rows, best))]
    return best if excess[0] > 0.0 and excess[1] < _OF_A_SMALL_ONE * excess[0] else None


def _common_factor(rows: RefitRows, fit: Explained) -> bool:
    """Whether factors of the flux fitted band by band are one factor: then that is said, and by its name."""
    if not (fit.explanation.by_band and fit.explanation.parameters == ("flux",)):
        return False
    factor = (1.0 + fit.amplitude).clip(min=_NO_LIGHT[rows.hosts_hide])
    return bool(np.ptp(np.log(factor)) < _least(fit.explanation, rows))


def _explains_its_rows(rows: RefitRows, fit: Explained) -> bool:
    """Whether a defect accounts for most light of the rows that it is said to be in, and for nearly all if those are few.

    What is free is a part of what is wrong, if it is so in most rows.
    """
    touched = fit.touched
    if not touched.any():
        return False
    if touched.mean() < _HALF:
        left = without(rows, fit).squared[touched].sum(axis=1)
        before = np.maximum(rows.squared[touched].sum(axis=1), 1e-300)
        return bool(np.median(left / before) < _MAY_LEAVE)
    return fit.explanation.free or _leaves(rows, fit) < _HALF


def _names_most(rows: RefitRows, fit: Explained) -> bool:
    """Whether a level, shift or scale accounts for most light of its rows; a level, in more than a few."""
    few = fit.touched.mean() < fit.explanation.least_share
    return bool(fit.touched.any()) and not few and _leaves(rows, fit) < _HALF


def _leaves(rows: RefitRows, fit: Explained) -> float:
    """Median share of the light, beyond noise, that an explanation leaves in its rows."""
    touched = fit.touched
    before, after = ((each.squared - rows.expected).sum(axis=1)[touched] for each in (rows, without(rows, fit)))
    return float(np.median(after.clip(min=0.0) / np.maximum(before, 1e-300)))


def _least(explanation: Explanation, rows: RefitRows) -> float:
    quantity = next(each for each in QUANTITIES if each.name == explanation.parameters[0])
    return quantity.margin_hidden if rows.hosts_hide else quantity.margin


def _typical_amplitude(rows: RefitRows, fit: Explained) -> float:
    """Median amplitude with which a fixed prediction is found in the rows that belong to it."""
    at = rows.place(fit.explanation.predictions[0])
    touched = fit.touched
    if not touched.any():
        return 0.0
    ratio = rows.found[touched, :, at].sum(axis=1) / np.maximum(rows.product[touched][:, :, at, at].sum(axis=1), 1e-300)
    return float(np.median(ratio))
