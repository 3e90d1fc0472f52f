"""Rules of the two-sample and metadata gates: fitted on one half of the galaxies, judged on the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from arcgate.gates.comparison import smallest_caught, strength
from arcgate.gates.probe import require_hosts
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.statistics import Interval, clustered_auc
from arcgate.variant import Gates

Array = NDArray[np.float32] | NDArray[np.float64]
Rule = Literal["ridge", "trees"]

COMPONENTS = 24
# Shallow and few: a leak that needs more than this to be seen hides among the variety of galaxies, and the time stays below a
# second for 20,000 rows of 30 features.
_TREES, _DEPTH, _LEAVES_OF = 40, 3, 40
_RIDGE = 1.0


@dataclass(frozen=True)
class Hosts:
    """The galaxies of a class's rows, and the half to which each row belongs.

    Attributes
    ----------
    names : ndarray of str, shape (n,)
    fitting : ndarray of bool, shape (n,)
        Rows whose galaxy is in the half that fits.
    ids : ndarray of int, shape (n,)
        Of the names, by hash: numbers are told apart in a tenth of the time.
    """

    names: NDArray[np.str_]
    fitting: NDArray[np.bool_]
    ids: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> Hosts:
        """The rows that `chosen` marks."""
        return Hosts(self.names[chosen], self.fitting[chosen], self.ids[chosen])


def halved(names: NDArray[np.str_], settings: Gates) -> Hosts:
    """Divide galaxies by hash; a galaxy's half depends on its name alone, so that every class and arm agrees on it."""
    unique, row = np.unique(names, return_inverse=True)
    ids = text_ids(unique.tolist())
    fitting = uniform(settings.seed, "two-sample half", ids) < 0.5
    return Hosts(names, fitting[row], ids[row])


def judged(
    positive: Array,
    positive_hosts: Hosts,
    control: Array,
    control_hosts: Hosts,
    rule: Rule,
    settings: Gates,
    reduce: bool = False,
) -> Interval:
    """AUC of the rule that the fitting half teaches, on the judging half, clustered by galaxy.

    Parameters
    ----------
    positive, control : ndarray, shapes (n, k) and (m, k)
        Features of both classes.
    positive_hosts, control_hosts : Hosts
        Of their rows.
    rule : {'ridge', 'trees'}
        Ridge regression on the label, or shallow boosted trees; both deterministic.
    settings : Gates
        Level of the interval, least number of galaxies.
    reduce : bool
        Whether features are first projected on the principal components of the fitting half.

    Raises
    ------
    TooFewHostsError
        A half has fewer than `settings.min_hosts` galaxies of a class.
    ValueError
        Features that are not finite, or that are all constant.
    """
    labels = np.repeat([1, 0], [len(positive), len(control)])
    fitting = np.concatenate([positive_hosts.fitting, control_hosts.fitting])
    hosts = np.concatenate([positive_hosts.ids, control_hosts.ids])
    require_hosts(hosts, labels, fitting, settings.min_hosts)
    features = np.concatenate([positive, control])
    if not np.isfinite(features).all():
        raise ValueError("features are not finite: stamps hold pixels that are NaN or infinite")
    if not np.ptp(features, axis=0).any():
        raise ValueError("features are the same on every stamp: nothing can be told from them")
    scores = _scores(features[fitting], labels[fitting], features[~fitting], rule, reduce)
    return clustered_auc(scores, labels[~fitting], hosts[~fitting], settings.level)


def smallest_leak(sizes: Sequence[float], planted: Callable[[float], Interval], settings: Gates) -> float | None:
    """Smallest planted size caught in about 9 of 10 such data sets, with every larger one (`comparison.smallest_caught`).

    Parameters
    ----------
    sizes : sequence of float
        Ascending.
    planted : callable
        AUC at a size. It is asked from the largest size down to the first that is missed, since smaller ones change nothing.
    settings : Gates
        Margin and level.
    """
    strengths: list[float] = []
    for size in reversed(sizes):
        strengths.insert(0, strength(planted(size), settings.margin, settings.level))
        if strengths[0] < 1.0:
            break
    return smallest_caught(sizes[len(sizes) - len(strengths) :], strengths)


def _scores(fit: Array, labels: NDArray[np.int64], features: Array, rule: Rule, reduce: bool) -> NDArray[np.float64]:
    steps: list[Any] = [StandardScaler()]
    if reduce:
        count = min(COMPONENTS, *fit.shape)
        # By the covariance matrix: exact, and quick for more rows than pixels. Components to unit variance: a leak is as likely
        # along a faint one, and the ridge should not care which.
        steps.append(PCA(count, whiten=True, svd_solver="covariance_eigh"))
    if rule == "ridge":
        steps.append(Ridge(alpha=_RIDGE))
    else:
        steps.append(
            HistGradientBoostingClassifier(
                max_iter=_TREES, max_depth=_DEPTH, min_samples_leaf=_LEAVES_OF, early_stopping=False, random_state=0
            )
        )
    fitted = make_pipeline(*steps).fit(fit.astype(np.float64), labels)
    judging = features.astype(np.float64)
    scores = fitted.predict(judging) if rule == "ridge" else fitted.decision_function(judging)
    return np.asarray(scores, dtype=np.float64)
