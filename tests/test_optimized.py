"""The number that a job hands to a sweeper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arcgate.evaluation.counterfactuals import counterfactual_metrics
from arcgate.evaluation.metrics import set_metrics
from arcgate.evaluation.mixture import purity_of_mixture
from arcgate.evaluation.rates import RATES
from arcgate.ground.errors import ArcgateError
from arcgate.grounds import TITLES
from arcgate.optimized import GROUNDS, SCORES, metric_value, require_metric


def test_the_known_names_are_those_that_the_evaluation_writes():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "label": np.repeat([0, 1], 300),
            "host_id": [f"h{number}" for number in range(600)],
            "source_image": [f"s{number % 7}" for number in range(600)],
            "logit": rng.normal(size=600),
            "logit_core_masked": rng.normal(size=600),
        }
    )
    written = set_metrics(table, 0.1, 0.001)
    # So few negatives have all of the first rate, and of the others the reason why not.
    assert {name for name in SCORES if "fpr_1e-" not in name or "1e-1" in name} == {
        name for name in written.values if "fpr_1e-" not in name or "1e-1" in name
    }
    scores = ("recall", "purity")
    assert {f"{score}_fpr_{rate:.0e}".replace("e-0", "e-") for score in scores for rate in RATES[1:]} == written.absent.keys()
    assert (
        len(SCORES)
        == len(set(SCORES))
        == len([name for name in SCORES if "1e-1" in name]) * len(RATES) + len([name for name in SCORES if "fpr_1e-" not in name])
    )
    assert written.values.keys() <= set(SCORES)
    assert set(GROUNDS) == {"test", *TITLES}


def test_what_networks_are_asked_about_is_known():
    table = pd.DataFrame({"role": ["arc"], "host_id": ["a"], "source_image": [None], "logit": [0.0], "label": [1], "snr": [1.0]})
    asked = counterfactual_metrics(table, None).absent | purity_of_mixture(table, table, None, 0.1, {}).absent
    for name in asked:
        require_metric(f"common/{name}")


@pytest.mark.parametrize("name", [None, "common/auroc", "test/recall_at_fpr", "safe", "gates_failed", "gate/ring/raw/overall"])
def test_known_names_pass_before_and_after_the_gates(evidence, name):
    require_metric(name)
    require_metric(name, evidence)


@pytest.mark.parametrize(
    ("name", "judged", "says"),
    [
        ("common/auorc", False, "close names: common/auroc"),
        ("auroc", False, "name one of test/auroc, test/auroc/low"),
        ("gate/rnig/raw/overall", True, "close names: gate/ring/raw/overall"),
        ("diagnostic/nothing", True, "diagnostic/core_published/raw/overall"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_known(evidence, name, judged, says):
    with pytest.raises(ArcgateError) as caught:
        require_metric(name, evidence if judged else None)
    assert f"no metric is called {name!r}" in str(caught.value)
    assert says in str(caught.value)


def test_values(evidence):
    scores = {"common/auroc": 0.61}
    assert metric_value("common/auroc", scores, evidence) == 0.61
    assert metric_value("gate/ring/raw/overall", scores, evidence) == 0.61
    assert metric_value("gates_failed", scores, evidence) == 1.0
    assert [metric_value("safe", scores, replace(evidence, safe=safe)) for safe in ("failed", "undetermined", "passed")] == [
        0,
        0.5,
        1,
    ]


@pytest.mark.parametrize("name", ["common/recall_at_fpr", "gate/psf/raw/overall"])
def test_a_metric_without_a_value_is_an_error(evidence, name):
    with pytest.raises(ArcgateError, match=f"the metric {name} is not available(.|\n)*common/auroc"):
        metric_value(name, {"common/auroc": 0.61}, evidence)
