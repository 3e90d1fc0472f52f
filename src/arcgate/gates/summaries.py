"""Summaries of a region of a stamp for the two-sample battery, and the leak that each must hear. Pure.

A summary keeps a short vector of each stamp in which its leak can still be planted at any size, so that stamps are read once:
pixels and profiles are linear in added light, power needs the product with the noise that is added, and a rounded stamp either
is there or is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft, rfft2

from arcgate.dataset.schema import BANDS, STAMP_SIZE
from arcgate.gates.arms import Pixels, Stamps
from arcgate.ground.draws import generator, text_ids, uniform
from arcgate.injection.core_mask import radius_from
from arcgate.injection.inject import CORE_RADIUS_PIX

Vectors = NDArray[np.float32]
Region = Literal["core", "annulus", "border", "stamp"]
Summary = Literal["pca", "radial", "power", "lsb"]

# Squares about the stamp's centre: the published 10 x 10 box and a galaxy's offset from the centre; and, for power, twice 8.
CORE_BOX: Final = slice(26, 38)
CORE_WINDOW: Final = slice(24, 40)
# The annulus of the residual gates.
ANNULUS_PIX: Final = (8, 20)
BORDER_PIX: Final = 4
BLOCK_PIX: Final = 8
SECTORS: Final = 8
RINGS_PIX: Final[dict[str, tuple[int, ...]]] = {
    "core": (0, 1, 2, 3, 4, 5, 6, 7),
    "annulus": (8, 10, 12, 14, 17, 20),
    "stamp": (0, 1, 2, 3, 5, 7, 10, 14, 19, 25, 31),
}
POWER_BINS: Final = 8
# Fields of noise from which the one that is added to a stamp is taken by hash.
_FIELDS: Final = 32
# About how many pixels are looked at: sorting all would take as long as everything else.
_SORTED: Final = 1000
_TINY: Final = np.float32(1e-30)


@dataclass(frozen=True)
class Kept:
    """What is kept of stamps.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n, k)
    leak : ndarray of float32, shape (n, l)
        What is needed to plant the summary's leak; empty but for the null twin.
    """

    vectors: Vectors
    leak: Vectors

    def bare(self) -> Kept:
        """The same vectors, in which nothing is to be planted."""
        return Kept(self.vectors, self.leak[:, :0])


def in_sky(image: Pixels, stamps: Stamps) -> Pixels:
    """Light in units of the sky's standard deviation."""
    return np.asarray(image / stamps.sky.astype(np.float32), dtype=np.float32)


def keep(stamps: Stamps, scaled: Pixels, region: Region, summary: Summary, with_leak: bool) -> Kept:
    """The vectors of stamps: of `scaled`, their light in units of the sky's standard deviation; `lsb` counts bits as stored."""
    leak = np.zeros((len(stamps.table), 0), dtype=np.float32)
    if summary == "lsb":
        stored = _region_pixels(stamps.image, region)
        # Brighter than half precision reaches: infinite, as a file in half precision would have it.
        with np.errstate(over="ignore"):
            return Kept(bits(stored), bits(stored.astype(np.float16).astype(np.float32)) if with_leak else leak)
    if summary == "power":
        fields = _field_of(stamps) if with_leak else None
        return Kept(*power(scaled, region, fields))
    if summary == "radial":
        return Kept(radial(scaled, stamps.x, stamps.y, region), leak)
    if with_leak and region == "core":
        pixel = np.arange(CORE_BOX.start, CORE_BOX.stop)
        dx, dy = (pixel - place[:, None] for place in (stamps.x, stamps.y))
        inside = np.hypot(dx[:, None, :], dy[:, :, None]) < CORE_RADIUS_PIX
        leak = inside.reshape(len(inside), -1).astype(np.float32)
    return Kept(pixels(scaled, region), leak)


