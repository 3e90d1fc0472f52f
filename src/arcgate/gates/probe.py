"""The rule whose AUC is judged: fitted on one half of the galaxies, judged on the other."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.statistics import Interval, clustered_auc
from arcgate.variant import Gates

Features = NDArray[np.float64]
Labels = NDArray[np.int64]
Groups = NDArray[np.str_]


class TooFewHostsError(ValueError):
    """A half holds fewer galaxies than the gate needs."""


@dataclass(frozen=True)
class Sample:
    """Features of both classes.

    Attributes
    ----------
    features : ndarray, shape (n, k)
    labels : ndarray of 0 and 1, shape (n,)
    groups : ndarray of str, shape (n,)
        Galaxy of each row.
    pairs : ndarray of int, shape (n,)
        Pair of each row.
    """

    features: Features
    labels: Labels
    groups: Groups
    pairs: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> Sample:
        """The rows that `chosen` marks."""
        return Sample(self.features[chosen], self.labels[chosen], self.groups[chosen], self.pairs[chosen])


def probe(sample: Sample, settings: Gates) -> Interval:
    """Fit a scaled logistic regression on one half of the galaxies and judge it on the other.

    Parameters
    ----------
    sample : Sample
        Both classes.
    settings : Gates
        Seed of the halves, level of the interval, least number of galaxies.

    Returns
    -------
    Interval
        AUC of the rule on the judging half, clustered by galaxy.

    Raises
    ------
    TooFewHostsError
        A half has fewer than `settings.min_hosts` galaxies.
    """
    fitting = fitting_half(sample.groups, settings.seed)
    require_hosts(sample.groups, sample.labels, fitting, settings.min_hosts)
    fit, judge = sample.take(fitting), sample.take(~fitting)
    scores = fitted_scores(fit, judge.features)
    return clustered_auc(scores, judge.labels, judge.groups, settings.level)


def require_hosts(groups: NDArray[Any], labels: Labels, fitting: NDArray[np.bool_], least: int) -> None:
    """Raise TooFewHostsError unless each half has at least so many galaxies of each class."""
    for half in (fitting, ~fitting):
        for label in (0, 1):
            hosts = len(np.unique(groups[half & (labels == label)]))
            if hosts < least:
                raise TooFewHostsError(f"{hosts} galaxies of a class in one half, {least} are needed")


def fitted_scores(fit: Sample, features: Features) -> NDArray[np.float64]:
    """Scores of `features` under the rule fitted on `fit`; the scaling belongs to the rule.

    Raises
    ------
    ValueError
        The fit does not converge.
    """
    scores: NDArray[np.float64] = fitted(fit.features, fit.labels).decision_function(features)
    return scores


def fitted(features: Features, labels: Labels) -> Pipeline:
    """A logistic regression on features of mean 0 and variance 1, L2, C = 1.

    Raises
    ------
    ValueError
        The fit does not converge.
    """
    rule = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        # Where classes are exactly alike the first step leads nowhere; the solver then goes on with another method, which says
        # itself whether it converges.
        warnings.filterwarnings("ignore", r"(?s).*resort to lbfgs", ConvergenceWarning)
        try:
            rule.fit(features, labels)
        except ConvergenceWarning as warning:
            raise ValueError(f"the fit does not converge: {warning}") from warning
    return rule


def fitting_half(groups: Groups, seed: int) -> NDArray[np.bool_]:
    """Whether each row's galaxy belongs to the half that fits: every second galaxy in hash order."""
    names, row = np.unique(groups, return_inverse=True)
    order = np.argsort(uniform(seed, "half", text_ids(names.tolist())))
    fitting = np.zeros(len(names), dtype=bool)
    fitting[order[::2]] = True
    return fitting[row]
