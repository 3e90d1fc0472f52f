"""Images moved by any number of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Images = NDArray[np.floating]


def shifted(image: Images, shift: Array, wrapped: bool) -> Images:
    """Images moved by any number of pixels.

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
    shift : ndarray (n, band, 2) or what broadcasts to it
        Along x and y, pixels.
    wrapped : bool
        Whether what leaves a stamp comes in on its other side, as after an `ifftshift`; else it is lost.
    """
    both = np.broadcast_to(shift, (*image.shape[:2], 2))
    whole = np.rint(both).astype(np.int64)
    moved = _moved_within(image, both - whole) if np.any(both != whole) else image
    out, size = np.zeros_like(image), image.shape[-1]
    for row in range(len(image)):
        for band in range(image.shape[1]):
            x, y = whole[row, band]
            if wrapped:
                out[row, band] = np.roll(moved[row, band], (y, x), axis=(0, 1))
            else:
                out[row, band, _into(y, size), _into(x, size)] = moved[row, band, _from(y, size), _from(x, size)]
    return out


def frequencies(size_pix: int) -> Array:
    """Frequencies of a line of pixels, 1 / px; 0 for the highest of an even number, whose sign nothing tells."""
    found = np.fft.fftfreq(size_pix).astype(np.float64)
    if size_pix % 2 == 0:
        found[size_pix // 2] = 0.0
    return found


def _moved_within(image: Images, shift: Array) -> Images:
    """Moved by less than a pixel: exact for what pixels resolve."""
    wave = -2.0j * np.pi * frequencies(image.shape[-1])
    phase = np.exp(wave[None, None, None, :] * shift[..., 0, None, None] + wave[None, None, :, None] * shift[..., 1, None, None])
    return np.fft.ifft2(np.fft.fft2(image) * phase).real


def _into(shift: int, size: int) -> slice:
    return slice(max(shift, 0), max(size + min(shift, 0), 0))


def _from(shift: int, size: int) -> slice:
    return slice(max(-shift, 0), max(size + min(-shift, 0), 0))
