"""How well an explanation accounts for the light that was found, row by row.

An explanation is some predictions with free amplitudes (a pedestal of any size) or fixed at one (a bug that is there or not),
which hold in some share of the rows. Each row's likelihood is that of Gaussian residuals of unknown variance, so that
a galaxy that fits nothing counts little: -D log(1 + chi^2 / D) with D values behind chi^2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.verdict.bug_model import LEVELS, Explanation
from arcgate.gates.verdict.rows import RefitRows

Array = NDArray[np.float64]

_STEPS: Final = 12
_LEAST_SHARE: Final = 0.02
_OUTLIERS: Final = 0.05
# Rows whose own factors differ by less than this (in logarithm) may share one.
_AGREE: Final = 0.05
_BELONGS: Final = 0.5
_LEAST_FACTOR: Final = 1e-3


@dataclass(frozen=True)
class Explained:
    """How well an explanation accounts for the rows.

    Attributes
    ----------
    explanation : Explanation
    score : float
        Gain in log likelihood over the declared arcs, at the best share and amplitudes, less half a log of the rows a parameter.
    share : float
        Of the rows that it holds in.
    amplitude : ndarray (band, predictions)
    belongs : ndarray (n,)
        Probability of each row.
    """

    explanation: Explanation
    score: float
    share: float
    amplitude: Array
    belongs: Array

    @property
    def touched(self) -> NDArray[np.bool_]:
        """The rows that it holds in, (n,)."""
        touched: NDArray[np.bool_] = self.belongs > _BELONGS
        return touched


def explain(rows: RefitRows, explanation: Explanation) -> Explained:
    """Fit an explanation's amplitudes and share by expectation and maximisation, from several beginnings."""
    chosen = [rows.place(name) for name in explanation.predictions]
    return explained_by(rows, explanation, rows.product[:, :, chosen][..., chosen], rows.found[:, :, chosen])


def explained_by(rows: RefitRows, explanation: Explanation, product: Array, found: Array) -> Explained:
    """The same for k predictions of any kind.

    Parameters
    ----------
    rows : RefitRows
    explanation : Explanation
        With k predictions.
    product : ndarray (n, band, k, k)
        Of the predictions with each other.
    found : ndarray (n, band, k)
        Of the predictions with the light beyond the declared arc.
    """
    plain = _likelihood(rows.squared, rows.pixels)
    starts = _starts(plain) if explanation.in_some_rows or not rows.hosts_hide else _starts(plain)[:1]
    if explanation.partial and not rows.hosts_hide:
        starts += _agreeing(plain, product, found)
    mixed = len(starts) > 1
    return max((_climbed(rows, explanation, product, found, plain, start, mixed) for start in starts), key=lambda fit: fit.score)


def chi_squared(squared: Array, product: Array, found: Array, amplitude: Array) -> Array:
    """Chi squared of each row and band with amplitudes (band, k): (n, band)."""
    left: Array = squared - 2.0 * (found * amplitude).sum(axis=2) + np.einsum("bk,nbkl,bl->nb", amplitude, product, amplitude)
    return left.clip(min=0.0)


def without(rows: RefitRows, fit: Explained) -> RefitRows:
    """The rows after an explanation is taken away from those that it holds in.

    Where it is a factor of the flux, all that follows from the arcs is expected to have the same factor.
    """
    chosen = [rows.place(name) for name in fit.explanation.predictions]
    touched = fit.touched
    moved = np.einsum("nbkl,nbl->nbk", rows.product[..., chosen], fit.amplitude * touched[:, None, None])
    product, found = rows.product[:, :, chosen][..., chosen], rows.found[:, :, chosen]
    squared = np.where(touched[:, None], chi_squared(rows.squared, product, found, fit.amplitude), rows.squared)
    found, product = rows.found - moved, rows.product
    if fit.explanation.predictions == ("flux",):
        factor = np.where(touched[:, None, None], (1.0 + fit.amplitude).clip(min=_LEAST_FACTOR), 1.0)
        follows = np.array([name not in LEVELS for name in rows.predictions])
        factor = np.where(follows, factor, 1.0)
        found, product = found * factor, product * factor[..., None] * factor[..., None, :]
    return replace(rows, found=found, product=product, squared=squared)


