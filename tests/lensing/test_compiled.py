"""Compiled loops against the same algorithm in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from closeness import last_bits
from numba.core.caching import CacheImpl

from arcgate.imaging import DECALS
from arcgate.lensing import compiled_functions, compiled_quadrature, compiled_spectra, quadrature
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.quadrature import PixelMoments
from arcgate.lensing.rays import rays_of
from arcgate.lensing.render import Settings, lensed_light, render

ROWS = 40
CPU = torch.device("cpu")


def dense(light: PixelMoments) -> torch.Tensor:
    """Moments on the whole grid of pixels, (row, y, x, 9)."""
    border = DECALS.frame.border_pix
    side = DECALS.size_pix + 2 * border
    grid = torch.zeros((ROWS, side, side, 9), dtype=light.moments.dtype)
    grid[light.row, light.y_pix + border, light.x_pix + border] = light.moments.reshape(-1, 9)
    return grid


@pytest.mark.parametrize("n", [0.5, 1.0, 4.0])
def test_compiled_integration_equals_that_of_torch(n: float) -> None:
    rng = np.random.default_rng(int(2 * n))
    lenses = Lenses.of(
        rng.choice([0.0, 0.5, 1.5, 2.5], ROWS),
        rng.choice([0.1, 0.5, 0.9, 0.99999, 1.0], ROWS),
        rng.uniform(0.0, 3.0, ROWS),
        *rng.normal(0, 0.05, (2, ROWS)),
    )
    shape = rng.choice([0.05, 0.2, 1.5], ROWS), n, rng.uniform(0.2, 1.0, ROWS), rng.uniform(0.0, 3.0, ROWS)
    sources = Sersics.of(*shape, *rng.uniform(-0.5, 0.5, (2, ROWS)))
    rays = rays_of(lenses, sources, light_outside=1e-4, blur_arcsec2=1.1, dtype=torch.float32, device=CPU)
    place = torch.from_numpy(rng.uniform(5.0, 58.0, (2, ROWS)))
    compiled, eager = (module.integrate(rays, *place, DECALS.frame, 1e-3) for module in (compiled_quadrature, quadrature))
    assert len(compiled.row) > 1000
    assert torch.all(torch.diff(compiled.row) >= 0)
    assert torch.equal(compiled.counts, eager.counts)
    # A position in the source is a ray less its deflection, some 20 operations on lengths of theta_E + 1 arcsec; brightness falls
    # by b_n / n, at most 2, times the relative error of the radius, and its exponent, up to 20, has functions of its own.
    conditioning = 2.0 * (lenses.theta_e_arcsec + 1.0) / sources.reff_arcsec
    rounding = last_bits(np.float32, terms=20) * conditioning + last_bits(np.float32, terms=12, magnitude=20.0)
    assert torch.all((compiled.total - eager.total).abs() <= rounding * eager.total)
    assert compiled.beyond.numpy() == pytest.approx(eager.beyond.numpy(), rel=1e-4, abs=1e-6)
    expected, found = dense(eager), dense(compiled)
    peak = expected[..., 0].amax(dim=(1, 2))
    assert float(((found - expected).abs().amax(dim=(1, 2, 3)) / peak).max()) < 1e-4


def test_no_light_is_no_entry() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    lenses, sources = Lenses.of(1.0).take(none), Sersics.of(0.3).take(none)
    rays = rays_of(lenses, sources, light_outside=1e-4, blur_arcsec2=1.1, dtype=torch.float32, device=CPU)
    light = compiled_quadrature.integrate(rays, torch.zeros(0), torch.zeros(0), DECALS.frame, 1e-3)
    assert light.moments.shape == (0, 3, 3)
    assert light.total.shape == (0,)


def test_functions_are_good_to_the_last_digits() -> None:
    rng = np.random.default_rng(5)
    above = (rng.normal(size=500) * 10.0 ** rng.uniform(-3.0, 2.0, 500)).astype(np.float32)
    below = (10.0 ** rng.uniform(-3.0, 2.0, 500)).astype(np.float32)
    for a, b in zip(above, below, strict=True):
        assert compiled_functions.atan.py_func(a, b) == pytest.approx(np.arctan(float(a) / float(b)), abs=3e-7)
        assert compiled_functions.log_ratio.py_func(abs(a), b) == pytest.approx(np.log(abs(float(a)) / float(b)), abs=1.5e-6)
        assert compiled_functions.exp.py_func(-min(abs(a), b)) == pytest.approx(np.exp(-float(min(abs(a), b))), rel=3e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("slope", [2.0, 1.8])
def test_entries_are_in_the_order_of_their_rows(dtype: torch.dtype, slope: float) -> None:
    # A source's entries are found by their number: out of order, they would land in the box of another.
    lenses, sources = Lenses.of([1.0, 0.0, 2.0], slope=slope), Sersics.of([0.3, 0.05, 1.0])
    place = torch.full((3,), 31.5, dtype=torch.float64)
    light = lensed_light(lenses, sources, place, place, DECALS.frame, Settings(dtype=dtype))
    assert light.moments.dtype == dtype
    assert torch.all(torch.diff(light.row) >= 0)


def test_an_entry_outside_its_box_is_an_error() -> None:
    place, moments, one = np.array([40]), np.ones((1, 3, 3), np.float32), np.array([1])
    assert compiled_spectra.folded(place, place, moments, np.array([0]), one, 9, 32).sum() > 0.0
    with pytest.raises(IndexError, match="outside the box"):
        compiled_spectra.folded(place, place, moments, np.array([0]), one, 8, 32)
    with pytest.raises(IndexError, match="no row"):
        compiled_spectra.half_boxes(one, place, place, 1, 32)


def test_a_row_has_the_same_bits_in_every_batch() -> None:
    rng = np.random.default_rng(11)
    lenses = Lenses.of(rng.choice([0.0, 0.8, 2.2], ROWS), rng.uniform(0.1, 1.0, ROWS), rng.uniform(0.0, 3.0, ROWS))
    sources = Sersics.of(rng.choice([0.05, 0.3, 1.0], ROWS), rng.choice([0.5, 1.0, 4.0], ROWS), rng.uniform(0.2, 1.0, ROWS))
    flux, place = rng.uniform(0.5, 2.0, (ROWS, 2)), rng.choice([-0.5, 20.0, 31.7, 63.5], (2, ROWS))
    flux, place = torch.from_numpy(flux), torch.from_numpy(place)
    psfs = [[Psf("moffat", float(fwhm), 3.0) for fwhm in row] for row in rng.choice([0.9, 1.6], (ROWS, 2))]
    whole = render(lenses, sources, flux, *place, psfs, DECALS.frame)
    for length in (1, 3, 7):
        for begin in range(0, ROWS, length):
            rows = torch.arange(begin, min(begin + length, ROWS))
            part = render(
                lenses.take(rows), sources.take(rows), flux[rows], *place[:, rows], psfs[begin : begin + length], DECALS.frame
            )
            assert torch.equal(part.image, whole.image[rows])
            assert torch.equal(part.total, whole.total[rows])


def test_where_nothing_can_be_kept_functions_are_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # A read-only installation without a cache of the user's.
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert compiled_functions.entry(lambda x: x + 1)(1) == 2


@pytest.mark.parametrize("ratio", [0.9999, 0.7, 0.17, 0.16, 1e-3, 1e-5, 1e-8])
def test_artanh_keeps_the_digits_of_small_ratios(ratio: float) -> None:
    # A round lens takes the ratio of 1e-4 times a large number.
    for whole in (1e-3, 0.7, 3.0):
        part = np.float32(ratio * whole)
        expected = 2.0 * np.arctanh(float(part) / float(np.float32(whole)))
        for sign in (1.0, -1.0):
            found = compiled_functions.twice_artanh.py_func(np.float32(sign) * part, np.float32(whole))
            assert found == pytest.approx(sign * expected, rel=1e-3 if ratio > 0.99 else 5e-7)
