"""Means, lines and correlations with intervals that treat each galaxy as one cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from arcgate.ground.statistics import Interval

Array = NDArray[np.float64]
Groups = NDArray[np.str_]

# Student's t on fewer clusters than this gives intervals that say nothing.
MIN_GALAXIES = 5


class NotEstimableError(ValueError):
    """The data at hand do not determine the quantity; the message says why."""


@dataclass(frozen=True)
class Fit:
    """A linear model fitted by least squares.

    Attributes
    ----------
    coefficients : tuple of Interval
        One for each column of the design.
    influence : ndarray, shape (clusters, columns)
        How much each galaxy moves the coefficients: the sum of its squares is their variance.
    names : ndarray of str, shape (clusters,)
        The galaxy of each line of `influence`.
    """

    coefficients: tuple[Interval, ...]
    influence: Array
    names: Groups


def linear_fit(design: Array, y: Array, groups: Groups, level: float) -> Fit:
    """Ordinary least squares with a variance that is clustered by galaxy.

    Parameters
    ----------
    design : ndarray, shape (n, k)
        Columns of the model, the constant among them where it has one.
    y : ndarray, shape (n,)
    groups : ndarray of str, shape (n,)
        Galaxy of each row.
    level : float
        Coverage of the intervals.

    Returns
    -------
    Fit
        The sandwich of Liang & Zeger (1986, Biometrika 73, 13) with the small-sample factor G / (G - 1) (n - 1) / (n - k) (CR1)
        and Student's t with G - 1 degrees of freedom, for G galaxies (Cameron & Miller 2015, J. Hum. Resour. 50, 317).

    Raises
    ------
    NotEstimableError
        Fewer than five galaxies, or columns that do not differ.
    """
    n, k = design.shape
    names, cluster = np.unique(groups, return_inverse=True)
    size = len(names)
    if size < MIN_GALAXIES or n <= k:
        raise NotEstimableError(f"{n} rows of {size} galaxies; at least {MIN_GALAXIES} galaxies are needed")
    norm = np.sqrt((design**2).sum(axis=0))
    if not (norm > 0).all() or np.linalg.matrix_rank(design / norm, tol=1e-7) < k:
        raise NotEstimableError("the quantity that the regression is on is constant over the rows")
    q, r = np.linalg.qr(design / norm)
    coefficients = np.linalg.solve(r, q.T @ y) / norm
    bread = np.linalg.inv(r.T @ r) / np.outer(norm, norm)
    moments = design * (y - design @ coefficients)[:, None]
    scores = np.stack([np.bincount(cluster, moments[:, j], minlength=size) for j in range(k)], axis=1)
    factor = size / (size - 1) * (n - 1) / (n - k)
    influence = np.sqrt(factor) * scores @ bread
    half = float(t.ppf(0.5 + level / 2.0, size - 1)) * np.sqrt((influence**2).sum(axis=0))
    intervals = tuple(
        Interval(float(value) + 0.0, float(value - reach) + 0.0, float(value + reach), n, size)
        for value, reach in zip(coefficients, half, strict=True)
    )
    return Fit(intervals, influence, names)


def line(x: Array, y: Array, groups: Groups, level: float) -> Fit:
    """A straight line; its coefficients are intercept and slope. Raises as `linear_fit`."""
    return linear_fit(np.stack([np.ones(len(x)), x], axis=1), y, groups, level)


def slope_on(x: Array, y: Array, groups: Groups, level: float) -> Interval:
    """Slope of a straight line. Raises as `linear_fit`."""
    return line(x, y, groups, level).coefficients[1]


def clustered_mean(values: Array, groups: Groups, level: float) -> Interval:
    """Mean with its clustered interval.

    Raises
    ------
    NotEstimableError
        Fewer than five galaxies.
    """
    return linear_fit(np.ones((len(values), 1)), values, groups, level).coefficients[0]


def clustered_share(values: Array, groups: Groups, level: float) -> Interval:
    """Mean of shares; its interval ends at 0 and 1. Raises as `clustered_mean`."""
    mean = clustered_mean(values, groups, level)
    return Interval(mean.value, max(mean.low, 0.0), min(mean.high, 1.0), mean.n, mean.n_groups)


def clustered_ratio(numerator: Fit, denominator: Fit, column: int, level: float) -> Interval:
    """Ratio of the same coefficient of two models fitted to the same rows.

    Returns
    -------
    Interval
        Fieller (1940): all ratios for which numerator - ratio x denominator is not told from 0.

    Raises
    ------
    NotEstimableError
        The denominator is not told from 0, so that the ratio is unbounded.
    """
    top, bottom = numerator.coefficients[column], denominator.coefficients[column]
    u, v = numerator.influence[:, column], denominator.influence[:, column]
    squared = float(t.ppf(0.5 + level / 2.0, len(u) - 1)) ** 2
    a = bottom.value**2 - squared * float(v @ v)
    if a <= 0:
        raise NotEstimableError(
            f"the denominator, {bottom.value:.2g}, is not told from 0 ({bottom.low:.2g} to {bottom.high:.2g}): "
            "the ratio has no bound"
        )
    b = top.value * bottom.value - squared * float(u @ v)
    c = top.value**2 - squared * float(u @ u)
    root = np.sqrt(max(b**2 - a * c, 0.0))
    return Interval(top.value / bottom.value, float((b - root) / a), float((b + root) / a), top.n, top.n_groups)


def r_squared(x: Array, y: Array, groups: Groups, level: float) -> Interval:
    """Share of the variance of `y` that a line in `x` explains.

    Returns
    -------
    Interval
        The square of Pearson's correlation r. Its interval is that of r: on Fisher's z scale, from the sum over each galaxy of
        the influence of its rows on r, z_x z_y - r (z_x^2 + z_y^2) / 2 (Devlin, Gnanadesikan & Kettenring 1975, Biometrika 62,
        531). An interval of r that holds 0 starts at R2 = 0.

    Raises
    ------
    NotEstimableError
        Fewer than five galaxies, or `x` or `y` constant.
    """
    names, cluster = np.unique(groups, return_inverse=True)
    size = len(names)
    if size < MIN_GALAXIES:
        raise NotEstimableError(f"{len(x)} rows of {size} galaxies; at least {MIN_GALAXIES} galaxies are needed")
    z_x, z_y = _standardised(x, "the quantity that the regression is on"), _standardised(y, "the quantity that is regressed")
    r = float(np.clip(np.mean(z_x * z_y), -1.0, 1.0))
    if abs(r) > 1.0 - 1e-12:
        return Interval(1.0, 1.0, 1.0, len(x), size)
    influence = np.bincount(cluster, z_x * z_y - 0.5 * r * (z_x**2 + z_y**2), minlength=size) / len(x)
    error = np.sqrt(size / (size - 1) * np.sum(influence**2)) / (1.0 - r**2)
    half = float(t.ppf(0.5 + level / 2.0, size - 1)) * error
    low, high = (float(np.tanh(np.arctanh(r) + reach)) for reach in (-half, half))
    least = 0.0 if low <= 0 <= high else min(low**2, high**2)
    return Interval(r**2, least, max(low**2, high**2), len(x), size)


def _standardised(values: Array, what: str) -> Array:
    """Values of mean 0 and variance 1."""
    centred = values - values.mean()
    spread = float(np.sqrt(np.mean(centred**2)))
    if spread <= 1e-12 * float(np.abs(values).max(initial=0.0)) or spread == 0:
        raise NotEstimableError(f"{what} is constant over the rows")
    standardised: Array = centred / spread
    return standardised


def binned(x: Array, y: Array, groups: Groups, level: float, bins: int = 10) -> dict[str, list[float]]:
    """Mean of `y` with its interval in bins of `x` that hold as many rows each, for a figure."""
    edges = np.quantile(x, np.linspace(0.0, 1.0, bins + 1))
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, bins - 1)
    out: dict[str, list[float]] = {"x": [], "y": [], "low": [], "high": []}
    for i in range(bins):
        rows = place == i
        try:
            mean = clustered_mean(y[rows], groups[rows], level)
        except NotEstimableError:
            continue
        for key, value in (("x", float(x[rows].mean())), ("y", mean.value), ("low", mean.low), ("high", mean.high)):
            out[key].append(value)
    return out
