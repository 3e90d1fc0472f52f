"""A network that MLflow keeps scores as it did in its training, in another process and at any batch length."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from composing import composed

from arcgate.evaluation.network import Network
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS
from arcgate.learning.module import LensFinder
from arcgate.tracking import names
from arcgate.tracking.model import CHAMPION, crown, load_kept, load_network, log_network
from arcgate.tracking.runs import variant_run
from arcgate.tracking.store import Store

SPEC = composed("view=annulus_robust", "view/input=stamp_rotation")

FACTS = {"variant": "sound", "safe": "passed", "cause": "no bug", "threshold_logit": 1.5, "threshold_fpr": 0.001}


@pytest.fixture
def run(store: Store) -> str:
    return variant_run(store, "a study", "sound", "k1")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    settings = {"learning": as_plain(SPEC.learning), "view": as_plain(SPEC.view), "imaging": as_plain(DECALS), "data_digest": ""}
    finder = LensFinder(settings, 1)
    path = tmp_path / "best.ckpt"
    torch.save({"state_dict": finder.state_dict(), "hyper_parameters": dict(finder.hparams)}, path)
    return path


@pytest.fixture
def cutouts() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    x, y = DECALS.middle_pix + rng.uniform(-1, 1, (2, 65))
    return {"image": rng.normal(0, 0.1, (65, *DECALS.shape)).astype(np.float32), "x_pix": x, "y_pix": y}


def logged(store: Store, run: str, checkpoint: Path) -> str:
    facts = FACTS | {"nothing": None}
    uri = log_network(store, run, checkpoint, DECALS, SPEC.view, facts, {"weights": checkpoint})
    assert uri is not None
    return uri


def test_a_model_scores_as_the_network_does_at_any_batch_length(
    store: Store, run: str, checkpoint: Path, cutouts: dict[str, np.ndarray]
) -> None:
    uri = logged(store, run, checkpoint)
    mlflow.set_tracking_uri(store.uri)
    model = mlflow.pyfunc.load_model(uri)
    expected = Network.load(checkpoint, SPEC.view).of_arrays(**cutouts)
    np.testing.assert_allclose(model.predict(cutouts), expected, atol=1e-5)
    for rows in (slice(0, 1), slice(0, 64)):
        part = {name: values[rows] for name, values in cutouts.items()}
        np.testing.assert_allclose(model.predict(part), expected[rows], atol=1e-5)
    assert model.metadata.metadata == FACTS
    assert [each.name for each in model.metadata.get_input_schema().inputs] == ["image", "x_pix", "y_pix"]
    np.testing.assert_allclose(load_network(uri).of_arrays(**cutouts), expected, atol=1e-5)
    assert logged(store, run, checkpoint) == uri


def test_what_is_no_model_is_said(store: Store) -> None:
    mlflow.set_tracking_uri(store.uri)
    with pytest.raises(ArcgateError, match="there is no model models:/nothing/1"):
        load_network("models:/nothing/1")


def test_an_input_that_no_real_image_has_is_not_kept(store: Store, run: str, checkpoint: Path) -> None:
    view = replace(SPEC.view, planes=("stamp", "control"))
    assert log_network(store, run, checkpoint, DECALS, view, {}, {}) is None
    assert names.MODEL not in store.client.get_run(run).data.tags


def test_the_champion_is_the_best_of_those_that_passed(store: Store, run: str, checkpoint: Path) -> None:
    uri = logged(store, run, checkpoint)
    table = pd.DataFrame(
        {
            "variant": ["leaks", "sound", "worse", "begun"],
            "run_id": ["0", run, run, "1"],
            "safe": ["failed", "passed", "passed", None],
            "model": [uri, uri, uri, None],
            "common/auroc": [0.99, 0.9, 0.8, None],
        }
    )
    for _ in range(2):
        assert crown(store, "a study", table) == "sound"
        champion = store.client.get_model_version_by_alias("a study", CHAMPION)
        assert (champion.run_id, int(champion.version)) == (run, 1)
    described = champion.description
    assert described is not None
    for said in ("**sound**", "safe? pass;", "0.1 % of the negatives", "**1.500**", "stamp, rotation_residual", "64 x 64", uri):
        assert said in described
    assert log_network(store, run, checkpoint, DECALS, SPEC.view, FACTS | {"safe": "failed"}, {}) == uri
    assert crown(store, "a study", table) == "sound"
    assert "safe? **FAIL**;" in str(store.client.get_model_version_by_alias("a study", CHAMPION).description)
    assert crown(store, "a study", table[:1]) is None
    assert CHAMPION not in store.client.get_registered_model("a study").aliases
    assert crown(store, "a study", table) == "sound"
    assert crown(store, "a study", table) == "sound"
    for column in ("safe", "model", "common/auroc"):
        assert crown(store, "a study", table.drop(columns=column)) is None
    store.client.delete_logged_model(uri.removeprefix("models:/"))
    assert crown(store, "a study", table) is None
    again = logged(store, run, checkpoint)
    assert again != uri
    assert crown(store, "a study", table.assign(model=again)) == "sound"
    assert load_kept(f"models:/a study@{CHAMPION}", store).identity == load_kept(again, store).identity
    assert crown(store, "another", table[:1]) is None
    assert not store.client.search_registered_models("name = 'another'")


@pytest.mark.long
def test_a_fresh_process_elsewhere_scores_alike(
    store: Store, run: str, checkpoint: Path, cutouts: dict[str, np.ndarray], tmp_path: Path
) -> None:
    uri = logged(store, run, checkpoint)
    np.savez(tmp_path / "cutouts.npz", **cutouts)
    expected = Network.load(checkpoint, SPEC.view).of_arrays(**cutouts)
    checkpoint.unlink()
    code = (
        f"import mlflow, numpy; mlflow.set_tracking_uri({store.uri!r}); given = dict(numpy.load('cutouts.npz'));"
        f"numpy.save('logits.npy', mlflow.pyfunc.load_model({uri!r}).predict(given))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), expected, atol=1e-5)
