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
from hst_stamps import seen_through_psf, write_stamps

from arcgate.dataset import Dataset, open_dataset
from arcgate.dataset.schema import CERTIFYING_ROLES, ROLES
from arcgate.evaluation import evaluate as module
from arcgate.evaluation.calibration import calibration_error
from arcgate.evaluation.completeness import COMPLETENESS_EDGES
from arcgate.evaluation.evaluate import PREDICTIONS, SCORES, evaluate, read_scores
from arcgate.evaluation.metrics import set_metrics
from arcgate.ground.errors import ArcgateError
from arcgate.injection.build import build_dataset
from arcgate.variant import Variant, View

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


def settings(fpr: float, force: bool = False) -> Any:
    mixture = {"control": 0.9, "unlensed": 0.1, "ring": 0.0}
    return SimpleNamespace(fpr=fpr, prior=0.001, mixture=mixture, core_mask_radius_pix=5.0, force=force)


@pytest.fixture
def run(checkpoint: Path, make_set: Callable[..., Dataset], view: View, tmp_path: Path) -> Callable[..., dict[str, float]]:
    own, common = make_set(20), make_set(12, first=100, roles=ROLES)

    def run(fpr: float = 0.5) -> dict[str, float]:
        absent: Any = {"realistic": "no images"}
        place = tmp_path / "scores"
        return evaluate(checkpoint, own, {"common": common}, view, settings(fpr), absent=absent, folder=place, threads=1)

    return run


def test_metrics_of_both_sets_and_their_files(run: Callable[..., dict[str, float]], tmp_path: Path) -> None:
    metrics = run(fpr=0.9)
    asked_for = (*(f"found_{role}" for role in ("arc", *CERTIFYING_ROLES)), "purity_mixture")
    asked = {f"common/{name}{end}" for name in asked_for for end in ("", "/low", "/high")}
    assert metrics.keys() == {f"{prefix}/{name}" for prefix in ("test", "common") for name in NAMES} | asked
    assert all(np.isfinite(value) for value in metrics.values())
    table = pd.read_parquet(tmp_path / "scores" / PREDICTIONS)
    assert table["set"].value_counts().to_dict() == {"own": 40, "common": 24}
    assert {"sample_id", "host_id", "pair_id", "label", "logit", "logit_core_masked", "theta_e_arcsec", "arc_snr"} <= set(table)
    files = {f"completeness_{name}_{by}.csv" for name in ("own", "common") for by in COMPLETENESS_EDGES}
    asked = {"counterfactuals_common.parquet", "occlusion_common.parquet"}
    asked |= {f"counterfactuals_common_{name}.csv" for name in ("fade_in", "roles")}
    files |= {f"reliability_{name}.csv" for name in ("own", "common")}
    assert {path.name for path in (tmp_path / "scores").iterdir()} == files | asked | {SCORES, PREDICTIONS}
    assert not table["leaked"].any()
    assert json.loads((tmp_path / "scores" / SCORES).read_text())["absent"]["realistic"] == "no images"
    lines = pd.read_csv(tmp_path / "scores" / "completeness_own_arc_snr.csv")
    assert lines["n"].sum() == 20
    assert lines["n_found"].sum() == pytest.approx(20 * metrics["test/recall_at_fpr"])
    for name, prefix in (("own", "test"), ("common", "common")):
        bins = pd.read_csv(tmp_path / "scores" / f"reliability_{name}.csv")
        assert bins["n"].sum() == (table["set"] == name).sum()
        assert calibration_error(bins) == pytest.approx(metrics[f"{prefix}/calibration_error"], abs=1e-12)


def test_a_small_set_has_no_recall_and_says_why(run: Callable[..., dict[str, float]], tmp_path: Path) -> None:
    metrics = run(fpr=0.5)
    assert "test/recall_at_fpr" in metrics
    assert "common/recall_at_fpr" not in metrics
    scores = json.loads((tmp_path / "scores" / SCORES).read_text())
    assert scores["absent"]["common/recall_at_fpr"] == "a false-positive rate of 0.5 needs at least 20 negatives; there are 12"
    assert "too few negatives" in scores["absent"]["common/found_ring"]
    assert not list((tmp_path / "scores").glob("completeness_common_*"))
    assert [path.name for path in (tmp_path / "scores").glob("counterfactuals*")] == ["counterfactuals_common.parquet"]


