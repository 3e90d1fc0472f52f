"""A stamp turned by half a turn about its galaxy, and what a stamp is without it."""

from __future__ import annotations

import torch
from torch import Tensor

from arcgate.views.compiled_residuals import without_turned
from arcgate.views.tensors import array_of, on_processor

# Keys' cubic convolution with a = -1/2 (1981, IEEE Trans. ASSP 29, 1153): exact for polynomials of second degree.
_TAPS = (-1, 0, 1, 2)


def rotation_residual(image: Tensor, x_pix: Tensor, y_pix: Tensor) -> Tensor:
    """Stamps less themselves turned by 180 degrees about their galaxies' centres; zero where the other side is not in the stamp.

    What is the same on both sides goes: the galaxy, of any ellipticity, and images of equal brightness opposite each other. The
    turned stamp is taken between pixels by cubic convolution.

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
        return torch.from_numpy(without_turned(*map(array_of, (image, x_pix, y_pix))))
    turned, across = _mirrored(image, x_pix, 3)
    turned, down = _mirrored(turned, y_pix, 2)
    there = across[:, None, :] & down[:, :, None]
    return torch.where(there[:, None], image - turned, 0.0)


def _mirrored(image: Tensor, centre_pix: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The image mirrored along an axis about a place, and which lines of it lie in the image, bool (n, size)."""
    size = image.shape[axis]
    place = 2.0 * centre_pix.double()[:, None] - torch.arange(size, dtype=torch.float64, device=image.device)
    return lines_at(image, place, axis), (place >= 0) & (place <= size - 1)


def lines_at(image: Tensor, place_pix: Tensor, axis: int) -> Tensor:
    """Lines of images between their pixels, by cubic convolution; the edge's pixels go on beyond it.

    Parameters
    ----------
    image : Tensor of float32, shape (n, channel, y, x)
    place_pix : Tensor of float64, shape (n, size)
        Where each line of the result lies in the image along the axis.
    axis : {2, 3}

    Returns
    -------
    Tensor of float32, shape of `image`
    """
    first, size = place_pix.floor(), image.shape[axis]
    shape = [len(image), 1, 1, 1]
    shape[axis] = size
    out = torch.zeros_like(image)
    for tap, weight in zip(_TAPS, _cubic_weights((place_pix - first).float()), strict=True):
        line = (first.long() + tap).clamp(0, size - 1).view(shape).expand(image.shape)
        out = out + weight.view(shape) * image.gather(axis, line)
    return out


def _cubic_weights(share: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights of the four pixels about a place that lies a share of a pixel beyond the second of them."""
    t, t2, t3 = share, share * share, share * share * share
    return (
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    )
