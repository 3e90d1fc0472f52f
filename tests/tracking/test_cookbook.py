"""Every filter and every example of docs/how-to/mlflow.md, on a study in which each finds some runs and not the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from arcgate.gates.core.result import Cause, Evidence, GateResult, Safe
from arcgate.tracking import names
from arcgate.tracking.record import log_dataset, log_evidence, log_metrics, log_params, set_tags
from arcgate.tracking.runs import finish, finish_study, variant_run
from arcgate.tracking.store import Store

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "mlflow.md"
STUDY = "pilot"
JUDGED = {"published", "mask_r5", "few", "small", "recommended"}
WITHOUT_VERDICT = {"broken", "stopped", "begun"}
FOUND = {
    "tags.`arcgate.safe` IS NOT NULL": JUDGED,
    "metrics.safe = 1": {"small", "recommended"},
    "metrics.safe = 0": {"published", "mask_r5"},
    "metrics.safe = 0.5": {"few"},
    "metrics.gates_failed > 0 AND metrics.gates_failed <= 2": {"mask_r5"},
    "tags.`arcgate.cause` LIKE '%normalisation%'": {"published"},
    "tags.`gate/mask_edge/raw/overall` = 'failed'": {"mask_r5"},
    "tags.`gate/residual_core/raw/overall` = 'undetermined'": {"few"},
    "metrics.`gate/residual_core/raw/overall` > 0.55": {"published"},
    "tags.worst_gate LIKE 'residual_annulus/%'": {"published"},
    "metrics.safe = 1 AND metrics.`common/auroc` > 0.8": {"recommended"},
    "params.`data.psf.name` = 'moffat_converted'": {"few", "small", "recommended"},
    "params.`data.core_mask.radius_pix` = '5.0' AND params.`view.normalisation` = 'stamp_robust'": {"mask_r5"},
    "tags.`arcgate.commit` LIKE '3f2a91c%'": {"published", "mask_r5"},
    "tags.`arcgate.changed_since_commit` = 'true'": {"mask_r5"},
    "tags.`arcgate.data_digest` LIKE '35e6c999533e%'": {"published"},
    f"tags.`arcgate.schema` = '{names.LAYOUT}'": JUDGED | WITHOUT_VERDICT,
    "tags.`arcgate.kind` = 'study'": {STUDY},
    "tags.`arcgate.kind` = 'variant'": JUDGED | WITHOUT_VERDICT | {"of an older arcgate"},
    "attributes.status = 'FAILED' AND tags.`arcgate.outcome` = 'finished'": {"published", "mask_r5"},
    "tags.`arcgate.outcome` = 'failed'": {"broken"},
    "tags.`arcgate.outcome` = 'interrupted'": {"stopped"},
    "tags.`arcgate.outcome` = 'running'": {"begun", "of an older arcgate", STUDY},
}
"""What each filter of the page finds here."""


def _code(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)\n```", PAGE.read_text(), flags=re.DOTALL)


@pytest.fixture
def make_run(store: Store, make_gate: Callable[..., GateResult]) -> Callable[..., str]:
    """Make a finished run; `gates` gives value and status of each."""

    def make(name: str, safe: Safe, score: float, cause: str, gates: dict[str, tuple[float, str]], **settings: object) -> str:
        run = variant_run(store, STUDY, name, "k")
        mask, view, psf = (
            settings.get(key, usual) for key, usual in (("mask", 0.0), ("view", "annulus_robust"), ("psf", "gaussian"))
        )
        log_params(store, run, {"data.core_mask.radius_pix": mask, "view.normalisation": view, "data.psf.name": psf})
        results = tuple(make_gate(gate, value=value, status=status) for gate, (value, status) in gates.items())
        log_evidence(store, run, Evidence(key="e", safe=safe, cause=Cause(cause, cause), results=results))
        log_metrics(store, run, {"common/auroc": score, "common/auroc/low": score - 0.03, "common/auroc/high": score + 0.03})
        commit = str(settings.get("commit", "aaaaaaa"))
        set_tags(store, run, {names.COMMIT: commit, names.CHANGED: commit.endswith("+changes")})
        log_dataset(store, run, name, str(settings.get("digest", "bbbb")) * 5)
        finish(store, run, "finished", safe)
        return run

    return make


@pytest.fixture
def study(store: Store, make_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    leaks = {"residual_core": (0.62, "failed"), "residual_annulus": (0.7, "failed"), "tails": (0.6, "failed")}
    mask = {"residual_core": (0.5, "passed"), "mask_edge": (0.95, "failed")}
    clean = {"residual_core": (0.5, "passed"), "mask_edge": (0.5, "passed")}
    open_ = {"residual_core": (0.52, "undetermined"), "mask_edge": (0.5, "passed")}
    first = {"view": "stamp_robust", "commit": "3f2a91c", "digest": "35e6c999533e"}
    make_run("published", "failed", 0.81, "gaussian_for_moffat + normalisation", leaks, **first)
    make_run("mask_r5", "failed", 0.68, "mask_edge", mask, mask=5.0, view="stamp_robust", commit="3f2a91c+changes")
    make_run("few", "undetermined", 0.82, "undetermined", open_, psf="moffat_converted")
    make_run("small", "passed", 0.75, "physics", clean, psf="moffat_converted")
    make_run("recommended", "passed", 0.815, "physics", clean, psf="moffat_converted")
    finish(store, variant_run(store, STUDY, "broken", "k"), "failed")
    finish(store, variant_run(store, STUDY, "stopped", "k"), "interrupted")
    store.client.set_tag(variant_run(store, STUDY, "of an older arcgate", "k"), names.SCHEMA, "4")
    variant_run(store, STUDY, "begun", "k")
    finish_study(store, STUDY)  # not while a variant is at work
    monkeypatch.chdir(store.folder.parent)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    yield store
    mlflow.set_tracking_uri(None)


def test_every_filter_of_the_page_finds_what_its_sentence_says(study: Store) -> None:
    filters = _code("sql")
    assert sorted(filters) == sorted(FOUND)
    experiment = study.client.get_experiment_by_name(STUDY)
    for filter_ in filters:
        runs = study.client.search_runs([experiment.experiment_id], filter_)
        assert {run.info.run_name for run in runs} == FOUND[filter_], filter_


def test_the_examples_in_python_give_the_best_safe_variant_and_the_failed_gates(study: Store) -> None:
    blocks = _code("python")
    assert len(blocks) == 3
    known: dict[str, object] = {}
    for block in blocks:
        exec(block, known)  # our own document
    runs = known["runs"]
    assert isinstance(runs, pd.DataFrame)
    assert list(runs["tags.arcgate.variant"]) == ["recommended", "small"]
    assert known["best"].data.tags[names.VARIANT] == "recommended"  # type: ignore[attr-defined]
    failed = known["failed"]
    assert failed["mask_r5"] == ["gate/mask_edge/raw/overall"]  # type: ignore[index]
    assert failed["recommended"] == []  # type: ignore[index]


def test_the_names_on_the_page_are_those_on_runs(study: Store) -> None:
    page = PAGE.read_text()
    (run,) = study.client.search_runs(
        [study.client.get_experiment_by_name(STUDY).experiment_id], "tags.`arcgate.variant` = 'mask_r5'"
    )
    own = [name for name in (*run.data.tags, *run.data.metrics, *run.data.params) if not name.startswith(("mlflow.", "gate/"))]
    assert len(own) > 15
    assert [name for name in own if f"`{name}`" not in page and name not in (names.SECTIONS, "data.psf.name")] == []
