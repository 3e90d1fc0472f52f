"""Where arcs land: shifts of pixels by any length, found by matched filters."""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, STAMP_SIZE

Array = NDArray[np.float64]
Images = NDArray[np.floating]

# Peaks of the matched filter that are looked at, and how far apart they lie.
_PEAKS: Final = 2
_APART_PIX: Final = 3


def shifted(image: Images, shift: Array, wrapped: bool) -> Images:
    """Images moved by any number of pixels.

    Parameters
    ----------
    image : ndarray, float32 (n, 3, 64, 64)
    shift : ndarray (n, 3, 2) or what broadcasts to it
        Along x and y, pixels.
    wrapped : bool
        Whether what leaves a stamp comes in on its other side, as after an `ifftshift`; else it is lost.
    """
    both = np.broadcast_to(shift, (*image.shape[:2], 2))
    whole = np.rint(both).astype(np.int64)
    moved = _moved_within(image, both - whole) if np.any(both != whole) else image
    out = np.zeros_like(image)
    for row in range(len(image)):
        for band in range(image.shape[1]):
            x, y = whole[row, band]
            if wrapped:
                out[row, band] = np.roll(moved[row, band], (y, x), axis=(0, 1))
            else:
                out[row, band, _into(y), _into(x)] = moved[row, band, _from(y), _from(x)]
    return out


def common_shifts(weighed: Array, arc: Images) -> list[Array]:
    """Shifts (3, 2) of all arcs that the light speaks for: those of all bands together, then each band's own.

    Parameters
    ----------
    weighed : ndarray (n, 3, 64, 64)
        Light times its inverse covariance.
    arc : ndarray, float32 (n, 3, 64, 64)
        As declared.
    """
    match = _matched(weighed, arc)
    own = np.array([_peaks(match[band])[0] for band in range(len(BANDS))])
    return [*_together(match), *_ways(own)]


def shifts_of_some(rest: Array, arc: Images) -> list[Array]:
    """Shifts (3, 2) of arcs in some of the rows: those of all bands together, then each band's own, or none in one or two bands.

    Arcs that are where they belong take the highest peak of all light; in what they leave, only those that went elsewhere have
    one.

    Parameters
    ----------
    rest : ndarray (n, 3, 64, 64)
        Light beyond the declared arcs times its inverse covariance.
    arc : ndarray, float32 (n, 3, 64, 64)
        As declared.
    """
    match = _matched(rest, arc)
    own = np.array([_peaks(match[band])[0] for band in range(len(BANDS))])
    moved = [np.array(which)[:, None] for which in product((True, False), repeat=len(BANDS)) if any(which)]
    return [*_together(match), *[way for which in moved for way in _ways(np.where(which, own, 0.0))]]


def _matched(weighed: Array, arc: Images) -> Array:
    """How well arcs at each shift match the light, by band: (3, 64, 64)."""
    found = np.fft.fft2(weighed) * np.conj(np.fft.fft2(arc.astype(np.float64)))
    # Each row and band counts alike, whatever its brightness.
    size = np.sqrt((weighed**2).sum(axis=(2, 3)) * (arc.astype(np.float64) ** 2).sum(axis=(2, 3)))
    match: Array = np.fft.ifft2((found / np.maximum(size, 1e-300)[..., None, None]).mean(axis=0)).real
    return match


def _together(match: Array) -> list[Array]:
    return [way for peak in _peaks(match.sum(axis=0)) for way in _ways(np.tile(peak, (len(BANDS), 1)))]


def _peaks(match: Array) -> list[Array]:
    """Places (x, y) of the highest peaks, better than whole pixels; from -32 to 31."""
    left, places = match.copy(), []
    for _ in range(_PEAKS):
        y, x = np.unravel_index(int(left.argmax()), left.shape)
        places.append(np.array([x + _vertex(match[y], int(x)), y + _vertex(match[:, x], int(y))]))
        near_y = _away(np.arange(STAMP_SIZE) - y) <= _APART_PIX
        near_x = _away(np.arange(STAMP_SIZE) - x) <= _APART_PIX
        left[np.ix_(near_y, near_x)] = -np.inf
    half = STAMP_SIZE // 2
    return [(place + half) % STAMP_SIZE - half for place in places]


def _away(offset: NDArray[np.int64]) -> NDArray[np.int64]:
    distance: NDArray[np.int64] = np.minimum(offset % STAMP_SIZE, -offset % STAMP_SIZE)
    return distance


def _vertex(line: Array, at: int) -> float:
    """Where the parabola through a peak and its neighbours is highest."""
    below, peak, above = line[at - 1], line[at], line[(at + 1) % len(line)]
    bend = below - 2.0 * peak + above
    return float(np.clip(0.5 * (below - above) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0


def _ways(shift: Array) -> list[Array]:
    """Shifts that are one on a circle of 64 pixels, (3, 2) each: arcs may have gone to either side."""
    ways = [shift]
    for axis in (0, 1):
        if np.abs(shift[:, axis]).max() > STAMP_SIZE // 4:
            other = np.zeros_like(shift)
            other[:, axis] = -STAMP_SIZE * np.sign(shift[:, axis]) * (np.abs(shift[:, axis]) > STAMP_SIZE // 4)
            ways += [way + other for way in ways]
    return ways


def _moved_within(image: Images, shift: Array) -> Images:
    """Moved by less than a pixel: exact for what pixels resolve."""
    wave = -2.0j * np.pi * np.fft.fftfreq(STAMP_SIZE)
    wave[STAMP_SIZE // 2] = 0.0
    phase = np.exp(wave[None, None, None, :] * shift[..., 0, None, None] + wave[None, None, :, None] * shift[..., 1, None, None])
    return np.fft.ifft2(np.fft.fft2(image) * phase).real


def _into(shift: int) -> slice:
    return slice(max(shift, 0), STAMP_SIZE + min(shift, 0))


def _from(shift: int) -> slice:
    return slice(max(-shift, 0), STAMP_SIZE + min(-shift, 0))
