"""Algebra of the renderer: linearity, batches, several sources, limits, precision, and never a NaN."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Kernel, Psf
from arcgate.lensing.render import FLATTEST, Settings, render
from arcgate.lensing.source_image import SourceImages

MOFFAT = Psf("moffat", 1.1, 3.0)
FINE = Settings(error_target=1e-6, dtype=torch.float64)
ROWS = 50


def lopsided() -> Kernel:
    offset = np.arange(-15, 16)
    return Kernel(np.exp(-0.5 * ((offset[None, :] - 0.2) ** 2 / 3.0 + (offset[:, None] + 0.1) ** 2 / 4.0)))


def mixed(seed: int) -> tuple[Lenses, Sersics, Tensor, Tensor, list[list[Psf | Kernel]]]:
    """Rows of all kinds: slopes 2 and others, discs and other profiles, sharp and wide PSFs, measured ones."""
    rng = np.random.default_rng(seed)
    lenses = Lenses.of(
        rng.choice([0.0, 0.5, 1.5, 2.5], ROWS),
        rng.uniform(0.3, 1.0, ROWS),
        rng.uniform(0.0, 3.0, ROWS),
        *rng.uniform(-0.1, 0.1, (2, ROWS)),
        rng.choice([2.0, 2.0, 1.8, 2.2], ROWS),
    )
    shape = rng.choice([0.1, 0.3], ROWS), rng.choice([0.5, 1.0, 1.0, 4.0], ROWS), rng.uniform(0.3, 1.0, ROWS)
    sources = Sersics.of(*shape, rng.uniform(0.0, 3.0, ROWS), *rng.uniform(-0.4, 0.4, (2, ROWS)))
    kinds: list[Psf | Kernel] = [
        MOFFAT,
        Psf("moffat", 0.8, 2.2, False),
        Psf("gaussian", 1.4),
        Psf("moffat", 2.0, 4.0),
        lopsided(),
    ]
    psfs = [[kinds[i] for i in rng.integers(0, len(kinds), 2)] for _ in range(ROWS)]
    x_pix, y_pix = torch.from_numpy(rng.uniform(29.0, 34.0, (2, ROWS)))
    return lenses, sources, x_pix, y_pix, psfs


def one(lens: Lenses, source: Sersics | SourceImages, psf: Psf | Kernel = MOFFAT, settings: Settings = FINE) -> Tensor:
    place = torch.tensor([31.3], dtype=torch.float64), torch.tensor([31.8], dtype=torch.float64)
    return (
        render(lens, source, torch.ones(1, 1, dtype=torch.float64), *place, [[psf]], DECALS.frame, settings).image[0, 0].double()
    )


@pytest.mark.parametrize("length", [1, 3, 7])
def test_rows_do_not_depend_on_their_batch(length: int) -> None:
    lenses, sources, x_pix, y_pix, psfs = mixed(1)
    flux = torch.from_numpy(np.random.default_rng(2).uniform(0.0, 3.0, (ROWS, 2)))
    whole = render(lenses, sources, flux, x_pix, y_pix, psfs, DECALS.frame)
    for rows in torch.arange(ROWS).split(length):
        part = render(
            lenses.take(rows), sources.take(rows), flux[rows], x_pix[rows], y_pix[rows], [psfs[row] for row in rows], DECALS.frame
        )
        assert torch.equal(part.image, whole.image[rows])
        assert torch.equal(part.total, whole.total[rows])


def test_single_precision_equals_double() -> None:
    lenses, sources, x_pix, y_pix, psfs = mixed(3)
    flux = torch.ones(ROWS, 2)
    single = render(lenses, sources, flux, x_pix, y_pix, psfs, DECALS.frame).image.double()
    double = render(lenses, sources, flux, x_pix, y_pix, psfs, DECALS.frame, Settings(dtype=torch.float64)).image
    error = (single - double).abs().amax(dim=(2, 3)) / double.amax(dim=(2, 3))
    assert float(error.max()) < 3e-6


def test_images_are_linear_in_flux() -> None:
    lenses, sources, x_pix, y_pix, psfs = mixed(4)
    few = torch.arange(20)
    lenses, sources, x_pix, y_pix, psfs = lenses.take(few), sources.take(few), x_pix[few], y_pix[few], psfs[:20]
    first, again = torch.from_numpy(np.random.default_rng(6).uniform(0.0, 1.0, (2, 20, 2)))
    images = [
        render(lenses, sources, flux, x_pix, y_pix, psfs, DECALS.frame) for flux in (first, again, 2.0 * first + 3.0 * again)
    ]
    expected = 2.0 * images[0].image + 3.0 * images[1].image
    assert images[2].image.numpy() == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-6 * float(expected.max()))
    assert images[2].total.numpy() == pytest.approx((2.0 * images[0].total + 3.0 * images[1].total).numpy(), rel=1e-6)


def test_several_sources_a_lens_are_the_sum_of_single_ones() -> None:
    lenses, sources, x_pix, y_pix, psfs = mixed(5)
    behind = torch.tensor([0, 0, 0, 2, 3, 3, 5])
    lenses, sources, x_pix, y_pix, psfs = (
        lenses.take(torch.arange(6)),
        sources.take(torch.arange(7)),
        x_pix[:6],
        y_pix[:6],
        psfs[:6],
    )
    flux = torch.arange(1.0, 15.0).reshape(7, 2)
    together = render(lenses, sources, flux, x_pix, y_pix, psfs, DECALS.frame, lens_of_source=behind)
    single = render(lenses.take(behind), sources, flux, x_pix[behind], y_pix[behind], [psfs[row] for row in behind], DECALS.frame)
    image = torch.zeros_like(together.image).index_add_(0, behind, single.image)
    assert together.image.numpy() == pytest.approx(image.numpy(), abs=2e-6 * float(image.max()))
    assert together.total.numpy() == pytest.approx(torch.zeros(6, 2).double().index_add_(0, behind, single.total).numpy())
    # Rows without a source are dark.
    assert torch.all(together.image[[1, 4]] == 0.0)
    assert torch.all(together.total[[1, 4]] == 0.0)


@pytest.mark.parametrize("theta_e", [0.0, 1.2])
def test_an_image_of_a_gaussian_source_is_that_source(theta_e: float) -> None:
    reff, scale = 0.25, 0.03
    sigma = reff / np.sqrt(2.0 * np.log(2.0)) / scale
    offset = np.arange(91) - 45.0
    along = offset[None, :] / sigma * np.sqrt(0.6), offset[:, None] / sigma / np.sqrt(0.6)
    image = np.exp(-0.5 * (along[0] ** 2 + along[1] ** 2))
    lens = Lenses.of(theta_e, 0.7, 0.4, 0.05, -0.03)
    placed = {"x_arcsec": 0.12, "y_arcsec": -0.2, "phi_rad": 0.7}
    sampled = SourceImages.of((image / image.sum())[None], scale, 0, **placed)
    found, truth = one(lens, sampled), one(lens, Sersics.of(reff, 0.5, 0.6, **placed))
    assert found.numpy() == pytest.approx(truth.numpy(), abs=5e-4 * float(truth.max()))
    assert float(found.sum()) == pytest.approx(float(truth.sum()), rel=5e-4)


def test_a_power_law_of_slope_2_is_the_isothermal_lens() -> None:
    source = Sersics.of(0.2, 1.0, 0.5, 1.0, 0.2, -0.1)
    for q in (1.0, 0.7, 0.3):
        isothermal, power_law = (one(Lenses.of(1.2, q, 0.4, 0.06, 0.03, slope), source) for slope in (2.0, 2.0000001))
        assert power_law.numpy() == pytest.approx(isothermal.numpy(), abs=3e-6 * float(isothermal.max()))


def test_the_faint_limit_of_a_lens_is_no_lens() -> None:
    source = Sersics.of(0.3, 1.0, 0.7, 0.1, 0.1, -0.2)
    plain = one(Lenses.of(0.0), source)
    for slope in (2.0, 1.7):
        assert one(Lenses.of(1e-10, 0.8, slope=slope), source).numpy() == pytest.approx(
            plain.numpy(), abs=1e-5 * float(plain.max())
        )


def test_a_lens_outside_the_middle_carries_its_arc_along() -> None:
    lens, source = Lenses.of([1.0, 1.0], 0.8, 0.3, 0.05), Sersics.of([0.3, 0.3], 1.0, 0.7, 0.1, 0.1, -0.2)
    place = torch.tensor([31.3, 33.3], dtype=torch.float64), torch.tensor([31.8, 28.8], dtype=torch.float64)
    near, moved = render(lens, source, torch.ones(2, 1), *place, [[MOFFAT]] * 2, DECALS.frame, FINE).image[:, 0].numpy()
    assert moved[5:55, 8:58] == pytest.approx(near[8:58, 6:56], abs=1e-6 * near.max())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("slope", [2.0, 1.6])
@pytest.mark.parametrize(("n", "place"), [(1.0, 32.0), (0.5, -0.5), (1.0, 63.5), (4.0, 31.5)])
def test_there_is_never_a_nan_and_light_is_positive(dtype: torch.dtype, slope: float, n: float, place: float) -> None:
    # The source exactly behind the lens; round, flat and absent lenses; tiny and thin sources, in the middle and at the edge.
    theta_e, q = [1.0, 1.0, 1.0, 0.0, 1.0, 2.5], [0.7, 1.0, 0.2, 0.8, 1.0, 0.7]
    source = Sersics.of([0.01, 0.01, 0.05, 0.01, 0.1, 0.1], n, [1.0, 1.0, 0.2, 0.2, 0.5, 1.0], 0.6)
    at = torch.full((6,), place, dtype=torch.float64)
    lens = Lenses.of(theta_e, q, 0.3, slope=slope)
    found = render(lens, source, torch.ones(6, 1), at, at, [[MOFFAT]] * 6, DECALS.frame, Settings(dtype=dtype))
    assert torch.isfinite(found.image).all()
    assert torch.isfinite(found.total).all()
    assert (found.image.amin(dim=(1, 2, 3)) > -1e-3 * found.image.amax(dim=(1, 2, 3))).all()
    assert (found.total > 0.9).all()


def test_a_dark_source_is_dark() -> None:
    found = render(
        Lenses.of(1.0),
        Sersics.of(0.2),
        torch.zeros(1, 2),
        torch.tensor([31.5]),
        torch.tensor([31.5]),
        [[MOFFAT] * 2],
        DECALS.frame,
    )
    assert torch.all(found.image == 0.0)
    assert torch.all(found.total == 0.0)


@pytest.mark.parametrize("lenses", [1, 300])
def test_rows_without_a_source_are_dark(lenses: int) -> None:
    place = torch.full((lenses,), 31.5)
    none = torch.zeros(0, dtype=torch.int64)
    source = Sersics.of(0.3).take(none)
    psfs = [[MOFFAT]] * lenses
    found = render(Lenses.of(np.ones(lenses)), source, torch.zeros(0, 1), place, place, psfs, DECALS.frame, lens_of_source=none)
    assert found.image.shape == (lenses, 1, 64, 64)
    assert torch.all(found.image == 0.0)
    assert torch.all(found.total == 0.0)


def test_no_rows_are_no_stamps() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    found = render(
        Lenses.of(1.0).take(none), Sersics.of(0.3).take(none), torch.zeros(0, 3), torch.zeros(0), torch.zeros(0), [], DECALS.frame
    )
    assert found.image.shape == (0, 3, 64, 64)


def test_the_flattest_lens_that_is_accepted_is_rendered_right() -> None:
    place = torch.tensor([31.5, 31.0])
    lens, source = Lenses.of(1.0, FLATTEST, [0.0, 0.4]), Sersics.of([0.3, 0.2])
    arguments = lens, source, torch.ones(2, 1), place, place, [[MOFFAT]] * 2, DECALS.frame
    single, double = render(*arguments), render(*arguments, Settings(dtype=torch.float64))
    peak = double.image.amax(dim=(2, 3), keepdim=True)
    assert float(((single.image - double.image) / peak).abs().max()) < 1e-4


def test_the_number_of_threads_changes_nothing() -> None:
    place = torch.full((40,), 31.5)
    arguments = Lenses.of(np.linspace(0.5, 2.5, 40), 0.7), Sersics.of(np.full(40, 0.3)), torch.ones(40, 1), place, place
    images = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        images.append(render(*arguments, [[MOFFAT]] * 40, DECALS.frame).image)
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert torch.equal(*images)
