"""Flips and quarter turns, keyed on (seed, epoch, sample_id): no worker, batch or resume changes them."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

N_SYMMETRIES: Final = 8
_WORD: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15


def mix(seed: int, epoch: int, identity: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash (seed, epoch, identity) to 64 bits for each identity.

    Parameters
    ----------
    seed, epoch : int
        Any integers; taken modulo 2^64.
    identity : ndarray of int64, shape (n,)
        For example sample_id.

    Returns
    -------
    ndarray of uint64, shape (n,)
        SplitMix64 finaliser (Steele, Lea and Flood 2014, OOPSLA, fig. 16) applied to the three in turn.
    """
    state = np.zeros(identity.shape, dtype=np.uint64)
    for word in (np.uint64(seed & _WORD), np.uint64(epoch & _WORD), identity.astype(np.uint64)):
        state = _finalised((state ^ word) + np.uint64(_GOLDEN))
    return state


def _finalised(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


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
    symmetry = mix(seed, epoch, sample_id) % np.uint64(N_SYMMETRIES)
    turned = torch.empty_like(images)
    for code in range(N_SYMMETRIES):
        chosen = torch.from_numpy(np.flatnonzero(symmetry == code))
        turned[chosen] = _transformed(images[chosen], code)
    return turned


def _transformed(images: torch.Tensor, code: int) -> torch.Tensor:
    turned = torch.rot90(images, code % 4, (2, 3))
    return torch.flip(turned, (3,)) if code >= 4 else turned
