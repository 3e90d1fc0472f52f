"""Summaries of a region of a stamp for the two-sample battery, and the leak that each must detect. Pure.

A summary is a short vector of each stamp in which its leak can still be planted at any size, so that stamps are read once: pixels
and profiles are linear in added light, power needs the product with the noise that is added, and a rounded stamp either is there
or is not.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft, rfft2

from arcgate.gates.core.stamps import Pixels, Stamps
from arcgate.gates.features.compiled_summaries import mean_products, sums_of_rings
from arcgate.gates.features.regions import Regions, divided, middle
from arcgate.ground.draws import generator, uniform
from arcgate.ground.read_only import read_only_view
from arcgate.injection.core_mask import radius_from

Vectors = NDArray[np.float32]
Spectra = NDArray[np.complex64]
Region = Literal["core", "annulus", "border", "stamp"]
Summary = Literal["pca", "radial", "power", "lsb"]

# Along a side of the core's square and of the stamp, and along each side of the border.
_CORE_BLOCKS, _BLOCKS = 12, 8
SECTORS: Final = 8
POWER_BINS: Final = 8
# Fields of noise from which the one that is added to a stamp is taken by hash.
_FIELDS: Final = 32
# About how many pixels are looked at: sorting all would take as long as everything else.
_SORTED: Final = 1000
_TINY: Final = np.float32(1e-30)
# What half precision rounds to zero: half of its smallest number and less.
_HALF_ZERO: Final = np.float32(2.0**-25)


def vectors(stamps: Stamps, region: Region, summary: Summary, regions: Regions) -> Vectors:
    """The vectors (n, k) of stamps, of their light in units of the sky's standard deviation; `lsb` counts bits as stored.

    Those of power follow from the spectra, which planting noise needs as well (`power`).
    """
    if summary == "lsb":
        return bits(_region_pixels(stamps.image, region, regions))
    if summary == "radial":
        return radial(stamps.in_sky, stamps.x, stamps.y, region, regions)
    return pixels(stamps.in_sky, region, regions)


def leak_of(stamps: Stamps, region: Region, summary: Summary, regions: Regions) -> Vectors:
    """What is needed to plant the summary's leak in the vectors of stamps, (n, l); nothing where it needs nothing.

    For power it is `added_power`.
    """
    if summary == "lsb":
        return bits(_region_pixels(stamps.image, region, regions), halved=True)
    if region != "core":
        return np.zeros((len(stamps), 0), dtype=np.float32)
    if summary == "radial":
        return np.tile(regions.core_share, (len(stamps), 1))
    pixel = np.arange(regions.core_box.start, regions.core_box.stop)
    dx, dy = (pixel - place[:, None] for place in (stamps.x, stamps.y))
    inside = np.hypot(dx[:, None, :], dy[:, :, None]) < regions.core_pix
    return block_means(inside.astype(np.float32), _CORE_BLOCKS).reshape(len(inside), -1)


def planted(bare: Vectors, leak: Vectors, region: Region, summary: Summary, size: float, drawn: Vectors) -> Vectors:
    """The vectors of stamps with the summary's leak in them.

    Parameters
    ----------
    bare, leak : ndarray of float32, shapes (n, k) and (n, l)
        Vectors of the stamps, and what `leak_of` keeps of them.
    size : float
        Pixels and profiles: light added to the core or everywhere, sky sigma per pixel. Power: variance of added white
        noise as a share of the sky's. Least significant bits: share of stamps that are rounded to half precision.
    drawn : ndarray, shape (n,)
        A uniform deviate of each row: those below `size` are rounded.
    """
    if summary == "lsb":
        return np.where(drawn[:, None] < size, leak, bare)
    if summary == "power":
        cross, added = (part.astype(np.float64) for part in np.split(leak, 2, axis=1))
        return np.asarray(bare + 2.0 * np.sqrt(size) * cross + size * added, dtype=np.float32)
    if region == "core":
        return bare + np.float32(size) * np.tile(leak, (1, bare.shape[1] // leak.shape[1]))
    return bare + np.float32(size)


def features(vectors: Vectors, summary: Summary) -> Vectors:
    """What a rule is fitted to: the logarithm of power, anything else as kept."""
    return np.log(np.maximum(vectors, _TINY)) if summary == "power" else vectors


def pixels(scaled: Pixels, region: Region, regions: Regions) -> Vectors:
    """Means of blocks of the core and of the whole stamp, of sectors of rings, of pieces of the border: (n, band * k).

    Blocks of the core are single pixels where it is no more than twelve of them wide.
    """
    n = len(scaled)
    if region == "core":
        return block_means(scaled[:, :, regions.core_box, regions.core_box], _CORE_BLOCKS).reshape(n, -1)
    if region == "stamp":
        return block_means(scaled, _BLOCKS).reshape(n, -1)
    if region == "border":
        edges = divided(scaled.shape[3], _BLOCKS)
        pieces = _part_sums(_frame(scaled, regions.border_pix), edges, axis=-1).sum(axis=3)
        counts = regions.border_pix * np.diff(edges).astype(np.float32)
        return np.asarray(pieces / counts, dtype=np.float32).reshape(n, -1)
    return _weighted(scaled, _sectors(regions))


def block_means(image: NDArray[np.float32], count: int, axes: tuple[int, int] = (-2, -1)) -> NDArray[np.float32]:
    """Means over about equal blocks of square images (..., y, x), `count` along a side if there are as many pixels.

    Sums are taken along one axis after the other, in the order of `axes`.
    """
    edges = divided(image.shape[-1], count)
    sides = np.diff(edges).astype(np.float32)
    for axis in axes:
        image = _part_sums(image, edges, axis)
    return np.asarray(image / np.outer(sides, sides), dtype=np.float32)


def _part_sums(values: NDArray[np.float32], edges: list[int], axis: int) -> NDArray[np.float32]:
    """Sums along an axis between neighbouring edges, of which the first and the last are its ends."""
    return np.stack([part.sum(axis=axis) for part in np.split(values, edges[1:-1], axis=axis)], axis=axis)


def radial(scaled: Pixels, x_pix: NDArray[np.float64], y_pix: NDArray[np.float64], region: Region, regions: Regions) -> Vectors:
    """Means of rings about the host's centre, or of the border's rows by their distance from the edge: (n, band * k).

    So far out as the annulus a pixel more or less matters little: its rings lie about the stamp's middle.
    """
    n = len(scaled)
    if region == "border":
        rows: Vectors = _frame(scaled, regions.border_pix).mean(axis=(2, 4)).reshape(n, -1)
        return rows
    if region == "annulus":
        return _weighted(scaled, _annulus_rings(regions))
    edges = regions.core_rings_pix if region == "core" else regions.stamp_rings_pix
    sums, counts = ring_sums(scaled, x_pix, y_pix, edges)
    return np.asarray((sums / counts[:, None]).reshape(n, -1), dtype=np.float32)


def ring_sums(
    scaled: Pixels, x_pix: NDArray[np.float64], y_pix: NDArray[np.float64], edges_pix: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over rings between whole radii, (n, band, ring), and the pixels in each, (n, ring)."""
    rings, size_pix = len(edges_pix) - 1, scaled.shape[2]
    cut = middle(size_pix, edges_pix[-1] + 2)
    ring = np.full(edges_pix[-1], rings, dtype=np.int64)
    for number, (low, high) in enumerate(pairwise(edges_pix)):
        ring[low:high] = number
    x, y = (place.astype(np.float32) for place in (x_pix, y_pix))
    pixels = read_only_view(np.ascontiguousarray(scaled[:, :, cut, cut]))
    sums, counts = sums_of_rings(pixels, cut.start, x, y, ring, rings)
    return sums, np.maximum(counts, 1).astype(np.float64)


