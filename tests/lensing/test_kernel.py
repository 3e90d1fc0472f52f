"""Measured PSF kernels: what they refuse, their centroid and psfsize, and the Moffat that fits them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from arcgate.lensing.psf import Kernel, Psf, best_moffat, moffat_psfsize

SCALE = 0.262


def sampled(psf: Psf, size: int = 63, x: float = 0.0, y: float = 0.0) -> NDArray[np.float64]:
    offset = np.arange(size) - size // 2
    return psf.density(np.hypot(offset[None, :] - x, offset[:, None] - y) * SCALE) * SCALE**2


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((4, 5)), r"odd length.*\(4, 5\)"),
        (np.ones((5, 4)), "odd length"),
        (np.ones((3, 5, 5)), "two axes"),
        (np.zeros((5, 5)), "sum of a PSF kernel must be positive, got 0"),
        (-np.ones((5, 5)), "must be positive, got -25"),
        (np.where(np.eye(5) > 0, np.nan, 1.0), "finite, got nan at row 0, column 0"),
        (np.where(np.arange(25).reshape(5, 5) == 7, np.inf, 1.0), "finite, got inf at row 1, column 2"),
    ],
)
def test_impossible_kernels_are_refused(image: NDArray[np.float64], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Kernel(image)


def test_a_kernel_is_a_read_only_copy() -> None:
    image = np.ones((3, 3))
    kernel = Kernel(image)
    image[1, 1] = 5.0
    assert kernel.image[1, 1] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        kernel.image[1, 1] = 5.0


def test_normalised_has_sum_one_and_keeps_the_rest() -> None:
    kernel = Kernel(3.0 * sampled(Psf("moffat", 1.0, 3.0)), includes_pixel=False)
    assert kernel.normalised().image.sum() == pytest.approx(1.0, abs=1e-14)
    assert not kernel.normalised().includes_pixel
    assert kernel.normalised().psfsize_pix == pytest.approx(kernel.psfsize_pix, rel=1e-12)


def test_centroid_is_x_before_y_and_counts_from_the_central_pixel() -> None:
    image = np.zeros((5, 7))
    image[2, 3] = 3.0
    assert Kernel(image).centroid_pix == (0.0, 0.0)
    image[2, 5] = 1.0
    assert Kernel(image).centroid_pix == pytest.approx((0.5, 0.0))
    image[0, 3] = 4.0
    assert Kernel(image).centroid_pix == pytest.approx((0.25, -1.0))


def test_centroid_of_a_shifted_gaussian() -> None:
    kernel = Kernel(sampled(Psf("gaussian", 1.1), x=0.21, y=-0.13))
    assert kernel.centroid_pix == pytest.approx((0.21, -0.13), abs=1e-6)


def test_psfsize_is_the_fwhm_of_a_gaussian_and_exceeds_that_of_a_moffat() -> None:
    assert Kernel(sampled(Psf("gaussian", 1.3))).psfsize_pix * 0.262 == pytest.approx(1.3, rel=1e-6)
    moffat = Kernel(sampled(Psf("moffat", 1.0, 3.0), size=401))
    assert moffat.psfsize_pix * 0.262 == pytest.approx(float(moffat_psfsize(1.0, 3.0)), rel=1e-4)


@pytest.mark.parametrize(("fwhm", "beta"), [(0.7, 2.2), (1.0, 3.0), (1.6, 4.0)])
def test_best_moffat_finds_a_moffat_again(fwhm: float, beta: float) -> None:
    kernel = Kernel(sampled(Psf("moffat", fwhm, beta), size=255, x=0.2, y=-0.1))
    found = best_moffat(kernel, 0.262)
    # A kernel of 255 pixels holds all but 1e-4 of the light at beta 2.2; its sum is set to 1.
    assert found.fwhm_arcsec == pytest.approx(fwhm, rel=1e-3)
    assert found.beta == pytest.approx(beta, rel=2e-3)
    assert found.includes_pixel


def test_best_moffat_of_a_kernel_without_pixel_is_one_without_pixel() -> None:
    assert not best_moffat(Kernel(sampled(Psf("moffat", 1.0, 3.0)), includes_pixel=False), 0.262).includes_pixel
