"""The network, its schedule and its errors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS, Imaging
from arcgate.learning.module import LensFinder, warm_up_and_cosine
from arcgate.learning.network import backbone
from arcgate.learning_node import Learning

STAMPS = torch.zeros(2, 3, 64, 64)


@pytest.fixture
def settings(learning: Learning) -> dict[str, Any]:
    return {"learning": as_plain(learning), "view": {"planes": ["stamp"]}, "imaging": as_plain(DECALS), "data_digest": ""}


def test_an_unknown_backbone_names_close_ones() -> None:
    with pytest.raises(ArcgateError, match=r"no model named 'resnet81'; close names: .*resnet18"):
        backbone("resnet81", DECALS)


def test_a_backbone_of_fixed_input_size_is_built_for_stamps() -> None:
    assert backbone("test_vit", DECALS)(STAMPS).shape == (2, 1)


@pytest.mark.parametrize("imaging", [Imaging(("vis",), "vis", 200, 0.1), Imaging(tuple("ugrizy"), "r", 33, 0.2)])
def test_a_network_takes_stamps_of_its_imaging(settings: dict[str, Any], imaging: Imaging) -> None:
    finder = LensFinder(settings | {"imaging": as_plain(imaging)}, 1)
    assert finder(torch.zeros(2, *imaging.shape)).shape == (2,)


def test_a_backbone_that_cannot_take_stamps_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Picky(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("images are too small")

    monkeypatch.setattr("timm.create_model", lambda *_, **__: Picky())
    with pytest.raises(ArcgateError, match=r"test_resnet does not work on stamps of 64 x 64 pixels: images are too small"):
        backbone("test_resnet", DECALS)


def test_initial_weights_follow_from_the_seed_alone(settings: dict[str, Any]) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = LensFinder(settings, 3)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again = LensFinder(settings, 3)
    other = LensFinder(settings | {"learning": settings["learning"] | {"seed": 4}}, 3)
    weights = [torch.cat([p.flatten() for p in finder.parameters()]) for finder in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def rates(total_steps: int) -> list[float]:
    """Learning rate of each step of a training whose highest is 2."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = warm_up_and_cosine(optimizer, total_steps)
    found = []
    for _ in range(total_steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("total_steps", [1, 2, 9, 10, 15, 16, 100, 2500])
def test_the_schedule_is_a_straight_rise_and_half_a_cosine(total_steps: int) -> None:
    warm_up = max(1, round(0.1 * total_steps))
    rise = [(step + 1) / warm_up for step in range(warm_up)]
    left = total_steps - warm_up
    fall = [0.5 * (1.0 + math.cos(math.pi * step / left)) for step in range(left)]
    assert rates(total_steps) == pytest.approx([2.0 * factor for factor in rise + fall], rel=0, abs=1e-12)


def test_schedule_warms_up_and_ends_near_zero(settings: dict[str, Any]) -> None:
    found = rates(100)
    assert found[0] == pytest.approx(0.2)
    assert max(found) == pytest.approx(2.0)
    assert found[9] == pytest.approx(2.0)
    assert 0 < found[99] < 0.002
    finder = LensFinder(settings, 3)
    configured: Any = finder.configure_optimizers()
    assert isinstance(configured["optimizer"], torch.optim.AdamW)
    assert configured["lr_scheduler"]["interval"] == "step"


def test_logits_that_are_not_finite_stop_the_training(settings: dict[str, Any]) -> None:
    finder = LensFinder(settings, 3)
    finder._validated = [(torch.tensor([0.0, torch.nan]), torch.tensor([0.0, 1.0]), torch.zeros(1))]
    with pytest.raises(ArcgateError, match=r"diverged.*(\n.*)*lower learning\.lr"):
        finder.on_validation_epoch_end()
