"""Rows of the published grid, and an independent way to a convolved image: fine sampling and direct convolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from threadpoolctl import threadpool_limits

from arcgate.dataset.schema import PIXEL_SCALE_ARCSEC, STAMP_SIZE
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Lens, Source

Array = NDArray[np.float64]
Brightness = Callable[[Array, Array], Array]
_BORDER_PIX = 8


class Row(NamedTuple):
    """Arguments of `arc_spectrum`."""

    lens: Lens
    source: Source
    host_x_pix: float
    host_y_pix: float


def v4_sota_rows(seed: int, count: int, reff: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5)) -> list[Row]:
    """Random rows of the grid v4_sota with hosts within half a pixel of the stamp's centre."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        shear, angle = rng.choice([0.0, 0.05, 0.1]), rng.uniform(0.0, np.pi)
        lens = Lens(
            rng.choice(np.arange(0.5, 2.51, 0.25)),
            rng.uniform(0.6, 0.95),
            rng.uniform(0.0, np.pi),
            shear * np.cos(2.0 * angle),
            shear * np.sin(2.0 * angle),
        )
        ellipticity = rng.choice([0.2, 0.4, 0.6])
        source = Source(
            rng.choice(reff),
            1.0,
            (1.0 - ellipticity) / (1.0 + ellipticity),
            rng.uniform(0.0, np.pi),
            *rng.uniform(-0.4, 0.4, 2),
        )
        rows.append(Row(lens, source, *(31.5 + rng.uniform(-0.5, 0.5, 2))))
    return rows


def finely_convolved(brightness: Brightness, psf: Psf, x_pix: float, y_pix: float, factor: int) -> Array:
    """Surface brightness sampled `factor` times a pixel and axis, convolved directly, read at pixel centres.

    `brightness` takes arcsec from (x_pix, y_pix) and returns light per square arcsec. `factor` is odd, so that a fine sample
    lies on each pixel centre.
    """
    assert factor % 2 == 1
    size = STAMP_SIZE + 2 * _BORDER_PIX
    fine = (np.arange(size * factor) + 0.5) / factor - 0.5 - _BORDER_PIX
    x, y = np.meshgrid((fine - x_pix) * PIXEL_SCALE_ARCSEC, (fine - y_pix) * PIXEL_SCALE_ARCSEC)
    light = brightness(x, y) * (PIXEL_SCALE_ARCSEC / factor) ** 2
    offset = np.arange(-size * factor + 1, size * factor) * PIXEL_SCALE_ARCSEC / factor
    kernel = psf.density(np.hypot(offset[None, :], offset[:, None])) * PIXEL_SCALE_ARCSEC**2
    image = fftconvolve(light, kernel, mode="full")[size * factor - 1 :, size * factor - 1 :]
    centres = (_BORDER_PIX + np.arange(STAMP_SIZE)) * factor + factor // 2
    return np.asarray(image[np.ix_(centres, centres)])


def worst(found: Array, truth: Array) -> float:
    """Largest difference between two images in units of the true peak."""
    return float(np.abs(found - truth).max() / truth.max())


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Linear algebra on one thread, as where shards are made: more do not pay off on matrices this small."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def rows_of_v4_sota() -> Callable[..., list[Row]]:
    return v4_sota_rows


@pytest.fixture
def convolve_finely() -> Callable[..., Array]:
    return finely_convolved


@pytest.fixture
def worst_difference() -> Callable[[Array, Array], float]:
    return worst
