"""How far from complete separation an interval should begin to go over into that of complete separation: coverage at AUC 0.99."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from model import Layout, drawn, scored, true_auc
from run import GALAXIES, LEVEL, generator
from threadpoolctl import threadpool_limits

from arcgate.ground import statistics

LEAK = 1.0
# In weights of one galaxy; the first is as good as none.
WEIGHTS = (1e-9, 0.125, 0.25, 1.0 / 3.0, 0.5, 1.0)
AUCS = (0.0, 0.99, 0.995, 0.9975, 1.0)


def held(layout: Layout, numbers: range) -> tuple[np.ndarray, np.ndarray]:
    """AUC of each data set, and by weight and data set whether the interval holds the truth."""
    aucs, holds = np.empty(len(numbers)), np.empty((len(WEIGHTS), len(numbers)), dtype=bool)
    for place, number in enumerate(numbers):
        fit, judge = drawn(layout, LEAK, generator(1, layout, number))
        scores, weights = scored(fit, judge)
        truth = true_auc(weights, LEAK)
        for i, weight in enumerate(WEIGHTS):
            statistics.NEARLY_SEPARATED = weight
            found = statistics.clustered_auc(scores, judge.labels, judge.groups, LEVEL)
            aucs[place], holds[i, place] = found.value, found.low <= truth <= found.high
    return aucs, holds


def main() -> None:
    """Print coverage by weight: all AUCs, then by the AUC that was found."""
    with threadpool_limits(1):
        for layout in (Layout(GALAXIES, 1, True), Layout(GALAXIES, 3, True), Layout(GALAXIES, 1, False)):
            for numbers in (range(1000), range(1000, 2000)):
                aucs, holds = held(layout, numbers)
                inside = [(low < aucs) & (aucs <= high) for low, high in pairwise(AUCS)]
                for weight, found in zip(WEIGHTS, holds, strict=True):
                    by_auc = ", ".join(f"{found[part].mean():.3f}" for part in inside)
                    print(f"{layout}, {numbers}: weight {weight:.3f}: {found.mean():.3f} (by AUC: {by_auc})")


if __name__ == "__main__":
    main()
