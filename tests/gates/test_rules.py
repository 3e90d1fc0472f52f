"""Rules that follow from the matrix of products score as scikit-learn's do, step after step."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from arcgate.gates.core.rules import COMPONENTS, fitted

ROWS = 400
# Both solve the same equations in double precision; scores are compared in units of their spread.
TOLERANCE = 1e-8


def features(width: int, seed: int, constant: int = 0) -> np.ndarray:
    """Correlated features far from zero, of which the last ones are the same for every row."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(ROWS, width)) @ (np.eye(width) + 0.3 * np.random.default_rng(1).normal(size=(width, width)))
    mixed += 50.0 * np.random.default_rng(2).random(width)
    mixed[:, width - constant :] = 3.3
    return mixed


@pytest.mark.parametrize(("width", "constant"), [(5, 0), (40, 0), (40, 2), (1, 0)])
@pytest.mark.parametrize("components", [False, True])
def test_ridge_is_scikit_learns(width, constant, components):
    one, other = features(width, 3, constant), features(width, 4, constant)
    labels = (one[:, 0] + np.random.default_rng(5).normal(0.0, 2.0, ROWS) > np.median(one[:, 0])).astype(np.int64)
    steps = [PCA(min(COMPONENTS, width), whiten=True, svd_solver="covariance_eigh")] if components else []
    expected = make_pipeline(StandardScaler(), *steps, Ridge(alpha=1.0)).fit(one, labels).predict(other)
    found = fitted(one, labels, "ridge", components).decision_function(other)
    if constant and components:
        # What rounding leaves of a constant feature is no component: only the order of components without any variance is open.
        assert np.corrcoef(found, expected)[0, 1] > 1.0 - TOLERANCE
    else:
        assert np.abs(found - expected).max() < TOLERANCE * expected.std()


def test_trees_see_the_components():
    one, other = features(40, 3), features(40, 4)
    labels = (one[:, 0] > np.median(one[:, 0])).astype(np.int64)
    scores = fitted(one, labels, "trees", components=True).decision_function(other)
    assert np.mean((scores > 0.0) == (other[:, 0] > np.median(one[:, 0]))) > 0.6
