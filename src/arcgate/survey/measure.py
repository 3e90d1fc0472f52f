"""Measurements on a galaxy's stamp: sky, centre, total flux, half-light radius, concentration, noise correlation.

Pure functions of pixels; the same ones measure mock and real galaxies. Lengths are pixels, 0-based positions, y before x in
arrays. They serve stamps with one dominant galaxy within `SEARCH_PIX` of the stamp's centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from arcgate.ground.errors import ArcgateError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

APERTURE_ARCSEC = 4.192
"""Radius of the aperture of a galaxy's magnitude: 16 px of 0.262 arcsec."""
SEARCH_PIX = 8.0
"""The galaxy's peak is sought this far from the middle of the stamp."""
SKY_INNER_SHARE = 0.31
"""The sky is measured outside this share of the stamp's width from its middle: r > 20 px in 64 x 64."""
_FEWEST_PIXELS = 100
_DETECTION = 3.0
_PEAK_DETECTION = 5.0
_GROW_PIX = 3
_CLIP = 3.0
_WINDOW_SIGMA_PIX = 2.0
_MAX_DRIFT_PIX = 3.0


@dataclass(frozen=True)
class Sky:
    """The sky of one band: level and standard deviation per pixel, correlation of neighbouring pixels, pixels used."""

    level: float
    sigma: float
    lag1: float
    n_pixels: int


@dataclass(frozen=True)
class Light:
    """Light of a galaxy in one band.

    Attributes
    ----------
    flux : float
        Inside the aperture, neighbours replaced by the light opposite to them; unit of the image.
    half_light_pix : float
        Radius that holds half of `flux` (PSF included).
    concentration : float
        5 log10(r80 / r20), radii that hold 80 and 20 % of `flux` (Kent 1985).
    """

    flux: float
    half_light_pix: float
    concentration: float


def measure_sky(image: Array) -> Sky:
    """Sky on source-free pixels outside the stamp's middle.

    Sources are what deviates by more than 3 times the scaled MAD in the image smoothed by a Gaussian of 2 px, grown by 3 px.
    Level and standard deviation come from the median and 1.4826 MAD of the rest, clipped at 3 sigma until nothing changes. On
    pure noise `sigma` reads up to 0.7 % and `lag1` up to 0.02 low, since the noise's own extremes are masked as well.

    Parameters
    ----------
    image : ndarray, shape (height, width)

    Returns
    -------
    Sky

    Raises
    ------
    ArcgateError
        If fewer than 100 source-free pixels remain.
    """
    free = source_free(image[None])[0]
    level, sigma, kept = clipped(image[free])
    empty = free.copy()
    empty[free] = kept
    return Sky(level, sigma, _lag1(image, empty), int(kept.sum()))


def source_free(images: Array) -> Mask:
    """Pixels (band, y, x) outside the stamp's middle that no source of their band reaches (see `measure_sky`)."""
    outer = _outer(images.shape[1:])
    return outer & ~_sources(images, outer)


def clipped(values: Array) -> tuple[float, float, Mask]:
    """Level and standard deviation of a sky's pixels, and which of them are left, clipped at 3 sigma until nothing changes.

    Parameters
    ----------
    values : ndarray, shape (n,)

    Returns
    -------
    level, sigma : float
        Median, and 1.4826 MAD as it would be of a normal distribution without its clipped wings.
    kept : ndarray of bool, shape (n,)

    Raises
    ------
    ArcgateError
        If there are fewer than 100.
    """
    if len(values) < _FEWEST_PIXELS:
        raise ArcgateError(
            f"{len(values)} source-free sky pixels, at least {_FEWEST_PIXELS} are needed",
            todo="use larger stamps or leave out crowded ones",
        )
    ordered = np.sort(values)
    while True:
        level, sigma = _robust_of_ordered(ordered)
        # What is clipped lies at the two ends, so that the rest need not be ordered again.
        first, last = _within(ordered, level, _CLIP * sigma)
        if sigma == 0.0 or last - first == len(ordered):
            break
        ordered = ordered[first:last]
    return level, sigma / _MAD_OF_CLIPPED, (values >= ordered[0]) & (values <= ordered[-1])


def robust(values: Array) -> tuple[float, float]:
    """Median and 1.4826 times the median absolute deviation from it."""
    return _robust_of_ordered(np.sort(values))


