"""The leaks of experiments/14-leak-ladder are what they say: their sizes against closed forms, and only in positives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from arcgate.dataset.reader import Dataset
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.ring_leaks import pedestals
from arcgate.imaging import DECALS
from arcgate.injection.core_mask import radius_from

sys.path.append(str(Path(__file__).parents[2] / "experiments" / "14-leak-ladder"))
import curves
import leaks

CENTRE = (31.3, 32.2)
SIGMA_PIX = 2.0
PIXEL = np.arange(64.0)


def table(sky: float = 0.0) -> pd.DataFrame:
    """One positive whose psfsize has a standard deviation of SIGMA_PIX."""
    psfsize = SIGMA_PIX * DECALS.pixel_scale_arcsec * 2.0 * np.sqrt(2.0 * np.log(2.0))
    columns = {f"sky_sigma_{band}": sky for band in DECALS.bands} | {f"psfsize_{band}": psfsize for band in DECALS.bands}
    return pd.DataFrame([{"sample_id": 7, "host_x_pix": CENTRE[0], "host_y_pix": CENTRE[1], **columns}])


def star() -> np.ndarray:
    """A Gaussian of width SIGMA_PIX and unit light in three bands."""
    x, y = (np.exp(-0.5 * ((PIXEL - place) / SIGMA_PIX) ** 2) for place in CENTRE)
    light = y[:, None] * x[None, :]
    return np.broadcast_to(light / light.sum(), (1, *DECALS.shape)).astype(np.float32)


def moments(image: np.ndarray) -> tuple[float, float, float]:
    """Centroid in x and y, and standard deviation in x, of the r band, pixels."""
    band = image[0, 1].astype(np.float64) / image[0, 1].sum(dtype=np.float64)
    x, y = float(band.sum(axis=0) @ PIXEL), float(band.sum(axis=1) @ PIXEL)
    return x, y, float(np.sqrt(band.sum(axis=0) @ (PIXEL - x) ** 2))


@pytest.mark.parametrize("size", [0.02, 0.6, 6.0])
def test_a_shift_moves_the_galaxy_and_not_the_arc(size: float) -> None:
    arc = np.zeros((1, *DECALS.shape), dtype=np.float32)
    arc[0, :, 10, 10] = 1.0
    moved = leaks.shift(table(), star() + arc, arc, size)
    assert np.allclose(moved[0, :, 10, 10], 1.0, atol=1e-5)
    x, y, width = moments(moved - arc)
    assert (x, y) == pytest.approx((CENTRE[0] + size, CENTRE[1]), abs=1e-3)
    assert width == pytest.approx(SIGMA_PIX, rel=1e-3)


@pytest.mark.parametrize("size", [0.01, 0.3, 1.0])
def test_a_wider_psf_of_the_galaxy_widens_it_by_its_size(size: float) -> None:
    arc = np.zeros((1, *DECALS.shape), dtype=np.float32)
    wide = leaks.host_psf(table(), star(), arc, size)
    assert moments(wide)[2] == pytest.approx(SIGMA_PIX * (1.0 + size), rel=1e-3)


def test_a_wider_psf_of_the_galaxy_leaves_the_sky_its_noise() -> None:
    rng, arc = np.random.default_rng(0), np.zeros((40, *DECALS.shape), dtype=np.float32)
    rows = pd.concat([table(sky=1.0)] * 40).assign(sample_id=np.arange(40))
    sky = rng.standard_normal(arc.shape).astype(np.float32)
    # White where the refill has the mock survey's correlation between neighbours, so that the power stays to a few per cent.
    assert leaks.host_psf(rows, sky, arc, 0.3).std() == pytest.approx(1.0, rel=0.03)
    assert leaks.host_psf(rows.assign(**{f"sky_sigma_{band}": 0.0 for band in DECALS.bands}), sky, arc, 0.3).std() < 0.6


def test_extra_noise_has_its_variance() -> None:
    arc = np.zeros((40, *DECALS.shape), dtype=np.float32)
    rows = pd.concat([table(sky=2.0)] * 40).assign(sample_id=np.arange(40))
    assert leaks.extra_noise(rows, arc, arc, 0.6).var() == pytest.approx(0.6 * 2.0**2, rel=0.01)


def test_pedestals_are_those_that_the_gates_plant() -> None:
    rows, dark = table(sky=2.0), np.zeros((1, *DECALS.shape), dtype=np.float32)
    planted = sum(leak(rows, dark, dark, 0.5) for leak in (leaks.core_pedestal, leaks.annulus_pedestal, leaks.frame_pedestal))
    expected = pedestals(radius_from(*(np.array([place]) for place in CENTRE), DECALS.size_pix), Regions(DECALS))
    assert np.array_equal(planted, np.broadcast_to(expected, planted.shape))


def test_rounding_is_that_of_short_floats() -> None:
    image = np.random.default_rng(1).lognormal(0.0, 2.0, (1, *DECALS.shape)).astype(np.float32)
    half = leaks.rounding(table(), image, image, 2**-10)
    assert np.array_equal(half, image.astype(np.float16).astype(np.float32))
    bfloat = leaks.rounding(table(), image, image, 2**-7)
    assert np.array_equal(bfloat, torch.from_numpy(image).bfloat16().float().numpy())


@pytest.mark.parametrize("name", ["core pedestal", "too wide PSF of the arc"])
def test_only_positives_hold_the_leak(built: Callable[..., Dataset], name: str) -> None:
    dataset, leak = built(), leaks.LEAKS[name]
    leaky = leaks.with_leak(dataset, leak, leak.sizes[-1])
    assert leaky.data_digest != dataset.data_digest
    for before, after in zip(dataset.batches(split="val"), leaky.batches(split="val"), strict=True):
        changed = (before.image != after.image).any(axis=(1, 2, 3))
        assert np.array_equal(changed, (before.table["role"] == "positive").to_numpy())
        # Light that is not the arc's stays unexplained by the stored arc; the arc's own is stored.
        assert np.array_equal((before.arc != after.arc).any(axis=(1, 2, 3)), changed & leak.changes_arc)
        host = (after.image - after.arc)[changed] if leak.changes_arc else before.image[changed]
        assert np.allclose(host, (before.image - before.arc)[changed] if leak.changes_arc else host, atol=1e-5)
    (part, *_), (batch, *_) = leaks.LeakySource(dataset, leak, leak.sizes[-1]).parts(), leaky.batches()
    assert np.array_equal(part.read().image, batch.image)


def test_sizes_ascend() -> None:
    for leak in leaks.LEAKS.values():
        assert len(leak.sizes) == 6
        assert list(leak.sizes) == sorted(leak.sizes)


def test_the_curve_never_falls_and_starts_at_nothing_lost() -> None:
    excess, lost = np.array([0.001, 0.01, 0.1, 0.3]), np.array([0.004, -0.02, 0.03, 0.23])
    x, y = curves.curve(excess, lost)
    assert np.array_equal(x, [0.0, *excess])
    # The first two average to less than nothing lost.
    assert y == pytest.approx([0.0, 0.0, 0.0, 0.03, 0.23], abs=1e-6)
    assert curves.at_margin(excess, lost, 0.2) == pytest.approx(0.13, abs=1e-6)
    assert curves.crossing(excess, lost, 0.01) == pytest.approx(0.01 + 0.09 / 3, abs=1e-6)
    assert curves.crossing(excess, lost, 0.5) == np.inf


def test_a_gate_that_reads_nothing_of_a_loss_crosses_at_once() -> None:
    assert curves.crossing(np.array([0.0, 0.2]), np.array([0.05, 0.3]), 0.01) == 0.0
