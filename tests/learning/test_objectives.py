"""Objectives against closed forms, and against what they are at their limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from arcgate.ground.errors import ArcgateError
from arcgate.learning.batches import Batch
from arcgate.learning.objective import Output, minimised
from arcgate.learning_node import Objective

LOGITS = torch.tensor([2.0, -1.0, 0.5, -3.0, 0.0])
LABELS = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0])
PAIRS = torch.tensor([7, 3, 3, 7, 9])
WEIGHTS = torch.tensor([1.0, 0.25, 1.0, 1.0, 0.5])


def batch(weights: torch.Tensor = WEIGHTS) -> Batch:
    n = len(LABELS)
    zero = torch.zeros(n)
    return Batch(
        torch.zeros(n, 3, 4, 4), LABELS, weights, torch.arange(n), PAIRS, PAIRS, zero, zero, zero.double(), zero.double()
    )


def loss(module: str, embeddings: torch.Tensor | None = None, weights: torch.Tensor = WEIGHTS, **parameters: float) -> float:
    return float(minimised(Objective(module, parameters)).loss(Output(LOGITS, embeddings), batch(weights)))


def entropy(target: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-LOGITS.double().numpy()))
    return -target * np.log(p) - (1 - target) * np.log(1 - p)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_is_a_weighted_mean_over_rows(smoothing: float) -> None:
    target = LABELS.numpy() * (1 - smoothing) + smoothing / 2
    expected = np.average(entropy(target), weights=WEIGHTS.numpy())
    assert loss("cross_entropy", smoothing=smoothing) == pytest.approx(expected, rel=1e-6)


def test_a_weight_counts_like_rows() -> None:
    """Twice the weight is the row twice."""
    twice = torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0])
    rows = entropy(LABELS.numpy())
    assert loss("cross_entropy", weights=twice) == pytest.approx(np.append(rows, rows[1]).mean(), rel=1e-6)


def test_focal_loss_is_that_of_its_paper_and_cross_entropy_without_gamma() -> None:
    p = 1 / (1 + np.exp(-LOGITS.double().numpy()))
    own = np.where(LABELS.numpy() == 1, p, 1 - p)
    expected = np.average((1 - own) ** 2 * -np.log(own), weights=WEIGHTS.numpy())
    assert loss("focal", gamma=2.0) == pytest.approx(expected, rel=1e-6)
    assert loss("focal", gamma=0.0) == pytest.approx(loss("cross_entropy"), rel=1e-6)


def test_the_contrastive_term_pushes_apart_members_of_pairs_alone() -> None:
    """Pair 7 is at right angles, pair 3 parallel; row 4 has no partner and could lie anywhere."""
    embeddings = torch.tensor([[2.0, 0.0], [1.0, 1.0], [3.0, 3.0], [0.0, 5.0], [9.0, -4.0]])
    pushes, weights = np.array([0.0, 1.0]), np.array([1.0, 0.25])
    expected = loss("cross_entropy") + 0.5 * np.average(pushes, weights=weights)
    assert loss("contrastive", embeddings, weight=0.5, margin=1.0) == pytest.approx(expected, abs=1e-5)
    nearer = np.array([max(0.0, 2.0 - np.sqrt(2.0)) ** 2, 4.0])
    expected = loss("cross_entropy") + 0.5 * np.average(nearer, weights=weights)
    assert loss("contrastive", embeddings, weight=0.5, margin=2.0) == pytest.approx(expected, abs=1e-4)
    moved = embeddings.clone()
    moved[4] = -moved[4]
    assert loss("contrastive", moved, weight=0.5) == loss("contrastive", embeddings, weight=0.5)


def test_the_contrastive_term_has_a_slope_where_members_are_equal() -> None:
    embeddings = torch.ones(5, 2, requires_grad=True)
    found = minimised(Objective("contrastive", {"weight": 1.0, "margin": 1.0})).loss(Output(LOGITS, embeddings), batch())
    found.backward()
    assert bool(torch.isfinite(embeddings.grad).all())


@pytest.mark.parametrize(
    ("module", "parameters", "words"),
    [
        ("focl", {}, "there is no module arcgate.learning.objectives.focl; focal is meant|focal is meant"),
        ("focal", {"gama": 2.0}, "unexpected keyword argument 'gama'"),
        ("focal", {"gamma": -1.0}, "gamma cannot be -1"),
        ("cross_entropy", {"smoothing": 1.0}, "cannot be smoothed by 1"),
        ("contrastive", {"margin": 3.0}, "no contrastive term has weight 0.5 and margin 3"),
        ("json.decoder", {}, "json.decoder exports no objective"),
    ],
)
def test_what_cannot_be_minimised_is_said(module: str, parameters: dict[str, float], words: str) -> None:
    with pytest.raises(ArcgateError, match=words):
        minimised(Objective(module, parameters))
