"""A tracking database that is made once and copied for each test (MLflow's migrations take seconds), and a network in one."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from composing import composed

with warnings.catch_warnings():
    # MLflow 3.17 maps its tables with an option that SQLAlchemy 2.1 deprecates; it says so once, at import.
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # imported for that warning

from arcgate.dataset.reader import Dataset
from arcgate.evaluation.network import Network
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS
from arcgate.learning.module import LensFinder
from arcgate.prediction_spec import Prediction
from arcgate.tracking.model import SCORE, crown, log_network
from arcgate.tracking.runs import variant_run
from arcgate.tracking.store import DATABASE, Store, open_store

NETWORK_OF = composed("view=annulus_robust")
Predicts = Callable[..., Prediction]


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracking")
    open_store(folder)
    return folder / DATABASE


@pytest.fixture
def mlruns(made_database: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "mlruns"
    folder.mkdir()
    shutil.copy(made_database, folder / DATABASE)
    return folder


@pytest.fixture
def store(mlruns: Path) -> Store:
    return open_store(mlruns)


@pytest.fixture(scope="session")
def network_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {
        "learning": as_plain(NETWORK_OF.learning),
        "view": as_plain(NETWORK_OF.view),
        "imaging": as_plain(DECALS),
        "data_digest": "",
    }
    torch.manual_seed(0)
    finder = LensFinder(settings, 1)
    path = tmp_path_factory.mktemp("checkpoint") / "best.ckpt"
    torch.save({"state_dict": finder.state_dict(), "hyper_parameters": dict(finder.hparams)}, path)
    return path


@pytest.fixture(scope="session")
def logits(built: Callable[..., Dataset], network_checkpoint: Path) -> pd.Series:
    """What the network gives for each row of the small set."""
    network = Network.load(network_checkpoint, NETWORK_OF.view)
    found: dict[int, float] = {}
    for batch in built().batches(["sample_id", "host_x_pix", "host_y_pix"], arcs=False):
        x, y = (batch.table[name].to_numpy() for name in ("host_x_pix", "host_y_pix"))
        found |= dict(zip(batch.table["sample_id"], network.of_arrays(batch.image, x, y), strict=True))
    return pd.Series(found).sort_index()


@pytest.fixture(scope="session")
def middle(logits: pd.Series) -> float:
    """A threshold that half of the stamps exceed."""
    return float(logits.median())


@pytest.fixture(scope="session")
def kept(
    made_database: Path, network_checkpoint: Path, middle: float, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, str]:
    """A tracking database with a network, and its URI."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copy(made_database, folder / DATABASE)
    store = open_store(folder)
    run = variant_run(store, "a study", "sound", "k1")
    facts = {"variant": "sound", "safe": "failed", "cause": "a bug", "threshold_logit": middle, "threshold_fpr": 0.1}
    uri = log_network(store, run, network_checkpoint, DECALS, NETWORK_OF.view, facts, {})
    assert uri is not None
    passed = {"variant": ["sound"], "run_id": [run], "safe": ["passed"], "model": [uri], SCORE: [0.9]}
    assert crown(store, "a study", pd.DataFrame(passed)) == "sound"
    return store, uri


@pytest.fixture
def asked(kept: tuple[Store, str], built: Callable[..., Dataset], tmp_path: Path) -> Predicts:
    """Settings of a prediction of the small set, whose table goes to the test's folder."""
    store, uri = kept
    runtime = replace(NETWORK_OF.runtime, data_dir=str(tmp_path / "data"), mlruns_dir=str(store.folder), workers=1, threads=1)
    usual = Prediction(uri, str(built().path), str(tmp_path / "scores.parquet"), False, runtime)
    return lambda **changes: replace(usual, **changes)