def _likelihood(squared: Array, pixels: float) -> Array:
    likelihood: Array = -pixels * np.log1p(squared / pixels).sum(axis=1)
    return likelihood


def _starts(plain: Array) -> list[Array]:
    """Which rows belong, to begin with: all; and the half, eighth of them that the declared arc fits worst."""
    n = len(plain)
    order = np.argsort(plain)
    starts = [np.ones(n)]
    for part in (2, 8):
        worst = np.zeros(n)
        worst[order[: max(n // part, 1)]] = 1.0
        starts.append(worst)
    return starts


def _agreeing(plain: Array, product: Array, found: Array) -> list[Array]:
    """Groups of rows, among the eighth that the declared arc fits worst, whose own amplitudes agree; product (n, band, 1, 1).

    A fit to more rows than those that share an amplitude is drawn to the sound ones.
    """
    n = len(plain)
    own = found[..., 0].sum(axis=1) / np.maximum(product[..., 0, 0].sum(axis=1), 1e-300)
    factor = np.log1p(own.clip(min=-0.999))
    groups: list[Array] = []
    seen = np.zeros(n, dtype=bool)
    for row in np.argsort(plain)[: max(n // 8, 2)]:
        group = np.abs(factor - factor[row]) < _AGREE
        if not seen[row] and 2 <= group.sum() <= n // 2:
            groups.append(group.astype(np.float64))
        seen |= group
    return groups


def _climbed(
    rows: RefitRows, explanation: Explanation, product: Array, found: Array, plain: Array, belongs: Array, mixed: bool
) -> Explained:
    n, share = len(plain), max(float(belongs.mean()), _LEAST_SHARE)
    bands = product.shape[1]
    amplitude = np.ones((bands, len(explanation.predictions)))
    squared = rows.squared
    for _ in range(_STEPS):
        if explanation.free:
            amplitude = _amplitude(explanation, product, found, belongs[:, None] / (1.0 + squared / rows.pixels))
        squared = chi_squared(rows.squared, product, found, amplitude)
        gain = _likelihood(squared, rows.pixels) - plain
        odds = np.exp(np.clip(gain + np.log(share) - np.log1p(-min(share, 1.0 - 1e-9)), -500.0, 500.0))
        belongs = odds / (1.0 + odds)
        if not mixed:
            belongs = np.ones(n)
        share = float(np.clip(belongs.mean(), _LEAST_SHARE, 1.0 - 0.5 / n))
    each = np.sort(np.logaddexp(np.log1p(-share), np.log(share) + gain) if mixed else gain)
    # A galaxy of its own kind is no evidence: where hosts hide what was added, the rows that gain most do not count.
    kept = each[: n - int(_OUTLIERS * n)] if rows.hosts_hide else each
    score = float(kept.sum()) - 0.5 * (explanation.size(bands) + 1) * np.log(n)
    return Explained(explanation, score, share, amplitude, belongs)


def _amplitude(explanation: Explanation, product: Array, found: Array, weight: Array) -> Array:
    """Weighted least squares, (band, k)."""
    normal = (product * weight[..., None, None]).sum(axis=0)
    right = (found * weight[..., None]).sum(axis=0)
    tiny = 1e-12 * np.eye(normal.shape[-1])
    if explanation.by_band:
        scale = np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-300
        solved: Array = np.linalg.solve(normal + tiny * scale, right[..., None])[..., 0]
        return solved
    both, side = normal.sum(axis=0), right.sum(axis=0)
    return np.tile(np.linalg.solve(both + tiny * (np.trace(both) + 1e-300), side), (len(normal), 1))
