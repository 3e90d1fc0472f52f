"""Flips and quarter turns, keyed on (seed, epoch, sample_id): no worker, batch or resume changes them."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from arcgate.ground.draws import words

N_SYMMETRIES: Final = 8


def augment(images: torch.Tensor, sample_id: NDArray[np.int64], *, seed: int, epoch: int) -> torch.Tensor:
    """Apply to each image one of the eight symmetries of the square, drawn by its own key.

    Parameters
    ----------
    images : Tensor, shape (n, channels, size, size)
        Not changed.
    sample_id : ndarray of int64, shape (n,)
        Identity of each image.
    seed, epoch : int
        The rest of the key.

    Returns
    -------
    Tensor, shape (n, channels, size, size)
    """
    symmetry = words(seed, f"symmetry in epoch {epoch}", sample_id) % np.uint64(N_SYMMETRIES)
    turned = torch.empty_like(images)
    for code in range(N_SYMMETRIES):
        chosen = torch.from_numpy(np.flatnonzero(symmetry == code))
        turned[chosen] = _transformed(images[chosen], code)
    return turned


def _transformed(images: torch.Tensor, code: int) -> torch.Tensor:
    turned = torch.rot90(images, code % 4, (2, 3))
    return torch.flip(turned, (3,)) if code >= 4 else turned
