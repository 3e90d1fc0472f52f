"""DeLong's interval for independent rows, and the two mends of the clustered interval, each by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, rankdata, t

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Ends = tuple[float, float, float]


def delong(scores: Array, labels: Ints, level: float = 0.9) -> Ends:
    """AUC and its interval if all rows were independent (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837)."""
    one, zero, ranks = scores[labels == 1], scores[labels == 0], rankdata(scores)
    above = (ranks[labels == 1] - rankdata(one)) / len(zero)
    below = 1.0 - (ranks[labels == 0] - rankdata(zero)) / len(one)
    half = norm.ppf(0.5 + level / 2.0) * np.sqrt(above.var(ddof=1) / len(one) + below.var(ddof=1) / len(zero))
    return float(above.mean()), float(above.mean() - half), float(above.mean() + half)


def on_logit_scale(value: float, half: float) -> Ends:
    """An interval of half-width `half` about an AUC, moved to the logit scale by the delta method."""
    if value in (0.0, 1.0):
        return value, max(value - half, 0.0), min(value + half, 1.0)
    wide = half / (value * (1.0 - value))
    return value, float(expit(logit(value) - wide)), float(expit(logit(value) + wide))


def own_host_left_out(scores: Array, labels: Ints, groups: Ints, level: float = 0.9) -> tuple[float, float]:
    """AUC over rows of different hosts only, and half of its interval.

    The mean of the kernel over pairs of rows (i of label 1, j of label 0) whose hosts differ. Its influence function, summed by
    host, gives the variance. It estimates P(score of a positive > score of a control) for stamps drawn one by one.
    """
    positive = labels == 1
    host = np.unique(groups, return_inverse=True)[1]
    hosts = int(host.max()) + 1
    m, n = int(positive.sum()), int((~positive).sum())
    m_host, n_host = (np.bincount(host[side], minlength=hosts) for side in (positive, ~positive))
    order = np.unique(scores, return_inverse=True)[1]
    # Ranks of these keys are ranks within a host, once the rows of the hosts before it are taken off.
    key = host * (int(order.max()) + 1) + order
    everywhere, within = rankdata(order), rankdata(key)
    before, before_1, before_0 = (np.cumsum(count) - count for count in (m_host + n_host, m_host, n_host))
    host_1, host_0 = host[positive], host[~positive]
    own_1 = within[positive] - before[host_1] - (rankdata(key[positive]) - before_1[host_1])
    own_0 = within[~positive] - before[host_0] - (rankdata(key[~positive]) - before_0[host_0])
    below_1 = everywhere[positive] - rankdata(order[positive]) - own_1
    above_0 = (m - m_host[host_0]) - (everywhere[~positive] - rankdata(order[~positive]) - own_0)
    compared = m * n - int(np.sum(m_host * n_host))
    auc = float(below_1.sum() / compared)
    influence = np.bincount(host_1, below_1 - auc * (n - n_host[host_1]), minlength=hosts)
    influence += np.bincount(host_0, above_0 - auc * (m - m_host[host_0]), minlength=hosts)
    least = min(np.count_nonzero(m_host), np.count_nonzero(n_host))
    factor = hosts / (hosts - 1) if np.any(m_host * n_host) else least / (least - 1)
    half = t.ppf(0.5 + level / 2.0, least - 1) * np.sqrt(factor * np.sum(influence**2)) / compared
    return auc, float(half)
