"""Metrics against closed forms and edge cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arcgate.evaluation.metrics import operating_point, set_metrics, why_no_operating_point
from arcgate.ground.errors import ArcgateError
from arcgate.ground.statistics import clustered_auc


def predictions(n: int = 200, separation: float = 2.0, masked_separation: float = 1.0) -> pd.DataFrame:
    """n pairs, two to a galaxy whose brightness shifts all four of its logits."""
    rng = np.random.default_rng(0)
    label = np.tile([1, 0], n)
    host = np.repeat(np.arange(n // 2), 4)
    galaxy = rng.normal(size=n // 2)[host]
    noise = rng.normal(size=2 * n)
    return pd.DataFrame(
        {
            "label": label,
            "host_id": [f"galaxy {h}" for h in host],
            "source_image": None,
            "logit": galaxy + noise + separation * label,
            "logit_core_masked": galaxy + noise + masked_separation * label - 0.5,
        }
    )


def test_auroc_has_the_interval_that_is_clustered_by_galaxy() -> None:
    table = predictions()
    values = set_metrics(table, 0.1, 0.001).values
    positive, negative = (table[table["label"] == label] for label in (1, 0))
    others = positive["host_id"].to_numpy()[:, None] != negative["host_id"].to_numpy()[None, :]
    won = positive["logit"].to_numpy()[:, None] > negative["logit"].to_numpy()[None, :]
    assert values["auroc"] == pytest.approx(won[others].mean(), abs=1e-12)
    clustered = clustered_auc(table["logit"].to_numpy(), table["label"].to_numpy(), table["host_id"].to_numpy())
    independent = clustered_auc(table["logit"].to_numpy(), table["label"].to_numpy(), np.arange(len(table)).astype(str))
    assert (values["auroc/low"], values["auroc/high"]) == (clustered.low, clustered.high)
    assert independent.high - independent.low != pytest.approx(clustered.high - clustered.low, rel=0.05)


def test_few_sources_widen_the_interval_and_are_counted() -> None:
    table = predictions()
    effect = np.random.default_rng(2).normal(size=8)
    which = np.random.default_rng(3).integers(0, 8, len(table))
    positive = table["label"].to_numpy() == 1
    shared = table.assign(logit=table["logit"] + np.where(positive, effect[which], 0.0))
    named = shared.assign(source_image=np.where(positive, [f"image {k}" for k in which], None))
    of_many, of_few = (set_metrics(each, 0.1, 0.001).values for each in (shared, named))
    assert of_few["auroc"] == of_many["auroc"]
    assert of_few["n_sources"] == 8
    assert "n_sources" not in of_many
    assert of_few["auroc/high"] - of_few["auroc/low"] > 1.5 * (of_many["auroc/high"] - of_many["auroc/low"])


def test_recall_is_that_at_the_threshold_of_the_negatives() -> None:
    table = predictions()
    metrics = set_metrics(table, 0.1, 0.001)
    threshold = metrics.values["recall_threshold_logit"]
    negative, positive = (table.loc[table["label"] == label, "logit"] for label in (0, 1))
    assert np.mean(negative > threshold) == 0.1
    assert metrics.values["recall_at_fpr"] == np.mean(positive > threshold)
    assert set(metrics.absent) == {f"{score}_fpr_1e-{power}" for score in ("recall", "purity") for power in (2, 3, 4)}


def test_masked_metrics_are_differences_to_the_unmasked() -> None:
    table = predictions()
    values = set_metrics(table, 0.1, 0.001).values
    alone = set_metrics(table.assign(logit=table["logit_core_masked"]), 0.1, 0.001).values
    assert values["core_masked_auroc"] == alone["auroc"]
    assert values["core_masked_auroc_drop"] == pytest.approx(values["auroc"] - alone["auroc"])
    assert values["core_masked_auroc_drop"] > 0.05
    assert values["core_masked_recall_drop"] == pytest.approx(values["recall_at_fpr"] - alone["recall_at_fpr"])
    assert values["core_masked_logit_change"] == pytest.approx(-1.5)


def test_too_few_negatives_leave_recall_absent_with_the_reason() -> None:
    metrics = set_metrics(predictions(n=98), 0.1, 0.001)
    unset = {"recall_at_fpr", "recall_threshold_logit", "core_masked_recall_drop", "carried_fpr"}
    rates = {f"{score}_fpr_1e-{power}" for score in ("recall", "purity") for power in (1, 2, 3, 4)}
    assert metrics.absent.keys() - unset == rates
    assert unset <= metrics.absent.keys()
    assert metrics.absent["recall_at_fpr"] == "a false-positive rate of 0.1 needs at least 100 negatives; there are 98"
    assert not metrics.values.keys() & metrics.absent.keys()
    assert why_no_operating_point(100, 0.1) is None
    assert why_no_operating_point(9999, 1e-3) == "a false-positive rate of 0.001 needs at least 10000 negatives; there are 9999"


def test_scores_that_too_few_negatives_would_make_up_are_absent_with_the_reason() -> None:
    metrics = set_metrics(predictions(n=10), 0.1, 0.001)
    assert not {"recall_ten_false_positives", "carried_fpr"} & metrics.values.keys()
    assert "recall_no_false_positive" in metrics.values
    assert metrics.absent["recall_ten_false_positives"] == "10 false positives need more than 10 negatives; there are 10"
    assert metrics.absent["carried_fpr"] == (
        "a threshold carried over at a false-positive rate of 0.1 needs about 200 negatives, half of them to set it; there are 10"
    )
    enough = set_metrics(predictions(n=300), 0.1, 0.001)
    assert {"recall_ten_false_positives", "carried_fpr"} <= enough.values.keys() - enough.absent.keys()


def test_ties_never_raise_the_false_positive_rate() -> None:
    logit = np.array([0.0, 1.0, 1.0, 1.0, 2.0, 1.0])
    label = np.array([0, 0, 0, 0, 1, 1])
    point = operating_point(logit, label, 0.5)
    assert (point.threshold, point.fpr, point.recall) == (1.0, 0.0, 0.5)


def test_a_single_galaxy_in_a_class_says_so() -> None:
    table = predictions(n=20).assign(host_id="galaxy 0")
    with pytest.raises(ArcgateError, match="at least two galaxies"):
        set_metrics(table, 0.5, 0.001)


def test_prefixes_reach_values_and_reasons() -> None:
    metrics = set_metrics(predictions(n=20), 0.1, 0.001).prefixed("test")
    assert "test/auroc/low" in metrics.values
    assert "test/recall_at_fpr" in metrics.absent
