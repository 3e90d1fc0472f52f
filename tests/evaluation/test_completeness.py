"""Completeness by bins, with Wilson intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from arcgate.evaluation.completeness import completeness
from arcgate.ground.errors import ArcgateError


def table(theta_e: list[float], logit: list[float]) -> pd.DataFrame:
    positives = pd.DataFrame({"sample_id": range(len(theta_e)), "label": 1, "theta_e_arcsec": theta_e, "logit": logit})
    return pd.concat([positives, positives.assign(label=0, logit=9.0)])


@pytest.mark.parametrize(("found", "n"), [(0, 5), (3, 5), (5, 5), (0, 8), (8, 8), (180, 200)])
def test_intervals_are_scipys_wilson_intervals_and_hold_the_share(found: int, n: int) -> None:
    (line,) = completeness(table([1.0] * n, [1.0] * found + [-1.0] * (n - found)), "theta_e_arcsec", 0.0).itertuples()
    expected = binomtest(found, n).proportion_ci(0.9, method="wilson")
    assert (line.n_found, line.n, line.completeness) == (found, n, found / n)
    assert (line.low, line.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0.0 <= line.low <= line.completeness <= line.high <= 1.0


def test_bins_hold_their_lower_edge_and_only_positives() -> None:
    lines = completeness(table([0.5, 0.75, 1.0, 2.0, 2.5, 3.0], [1, -1, 1, 1, 1, -1]), "theta_e_arcsec", 0.0)
    assert list(lines["bin_low"]) == [0.5, 1.0, 2.0]
    assert list(lines["bin_high"]) == [1.0, 1.5, np.inf]
    assert list(lines["n"]) == [2, 1, 3]
    assert list(lines["n_found"]) == [1, 1, 2]
    assert list(lines["completeness"]) == [0.5, 1.0, 2 / 3]
    assert (lines["low"] < lines["completeness"]).all()
    assert (lines["high"] >= lines["completeness"]).all()


def test_a_logit_at_the_threshold_is_not_found() -> None:
    assert completeness(table([1.0], [0.0]), "theta_e_arcsec", 0.0)["n_found"].tolist() == [0]


def test_a_positive_without_the_property_is_an_error() -> None:
    with pytest.raises(ArcgateError, match="theta_e_arcsec of sample_id 1"):
        completeness(table([1.0, np.nan], [0.0, 0.0]), "theta_e_arcsec", 0.0)
