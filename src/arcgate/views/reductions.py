"""What views are made of, for tensors on any device: on a processor by compiled loops, elsewhere by torch's own operations.

Each row is worked on by itself, so that results do not depend on how rows are batched; torch's own asinh on a processor treats
the last pixels of a batch by another formula. Medians are numpy's, the mean of the two in the middle of an even number, where
torch's take the lower one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from arcgate.views import robust, stretch
from arcgate.views.tensors import array_of, on_processor


def distances(x_pix: Tensor, y_pix: Tensor, size: int) -> Tensor:
    """Distance of every pixel from a centre, pixels: float64 (n, size, size) of centres (n,)."""
    grid = torch.arange(size, dtype=torch.float64, device=x_pix.device)
    dx, dy = grid[None, None, :] - x_pix.double()[:, None, None], grid[None, :, None] - y_pix.double()[:, None, None]
    return torch.sqrt(dx * dx + dy * dy)


def beyond(x_pix: Tensor, y_pix: Tensor, size: int, radius_pix: float) -> Tensor:
    """Whether `distances` is at least a radius, bool (n, size, size)."""
    if on_processor(x_pix):
        return torch.from_numpy(robust.beyond(array_of(x_pix), array_of(y_pix), size, radius_pix))
    return distances(x_pix, y_pix, size) >= radius_pix


def median_and_mad(image: Tensor, used: Tensor | None) -> tuple[Tensor, Tensor]:
    """Median and 1.4826 times the median absolute deviation.

    Parameters
    ----------
    image : Tensor of float32, shape (n, channels, y, x)
        Finite pixels.
    used : Tensor of bool, shape (n, y, x), or None
        Pixels that count, at least one a row; None takes all.

    Returns
    -------
    median, scale : Tensor of float32, shape (n, channels)
        In the unit of the image.
    """
    if on_processor(image):
        middle, scale = robust.median_and_mad(array_of(image), None if used is None else array_of(used))
        return torch.from_numpy(middle), torch.from_numpy(scale)
    middle_there = sorted_median(image, used)
    deviation = sorted_median((image - middle_there[:, :, None, None]).abs(), used)
    return middle_there, deviation * robust.MAD_TO_SIGMA


def median(image: Tensor, used: Tensor) -> Tensor:
    """Median over the used pixels, float32 (n, channels) (see `median_and_mad`)."""
    if on_processor(image):
        return torch.from_numpy(robust.median(array_of(image), array_of(used)))
    return sorted_median(image, used)


def normalised_asinh(image: Tensor, centre: Tensor, scale: Tensor) -> Tensor:
    """Asinh of (n, channels, y, x) less a centre, over a scale, (n, channels) each."""
    if on_processor(image):
        return torch.from_numpy(stretch.normalised_asinh(array_of(image), array_of(centre), array_of(scale)))
    return torch.asinh((image - centre[:, :, None, None]) / scale[:, :, None, None])


def asinh(image: Tensor) -> Tensor:
    """Inverse hyperbolic sine in float32."""
    return torch.from_numpy(stretch.asinh(array_of(image))) if on_processor(image) else torch.asinh(image)


def sorted_median(image: Tensor, used: Tensor | None) -> Tensor:
    """`median` on any device, by sorting: the very values of the compiled loop; NaN where no pixel counts."""
    pixels = image.flatten(2)
    kept = torch.ones_like(pixels, dtype=torch.bool) if used is None else used.flatten(1)[:, None].expand(pixels.shape)
    ordered = torch.where(kept, pixels, torch.inf).sort(dim=2).values
    count = kept.sum(dim=2, keepdim=True)
    lower, upper = ((count - 1) // 2).clamp(min=0), (count // 2).clamp(max=pixels.shape[2] - 1)
    both = ordered.gather(2, lower).double() + ordered.gather(2, upper).double()
    return torch.where(count > 0, both / 2.0, torch.nan)[:, :, 0].float()