def planted(kept: Kept, region: Region, summary: Summary, size: float, drawn: NDArray[np.float64]) -> Vectors:
    """The vectors of the same stamps with the summary's leak in them.

    Parameters
    ----------
    kept : Kept
        Of the null twin, with leak.
    size : float
        Pixels and profiles: light added at r < 5 px (core) or everywhere, sky sigma per pixel. Power: variance of added white
        noise as a share of the sky's. Least significant bits: share of stamps that are rounded to half precision.
    drawn : ndarray, shape (n,)
        A uniform deviate of each row: those below `size` are rounded.
    """
    if summary == "lsb":
        return np.where(drawn[:, None] < size, kept.leak, kept.vectors)
    if summary == "power":
        cross, added = (part.astype(np.float64) for part in np.split(kept.leak, 2, axis=1))
        return np.asarray(kept.vectors + 2.0 * np.sqrt(size) * cross + size * added, dtype=np.float32)
    if summary == "pca" and region == "core":
        return kept.vectors + np.float32(size) * np.tile(kept.leak, (1, len(BANDS)))
    if summary == "radial" and region == "core":
        inside = np.array(RINGS_PIX["core"][1:]) <= CORE_RADIUS_PIX
        return kept.vectors + np.float32(size) * np.tile(inside, len(BANDS)).astype(np.float32)
    return kept.vectors + np.float32(size)


def features(vectors: Vectors, summary: Summary) -> Vectors:
    """What a rule is fitted to: the logarithm of power, anything else as kept."""
    return np.log(np.maximum(vectors, _TINY)) if summary == "power" else vectors


def pixels(scaled: Pixels, region: Region) -> Vectors:
    """Pixels of the core; means of sectors of rings, of pieces of the border, of blocks of the whole stamp: (n, 3 * k)."""
    n = len(scaled)
    if region == "core":
        return np.array(scaled[:, :, CORE_BOX, CORE_BOX].reshape(n, -1))
    if region == "stamp":
        rows = scaled.reshape(n, len(BANDS), -1, BLOCK_PIX, STAMP_SIZE).mean(axis=3)
        blocks: Vectors = rows.reshape(n, -1, BLOCK_PIX).mean(axis=2)
        return blocks
    if region == "border":
        strips = _frame(scaled).reshape(n, len(BANDS), 4, BORDER_PIX, -1, BLOCK_PIX)
        pieces: Vectors = strips.mean(axis=(3, 5)).reshape(n, -1)
        return pieces
    return _weighted(scaled, _sectors())


def radial(scaled: Pixels, x_pix: NDArray[np.float64], y_pix: NDArray[np.float64], region: Region) -> Vectors:
    """Means of rings about the host's centre, or of the border's rows by their distance from the edge: (n, 3 * k).

    So far out as the annulus a pixel more or less matters little: its rings lie about the stamp's middle.
    """
    n = len(scaled)
    if region == "border":
        rows: Vectors = _frame(scaled).mean(axis=(2, 4)).reshape(n, -1)
        return rows
    if region == "annulus":
        return _weighted(scaled, _annulus_rings())
    sums, counts = ring_sums(scaled, x_pix, y_pix, RINGS_PIX[region])
    return np.asarray((sums / counts[:, None]).reshape(n, -1), dtype=np.float32)


