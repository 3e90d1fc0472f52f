"""Trained, skipped, resumed: the same weights."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from pytorch_lightning.loggers.logger import DummyLogger
from torch import Tensor

from arcgate.dataset import Dataset
from arcgate.ground import progress
from arcgate.ground.errors import ArcgateError
from arcgate.learning.checkpoints import BEST, HISTORY, LAST, load_checkpoint, read_history
from arcgate.learning.train import FINISHED, TrainingResult, train
from arcgate.learning_node import Learning
from arcgate.variant import View


class Recorder(DummyLogger):
    """Keeps what is logged; raises `stop` after the metrics of an epoch."""

    def __init__(self, stop_after: int | None = None, stop: type[BaseException] = RuntimeError) -> None:
        super().__init__()
        self.lines: list[dict[str, float]] = []
        self._stop_after, self._stop = stop_after, stop

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:  # type: ignore[override]  # as Lightning calls it
        self.lines.append(dict(metrics))
        if "train_loss" in metrics and metrics["epoch"] == self._stop_after:
            raise self._stop("stopped by the test")


@pytest.fixture
def run(dataset: Dataset, view: View, learning: Learning) -> Callable[..., TrainingResult]:
    return lambda folder, **options: train(dataset, view, learning, folder=folder, **({"threads": 1} | options))


@pytest.fixture(scope="module")
def uninterrupted(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a training that ran in one go, with the settings of the fixtures `view` and `learning`."""
    return tmp_path_factory.mktemp("uninterrupted")


@pytest.fixture
def reference(uninterrupted: Path, run: Callable[..., TrainingResult]) -> Path:
    run(uninterrupted)
    return uninterrupted


