"""What is done to viewed stamps in training, keyed on (seed, epoch, identity): no worker, batch or resume changes it.

Flips and turns are drawn for each stamp. Shifts and lost cores are drawn for a pair, so that both members undergo the same. All
of it is done to the viewed stamp: a median commutes with the stretch, and a shift between pixels smooths noise of both classes
alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arcgate.ground.draws import uniform, words
from arcgate.learning.batches import Batch
from arcgate.views.reductions import beyond, median
from arcgate.views.turned import lines_at

if TYPE_CHECKING:
    from arcgate.learning_node import Augmentation
    from arcgate.views.view import Viewer

N_SYMMETRIES: Final = 8


def augmented(batch: Batch, settings: Augmentation, viewer: Viewer, *, seed: int, epoch: int) -> Batch:
    """The batch as an epoch shows it.

    Parameters
    ----------
    batch : Batch
        Not changed.
    settings : Augmentation
    viewer : Viewer
        Whose annulus fills lost cores.
    seed, epoch : int
        Of the draws.
    """
    images, pair = batch.images, batch.pair.numpy()
    if settings.core_dropout:
        lost = torch.from_numpy(uniform(seed, f"core lost in epoch {epoch}", pair) < settings.core_dropout)
        images = without_core(images, batch.x_pix, batch.y_pix, lost, settings.core_dropout_radius_pix, viewer.annulus_pix)
    if settings.shift_pix:
        dx, dy = (
            settings.shift_pix * (2.0 * uniform(seed, f"shift in {axis} in epoch {epoch}", pair) - 1.0) for axis in ("x", "y")
        )
        images = shifted(images, torch.from_numpy(dx), torch.from_numpy(dy))
    if settings.symmetries:
        images = augment(images, batch.sample.numpy(), seed=seed, epoch=epoch)
    return replace(batch, images=images)


def augment(images: Tensor, sample_id: NDArray[np.int64], *, seed: int, epoch: int) -> Tensor:
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


def _transformed(images: Tensor, code: int) -> Tensor:
    turned = torch.rot90(images, code % 4, (2, 3))
    return torch.flip(turned, (3,)) if code >= 4 else turned


def shifted(images: Tensor, dx_pix: Tensor, dy_pix: Tensor) -> Tensor:
    """Images moved by (n,) pixels in x and y, by cubic convolution; the edge's pixels go on beyond it."""
    for axis, by_pix in ((3, dx_pix), (2, dy_pix)):
        pixel = torch.arange(images.shape[axis], dtype=torch.float64, device=images.device)
        images = lines_at(images, pixel - by_pix.double()[:, None], axis)
    return images


def without_core(images: Tensor, x_pix: Tensor, y_pix: Tensor, lost: Tensor, radius_pix: float, annulus_pix: float) -> Tensor:
    """Images of which those that are `lost`, bool (n,), have the annulus' median within a radius of the galaxy."""
    if not bool(lost.any()):
        return images
    size, some = images.shape[-1], torch.nonzero(lost)[:, 0]
    x, y = x_pix[some], y_pix[some]
    level = median(images[some], beyond(x, y, size, annulus_pix))
    core = ~beyond(x, y, size, radius_pix)
    out = images.clone()
    out[some] = torch.where(core[:, None], level[:, :, None, None], images[some])
    return out