def _robust_of_ordered(values: Array) -> tuple[float, float]:
    """Of values in ascending order: to the last bit what numpy's median gives, in a fraction of its time."""
    count = len(values)
    half, odd = divmod(count, 2)
    level = float(values[half] if odd else 0.5 * (values[half - 1] + values[half]))
    below, above = level - values[: count - half], values[half:] - level
    # As many deviations as the rank says lie side by side, the farthest of them at an end.
    upper = float(np.maximum(below, above).min())
    if odd:
        return level, 1.4826 * upper
    lower = float(np.maximum(level - values[: count - half + 1], values[half - 1 :] - level).min())
    return level, 1.4826 * (0.5 * (lower + upper))


def _within(values: Array, level: float, most: float) -> tuple[int, int]:
    """First and one past the last of ordered values that deviate from a level among them by no more than this."""
    first, end = int(values.searchsorted(level - most)), int(values.searchsorted(level + most, "right"))
    # The two sums are rounded: what decides is the deviation itself.
    while first and level - values[first - 1] <= most:
        first -= 1
    while level - values[first] > most:
        first += 1
    while end < len(values) and values[end] - level <= most:
        end += 1
    while values[end - 1] - level > most:
        end -= 1
    return first, end


@lru_cache(maxsize=8)
def _outer(shape: tuple[int, ...]) -> Mask:
    """Where the sky is measured; not to be changed by who asks."""
    outer: Mask = _radius(shape, *_middle(shape)) > SKY_INNER_SHARE * min(shape)
    outer.setflags(write=False)
    return outer


# 1.4826 MAD of a normal distribution that is cut at +- 3 times that same number.
_MAD_OF_CLIPPED = 0.9968


def _sources(images: Array, outer: Mask) -> Mask:
    smooth = ndimage.gaussian_filter(images, 2.0, axes=(1, 2))
    sources = np.empty(images.shape, dtype=np.bool_)
    for number, image in enumerate(smooth):
        level, sigma = robust(image[outer])
        # Both signs, so that what is masked of the noise itself does not shift the level.
        sources[number] = np.abs(image - level) > _DETECTION * sigma
    return _grown(sources, _GROW_PIX)


def _grown(masks: Mask, pixels: int) -> Mask:
    """Masks and their neighbours along rows and columns, so many times; four times as fast as scipy's binary dilation."""
    for _ in range(pixels):
        wider = masks.copy()
        wider[:, 1:] |= masks[:, :-1]
        wider[:, :-1] |= masks[:, 1:]
        wider[:, :, 1:] |= masks[:, :, :-1]
        wider[:, :, :-1] |= masks[:, :, 1:]
        masks = wider
    return masks


def _lag1(image: Array, empty: Mask) -> float:
    """Mean over both axes of the correlation between neighbouring source-free pixels."""
    residual = np.where(empty, image - image[empty].mean(), 0.0)
    variance = float((residual[empty] ** 2).mean())
    if variance == 0.0:
        return 0.0
    lags = []
    for axis in (0, 1):
        size = residual.shape[axis]
        first, second = np.arange(size - 1), np.arange(1, size)
        both = empty.take(first, axis) & empty.take(second, axis)
        product = residual.take(first, axis) * residual.take(second, axis)
        lags.append(float(product[both].mean()) / variance)
    return float(np.mean(lags))


def measure_centre(image: Array, sky: Sky) -> tuple[float, float]:
    """Centre of the galaxy: an iterated Gaussian-weighted centroid that starts from the peak nearest to the stamp's middle.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        One band.
    sky : Sky
        Its sky.

    Returns
    -------
    tuple of float
        (x, y), pixels. Better than 0.05 px at high signal-to-noise (tests/survey/test_measure.py).

    Raises
    ------
    ArcgateError
        If there is no peak above 5 sigma of the smoothed sky within `SEARCH_PIX`, or the centroid runs away from it.
    """
    light = image - sky.level
    start_y, start_x = _nearest_peak(light, sky.sigma)
    x, y = float(start_x), float(start_y)
    rows, columns = np.indices(image.shape, dtype=np.float64)
    for _ in range(100):
        weighted = light * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / _WINDOW_SIGMA_PIX**2)
        total = float(weighted.sum())
        if total <= 0.0:
            break
        # Twice the offset: for light as wide as the window this is the full step (Bernstein & Jarvis 2002).
        step_x = 2.0 * float((weighted * (columns - x)).sum()) / total
        step_y = 2.0 * float((weighted * (rows - y)).sum()) / total
        x, y = x + step_x, y + step_y
        if np.hypot(x - start_x, y - start_y) > _MAX_DRIFT_PIX:
            break
        if np.hypot(step_x, step_y) < 1e-4:
            return x, y
    raise ArcgateError(
        f"the centroid of the galaxy does not settle: it started at ({start_x}, {start_y}) and stands at ({x:.1f}, {y:.1f}) px",
        todo="leave this galaxy out of the pack",
    )


