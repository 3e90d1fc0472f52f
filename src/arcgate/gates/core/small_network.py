"""A small convolutional network as a rule: it looks at whole stamps and finds by itself what tells two classes apart. Pure.

Every draw is keyed, batches come in a fixed order, and one thread computes: the same stamps give the same scores whatever else
runs beside it, on one type of processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from arcgate.ground.draws import generator

Pixels = NDArray[np.float32]
Array = NDArray[np.float64]
Ids = NDArray[np.int64]

# A leak that needs more than this to be learnt is beyond the few hundred galaxies that a rule is fitted on.
STEPS: Final = 200
# Stamps of each class in a batch.
HALF_BATCH: Final = 32
_CHANNELS: Final = (8, 12, 16)
_LARGEST_RATE: Final = 1e-2
_DECAY: Final = 1e-2
_SCORED_AT_ONCE: Final = 256
_SEED: Final = 0


class SmallNetwork(nn.Module):
    """Three convolutions, each halving the image, and a linear layer that knows the place: some thousand parameters.

    Parameters
    ----------
    channels : int
        Of its input.
    size_pix : int
        Side of the stamps.
    """

    def __init__(self, channels: int, size_pix: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place, width in enumerate(_CHANNELS):
            kernel = 5 if place == 0 else 3
            layers += [nn.Conv2d(channels, width, kernel, stride=2, padding=kernel // 2), nn.BatchNorm2d(width), nn.ReLU()]
            channels, size_pix = width, (size_pix + 1) // 2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * size_pix**2, 1))
        for name, weight in self.named_parameters():
            _draw(name, weight)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n,) of stamps (n, channels, y, x)."""
        logits: Tensor = self.layers(images)[:, 0]
        return logits


def _draw(name: str, weight: Tensor) -> None:
    """Initial weights by name, of a variance that keeps that of the signal (He et al. 2015, equation 10).

    The last layer begins at zero, and so do constants: torch would draw them from its own generator.
    """
    if weight.dim() == 4:
        drawn = generator(_SEED, f"attack {name}", 0).standard_normal(weight.shape)
        with torch.no_grad():
            weight.copy_(torch.from_numpy(drawn * np.sqrt(2.0 / weight[0].numel())))
    elif weight.dim() == 2 or name.endswith("bias"):
        nn.init.zeros_(weight)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network with the scaling of its input.

    Attributes
    ----------
    network : SmallNetwork
    centre, scale : Tensor, shape (channels, y, x)
        Mean and standard deviation of each pixel among the stamps that it was trained on.
    """

    network: SmallNetwork
    centre: Tensor
    scale: Tensor

    def decision_function(self, features: Pixels) -> Array:
        """Logits (n,) of stamps (n, channels, y, x)."""
        with _one_thread(), torch.inference_mode():
            parts = torch.split(torch.from_numpy(features), _SCORED_AT_ONCE)
            return torch.cat([self.network((part - self.centre) / self.scale) for part in parts]).double().numpy()


def trained(images: Pixels, labels: Ids) -> Trained:
    """Train a network to tell two classes of stamps apart.

    Parameters
    ----------
    images : ndarray, float32 (n, channels, y, x)
    labels : ndarray of 0 and 1, shape (n,)
        Where both classes hold the same pairs in the same order, members of a pair come in one batch.

    Returns
    -------
    Trained
    """
    with _one_thread(), torch.random.fork_rng(devices=()):
        seen = torch.from_numpy(images)
        centre, scale = seen.mean(dim=0), seen.std(dim=0)
        # A pixel that never changes is left as it is.
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        network = SmallNetwork(images.shape[1], images.shape[-1])
        optimiser = torch.optim.AdamW(network.parameters(), lr=_LARGEST_RATE, weight_decay=_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LARGEST_RATE, total_steps=STEPS)
        for rows in _batches(labels):
            optimiser.zero_grad()
            logits = network((seen[rows] - centre) / scale)
            loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels)[rows].float())
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
        network.eval()
        return Trained(network, centre, scale)


def _batches(labels: Ids) -> Iterator[Tensor]:
    """Rows of each step, as many of either class; each class is gone through in one keyed order after the other.

    Rows of the same place in both classes come together, so that what a galaxy looks like cancels out in a pair's batch.
    """
    classes = [np.flatnonzero(labels == label) for label in (1, 0)]
    longest = max(map(len, classes))
    count = min(HALF_BATCH, longest)
    left, pass_ = np.zeros(0, dtype=np.int64), 0
    for _ in range(STEPS):
        while len(left) < count:
            left = np.concatenate([left, generator(_SEED, f"attack order {pass_}", 0).permutation(longest)])
            pass_ += 1
        places, left = left[:count], left[count:]
        yield torch.from_numpy(np.concatenate([rows[places % len(rows)] for rows in classes]))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over threads depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
