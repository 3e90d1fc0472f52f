"""A galaxy's median profile: what is the same all around its centre, and what a stamp is without it."""

from __future__ import annotations

import torch
from torch import Tensor

from arcgate.views.compiled_profile import ring_medians
from arcgate.views.reductions import distances
from arcgate.views.tensors import array_of, on_processor


def azimuthal_residual(image: Tensor, x_pix: Tensor, y_pix: Tensor) -> Tensor:
    """Stamps less the median profile about their galaxies' centres.

    The profile is the median of rings one pixel wide, and between the middles of rings it is a straight line; what lies further
    from the centre than the stamp's nearest edge is one ring, since rings of a few corner pixels would be taken from themselves.
    Light that goes all around goes with it: the galaxy as far as it is round, a complete Einstein ring too.

    Parameters
    ----------
    image : Tensor of float32, shape (n, channel, size, size)
        Finite pixels.
    x_pix, y_pix : Tensor of float64, shape (n,)
        Centres, 0-based.

    Returns
    -------
    Tensor of float32, shape of `image`
    """
    n, channels, size, _ = image.shape
    radius = distances(x_pix, y_pix, size).reshape(n, size * size)
    edge = torch.minimum(torch.minimum(x_pix, size - 1 - x_pix), torch.minimum(y_pix, size - 1 - y_pix))
    last = (edge.floor().long() + 1).clamp(min=1)
    ring = torch.minimum((radius + 0.5).floor().long(), last[:, None])
    rings = size // 2 + 2
    pixels = image.reshape(n, channels, size * size)
    if on_processor(image):
        profile = torch.from_numpy(ring_medians(array_of(pixels), array_of(ring), array_of(last), rings))
    else:
        profile = sorted_ring_medians(pixels, ring, last, rings)
    return (image - _between(profile, radius, last).reshape(image.shape)).float()


def sorted_ring_medians(pixels: Tensor, ring: Tensor, last: Tensor, rings: int) -> Tensor:
    """Medians of rings on any device, by sorting; parameters and values as those of `compiled_profile.ring_medians`."""
    n, channels, count = pixels.shape
    by_value = pixels.sort(dim=2)
    ring_of = ring[:, None].expand(n, channels, count).gather(2, by_value.indices)
    order = ring_of.argsort(dim=2, stable=True)
    ordered = by_value.values.gather(2, order)
    held = torch.zeros((n, rings), dtype=torch.int64, device=pixels.device)
    held.scatter_add_(1, ring, torch.ones_like(ring))
    begin = held.cumsum(dim=1) - held
    lower, upper = begin + (held - 1).clamp(min=0) // 2, begin + held // 2
    one, other = (
        ordered.gather(2, place.clamp(max=count - 1)[:, None].expand(n, channels, rings)).double() for place in (lower, upper)
    )
    profile = ((one + other) / 2.0).float()
    for number in range(rings - 2, -1, -1):
        empty = (held[:, number] == 0) & (number <= last)
        profile[:, :, number] = torch.where(empty[:, None], profile[:, :, number + 1], profile[:, :, number])
    return profile


def _between(profile: Tensor, radius: Tensor, last: Tensor) -> Tensor:
    """The profile at each pixel's distance, float32 (n, channel, pixel)."""
    inner = torch.minimum(radius.floor().long(), last[:, None])
    outer = torch.minimum(inner + 1, last[:, None])
    share = (radius - inner).clamp(max=1.0)[:, None]
    shape = (*profile.shape[:2], radius.shape[1])
    low, high = (profile.gather(2, place[:, None].expand(shape)).double() for place in (inner, outer))
    return (low + share * (high - low)).float()