def _nearest_peak(light: Array, sigma: float) -> tuple[int, int]:
    smooth = ndimage.gaussian_filter(light, 1.0)
    # A Gaussian of 1 px averages the noise of 4 pi = 12.6 pixels.
    threshold = _PEAK_DETECTION * sigma / np.sqrt(4.0 * np.pi)
    peaks = (smooth == ndimage.maximum_filter(smooth, 3)) & (smooth > threshold)
    distance = np.where(peaks, _radius(light.shape, *_middle(light.shape)), np.inf)
    if distance.min() > SEARCH_PIX:
        raise ArcgateError(
            f"no peak above {_PEAK_DETECTION:g} sigma within {SEARCH_PIX:g} px of the stamp's middle",
            todo="centre the stamps on their galaxies, or leave this one out of the pack",
        )
    row, column = np.unravel_index(int(np.argmin(distance)), distance.shape)
    return int(row), int(column)


def measure_light(image: Array, sky: Sky, x_pix: float, y_pix: float, aperture_pix: float) -> Light:
    """Aperture flux, half-light radius and concentration about a centre.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        One band.
    sky : Sky
        Its sky; level and significance of neighbours.
    x_pix, y_pix : float
        Centre.
    aperture_pix : float
        Radius of the aperture.

    Returns
    -------
    Light
        `half_light_pix` and `concentration` are NaN if the flux is not positive.
    """
    light = _without_neighbours(image - sky.level, sky.sigma, x_pix, y_pix)
    radius = _radius(image.shape, x_pix, y_pix)
    radii = np.arange(0.25, aperture_pix + 0.125, 0.25)
    near = radius < aperture_pix + 1.0
    # A pixel counts by how far its centre lies inside the aperture, linear over one pixel.
    growth = np.array([(light[near] * np.clip(r + 0.5 - radius[near], 0.0, 1.0)).sum() for r in radii])
    flux = float(growth[-1])
    if flux <= 0.0:
        return Light(flux, float("nan"), float("nan"))
    r20, r50, r80 = (_radius_of_share(radii, growth / flux, share) for share in (0.2, 0.5, 0.8))
    return Light(flux, r50, float(5.0 * np.log10(r80 / r20)))


def _radius_of_share(radii: Array, growth: Array, share: float) -> float:
    outside = int(np.argmax(growth >= share))
    if outside == 0:
        return float(radii[0])
    low, high = growth[outside - 1], growth[outside]
    return float(radii[outside - 1] + (share - low) / (high - low) * (radii[outside] - radii[outside - 1]))


def _without_neighbours(light: Array, sigma: float, x_pix: float, y_pix: float) -> Array:
    """Replace what exceeds the light on the opposite side of the centre by 3 sigma (both smoothed) by that opposite light."""
    rows, columns = np.indices(light.shape, dtype=np.float64)
    opposite = ndimage.map_coordinates(light, [2.0 * y_pix - rows, 2.0 * x_pix - columns], order=1, mode="nearest")
    excess = ndimage.gaussian_filter(light - opposite, 1.0)
    neighbour = excess > 3.0 * sigma / np.sqrt(2.0 * np.pi)
    neighbour &= _radius(light.shape, x_pix, y_pix) > 3.0
    neighbour = np.asarray(ndimage.binary_dilation(neighbour, iterations=2)) & (excess > 0.0)
    return np.where(neighbour, opposite, light)


def _middle(shape: tuple[int, ...]) -> tuple[float, float]:
    return (shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0


def _radius(shape: tuple[int, ...], x_pix: float, y_pix: float) -> Array:
    radius: Array = np.hypot(np.arange(shape[1])[None, :] - x_pix, np.arange(shape[0])[:, None] - y_pix)
    return radius
