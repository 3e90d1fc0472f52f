"""Whether a rule tells two classes apart: fitted on one half of the galaxies, its AUC taken on the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.context import Context
from arcgate.gates.core.rules import NotComparableError, Rule, fitted
from arcgate.ground.statistics import Interval, clustered_auc

Array = NDArray[np.float64]
Features = NDArray[Any]
Ids = NDArray[np.int64]


class TooFewGalaxiesError(ValueError):
    """A half holds fewer galaxies than the settings ask for."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Features of one class.

    Attributes
    ----------
    features : ndarray, shape (n, ...)
    galaxy, pair : ndarray of int, shape (n,)
        Of each row.
    """

    features: Features
    galaxy: Ids
    pair: Ids


@dataclass(frozen=True)
class HeldOut:
    """Scores of a rule on the galaxies that it was not fitted on.

    Attributes
    ----------
    scores, labels, galaxy, pair : ndarray, shape (n,)
    """

    scores: Array
    labels: Ids
    galaxy: Ids
    pair: Ids

    def auc(self, level: float) -> Interval:
        """AUC with its interval, clustered by galaxy."""
        return clustered_auc(self.scores, self.labels, self.galaxy, level)


def held_out_auc(one: Sample, zero: Sample, rule: Rule, context: Context, components: bool = False) -> Interval:
    """AUC of the rule that the fitting half teaches, on the judging half (see `held_out`)."""
    return held_out(one, zero, rule, context, components).auc(context.settings.level)


def held_out(one: Sample, zero: Sample, rule: Rule, context: Context, components: bool = False) -> HeldOut:
    """Fit a rule on one half of the galaxies and score the other.

    Parameters
    ----------
    one, zero : Sample
        Both classes.
    rule : {'logistic', 'ridge', 'trees', 'network'}
        Logistic regression (L2, C = 1), ridge regression on the label, shallow boosted trees, or a small network on features that
        are images, all of mean 0 and variance 1; the scaling belongs to the rule. All are deterministic.
    context : Context
        The halves, and the least number of galaxies.
    components : bool
        Whether features are first projected on the principal components of the fitting half.

    Raises
    ------
    NotComparableError
        A class without rows, or with one galaxy only; features that are not finite, or the same for every row; a fit that does
        not converge.
    TooFewGalaxiesError
        A half with fewer galaxies of a class than the settings ask for.
    """
    labels = np.repeat([1, 0], [len(one.galaxy), len(zero.galaxy)])
    galaxy, pair = (np.concatenate([getattr(one, name), getattr(zero, name)]) for name in ("galaxy", "pair"))
    fitting = checked_halves(labels, galaxy, context)
    features = np.concatenate([one.features, zero.features])
    if rule != "network":
        features = features.reshape(len(labels), -1)
    if not np.isfinite(features).all():
        raise NotComparableError("features are not finite: some are NaN or infinite")
    if (features == features[0]).all():
        raise NotComparableError("the features are the same for every row: there is nothing to tell the classes by")
    # Ridge and trees see features as they are; logistic regression in double precision. All but networks are fitted in it.
    precision = np.float32 if rule == "network" else np.float64
    fitted_rule = fitted(features[fitting].astype(precision), labels[fitting], rule, components)
    judging = ~fitting
    scores = fitted_rule.decision_function(features[judging].astype(precision))
    return HeldOut(scores, labels[judging], context.ranked(galaxy[judging]), pair[judging])


def checked_halves(labels: Ids, galaxy: Ids, context: Context) -> NDArray[np.bool_]:
    """Which rows are fitted on, once both classes are known to have enough galaxies in either half; errors as `held_out`."""
    of_class = [np.unique(galaxy[labels == label]) for label in (1, 0)]
    for galaxies in of_class:
        if len(galaxies) < 2:
            raise NotComparableError(
                f"{len(galaxies)} {context.groups} in a class, and a rule needs some to be taught by and others to be tested on"
            )
    least = context.settings.min_hosts
    for galaxies in of_class:
        fitting = int(np.count_nonzero(context.fits(galaxies)))
        for half in (fitting, len(galaxies) - fitting):
            if half < least:
                raise TooFewGalaxiesError(f"{half} {context.groups} of a class in one half, {least} are needed")
    return context.fits(galaxy)
