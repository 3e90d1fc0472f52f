"""Purity of a mixture, against counts by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from composing import composed
from scipy.stats import binomtest

from arcgate.evaluation.mixture import purity_of_mixture
from arcgate.evaluation_node import Kind
from arcgate.ground.errors import ArcgateError


def rows_of(role: str, n: int, found: int, images: int = 0) -> pd.DataFrame:
    """So many rows of different galaxies, the first ones above 0."""
    host = [f"{role}{number}" for number in range(n)]
    image = [f"image {number % images}" if images else None for number in range(n)]
    logit = np.where(np.arange(n) < found, 1.0, -1.0)
    return pd.DataFrame({"host_id": host, "source_image": image, "role": role, "label": int(role != "control"), "logit": logit})


def of_parts(unlensed: int = 50, images: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    asked = pd.concat([rows_of("arc", 200, 120, images), rows_of("unlensed", 100, unlensed, images), rows_of("ring", 100, 100)])
    return asked, rows_of("control", 400, 20).drop(columns="role")


def test_it_is_bayes_rule_over_the_kinds() -> None:
    found = purity_of_mixture(*of_parts(), 0.0, prior=0.01, mixture={"control": 0.9, "unlensed": 0.1, "ring": 0.0})
    lenses, others = 0.01 * 0.6, 0.99 * (0.9 * 0.05 + 0.1 * 0.5)
    assert found.values["purity_mixture"] == pytest.approx(lenses / (lenses + others))
    assert found.values["purity_mixture/low"] < found.values["purity_mixture"] < found.values["purity_mixture/high"]
    alone = purity_of_mixture(*of_parts(), 0.0, prior=0.01, mixture={"control": 1.0})
    assert alone.values["purity_mixture"] == pytest.approx(lenses / (lenses + 0.99 * 0.05))


@pytest.mark.parametrize(("rate", "n"), [(0.003, 300), (0.1, 300), (0.5, 40)])
def test_its_interval_holds_the_truth_also_where_hardly_any_is_found(rate: float, n: int) -> None:
    rng, held = np.random.default_rng(3), []
    truth = 0.01 * 0.4 / (0.01 * 0.4 + 0.99 * rate)
    for _ in range(200):
        asked = pd.concat([rows_of("arc", n, rng.binomial(n, 0.4)), rows_of("unlensed", n, rng.binomial(n, rate))])
        found = purity_of_mixture(asked, rows_of("control", n, 0), 0.0, 0.01, {"unlensed": 1.0}).values
        held.append(found["purity_mixture/low"] <= truth <= found["purity_mixture/high"])
    assert np.mean(held) > 0.9 - 2 * np.sqrt(0.9 * 0.1 / 200)


def test_its_interval_is_that_of_both_rates_at_once_and_wider_with_few_images() -> None:
    asked, controls = of_parts()
    value, low, high = purity_of_mixture(asked, controls, 0.0, 0.01, {"control": 1.0}).values.values()
    recall, rate = (binomtest(k, n).proportion_ci(0.95, "exact") for k, n in ((120, 200), (20, 400)))
    assert low == pytest.approx(0.01 * recall.low / (0.01 * recall.low + 0.99 * rate.high))
    assert high == pytest.approx(0.01 * recall.high / (0.01 * recall.high + 0.99 * rate.low))
    assert low < value < high
    few, _ = of_parts(images=4)
    _, wide_low, wide_high = purity_of_mixture(few, controls, 0.0, 0.01, {"control": 1.0}).values.values()
    assert wide_low < low < high < wide_high


def test_what_it_cannot_state_is_absent_with_the_reason() -> None:
    asked, controls = of_parts()
    mixture: dict[Kind, float] = {"control": 0.9, "shuffled": 0.1}
    assert (
        purity_of_mixture(asked, controls, 0.0, 0.01, mixture).absent["purity_mixture"].startswith("the test set has no shuffled")
    )
    assert "too few negatives" in purity_of_mixture(asked, controls, None, 0.01, mixture).absent["purity_mixture"]
    assert purity_of_mixture(asked, controls, 5.0, 0.01, {"control": 1.0}).absent == {
        "purity_mixture": "nothing lies above the threshold"
    }


def test_a_mixture_is_a_whole_of_known_kinds() -> None:
    with pytest.raises(ArcgateError, match=r"sum to 1\.03, not to 1"):
        composed("evaluation.mixture.control=1")
    with pytest.raises(ArcgateError, match="mixture"):
        composed("+evaluation.mixture.spiral=0.1")