def ring_sums(
    scaled: Pixels, x_pix: NDArray[np.float64], y_pix: NDArray[np.float64], edges_pix: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over rings between whole radii, (n, band, ring), and the pixels in each, (n, ring)."""
    n, rings = len(scaled), len(edges_pix) - 1
    half = min(edges_pix[-1] + 2, STAMP_SIZE // 2)
    cut = slice(STAMP_SIZE // 2 - half, STAMP_SIZE // 2 + half)
    pixel = np.arange(cut.start, cut.stop, dtype=np.float32)
    dx, dy = (np.square(pixel - place.astype(np.float32)[:, None]) for place in (x_pix, y_pix))
    radius = np.sqrt(dy[:, :, None] + dx[:, None, :]).astype(np.intp)
    # One more place for pixels outside all rings.
    ring = np.full(2 * STAMP_SIZE, rings, dtype=np.intp)
    for number, (low, high) in enumerate(pairwise(edges_pix)):
        ring[low:high] = number
    place = (ring[radius] + (rings + 1) * np.arange(n)[:, None, None]).ravel()
    size, shape = n * (rings + 1), (n, rings + 1)
    sums = [np.bincount(place, scaled[:, band, cut, cut].ravel(), size).reshape(shape)[:, :-1] for band in range(len(BANDS))]
    counts = np.bincount(place, minlength=size).reshape(shape)[:, :-1]
    return np.stack(sums, axis=1), np.maximum(counts, 1).astype(np.float64)


def power(scaled: Pixels, region: Region, fields: NDArray[np.intp] | None) -> tuple[Vectors, Vectors]:
    """Power in bins of spatial frequency, (n, 3 * 8), and what planting noise needs: its product with the stamp, its power.

    Of the stamp and of the core under a Hann window, of the annulus's pixels alone, of the border along its edge.
    """
    spectrum = _spectrum(scaled, region)
    bins = _frequency_bins(region)
    squared = _binned(spectrum.real**2 + spectrum.imag**2, bins)
    if fields is None:
        return squared, np.zeros((len(scaled), 0), dtype=np.float32)
    noise, noise_power = _noise_spectra(region)
    added = noise[fields]
    cross = _binned(spectrum.real * added.real + spectrum.imag * added.imag, bins)
    return squared, np.concatenate([cross, noise_power[fields]], axis=1)


def bits(stored: Pixels) -> Vectors:
    """What storage leaves in pixels (n, band, ...), as shares: (n, 4).

    Eight and eleven of the last bits zero (the latter is half precision), among the brightest quarter of the pixels that are
    looked at; exact zeros; equal to another pixel of the band (as rounded decimals and quantised images have many).

    The brightest alone, and without their last two bits, because adding an arc leaves a trace in the others. Where it nearly
    cancels a pixel below the sky, the sum ends in as many zeros as it lost bits: of pixels below 0.01 sky sigma 1.4 % have eight,
    and 0.4 % of the controls', which alone reads an AUC of 0.54 (20,000 pairs). Where it doubles a pixel, the sum has one bit
    more than float32 holds, and half of the ties round to an even last bit. Every sum of two images has that, and no network's
    arithmetic resolves it.
    """
    values = stored.reshape(*stored.shape[:2], -1)
    pixels = values.shape[1] * values.shape[2]
    # What is rounded is so everywhere: some pixels suffice. A quarter of them, whatever the arc, or their number would tell it.
    ordered = np.sort(values[:, :, :: max(pixels // _SORTED, 1)], axis=2)
    mantissa = np.ascontiguousarray(ordered[:, :, 3 * ordered.shape[2] // 4 :]).view(np.uint32)
    shares = [
        (mantissa & np.uint32(0x3FC)) == 0,
        (mantissa & np.uint32(0x1FFC)) == 0,
        values == 0,
        ordered[:, :, 1:] == ordered[:, :, :-1],
    ]
    counts = [np.count_nonzero(share, axis=(1, 2)) / (share.shape[1] * share.shape[2]) for share in shares]
    return np.stack(counts, axis=1).astype(np.float32)


def _region_pixels(image: Pixels, region: Region) -> Pixels:
    if region == "core":
        return image[:, :, CORE_BOX, CORE_BOX]
    if region == "border":
        return _frame(image)
    if region == "annulus":
        return image[:, :, annulus()]
    return image


def _frame(image: Pixels) -> Pixels:
    """The four sides, each from the edge inwards and along its whole length (corners twice): (n, band, side, depth, along)."""
    turned = image.swapaxes(2, 3)
    sides = [side[:, :, :BORDER_PIX] for view in (image, turned) for side in (view, view[:, :, ::-1])]
    return np.stack(sides, axis=2)


@lru_cache(maxsize=1)
def annulus() -> NDArray[np.bool_]:
    """Pixels of the annulus about the middle of the stamp, (64, 64)."""
    middle = (STAMP_SIZE - 1) / 2
    radius = radius_from(middle, middle)
    inside: NDArray[np.bool_] = (radius >= ANNULUS_PIX[0]) & (radius < ANNULUS_PIX[1])
    return inside


@lru_cache(maxsize=1)
def _sectors() -> Vectors:
    """Weights of the means over sectors of two rings about the stamp's middle: (pixel, 2 * 8)."""
    dx, dy = _from_middle()
    angle = np.arctan2(dy, dx) % (2.0 * np.pi)
    sector = np.minimum((angle / (2.0 * np.pi) * SECTORS).astype(int), SECTORS - 1)
    outer = np.hypot(dx, dy) >= sum(ANNULUS_PIX) / 2
    return _mean_weights(np.where(annulus(), sector + SECTORS * outer, -1), 2 * SECTORS)


@lru_cache(maxsize=1)
def _annulus_rings() -> Vectors:
    """Weights of the means over the annulus's rings about the stamp's middle: (pixel, ring)."""
    edges = RINGS_PIX["annulus"]
    number = np.digitize(np.hypot(*_from_middle()), edges) - 1
    return _mean_weights(np.where(annulus(), number, -1), len(edges) - 1)


def _from_middle() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    offset = np.arange(STAMP_SIZE) - (STAMP_SIZE - 1) / 2
    return np.meshgrid(offset, offset)


def _mean_weights(number: NDArray[np.intp], count: int) -> Vectors:
    """Weights of the mean over each part of the pixels, of which `number` says to which part they belong: (pixel, part)."""
    weights = (number.reshape(-1, 1) == np.arange(count)).astype(np.float32)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _weighted(scaled: Pixels, weights: Vectors) -> Vectors:
    means: Vectors = (scaled.reshape(len(scaled) * len(BANDS), -1) @ weights).reshape(len(scaled), -1)
    return means


def _spectrum(scaled: Pixels, region: Region) -> NDArray[np.complex64]:
    """Fourier transforms, flattened: (n, band, frequency)."""
    if region == "border":
        waves = rfft(_frame(scaled) * _hann(STAMP_SIZE), axis=-1)
    elif region == "annulus":
        waves = rfft2(scaled * annulus())
    else:
        cut = CORE_WINDOW if region == "core" else slice(None)
        window = _hann(scaled[0, 0, cut].shape[0])
        waves = rfft2(scaled[:, :, cut, cut] * (window[:, None] * window))
    out: NDArray[np.complex64] = waves.reshape(len(scaled), len(BANDS), -1)
    return out


def _hann(size: int) -> Vectors:
    return np.hanning(size + 2)[1:-1].astype(np.float32)


@lru_cache(maxsize=4)
def _frequency_bins(region: Region) -> Vectors:
    """Weights of the mean over each bin of frequency: (frequency, 8)."""
    if region == "border":
        radial_frequency = np.broadcast_to(np.fft.rfftfreq(STAMP_SIZE), (4, BORDER_PIX, STAMP_SIZE // 2 + 1)).ravel()
    else:
        size = CORE_WINDOW.stop - CORE_WINDOW.start if region == "core" else STAMP_SIZE
        radial_frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]).ravel()
    number = np.minimum((radial_frequency * 2.0 * POWER_BINS).astype(int), POWER_BINS - 1)
    return _mean_weights(number, POWER_BINS)


def _binned(values: Vectors, bins: Vectors) -> Vectors:
    means: Vectors = (values @ bins).reshape(len(values), -1)
    return means


@lru_cache(maxsize=4)
def _noise_spectra(region: Region) -> tuple[NDArray[np.complex64], Vectors]:
    """Spectra of fields of white noise of unit variance, and their binned power."""
    shape = (_FIELDS, len(BANDS), STAMP_SIZE, STAMP_SIZE)
    noise = generator(0, "two-sample noise", 0).standard_normal(shape).astype(np.float32)
    spectra = _spectrum(noise, region)
    return spectra, _binned(spectra.real**2 + spectra.imag**2, _frequency_bins(region))


def _field_of(stamps: Stamps) -> NDArray[np.intp]:
    """Which field of noise each galaxy gets."""
    drawn: NDArray[np.floating[Any]] = uniform(0, "two-sample field", text_ids(stamps.table["host_id"].tolist()))
    return (drawn * _FIELDS).astype(np.intp)
