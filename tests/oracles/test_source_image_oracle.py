"""Interpolated sources against scipy's spline, GalSim's interpolated image, the truth of a Gaussian, and Catmull-Rom."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from arcgate.lensing.source_image import SourceImages

SCALE = 0.03
Array = NDArray[np.float64]


def gaussian(fwhm_pix: float, x: Array, y: Array, phase: float = 0.0) -> Array:
    """Of sum 1, centred on pixel (20 + phase, 20 - phase / 2)."""
    sigma = fwhm_pix / (2.0 * np.sqrt(2.0 * np.log(2.0)))
    return np.exp(-0.5 * ((x - 20.0 - phase) ** 2 + (y - 20.0 + 0.5 * phase) ** 2) / sigma**2) / (2.0 * np.pi * sigma**2)


def stamp(fwhm_pix: float, phase: float = 0.0) -> NDArray[np.float32]:
    y, x = np.indices((41, 41), dtype=np.float64)
    image = gaussian(fwhm_pix, x, y, phase)
    return (image / image.sum()).astype(np.float32)


def noisy() -> NDArray[np.float32]:
    y, x = np.indices((41, 41), dtype=np.float64)
    window = np.clip(1.5 - np.hypot(x - 20, y - 20) / 14.0, 0.0, 1.0)
    image = window * (gaussian(8.0, x, y) + 2e-4 * np.random.default_rng(3).normal(size=x.shape))
    return (image / image.sum()).astype(np.float32)


def ours(image: NDArray[np.float32], x: Array, y: Array) -> Array:
    """Light a pixel at positions in pixels."""
    u, v = (torch.from_numpy((at - 20.0) * SCALE) for at in (x, y))
    return SourceImages.of(image[None], SCALE).brightness(u, v, torch.tensor(0)).numpy() * SCALE**2


def catmull_rom(image: NDArray[np.float32], x: Array, y: Array) -> Array:
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)

    def weights(t: Array) -> list[Array]:
        return [-t * (1 - t) ** 2 / 2, 1 - 2.5 * t**2 + 1.5 * t**3, t * (1 + 4 * t - 3 * t**2) / 2, t**2 * (t - 1) / 2]

    along_x, along_y = weights(x - column), weights(y - row)
    return sum(along_y[j] * along_x[i] * image[row + j - 1, column + i - 1] for j in range(4) for i in range(4))


@pytest.fixture
def places() -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.uniform(4.0, 36.0, 20000), rng.uniform(4.0, 36.0, 20000)


def test_equals_scipys_spline(places: tuple[Array, Array]) -> None:
    x, y = places
    for image in (noisy(), stamp(3.9, 0.3)):
        padded = np.pad(image.astype(np.float64), 12)
        theirs = ndimage.map_coordinates(padded, [y + 12.0, x + 12.0], order=3)
        # Coefficients are float32 and end at 1e-6 of the largest.
        assert ours(image, x, y) == pytest.approx(theirs, abs=3e-6 * float(image.max()))


def test_agrees_with_galsims_interpolated_image_where_the_image_is_resolved() -> None:
    image = stamp(6.0, 0.4)
    theirs = galsim.InterpolatedImage(galsim.Image(image, scale=SCALE), x_interpolant="quintic", flux=1.0)
    x, y = np.random.default_rng(4).uniform(12.0, 28.0, (2, 400))
    expected = [theirs.xValue((a - 20.0) * SCALE, (b - 20.0) * SCALE) * SCALE**2 for a, b in zip(x, y, strict=True)]
    # Two interpolants through the same pixels: between them the quintic is 0.06 % of the peak off the truth here, ours 0.04 %.
    assert ours(image, x, y) == pytest.approx(np.array(expected), abs=6e-4 * float(image.max()))


@pytest.mark.parametrize(("fwhm_pix", "error"), [(3.9, 0.0035), (6.0, 0.0006), (10.0, 1e-4)])
def test_a_gaussian_between_its_pixels(fwhm_pix: float, error: float, places: tuple[Array, Array]) -> None:
    x, y = places
    # 3.9 pixels are the PSF of HST: nothing in its images is sharper.
    for phase in (0.0, 0.3, 0.5):
        found, truth = ours(stamp(fwhm_pix, phase), x, y), gaussian(fwhm_pix, x, y, phase)
        assert np.abs(found - truth).max() < error * truth.max()


def test_the_spline_is_closer_than_catmull_rom_and_less_negative(places: tuple[Array, Array]) -> None:
    x, y = places
    for fwhm_pix in (2.5, 3.0, 3.9):
        image, truth = stamp(fwhm_pix, 0.4), gaussian(fwhm_pix, x, y, 0.4)
        spline, rom = ours(image, x, y), catmull_rom(image, x, y)
        assert np.abs(spline - truth).max() < 0.5 * np.abs(rom - truth).max()
        assert spline.min() >= rom.min()


def test_two_derivatives_are_continuous_across_pixels() -> None:
    image = noisy()
    step = 1e-3
    # Third differences over a knot stay of the order of step^3; a jump of the second derivative would be of the order of step^2.
    at = 18.0 + step * np.array([-1.5, -0.5, 0.5, 1.5])
    third = np.abs(np.diff(ours(image, at, np.full(4, 19.37)), 3))[0]
    assert third < 20.0 * step**3 * image.max() + 1e-12
