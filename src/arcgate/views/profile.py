"""A galaxy's median profile: what is the same all around its centre, and what a stamp is without it."""

from __future__ import annotations

import torch
from torch import Tensor

from arcgate.views.compiled_residuals import without_profile
from arcgate.views.reductions import distances
from arcgate.views.tensors import array_of, on_processor


def azimuthal_residual(image: Tensor, x_pix: Tensor, y_pix: Tensor) -> Tensor:
    """Stamps less the median profile about their galaxies' centres.

    The profile is the median of rings one pixel wide at their median distance, and a straight line in between; what lies further
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
    if on_processor(image):
        return torch.from_numpy(without_profile(*map(array_of, (image, x_pix, y_pix))))
    n, channels, size, _ = image.shape
    radius = distances(x_pix, y_pix, size).reshape(n, size * size)
    edge = torch.minimum(torch.minimum(x_pix, size - 1 - x_pix), torch.minimum(y_pix, size - 1 - y_pix))
    last = (edge.floor().long() + 1).clamp(min=1)
    ring = torch.minimum((radius + 0.5).floor().long(), last[:, None])
    # Distances are reduced like light: the median light of a round galaxy is that at the ring's median distance.
    distance = radius.float()[:, None]
    pixels = torch.cat([distance, image.reshape(n, channels, size * size)], dim=1)
    found = sorted_ring_medians(pixels, ring, last, size // 2 + 3)
    return image - _between(found[:, 1:], found[:, :1], distance, ring, last).reshape(image.shape)


def sorted_ring_medians(pixels: Tensor, ring: Tensor, last: Tensor, rings: int) -> Tensor:
    """Medians of the pixels of rings, by sorting.

    Parameters
    ----------
    pixels : Tensor of float32, shape (n, channel, pixel)
    ring : Tensor of int64, shape (n, pixel)
        Number of each pixel's ring.
    last : Tensor of int64, shape (n,)
        Number of the last ring of each row.
    rings : int
        Greatest number of rings.

    Returns
    -------
    Tensor of float32, shape (n, channel, rings)
        A ring without pixels has the value of the next.
    """
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


def _between(profile: Tensor, knot: Tensor, distance: Tensor, ring: Tensor, last: Tensor) -> Tensor:
    """The profile at each pixel's distance, float32 (n, channel, pixel); constant within the first knot and beyond the last."""
    own = knot[:, 0].gather(1, ring)
    outer = torch.minimum(ring + (distance[:, 0] >= own).long(), last[:, None])
    inner = (outer - 1).clamp(min=0)
    low, high = (knot[:, 0].gather(1, place).double() for place in (inner, outer))
    share = ((distance[:, 0].double() - low) / (high - low).clamp(min=1e-6)).clamp(0.0, 1.0)[:, None]
    shape = (*profile.shape[:2], ring.shape[1])
    first, second = (profile.gather(2, place[:, None].expand(shape)).double() for place in (inner, outer))
    return (first + share * (second - first)).float()