def weights(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = load_checkpoint(path)["state_dict"]
    return state


def assert_same_training(folder: Path, other: Path) -> None:
    for name in (BEST, LAST):
        pairs = zip(weights(folder / name).items(), weights(other / name).items(), strict=True)
        assert all(key == key_2 and torch.equal(value, value_2) for (key, value), (key_2, value_2) in pairs)
    pd.testing.assert_frame_equal(read_history(folder), read_history(other), check_exact=True)
    assert json.loads((folder / FINISHED).read_text()) == json.loads((other / FINISHED).read_text())


def test_training_learns_and_leaves_its_files(
    run: Callable[..., TrainingResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, recorder = tmp_path / "new" / "training", Recorder()
    result = run(folder, logger=recorder)
    assert capfd.readouterr() == ("", "")
    assert (result.status, result.best_checkpoint, result.last_epoch) == ("trained", folder / BEST, 3)
    assert sorted(path.name for path in folder.iterdir()) == sorted([BEST, LAST, HISTORY, FINISHED])
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert list(result.history.columns) == ["epoch", "train_loss", "val_loss", "val_auroc"]
    assert list(result.history["epoch"]) == [0, 1, 2, 3]
    assert result.history["train_loss"].iloc[-1] < result.history["train_loss"].iloc[0]
    assert result.history["val_auroc"].max() > 0.9
    logged = {name for line in recorder.lines for name in line}
    assert logged == {"epoch", "train_loss", "val_loss", "val_auroc"}


def test_a_finished_training_is_skipped(reference: Path, run: Callable[..., TrainingResult]) -> None:
    before = (reference / BEST).stat().st_mtime_ns
    result = run(reference)
    assert (result.status, result.last_epoch, len(result.history)) == ("skipped", 3, 4)
    assert (reference / BEST).stat().st_mtime_ns == before


@pytest.mark.parametrize("epoch", [0, 2, 3])
def test_a_stopped_training_resumes_to_the_same_weights(
    reference: Path, run: Callable[..., TrainingResult], tmp_path: Path, epoch: int
) -> None:
    with pytest.raises(RuntimeError, match="stopped by the test"):
        run(tmp_path, logger=Recorder(stop_after=epoch))
    assert not (tmp_path / FINISHED).exists()
    torch.manual_seed(epoch)
    assert run(tmp_path).status == "resumed"
    assert_same_training(tmp_path, reference)


def test_a_crash_between_the_files_of_an_epoch_is_made_good(
    reference: Path, run: Callable[..., TrainingResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("arcgate.learning.checkpoints.write_history", crash)
        with pytest.raises(RuntimeError, match="killed"):
            run(tmp_path)
    (tmp_path / f".{LAST}.12345.tmp").write_bytes(b"half a checkp")
    assert run(tmp_path).status == "resumed"
    assert not list(tmp_path.glob(".*"))
    assert_same_training(tmp_path, reference)


def test_other_settings_are_refused(reference: Path, dataset: Dataset, view: View, learning: Learning, tmp_path: Path) -> None:
    other = dataclasses.replace(learning, lr=0.5)
    with pytest.raises(ArcgateError, match="other settings: learning differ"):
        train(dataset, view, other, folder=reference, threads=1)
    (tmp_path / LAST).write_bytes((reference / LAST).read_bytes())
    with pytest.raises(ArcgateError, match="other settings: learning differ"):
        train(dataset, view, other, folder=tmp_path, threads=1)


def test_ctrl_c_comes_out_as_such(run: Callable[..., TrainingResult], tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, logger=Recorder(stop_after=0, stop=KeyboardInterrupt))
    assert signal.getsignal(signal.SIGINT) is handler
    assert (tmp_path / LAST).is_file()
    assert not (tmp_path / FINISHED).exists()


def test_torch_is_left_as_it_was_found(run: Callable[..., TrainingResult], tmp_path: Path) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    run(tmp_path, threads=threads)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads + 1
    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)


def test_epochs_are_counted_for_whoever_watches(
    run: Callable[..., TrainingResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0.01)
    trained = run(tmp_path)
    out, err = capfd.readouterr()
    said = [int(done) for done in re.findall(rf"training: epochs: (\d+) of {trained.last_epoch + 1},", out)]
    assert 0 < max(said) <= trained.last_epoch + 1
    assert said == sorted(said)
    assert err == "", "a second bar, of Lightning's"


def test_a_callback_of_lightning_writes_checkpoints_of_its_own(
    dataset: Dataset, view: View, learning: Learning, tmp_path: Path
) -> None:
    keeper = {"_target_": "pytorch_lightning.callbacks.ModelCheckpoint", "dirpath": str(tmp_path / "a" / "b"), "save_last": True}
    settings = dataclasses.replace(learning, epochs=1, trainer=dataclasses.replace(learning.trainer, callbacks=(keeper,)))
    train(dataset, view, settings, folder=tmp_path / "training", threads=1)
    assert (tmp_path / "a" / "b" / LAST).is_file()


def test_a_training_that_a_callback_had_ended_goes_no_further_when_it_is_resumed(
    dataset: Dataset, view: View, learning: Learning, tmp_path: Path
) -> None:
    """It was killed after its last epoch, and before it was marked as finished."""
    stopper = {"_target_": "pytorch_lightning.callbacks.EarlyStopping", "monitor": "val_loss", "patience": 1, "min_delta": 10.0}
    settings = dataclasses.replace(learning, trainer=dataclasses.replace(learning.trainer, callbacks=(stopper,)))
    train(dataset, view, settings, folder=tmp_path / "alone", threads=1)
    shutil.copytree(tmp_path / "alone", tmp_path / "killed")
    (tmp_path / "killed" / FINISHED).unlink()
    resumed = train(dataset, view, settings, folder=tmp_path / "killed", threads=1)
    assert (resumed.status, len(resumed.history)) == ("resumed", 2)
    assert_same_training(tmp_path / "alone", tmp_path / "killed")


def test_steps_of_a_training_that_a_callback_ends_early_are_those_that_ran(
    dataset: Dataset, view: View, learning: Learning, tmp_path: Path
) -> None:
    stopper = {"_target_": "pytorch_lightning.callbacks.EarlyStopping", "monitor": "val_loss", "patience": 1, "min_delta": 10.0}
    settings = dataclasses.replace(learning, trainer=dataclasses.replace(learning.trainer, callbacks=(stopper,)))
    result = train(dataset, view, settings, folder=tmp_path, threads=1)
    assert len(result.history) == 2
    assert result.steps == [3, 6]