def test_a_set_of_ones_own_is_asked_about_where_it_has_certifying_rows(
    checkpoint: Path, make_set: Callable[..., Dataset], view: View, tmp_path: Path
) -> None:
    own, place, absent = make_set(20, roles=ROLES), tmp_path / "scores", dict.fromkeys(("common", "realistic"), "no control")
    metrics = evaluate(checkpoint, own, {}, view, settings(0.9), absent=absent, folder=place, threads=1)
    assert {f"test/found_{role}" for role in CERTIFYING_ROLES} <= metrics.keys()
    assert not {name for name in metrics if name.startswith("common/")}
    assert json.loads((place / SCORES).read_text())["absent"]["common"] == "no control"
    assert (place / "counterfactuals_own_roles.csv").exists()


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


def test_a_set_that_shares_galaxies_with_the_training_set_is_scored_with_and_without_them(
    checkpoint: Path, make_set: Callable[..., Dataset], view: View, tmp_path: Path
) -> None:
    # Pairs 0 to 9 are learnt; two of the shared test set are of them, in one galaxy.
    own, common = make_set(20, split=("test", "train")), make_set(12, first=8)

    def scored(force: bool, ground: Dataset = common) -> dict[str, float]:
        place = tmp_path / "scores"
        return evaluate(checkpoint, own, {"common": ground}, view, settings(0.9, force), absent={}, folder=place, threads=1)

    with pytest.raises(ArcgateError, match=r"share galaxies \(1, such as galaxy 4\)(?s:.*)the 2 of 12 pairs in question"):
        scored(force=False)
    metrics = scored(force=True)
    table = pd.read_parquet(tmp_path / "scores" / PREDICTIONS).query("set == 'common'")
    assert set(table.loc[table["leaked"], "pair_id"]) == {8, 9}
    for name, rows in (("common", table[~table["leaked"]]), ("common_leaked", table)):
        assert metrics[f"{name}/auroc"] == set_metrics(rows, 0.9, 0.001).values["auroc"]
        assert metrics[f"{name}/n_negatives"] == len(rows) / 2
    assert metrics["common/auroc"] != metrics["common_leaked/auroc"]
    # Ten negatives are too few for a threshold, and what was learnt is in no table of completeness.
    assert not list((tmp_path / "scores").glob("completeness_common_*"))
    assert pd.read_csv(tmp_path / "scores" / "reliability_common.csv")["n"].sum() == 20
    whole = scored(force=True, ground=make_set(4))
    assert ("common/auroc" in whole, "common_leaked/auroc" in whole) == (False, True)
    assert not (tmp_path / "scores" / "reliability_common.csv").exists()
    absent = json.loads((tmp_path / "scores" / SCORES).read_text())["absent"]
    assert absent["common/auroc"].startswith("4 of 4 pairs share with the training set galaxies (2, such as galaxy 0)")


def test_images_of_galaxies_as_sources_make_a_realistic_set_that_is_scored(
    small: Callable[..., Variant], checkpoint: Path, make_set: Callable[..., Dataset], view: View, tmp_path: Path
) -> None:
    # Of these numbers three fall into the test split.
    stamps = write_stamps(tmp_path, [seen_through_psf(3.0 + 0.25 * size) for size in range(8)], IDENT=np.arange(80, 88))
    spec = small(
        "evaluation/realistic=cosmos_moffat", f"evaluation.realistic.source.path={stamps}", "evaluation.realistic.n_pairs=8"
    )
    assert spec.evaluation.realistic is not None
    ground = open_dataset(build_dataset(spec.evaluation.realistic, spec.runtime).folder)
    place = tmp_path / "scores"
    metrics = evaluate(checkpoint, make_set(20), {"realistic": ground}, view, spec.evaluation, absent={}, folder=place, threads=1)
    assert metrics["realistic/n_negatives"] == 8
    assert metrics["realistic/n_sources"] in (2, 3)
    table = pd.read_parquet(place / PREDICTIONS).query("set == 'realistic'")
    assert table.loc[table["label"] == 1, "source_image"].notna().all()
    assert set(ground.table(["arc_noise"])["arc_noise"]) == {"poisson"}
    assert set(ground.table(["psf_profile_used"], roles=["positive"])["psf_profile_used"]) == {"moffat"}