def power(spectrum: Spectra, region: Region, regions: Regions) -> Vectors:
    """Power in bins of spatial frequency, (n, band * bin)."""
    given = read_only_view(spectrum)
    means: Vectors = mean_products(given, given, *_frequency_bins(region, regions))
    return means.reshape(len(spectrum), -1)


def added_power(stamps: Stamps, spectrum: Spectra, region: Region, regions: Regions) -> Vectors:
    """What planting noise in such vectors needs: its product with the stamp, and its own power, (n, 2 * band * bin)."""
    fields = _field_of(stamps)
    noise, noise_power = _noise_spectra(region, regions)
    given = map(read_only_view, (spectrum, noise[fields]))
    cross: Vectors = mean_products(*given, *_frequency_bins(region, regions))
    return np.concatenate([cross.reshape(len(spectrum), -1), noise_power[fields]], axis=1)


def bits(stored: Pixels, halved: bool = False) -> Vectors:
    """What storage leaves in pixels (n, band, ...), as shares: (n, 4); `halved`, if it were in half precision.

    Eight and eleven of the last bits zero (the latter is half precision), among the brightest quarter of the pixels that are
    looked at; exact zeros; equal to another pixel of the band (as rounded decimals and quantised images have many).

    The brightest alone, and without their last two bits, because adding an arc leaves a trace in the others. Where it nearly
    cancels a pixel below the sky, the sum ends in as many zeros as it lost bits: of pixels below 0.01 sky sigma 1.4 % have eight,
    and 0.4 % of the controls', which alone reads an AUC of 0.54 (20,000 pairs). Where it doubles a pixel, the sum has one bit
    more than float32 holds, and half of the ties round to an even last bit. Every sum of two images has that, and no network's
    arithmetic resolves it.
    """
    values = stored.reshape(*stored.shape[:2], -1)
    # What is rounded is so everywhere: some pixels suffice. A quarter of them, whatever the arc, or their number would tell it.
    some = values[:, :, :: max(values.shape[1] * values.shape[2] // _SORTED, 1)]
    if halved:
        # Brighter than half precision reaches: infinite, as a file in half precision would have it.
        with np.errstate(over="ignore"):
            some = some.astype(np.float16).astype(np.float32)
    ordered = np.sort(some, axis=2)
    mantissa = np.ascontiguousarray(ordered[:, :, 3 * ordered.shape[2] // 4 :]).view(np.uint32)
    shares = [
        (mantissa & np.uint32(0x3FC)) == 0,
        (mantissa & np.uint32(0x1FFC)) == 0,
        np.abs(values) <= _HALF_ZERO if halved else values == 0,
        ordered[:, :, 1:] == ordered[:, :, :-1],
    ]
    counts = [np.count_nonzero(share, axis=(1, 2)) / (share.shape[1] * share.shape[2]) for share in shares]
    return np.stack(counts, axis=1).astype(np.float32)


def _region_pixels(image: Pixels, region: Region, regions: Regions) -> Pixels:
    if region == "core":
        return image[:, :, regions.core_box, regions.core_box]
    if region == "border":
        return _frame(image, regions.border_pix)
    if region == "annulus":
        return image[:, :, annulus(regions)]
    return image


def _frame(image: Pixels, depth_pix: int) -> Pixels:
    """The four sides, each from the edge inwards and along its whole length (corners twice): (n, band, side, depth, along)."""
    turned = image.swapaxes(2, 3)
    sides = [side[:, :, :depth_pix] for view in (image, turned) for side in (view, view[:, :, ::-1])]
    return np.stack(sides, axis=2)


@lru_cache(maxsize=1)
def annulus(regions: Regions) -> NDArray[np.bool_]:
    """Pixels of the annulus about the middle of the stamp, (y, x)."""
    (inner, outer), centre = regions.annulus_pix, regions.imaging.middle_pix
    radius = radius_from(centre, centre, regions.imaging.size_pix)
    inside: NDArray[np.bool_] = (radius >= inner) & (radius < outer)
    return inside


@lru_cache(maxsize=1)
def _sectors(regions: Regions) -> Vectors:
    """Weights of the means over sectors of two rings about the stamp's middle: (pixel, 2 * 8)."""
    dx, dy = _from_middle(regions)
    angle = np.arctan2(dy, dx) % (2.0 * np.pi)
    sector = np.minimum((angle / (2.0 * np.pi) * SECTORS).astype(int), SECTORS - 1)
    outer = np.hypot(dx, dy) >= sum(regions.annulus_pix) / 2
    return _mean_weights(np.where(annulus(regions), sector + SECTORS * outer, -1))


@lru_cache(maxsize=1)
def _annulus_rings(regions: Regions) -> Vectors:
    """Weights of the means over the annulus's rings about the stamp's middle: (pixel, ring)."""
    number = np.digitize(np.hypot(*_from_middle(regions)), regions.annulus_rings_pix) - 1
    return _mean_weights(np.where(annulus(regions), number, -1))


def _from_middle(regions: Regions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    offset = np.arange(regions.imaging.size_pix) - regions.imaging.middle_pix
    return np.meshgrid(offset, offset)


def _mean_weights(number: NDArray[np.intp]) -> Vectors:
    """Weights of the mean over each part of the pixels, of which `number` says to which they belong, if it is not below zero.

    Returns
    -------
    ndarray of float32, shape (pixel, part)
        Of the parts that hold any pixel.
    """
    weights = (number.reshape(-1, 1) == np.unique(number[number >= 0])).astype(np.float32)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _weighted(scaled: Pixels, weights: Vectors) -> Vectors:
    means: Vectors = (scaled.reshape(len(scaled) * scaled.shape[1], -1) @ weights).reshape(len(scaled), -1)
    return means


def spectra(scaled: Pixels, region: Region, regions: Regions) -> Spectra:
    """Fourier transforms, flattened: (n, band, frequency).

    Of the stamp and of the core under a Hann window, of the annulus's pixels alone, of the border along its edge.
    """
    if region == "border":
        waves = rfft(_frame(scaled, regions.border_pix) * _hann(scaled.shape[-1]), axis=-1)
    elif region == "annulus":
        waves = rfft2(scaled * annulus(regions).astype(np.float32))
    else:
        cut = regions.core_window if region == "core" else slice(None)
        window = _hann(scaled[0, 0, cut].shape[0])
        waves = rfft2(scaled[:, :, cut, cut] * (window[:, None] * window))
    out: Spectra = waves.reshape(*scaled.shape[:2], -1)
    return out


def _hann(size: int) -> Vectors:
    return np.hanning(size + 2)[1:-1].astype(np.float32)


@lru_cache(maxsize=4)
def _frequency_bins(region: Region, regions: Regions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The bin of frequency of each wave, of eight, and the waves in each that has any: small stamps have none of some lengths."""
    size = regions.imaging.size_pix
    if region == "border":
        radial_frequency = np.broadcast_to(np.fft.rfftfreq(size), (4, regions.border_pix, size // 2 + 1)).ravel()
    else:
        if region == "core":
            size = regions.core_window.stop - regions.core_window.start
        radial_frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]).ravel()
    number = np.minimum((radial_frequency * 2.0 * POWER_BINS).astype(int), POWER_BINS - 1)
    _, bins, counts = np.unique(number, return_inverse=True, return_counts=True)
    return bins.astype(np.int64), counts.astype(np.int64)


@lru_cache(maxsize=4)
def _noise_spectra(region: Region, regions: Regions) -> tuple[Spectra, Vectors]:
    """Spectra of fields of white noise of unit variance, and their binned power."""
    shape = (_FIELDS, *regions.imaging.shape)
    noise = generator(0, "two-sample noise", 0).standard_normal(shape).astype(np.float32)
    found = spectra(noise, region, regions)
    return found, power(found, region, regions)


def _field_of(stamps: Stamps) -> NDArray[np.intp]:
    """Which field of noise each galaxy gets."""
    drawn: NDArray[np.floating[Any]] = uniform(0, "two-sample field", stamps.galaxy)
    return (drawn * _FIELDS).astype(np.intp)
