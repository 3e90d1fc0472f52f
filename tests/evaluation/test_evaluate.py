"""The whole evaluation: metrics, files, skipping."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from arcgate.dataset import Dataset
from arcgate.dataset.schema import CERTIFYING_ROLES, ROLES
from arcgate.evaluation import evaluate as module
from arcgate.evaluation.completeness import COMPLETENESS_EDGES
from arcgate.evaluation.evaluate import COUNTERFACTUALS, OCCLUSION, PREDICTIONS, SCORES, evaluate, read_scores
from arcgate.ground.errors import ArcgateError
from arcgate.variant import View

NAMES = {
    "auroc",
    "auroc/low",
    "auroc/high",
    "recall_at_fpr",
    "recall_threshold_logit",
    "core_masked_auroc",
    "core_masked_auroc_drop",
    "core_masked_recall_drop",
    "core_masked_logit_change",
    "average_precision",
    "average_precision/low",
    "average_precision/high",
    *(f"recall_fpr_1e-{power}/k" for power in (1, 2, 3, 4)),
    # Of twenty and of twelve negatives one galaxy or two: an interval and no value.
    "recall_fpr_1e-1/low",
    "recall_fpr_1e-1/high",
    "recall_no_false_positive",
    "recall_ten_false_positives",
    "n_negatives",
    "calibration_error",
}


@pytest.fixture
def run(checkpoint: Path, make_set: Callable[..., Dataset], view: View, tmp_path: Path) -> Callable[..., dict[str, float]]:
    sets = make_set(20), make_set(12, first=100, roles=ROLES)

    def run(fpr: float = 0.5) -> dict[str, float]:
        evaluation: Any = SimpleNamespace(fpr=fpr, prior=0.001, core_mask_radius_pix=5.0)
        return evaluate(checkpoint, *sets, view, evaluation, folder=tmp_path / "scores", threads=1)

    return run


def test_metrics_of_both_sets_and_their_files(run: Callable[..., dict[str, float]], tmp_path: Path) -> None:
    metrics = run(fpr=0.9)
    asked = {f"common/found_{role}{end}" for role in ("arc", *CERTIFYING_ROLES) for end in ("", "/low", "/high")}
    assert metrics.keys() == {f"{prefix}/{name}" for prefix in ("test", "common") for name in NAMES} | asked
    assert all(np.isfinite(value) for value in metrics.values())
    table = pd.read_parquet(tmp_path / "scores" / PREDICTIONS)
    assert table["set"].value_counts().to_dict() == {"own": 40, "common": 24}
    assert {"sample_id", "host_id", "pair_id", "label", "logit", "logit_core_masked", "theta_e_arcsec", "arc_snr"} <= set(table)
    files = {f"completeness_{name}_{by}.csv" for name in ("own", "common") for by in COMPLETENESS_EDGES}
    assert {path.name for path in (tmp_path / "scores").iterdir()} == files | {
        SCORES,
        PREDICTIONS,
        COUNTERFACTUALS,
        OCCLUSION,
        *(f"counterfactuals_{name}.csv" for name in ("fade_in", "roles")),
    }
    lines = pd.read_csv(tmp_path / "scores" / "completeness_own_arc_snr.csv")
    assert lines["n"].sum() == 20
    assert lines["n_found"].sum() == pytest.approx(20 * metrics["test/recall_at_fpr"])


def test_a_small_set_has_no_recall_and_says_why(run: Callable[..., dict[str, float]], tmp_path: Path) -> None:
    metrics = run(fpr=0.5)
    assert "test/recall_at_fpr" in metrics
    assert "common/recall_at_fpr" not in metrics
    scores = json.loads((tmp_path / "scores" / SCORES).read_text())
    assert scores["absent"]["common/recall_at_fpr"] == "a false-positive rate of 0.5 needs at least 20 negatives; there are 12"
    assert "too few negatives" in scores["absent"]["common/found_ring"]
    assert not list((tmp_path / "scores").glob("completeness_common_*"))
    assert [path.name for path in (tmp_path / "scores").glob("counterfactuals*")] == [COUNTERFACTUALS]


def test_a_finished_evaluation_is_skipped_and_other_settings_are_not(
    run: Callable[..., dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[None] = []
    original = module.predict
    monkeypatch.setattr(module, "predict", lambda *args, **kwargs: calls.append(None) or original(*args, **kwargs))
    first = run(fpr=0.9)
    assert len(calls) == 4
    assert run(fpr=0.9) == first
    assert len(calls) == 4
    assert run(fpr=0.5) != first
    assert len(calls) == 8


def test_an_interrupted_evaluation_is_not_finished(
    run: Callable[..., dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", lambda *_, **__: full())
        with pytest.raises(ArcgateError, match="No space left"):
            run(fpr=0.9)
    assert read_scores(tmp_path / "scores") is None
    assert run(fpr=0.9)


def test_damaged_scores_and_missing_checkpoints_say_so(
    run: Callable[..., dict[str, float]], checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / SCORES).write_text("{")
    with pytest.raises(ArcgateError, match="scores are damaged"):
        run()
    checkpoint.unlink()
    with pytest.raises(ArcgateError, match="no checkpoint to score"):
        run()
