"""The rules that gates fit: on features of mean 0 and variance 1, deterministic, in double precision but for the network. Pure.

What is linear is solved from the matrix of products of the features, which is made once: scaling, principal components and ridge
regression all follow from it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, solve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from arcgate.gates.core.small_network import trained

Array = NDArray[np.float64]
Features = NDArray[Any]
Ids = NDArray[np.int64]
Rule = Literal["logistic", "ridge", "trees", "network"]

COMPONENTS: Final = 24
# Shallow and few: a leak that needs more than this to be seen hides among the variety of galaxies, and the time stays below a
# second for 20,000 rows of 30 features.
_TREES, _DEPTH, _LEAVES_OF = 40, 3, 40
_RIDGE: Final = 1.0


class NotComparableError(ValueError):
    """Two classes cannot be told apart or alike, whatever they hold."""


class Scoring(Protocol):
    """A fitted rule."""

    def decision_function(self, features: Features) -> Array:
        """Scores (n,) of features (n, k), or of images: higher means more like label 1."""
        ...


@dataclass(frozen=True, eq=False)
class Projection:
    """Features less their means, in new axes.

    Attributes
    ----------
    mean : ndarray, shape (k,)
    axes : ndarray, shape (k, l)
        Reciprocal standard deviations, or principal components of scaled features, to unit variance.
    """

    mean: Array
    axes: Array

    def __call__(self, features: Array) -> Array:
        """Features (n, k) in the new axes, (n, l)."""
        return (features - self.mean) @ self.axes


@dataclass(frozen=True, eq=False)
class Linear:
    """Scores that are linear in the features less their means: a ridge regression, whatever the axes it was fitted in."""

    mean: Array
    weights: Array
    intercept: float

    def decision_function(self, features: Array) -> Array:
        """Scores (n,)."""
        scores: Array = features @ self.weights
        return scores + (self.intercept - float(self.mean @ self.weights))


@dataclass(frozen=True, eq=False)
class Projected:
    """A classifier of scikit-learn on projected features."""

    projection: Projection
    classifier: Any

    def decision_function(self, features: Array) -> Array:
        """Scores (n,)."""
        return np.asarray(self.classifier.decision_function(self.projection(features)), dtype=np.float64)


def fitted(features: Features, labels: Ids, rule: Rule, components: bool = False) -> Scoring:
    """Fit a rule.

    Parameters
    ----------
    features : ndarray, shape (n, k); of a network images (n, channels, y, x)
    labels : ndarray of 0 and 1, shape (n,)
    rule : {'logistic', 'ridge', 'trees', 'network'}
        Logistic regression (L2, C = 1), ridge regression on the label, shallow boosted trees, or a small convolutional network
        (`small_network`).
    components : bool
        Whether features are first projected on their principal components.

    Raises
    ------
    NotComparableError
        The fit does not converge.
    """
    if rule == "network":
        return trained(features, labels)
    mean = features.mean(axis=0)
    centred = features - mean
    products = centred.T @ centred
    variance = np.diag(products) / len(features)
    scale = np.sqrt(np.where(_constant(variance, mean, len(features)), 1.0, variance))
    axes, spread = np.diag(1.0 / scale), np.diag(products) / scale**2
    if components:
        axes, spread = _principal(products / np.outer(scale, scale), len(features))
        axes /= scale[:, None]
    if rule == "ridge":
        off = labels - labels.mean()
        aligned = axes.T @ (centred.T @ off)
        # Principal components are uncorrelated.
        found = aligned / (spread + _RIDGE) if components else _ridge(products, scale, aligned)
        return Linear(mean, axes @ found, float(labels.mean()))
    projected = centred @ axes if components else centred / scale
    classifier = _CLASSIFIERS[rule]()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        # Where classes are exactly alike the first step leads nowhere; the solver then goes on with another method, which says
        # itself whether it converges.
        warnings.filterwarnings("ignore", r"(?s).*resort to lbfgs", ConvergenceWarning)
        try:
            classifier.fit(projected, labels)
        except ConvergenceWarning as warning:
            raise NotComparableError(f"the fit does not converge: {warning}") from warning
    return Projected(Projection(mean, axes), classifier)


_CLASSIFIERS: Final[dict[Rule, Any]] = {
    "logistic": lambda: LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=1000),
    "trees": lambda: HistGradientBoostingClassifier(
        max_iter=_TREES, max_depth=_DEPTH, min_samples_leaf=_LEAVES_OF, early_stopping=False, random_state=0
    ),
}


def _constant(variance: Array, mean: Array, rows: int) -> NDArray[np.bool_]:
    """Features whose variance is no more than what rounding brings, by scikit-learn's bound: they are not scaled."""
    rounding = np.finfo(np.float64).eps * rows
    constant: NDArray[np.bool_] = variance <= rounding * variance + (rounding * mean) ** 2
    return constant


def _principal(products: Array, rows: int) -> tuple[Array, Array]:
    """Principal components of features with such products, to unit variance, the first ones first; and their products."""
    count = min(COMPONENTS, rows, len(products))
    first = len(products) - count
    found, axes = eigh(products, subset_by_index=[first, len(products) - 1])
    # A component by itself has no sign: its largest loading is positive, so that the same features give the same axes.
    axes = axes[:, ::-1] * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)])[::-1]
    variance = np.maximum(found[::-1], 0.0) / (rows - 1)
    unit = np.maximum(np.sqrt(variance), np.finfo(np.float64).eps)
    return axes / unit, found[::-1].clip(0.0) / unit**2


def _ridge(products: Array, scale: Array, aligned: Array) -> Array:
    """Weights of scaled features in a ridge regression."""
    scaled = products / np.outer(scale, scale)
    scaled[np.diag_indices(len(scaled))] += _RIDGE
    weights: Array = solve(scaled, aligned, assume_a="pos")
    return weights
