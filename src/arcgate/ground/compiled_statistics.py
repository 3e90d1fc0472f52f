"""Comparisons of ordered rows, in a loop that a compiler turns into machine code."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

_compiled: Final = compiled()


@_compiled
def won_against_others(order: Ids, scores: Array, positive: NDArray[np.bool_], group: Ids, groups: int) -> Array:
    """Comparisons with rows of the other class and of other groups that a row of label 1 wins, or a row of label 0 loses: (n,).

    Ties count one half, so that the numbers are whole or half ones, exactly.

    Parameters
    ----------
    order : ndarray of int, shape (n,)
        Rows by ascending score.
    scores : ndarray, shape (n,)
    positive : ndarray of bool, shape (n,)
        Rows of label 1.
    group : ndarray of int, shape (n,)
        Of each row, from 0.
    groups : int
        Number of groups.
    """
    n = len(order)
    out = np.empty(n, dtype=np.float64)
    # Rows of label 0 (first) and 1 of each group: with a lower score, with the same score, and in all.
    below, same = np.zeros((2, groups), dtype=np.int64), np.zeros((2, groups), dtype=np.int64)
    every = np.zeros((2, groups), dtype=np.int64)
    for row in range(n):
        every[int(positive[row]), group[row]] += 1
    lower, equal, total = np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
    for label in range(2):
        total[label] = every[label].sum()
    begin = 0
    while begin < n:
        end = begin
        while end < n and scores[order[end]] == scores[order[begin]]:
            row = order[end]
            same[int(positive[row]), group[row]] += 1
            equal[int(positive[row])] += 1
            end += 1
        for place in range(begin, end):
            row, of = order[place], group[order[place]]
            if positive[row]:
                out[row] = (lower[0] - below[0, of]) + 0.5 * (equal[0] - same[0, of])
            else:
                above = total[1] - lower[1] - equal[1] - (every[1, of] - below[1, of] - same[1, of])
                out[row] = above + 0.5 * (equal[1] - same[1, of])
        for place in range(begin, end):
            label, of = int(positive[order[place]]), group[order[place]]
            below[label, of] += 1
            same[label, of] -= 1
            lower[label] += 1
            equal[label] -= 1
        begin = end
    return out
