"""kill -9 while building and while training: the next run completes, and nothing differs from an uninterrupted run.

Another study then finds the training, and has its curves on a run of its own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from arcgate.dataset.reader import open_dataset
from arcgate.tracking import names
from arcgate.tracking.runs import experiment_runs
from arcgate.tracking.store import open_store

SIZE = (
    "data.hosts.n_hosts=90",
    "data.n_pairs=80",
    "evaluation.common.n_pairs=4",
    "runtime.rows_per_shard=24",
    "runtime.workers=1",
)
QUICK = ("learning.epochs=3", "learning.backbone=test_efficientnet", "runtime.threads=1")
LIMIT_S = 240


def start(folder: Path, *arguments: str, sizes: tuple[str, ...] = SIZE, **environment: str) -> subprocess.Popen[str]:
    """A command of its own session, so that a kill reaches it alone; what it prints goes to a file."""
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "arcgate.cli", *arguments, *sizes],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ | environment,
        )


def finish(process: subprocess.Popen[str], folder: Path, codes: tuple[int, ...] = (0, 3, 4)) -> str:
    process.wait(timeout=LIMIT_S)
    out = (folder / "log").read_text()
    assert process.returncode in codes, out
    return out


def kill_when(process: subprocess.Popen[str], reached) -> None:
    """kill -9 as soon as the files say that the work is under way."""
    end = time.monotonic() + LIMIT_S
    while not reached():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def data_set(folder: Path, rows: int) -> Path:
    """The finished data set of this many rows."""
    cards = (folder / "data" / "sets").glob("*/dataset.json")
    found = [path.parent for path in cards if sum(shard["rows"] for shard in json.loads(path.read_text())["shards"]) == rows]
    assert len(found) == 1
    return found[0]


def logged_epochs(folder: Path, study: str) -> list[list[int]]:
    """Of each of a study's variants in MLflow, the epochs whose validation was logged, each once."""
    store = open_store(folder / "mlruns")
    runs = experiment_runs(store, store.client.get_experiment_by_name(study))
    found = []
    for run in (run for run in runs if run.data.tags[names.KIND] == names.KIND_VARIANT):
        steps = {int(point.value): point.step for point in store.client.get_metric_history(run.info.run_id, "epoch")}
        validated = [point.step for point in store.client.get_metric_history(run.info.run_id, "val_auroc")]
        assert sorted(validated) == sorted(steps.values())
        found.append(sorted(steps))
    return found


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A run that nothing disturbs: its folder."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    finish(start(folder, "run", *QUICK), folder)
    return folder


@pytest.mark.long
@pytest.mark.timeout(5 * LIMIT_S)
def test_killed_while_building_and_while_training(uninterrupted, tmp_path):
    process = start(tmp_path, "run", *QUICK)
    kill_when(process, lambda: len(list((tmp_path / "data" / "sets").glob("*/*.receipt.json"))) >= 2)
    assert not list((tmp_path / "data" / "sets").glob("*/dataset.json")), "an unfinished set looks finished"
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "sets").glob("*/*.receipt.json")}

    process = start(tmp_path, "run", *QUICK)
    kill_when(process, lambda: any((tmp_path / "data" / "runs").glob("*/last.ckpt")))
    assert not list((tmp_path / "data" / "runs").glob("*/finished.json"))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "a finished shard was made again"

    out = finish(start(tmp_path, "run", *QUICK), tmp_path)
    assert "data reused" in out
    assert "training resumed" in out

    one, other = (open_dataset(data_set(folder, 240)) for folder in (uninterrupted, tmp_path))
    assert one.data_digest == other.data_digest
    other.verify()
    scores = [
        json.loads(next((folder / "data" / "runs").glob("*/scores.json")).read_text())["metrics"]
        for folder in (uninterrupted, tmp_path)
    ]
    assert scores[0].keys() == scores[1].keys()
    assert all(abs(scores[0][name] - scores[1][name]) <= 1e-6 for name in scores[0])
    logits = [
        pd.read_parquet(next((folder / "data" / "runs").glob("*/predictions.parquet"))).set_index(["set", "sample_id"])["logit"]
        for folder in (uninterrupted, tmp_path)
    ]
    assert (logits[0] - logits[1].loc[logits[0].index]).abs().max() <= 1e-6

    drawn = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.is_file()}
    out = finish(start(tmp_path, "run", *QUICK, PYTHONPROFILEIMPORTTIME="1"), tmp_path)
    assert "data reused" in out
    assert "gates reused" in out
    assert "training skipped" in out
    imported = set(re.findall(r"^import time:.*\|\s+(\S+)$", out, re.MULTILINE))
    assert "mlflow" in imported, "the tracking database was not asked"
    heavy = {"torch", "pytorch_lightning", "timm", "matplotlib", "sklearn", "numba", "lenstronomy"}
    assert not imported & heavy, "what is finished needs none of these"
    assert {path: path.stat().st_mtime_ns for path in drawn} == drawn, "something was written again"

    out = finish(start(tmp_path, "run", *QUICK, "study=other"), tmp_path)
    assert "data reused" in out
    assert "gates reused" in out
    assert "training skipped" in out
    assert len(list((tmp_path / "data" / "runs").glob("*/finished.json"))) == 1
    assert logged_epochs(tmp_path, "adhoc") == logged_epochs(tmp_path, "other") == [[0, 1, 2]]
