"""Every input, objective, sampling and augmentation trains, and ends with the same weights when it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from composing import composed
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.learning.checkpoints import BEST, LAST, load_checkpoint
from arcgate.learning.looking import require_paired
from arcgate.learning.network import backbone, logits_and_embeddings
from arcgate.learning.torch_dataset import StampDataset
from arcgate.learning.train import FINISHED, train
from arcgate.variant import Variant
from arcgate.views.view import Viewer

QUICK = ("learning.epochs=2", "learning.batch_size=8", "view=annulus_robust", "runtime.threads=1")
INPUTS = [
    *("azimuthal_residual", "rotation_residual", "residual", "stamp_control", "stamp_azimuthal", "stamp_rotation"),
]
EACH = [
    *(f"view/input={name}" for name in INPUTS),
    "view/normalisation=noise",
    *(f"learning/objective={name}" for name in ("label_smoothing", "focal", "contrastive")),
    *(f"learning/sampling={name}" for name in ("faint_weighted", "easy_to_hard", "floor_on_positives")),
    *(f"learning/augmentation={name}" for name in ("none", "shifts", "core_dropout")),
    "learning.trainer.accumulate=2",
    "learning.stem_stride=1",
    "learning.steps=5",
]
# Where an epoch has other batches than three: a third of the pairs come first in a curriculum.
STEPS = {"learning.trainer.accumulate=2": [2, 4], "learning.steps=5": [3, 5], "learning/sampling=easy_to_hard": [1, 4]}
INTERRUPTED = [
    "view/input=stamp_rotation",
    "learning/objective=contrastive",
    "learning/sampling=easy_to_hard",
    "learning/augmentation=core_dropout",
    "learning.steps=5",
]


class Stop(Callback):
    """Raises at the end of an epoch, when its checkpoint is there."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch == 1:
            raise RuntimeError("stopped by the test")


@pytest.fixture(scope="module")
def invented(make_set: Callable[..., Dataset]) -> Dataset:
    """12 pairs to train on, whose controls are the positives' own galaxies."""
    return make_set()


def trained(spec: Variant, dataset: Dataset, folder: Path) -> dict[str, torch.Tensor]:
    train(dataset, spec.view, spec.learning, folder=folder, threads=1)
    state: dict[str, torch.Tensor] = load_checkpoint(folder / LAST)["state_dict"]
    return state


@pytest.mark.parametrize("changed", EACH)
def test_each_trains(changed: str, invented: Dataset, tmp_path: Path) -> None:
    spec = composed(*QUICK, changed)
    if "floor" in changed or "faint" in changed:
        # The invented arcs all have an S/N of 1.
        sampling = replace(spec.learning.sampling, least={"arc_snr_injected": 0.5})
        spec = replace(spec, learning=replace(spec.learning, sampling=sampling))
    state = trained(spec, invented, tmp_path)
    assert all(bool(torch.isfinite(value.float()).all()) for value in state.values())
    steps = json.loads((tmp_path / FINISHED).read_text())["steps"]
    assert steps == STEPS.get(changed, [3, 6])
    channels = next(value for value in state.values() if value.ndim == 4).shape[1]
    assert channels == 3 * len(spec.view.planes)


def test_steps_that_are_asked_for_are_those_of_the_optimiser(invented: Dataset, tmp_path: Path) -> None:
    spec = composed(*QUICK, "learning.steps=5", "learning.trainer.accumulate=2")
    trained(spec, invented, tmp_path)
    # Three batches an epoch are two steps.
    assert json.loads((tmp_path / FINISHED).read_text())["steps"] == [2, 4, 5]
    assert load_checkpoint(tmp_path / LAST)["global_step"] == 5


@pytest.mark.parametrize("changed", INTERRUPTED)
def test_each_kind_resumes_to_the_bit(changed: str, invented: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = composed(*QUICK, changed)
    whole = trained(spec, invented, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("arcgate.learning.train.own_callbacks", lambda settings: [Stop()])
        with pytest.raises(RuntimeError, match="stopped by the test"):
            trained(spec, invented, tmp_path / "stopped")
    again = trained(spec, invented, tmp_path / "stopped")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_an_input_with_controls_is_refused_where_they_are_other_galaxies(invented: Dataset, tmp_path: Path) -> None:
    spec = composed(*QUICK, "view/input=stamp_control")
    require_paired(invented, Viewer(spec.view, DECALS))
    table = Dataset.table

    def others(self: Dataset, *args: object, **kwargs: object) -> object:
        found = table(self, *args, **kwargs)  # type: ignore[arg-type]  # passed through
        return found.assign(control_kind="unpaired") if "control_kind" in found else found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dataset, "table", others)
        with pytest.raises(ArcgateError, match="its true control, and controls of this set are unpaired"):
            trained(spec, invented, tmp_path)
        with pytest.raises(ArcgateError, match="its true control, and controls of this set are unpaired"):
            StampDataset(invented.path, "train", spec.view)
        assert len(StampDataset(invented.path, "train")) == 24


def test_embeddings_are_what_the_last_layer_gets() -> None:
    network = backbone("test_resnet", DECALS).eval()
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 3, 64, 64)).astype(np.float32))
    logits, embeddings = logits_and_embeddings(network, images)
    torch.testing.assert_close(logits, network(images)[:, 0])
    torch.testing.assert_close(network.get_classifier()(embeddings)[:, 0], logits)


def test_weights_of_a_file_are_taken_but_for_the_last_layer(tmp_path: Path) -> None:
    first = backbone("test_resnet", DECALS)
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    second = backbone("test_resnet", DECALS, weights=str(tmp_path / "weights.pt"))
    own, given = second.state_dict(), first.state_dict()
    assert all(torch.equal(own[key], given[key]) for key in own if "fc" not in key)
    with pytest.raises(ArcgateError, match=r"weights do not fit test_resnet with 6 channels: .* sought is"):
        backbone("test_resnet", DECALS, planes=2, weights=str(tmp_path / "weights.pt"))
    (tmp_path / "broken.pt").write_bytes(b"no weights")
    for name in ("broken.pt", "missing.pt"):
        with pytest.raises(ArcgateError, match="weights of test_resnet cannot be had"):
            backbone("test_resnet", DECALS, weights=str(tmp_path / name))


def test_weights_of_a_training_are_taken(invented: Dataset, tmp_path: Path) -> None:
    spec = composed(*QUICK, "learning.epochs=1")
    trained(spec, invented, tmp_path)
    given = load_checkpoint(tmp_path / BEST)["state_dict"]
    own = backbone(spec.learning.backbone, DECALS, weights=str(tmp_path / BEST)).state_dict()
    assert all(torch.equal(own[key], given[f"network.{key}"]) for key in own if "fc" not in key)


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        ({}, "names no class"),
        ({"_target_": "pytorch_lightning.callbacks.Timr"}, "pytorch_lightning.callbacks.Timr cannot be made"),
        ({"_target_": "builtins.dict"}, "builtins.dict is no callback of Lightning"),
    ],
)
def test_callbacks_that_are_none(callback: dict[str, str], words: str, invented: Dataset, tmp_path: Path) -> None:
    spec = composed(*QUICK)
    trainer = replace(spec.learning.trainer, callbacks=(callback,))
    with pytest.raises(ArcgateError, match=words):
        trained(replace(spec, learning=replace(spec.learning, trainer=trainer)), invented, tmp_path)
