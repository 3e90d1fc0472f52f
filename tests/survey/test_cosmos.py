"""Real galaxies as sources: known light found again, the real stamps, and files that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from astropy.io import fits
from composing import REAL, needs_real
from hst_stamps import PSF, gaussian, write_stamps
from numpy.typing import NDArray
from scipy import ndimage

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.lensing.deflection import sie_deflection
from arcgate.lensing.models import Lenses
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Settings, render
from arcgate.lensing.source_image import SourceImages
from arcgate.survey.cosmos import RESOLUTION_ARCSEC, CosmosSources, cosmos_sources
from arcgate.survey.source_cleaning import (
    NOISE_AREA_PIX,
    NOISE_RATIO,
    SMOOTHED_NOISE,
    centroid,
    clean_source,
    exchange_psf,
    half_light_pix,
)

FOLDER = REAL / "cosmos_sources"
FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def real() -> CosmosSources:
    return cosmos_sources(FOLDER)


def test_exchanging_the_psf_leaves_a_gaussian() -> None:
    # Lopsided, so that a filter that turned it round would be noticed.
    psf = PSF + 0.1 * gaussian((65, 51), 29.0, 33.0, 1.5)
    star = np.pad(psf, ((10, 10), (17, 17)))
    found, gain = exchange_psf(star / psf.sum(), psf, 4.0)
    truth = gaussian(star.shape, 42.0, 42.0, 4.0 / FWHM)
    assert found == pytest.approx(truth, abs=0.01 * float(truth.max()))
    assert 1.0 < gain < 2.0
    # A Gaussian narrower than the band asks for what is not there.
    assert exchange_psf(star, PSF, 1.5)[1] > 5.0


def test_half_light_radius_and_centroid_of_a_gaussian() -> None:
    image = gaussian((61, 51), 24.3, 31.6, 3.0)
    assert centroid(image) == pytest.approx((24.3, 31.6), abs=1e-6)
    assert half_light_pix(image) == pytest.approx(3.0 * np.sqrt(2.0 * np.log(2.0)), rel=0.01)


def test_a_galaxy_is_kept_and_its_neighbour_and_the_noise_are_not() -> None:
    rng = np.random.default_rng(5)
    galaxy, neighbour = 10.0 * gaussian((81, 81), 40.0, 41.0, 4.0), 4.0 * gaussian((81, 81), 66.0, 41.0, 2.0)
    noise = ndimage.gaussian_filter(rng.normal(size=(81, 81)), 0.7, mode="wrap")
    noise *= 1e-3 / noise.std()
    clean = clean_source(galaxy + neighbour + noise, 1e-3)
    assert clean is not None
    # Noise of 0.11, and some of it is picked up by a region that follows the noise.
    assert clean.flux == pytest.approx(10.0, rel=0.04)
    # Half-way between the two regions the weight ends.
    assert clean.image[:, 58:].max() == 0.0
    assert clean.image[:, :24].max() > 0.0
    assert clean.image.min() == 0.0
    assert centroid(clean.image) == pytest.approx((40.0, 41.0), abs=0.1)
    # The wings are closer to the truth than the stamp was.
    lit = clean.image > 0.0
    assert np.std((clean.image - galaxy)[lit]) < 0.8 * np.std(noise[lit])
    assert (clean.edge_share, clean.noise_share < 0.01, clean.peak_share < 0.02) == (0.0, True, True)


def test_nothing_in_the_middle_is_no_galaxy() -> None:
    assert clean_source(np.zeros((41, 41)), 1e-3) is None
    assert clean_source(10.0 * gaussian((81, 81), 8.0, 8.0, 2.0), 1e-3) is None


def test_known_galaxies_are_found_again_with_their_size_and_reasons_for_the_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    shapes = [(10.0, 40.2, 4.0), (0.3, 40.0, 4.0), (60.0, 40.0, 25.0), (10.0, 66.0, 6.0), (5.0, 40.0, 0.3)]
    noise = [ndimage.gaussian_filter(rng.normal(size=(81, 81)), 0.7, mode="wrap") for _ in shapes]
    images = [
        flux * ndimage.convolve(gaussian((81, 81), x, 40.0, max(sigma, 0.4)), PSF / PSF.sum(), mode="constant")
        + 1e-3 * n / n.std()
        for (flux, x, sigma), n in zip(shapes, noise, strict=True)
    ]
    found = cosmos_sources(write_stamps(tmp_path, images))
    assert found.identifiers == ("70",)
    reasons = dict(found.refused)
    assert sorted(reasons) == ["71", "72", "73", "74"]
    for identifier, reason in (
        ("71", "too faint"),
        ("72", "truncated"),
        ("73", "too faint|blended|truncated"),
        ("74", "unresolved"),
    ):
        assert any(reasons[identifier].startswith(word) for word in reason.split("|")), reasons[identifier]
    # The Gaussian that replaces the PSF widens the galaxy, the PSF itself no longer does.
    sigma_pix = np.hypot(4.0, RESOLUTION_ARCSEC / 0.03 / FWHM)
    assert found.half_light_arcsec[0] == pytest.approx(0.03 * sigma_pix * np.sqrt(2.0 * np.log(2.0)), rel=0.05)
    assert found.flux_share[0] == pytest.approx(1.0, abs=0.03)
    middle = (found.images.shape[1] - 1) / 2
    assert np.abs(np.array(centroid(found.images[0].astype(np.float64))) - middle).max() <= 0.5


def test_a_wrong_noise_in_the_catalogue_is_replaced_by_that_of_the_frame(tmp_path: Path) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(6).normal(size=(81, 81)), 0.7, mode="wrap")
    image = 10.0 * gaussian((81, 81), 40.0, 40.0, 4.0) + 1e-3 * noise / noise.std()
    (tmp_path / "right").mkdir()
    (tmp_path / "wrong").mkdir()
    right = cosmos_sources(write_stamps(tmp_path / "right", [image]))
    wrong = cosmos_sources(write_stamps(tmp_path / "wrong", [image], NOISE_VARIANCE=[1e-4]))
    assert wrong.snr[0] == pytest.approx(right.snr[0], rel=0.2)


@needs_real
def test_how_many_of_the_real_stamps_are_usable(real: CosmosSources) -> None:
    assert len(real.identifiers) + len(real.refused) == 100
    assert 45 <= len(real.identifiers) <= 52
    assert len(real.images) == len(real.magnitude) == len(real.half_light_arcsec) == len(real.snr) == len(real.identifiers)
    # Most are refused for their faintness: the second half of the catalogue is fainter than magnitude 25.2.
    assert sum(reason.startswith("too faint") for _, reason in real.refused) >= 40
    assert all(reason for _, reason in real.refused)


@needs_real
def test_the_real_sources_are_what_they_say(real: CosmosSources) -> None:
    assert real.images.dtype == np.float32
    assert real.images.min() == 0.0
    assert real.images.sum(axis=(1, 2)) == pytest.approx(1.0, abs=1e-5)
    frame = np.ones(real.images.shape[1:], dtype=bool)
    frame[1:-1, 1:-1] = False
    middle = (real.images.shape[1] - 1) / 2
    for image in real.images:
        assert np.abs(np.array(centroid(image.astype(np.float64))) - middle).max() <= 0.51
    assert np.median(real.flux_share) == pytest.approx(1.0, abs=0.03)
    assert real.noise_share.max() < 0.07
    assert real.snr.min() >= 15.0


@needs_real
def test_sizes_agree_with_the_catalogues(real: CosmosSources) -> None:
    table = fits.getdata(FOLDER / "real_galaxy_catalog_26_extension_example_fits.fits")
    radius = dict(zip((str(name) for name in table["IDENT"]), table["flux_radius"] * 0.03, strict=True))
    ratio = real.half_light_arcsec / np.array([radius[name] for name in real.identifiers])
    # SExtractor's radii hold the ACS PSF with its wings.
    assert 0.85 < np.median(ratio) < 1.0
    assert np.percentile(ratio, [5, 95]) == pytest.approx([0.93, 0.93], abs=0.2)


@needs_real
def test_the_noise_is_what_the_cleaning_assumes() -> None:
    catalogue = fits.getdata(FOLDER / "real_galaxy_catalog_26_extension_example.fits")
    measured = []
    with (
        fits.open(FOLDER / "real_galaxy_images_extension.fits") as images,
        fits.open(FOLDER / "real_galaxy_PSF_images_extension.fits") as psfs,
    ):
        for row in catalogue:
            stamp, psf = (file[row[f"{kind}_HDU"]].data.astype(float) for file, kind in ((images, "GAL"), (psfs, "PSF")))
            sigma = np.sqrt(row["NOISE_VARIANCE"])
            if min(stamp.shape) >= 50 and sigma < 0.01:
                measured.append(_noise(stamp, psf, sigma))
    found = [value for value in measured if value is not None]
    assert len(found) > 15
    ratio, smoothed, area = np.median(found, axis=0)
    assert ratio == pytest.approx(NOISE_RATIO, abs=0.03)
    assert smoothed == pytest.approx(SMOOTHED_NOISE, abs=0.03)
    assert area == pytest.approx(NOISE_AREA_PIX, rel=0.3)


def _noise(stamp: Array, psf: Array, sigma: float) -> tuple[float, float, float] | None:
    """Standard deviation, smoothed one and summed correlation of the source-free part; None if there is too little of it."""
    empty = ~ndimage.binary_dilation(ndimage.gaussian_filter(stamp, 2.0) > 0.75 * sigma, iterations=8)
    empty[:4] = empty[-4:] = empty[:, :4] = empty[:, -4:] = False
    if empty.sum() < 800:
        return None
    sharp, _ = exchange_psf(stamp, psf, RESOLUTION_ARCSEC / 0.03)
    spread = sharp[empty].std()
    residual = np.where(empty, sharp - sharp[empty].mean(), 0.0)
    area = 0.0
    for shift in np.ndindex(11, 11):
        lag = (shift[0] - 5, shift[1] - 5)
        both = empty & np.roll(empty, lag, (0, 1))
        area += (residual * np.roll(residual, lag, (0, 1)))[both].mean() / spread**2
    return spread / sigma, ndimage.gaussian_filter(sharp, 2.0)[empty].std() / spread, area


@needs_real
def test_what_the_psf_of_the_source_does_to_arcs(real: CosmosSources) -> None:
    """One more blur of the sources, by the ACS PSF and by the Gaussian in its place, behind a lens and a PSF of 1.0 arcsec."""
    with fits.open(FOLDER / "real_galaxy_PSF_images_extension.fits") as file:
        acs = file[0].data.astype(np.float64)
    padded = np.pad(real.images[::6].astype(np.float64), ((0, 0), (25, 25), (25, 25)))
    blurred = {
        "acs": np.array([ndimage.convolve(image, acs[7:58] / acs[7:58].sum(), mode="constant") for image in padded]),
        "gaussian": np.array([ndimage.gaussian_filter(image, 4.0 / FWHM) for image in padded]),
    }
    changes = {name: _change_of_arcs(padded, images / images.sum(axis=(1, 2), keepdims=True)) for name, images in blurred.items()}
    assert 0.08 < np.median(changes["acs"]) < 0.15
    assert 0.03 < np.median(changes["gaussian"]) < 0.06


def _change_of_arcs(first: Array, second: Array) -> Array:
    """Largest change of each lensed image, relative to its peak: theta_E = 1.2, sampled eight times finer than pixels."""
    size, step = 256, 0.262 / 8
    at = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) * step
    y, x = torch.meshgrid(at, at, indexing="ij")
    ax, ay = sie_deflection(x, y, 1.2, 0.8, 0.3)
    offset = (np.arange(size) - size // 2) * step
    psf = Psf("moffat", 1.0, 3.0).density(np.hypot(offset[:, None], offset[None, :]))
    transfer = np.fft.rfft2(np.fft.ifftshift(psf)) * step**2
    changes = []
    for number in range(len(first)):
        images = []
        for pixels in (first, second):
            light = SourceImages.of(pixels[number : number + 1], 0.03).brightness(x - ax - 0.1, y - ay - 0.35, torch.tensor(0))
            images.append(np.fft.irfft2(np.fft.rfft2(light.numpy()) * transfer, s=(size, size))[4::8, 4::8])
        changes.append(np.abs(images[0] - images[1]).max() / images[0].max())
    return np.array(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"GAL_HDU": [7]}, "part 7 of images.fits is no image"),
        ({"GAL_FILENAME": ["other.fits"]}, "no file other.fits, sought is the file that the_catalog.fits names in GAL_FILENAME"),
        ({"MAG": [15.0]}, "none of the 1 galaxies is usable; the first: truncated or divided: 0.00"),
    ],
)
def test_catalogues_that_do_not_fit(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArcgateError, match=message) as error:
        cosmos_sources(write_stamps(tmp_path, [10.0 * gaussian((81, 81), 40.0, 40.0, 4.0)], **change))
    assert error.value.todo


def test_several_scales_and_missing_catalogues_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match=r"0 files \*catalog\*\.fits"):
        cosmos_sources(tmp_path)
    write_stamps(tmp_path, [gaussian((31, 31), 15.0, 15.0, 3.0)] * 2, PIXEL_SCALE=[0.03, 0.05])
    with pytest.raises(ArcgateError, match="sought is one scale"):
        cosmos_sources(tmp_path)


def test_a_psf_too_wide_for_the_resolution_is_refused(tmp_path: Path) -> None:
    write_stamps(tmp_path, [10.0 * gaussian((81, 81), 40.0, 40.0, 6.0)])
    (tmp_path / "psfs.fits").unlink()
    fits.PrimaryHDU(gaussian((65, 51), 25.0, 32.0, 4.0)).writeto(tmp_path / "psfs.fits")
    with pytest.raises(ArcgateError, match="the first: blurred: its PSF is too wide"):
        cosmos_sources(tmp_path)


@needs_real
def test_arcs_of_real_galaxies_made_small_hold_the_error_target(real: CosmosSources) -> None:
    rng = np.random.default_rng(1)
    count = 16
    sources = SourceImages.of(
        real.images,
        real.scale_arcsec,
        rng.integers(0, len(real.images), count),
        *rng.uniform(-0.3, 0.3, (2, count)),
        rng.uniform(0.0, 6.0, count),
        rng.uniform(0.3, 0.6, count),
    )
    lenses = Lenses.of(rng.uniform(0.6, 2.0, count), rng.uniform(0.6, 0.9, count), rng.uniform(0.0, 3.0, count))
    place = torch.full((count,), 31.5)
    observed = [[Psf("moffat", 1.1, 3.0)]] * count
    usual, fine = (
        render(lenses, sources, torch.ones(count, 1), place, place, observed, DECALS.frame, settings).image
        for settings in (Settings(), Settings(1e-5, torch.float64))
    )
    error = (usual - fine).abs().amax(dim=(1, 2, 3)) / fine.amax(dim=(1, 2, 3))
    assert float(error.max()) < 1e-3
