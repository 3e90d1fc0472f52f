"""Unlensed galaxies and point sources against GalSim, closed forms and the PSF's own density."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
import torch
from brute_force import worst
from composing import REAL, needs_real
from numpy.typing import NDArray

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import FWHM_PER_SIGMA, Kernel, Psf
from arcgate.lensing.render import DEFAULT, Settings, convolved, render
from arcgate.lensing.spectra import point_spectra
from arcgate.lensing.transfer import modes_for
from arcgate.survey.coadd_psf import read_coadd_psf

Array = NDArray[np.float64]
FINE = galsim.GSParams(folding_threshold=3e-4, maxk_threshold=3e-4, kvalue_accuracy=1e-6, maximum_fft_size=16384)
PSFS = [Psf("gaussian", 1.3), Psf("gaussian", 0.95), Psf("moffat", 1.3, 3.0), Psf("moffat", 0.8, 2.5)]
KERNELS = REAL / "dr9_cutout" / "copsf_59.1067_-30.4848.fits"
MIDDLE = (DECALS.size_pix - 1) / 2.0
PIXELS = np.arange(DECALS.size_pix)
POINT = Sersics.of(1e-3, 0.5)
FINER = Settings(error_target=1e-6, dtype=torch.float64)


def drawn(source: Sersics, psf: Psf | Kernel, x_pix: float, y_pix: float, settings: Settings = DEFAULT) -> Array:
    """Our stamp of an unlensed source."""
    place = torch.tensor([x_pix], dtype=torch.float64), torch.tensor([y_pix], dtype=torch.float64)
    return render(Lenses.of(0.0), source, torch.ones(1, 1), *place, [[psf]], DECALS.frame, settings).image[0, 0].double().numpy()


def point(psf: Psf | Kernel, x_pix: float, y_pix: float) -> Array:
    """Our stamp of a point, by its spectrum, without integration."""
    place = torch.tensor([x_pix], dtype=torch.float64), torch.tensor([y_pix], dtype=torch.float64)
    spectra = point_spectra(*place, modes_for([psf], DECALS.frame, 1e-6), DECALS.frame).values[:, None]
    return convolved(spectra, [[psf]], DECALS.frame)[0, 0].numpy()


def galsim_psf(psf: Psf | Kernel) -> galsim.GSObject:
    if isinstance(psf, Kernel):
        # Band-limited between its samples, as the engine takes it.
        image = galsim.Image(np.array(psf.normalised().image), scale=DECALS.pixel_scale_arcsec)
        return galsim.InterpolatedImage(
            image, x_interpolant="lanczos31", normalization="flux", use_true_center=True, gsparams=FINE
        )
    if psf.beta is None:
        return galsim.Gaussian(fwhm=psf.fwhm_arcsec, gsparams=FINE)
    return galsim.Moffat(beta=psf.beta, fwhm=psf.fwhm_arcsec, gsparams=FINE)


def galsims(source: Sersics, psf: Psf | Kernel, x_pix: float, y_pix: float, method: str = "no_pixel") -> Array:
    reff, n, q, phi = (float(column[0]) for column in (source.reff_arcsec, source.n, source.q, source.phi_rad))
    galaxy = galsim.Sersic(n=n, half_light_radius=reff, gsparams=FINE).shear(q=q, beta=phi * galsim.radians)
    image = galsim.Convolve([galaxy, galsim_psf(psf)], gsparams=FINE).drawImage(
        nx=DECALS.size_pix,
        ny=DECALS.size_pix,
        scale=DECALS.pixel_scale_arcsec,
        method=method,
        offset=(x_pix - MIDDLE, y_pix - MIDDLE),
        dtype=np.float64,
    )
    return np.asarray(image.array)


@pytest.mark.parametrize("psf", PSFS, ids=str)
@pytest.mark.parametrize(
    ("source", "x_pix", "y_pix"),
    [
        (Sersics.of(0.3, 1.0, 0.7, 0.6), 31.5, 31.5),
        (Sersics.of(0.1, 1.0, 0.25, 2.0), 30.83, 33.21),
        (Sersics.of(1.0, 4.0, 0.8, 1.0), 31.5, 31.5),
        (Sersics.of(0.6, 4.0, 0.6, 2.5), 25.37, 35.91),
    ],
    ids=["disc", "thin small disc off centre", "bulge", "bulge off centre"],
)
def test_unlensed_galaxy_equals_galsim_to_0_3_percent_of_the_peak(source: Sersics, x_pix: float, y_pix: float, psf: Psf) -> None:
    assert worst(drawn(source, psf, x_pix, y_pix), galsims(source, psf, x_pix, y_pix)) < 0.003


@pytest.mark.parametrize("n", [1.0, 4.0])
@pytest.mark.parametrize("psf", PSFS, ids=str)
def test_an_atmospheric_psf_gets_the_pixel_once(n: float, psf: Psf) -> None:
    source = Sersics.of(0.5, n, 0.7, 0.4)
    truth = galsims(source, psf, 30.9, 32.2, "auto")
    atmospheric = Psf(psf.profile, psf.fwhm_arcsec, psf.beta, includes_pixel=False)
    assert worst(drawn(source, atmospheric, 30.9, 32.2), truth) < 0.003
    # The pixel matters: leaving it out is off by more than the tolerance.
    assert worst(drawn(source, psf, 30.9, 32.2), truth) > 0.006


@needs_real
@pytest.mark.parametrize("band", ["g", "r", "z"])
@pytest.mark.parametrize("includes_pixel", [True, False])
def test_a_measured_kernel_equals_galsims_interpolated_image(band: str, includes_pixel: bool) -> None:
    kernel = Kernel(read_coadd_psf(KERNELS)[band].image, includes_pixel)
    source = Sersics.of(0.5, 1.0, 0.6, 0.4)
    truth = galsims(source, kernel, 30.9, 32.2, "no_pixel" if includes_pixel else "auto")
    assert worst(drawn(source, kernel, 30.9, 32.2), truth) < 0.003


@needs_real
def test_a_point_at_a_pixel_is_the_measured_kernel_and_its_centroid_stays() -> None:
    for kernel in read_coadd_psf(KERNELS).values():
        assert point(kernel, 32.0, 32.0)[1:, 1:] == pytest.approx(kernel.image, abs=1e-9)
        image = drawn(POINT, kernel, 32.0, 32.0, FINER)
        assert worst(image[1:, 1:], kernel.image) < 4e-4
        for x_pix, y_pix in ((32.0, 32.0), (31.7, 32.0), (32.0, 32.4)):
            image = drawn(POINT, kernel, x_pix, y_pix, FINER)
            found = (image.sum(axis=0) @ PIXELS - x_pix * image.sum()) / image.sum()
            assert found == pytest.approx(kernel.centroid_pix[0], abs=1e-3)
            found = (image.sum(axis=1) @ PIXELS - y_pix * image.sum()) / image.sum()
            assert found == pytest.approx(kernel.centroid_pix[1], abs=1e-3)


def test_a_kernels_pixels_keep_their_sides() -> None:
    # Light two pixels right of the origin and one above: x and y, left and right would show.
    image = np.zeros((5, 7))
    image[2, 3], image[3, 5] = 3.0, 1.0
    found = point(Kernel(image), 20.0, 40.0)
    assert found[40, 20] == pytest.approx(0.75, abs=1e-9)
    assert found[41, 22] == pytest.approx(0.25, abs=1e-9)


def test_a_source_offset_in_arcsec_is_a_place_in_pixels() -> None:
    psf = PSFS[2]
    moved = drawn(Sersics.of(0.4, 1.0, 0.6, 0.3, 0.5, -0.3), psf, 30.0, 33.0, FINER)
    placed = drawn(
        Sersics.of(0.4, 1.0, 0.6, 0.3), psf, 30.0 + 0.5 / DECALS.pixel_scale_arcsec, 33.0 - 0.3 / DECALS.pixel_scale_arcsec, FINER
    )
    assert moved == pytest.approx(placed, abs=1e-6 * placed.max())


@pytest.mark.parametrize("psf", [Psf("gaussian", 1.0), Psf("moffat", 1.0, 3.0), Psf("moffat", 1.0, 3.0, False)], ids=str)
@pytest.mark.parametrize(("x_pix", "y_pix"), [(32.0, 32.0), (31.5, 31.5), (30.3, 33.7)])
def test_an_impulse_stays_at_its_place(x_pix: float, y_pix: float, psf: Psf) -> None:
    image = drawn(POINT, psf, x_pix, y_pix)
    # Gaussian weights about the expected place: a plain centroid of a Moffat's wings depends on where the stamp ends.
    x, y = np.meshgrid(PIXELS - x_pix, PIXELS - y_pix)
    weight = image * np.exp(-0.5 * (x**2 + y**2) / 4.0**2)
    assert abs(np.sum(weight * x) / weight.sum()) < 1e-3
    assert abs(np.sum(weight * y) / weight.sum()) < 1e-3
    assert image[int(y_pix), int(x_pix)] > 0.9 * image.max()


@pytest.mark.parametrize("psf", [Psf("gaussian", 1.0), Psf("moffat", 1.3, 2.5), Psf("moffat", 0.8, 2.5)], ids=str)
@pytest.mark.parametrize(("x_pix", "y_pix"), [(31.3, 32.6), (32.0, 32.0), (1.0, 31.5)])
def test_a_point_source_is_the_psf_sampled_at_pixel_centres(psf: Psf, x_pix: float, y_pix: float) -> None:
    radius = DECALS.pixel_scale_arcsec * np.hypot(PIXELS[None, :] - x_pix, PIXELS[:, None] - y_pix)
    truth = psf.density(radius) * DECALS.pixel_scale_arcsec**2
    image = point(psf, x_pix, y_pix)
    # A Moffat's wings are tapered towards half a period.
    assert worst(image, truth) < 4e-5
    # A source much smaller than a pixel is the worst case of nine moments a pixel, and the sharpest PSF that of the cutoff.
    assert worst(drawn(POINT, psf, x_pix, y_pix), truth) < (4e-3 if psf.fwhm_arcsec < 1.0 else 2e-3)
    # Light that leaves the stamp is lost, and does not come back on the other side.
    assert image.sum() == pytest.approx(truth.sum(), rel=1e-3)
    assert image[:, 40:] == pytest.approx(truth[:, 40:], abs=2e-5 * truth.max())


def test_moffat_encircled_energy() -> None:
    psf, phases = Psf("moffat", 1.3, 3.0), 8
    alpha = 1.3 / (2.0 * np.sqrt(2.0 ** (1.0 / 3.0) - 1.0))
    step = (np.arange(phases) - 0.5 * (phases - 1)) / phases
    y, x = (torch.from_numpy(MIDDLE - grid.ravel()) for grid in np.meshgrid(step, step, indexing="ij"))
    count = phases * phases
    sources = POINT.take(torch.zeros(count, dtype=torch.int64))
    rendered = render(Lenses.of(np.zeros(count)), sources, torch.ones(count, 1), x, y, [[psf]] * count, DECALS.frame)
    image = rendered.image[:, 0].double().numpy()
    # A source moved by -step is an image read step further on.
    place = PIXELS - MIDDLE
    radius = DECALS.pixel_scale_arcsec * np.hypot(
        place[None, None, :] + (MIDDLE - x.numpy())[:, None, None], place[None, :, None] + (MIDDLE - y.numpy())[:, None, None]
    )
    for limit in (0.65, 1.3, 4.0):
        expected = 1.0 - (1.0 + (limit / alpha) ** 2) ** (1.0 - 3.0)
        assert image[radius < limit].sum() / count == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(("x_pix", "y_pix"), [(31.2, 32.4), (61.7, 30.0), (0.3, 62.9)])
def test_flux_inside_and_flux_lost_add_to_the_total(x_pix: float, y_pix: float) -> None:
    # Gaussian source and PSF: what falls on pixel centres, inside and outside the stamp, is known.
    fwhm = 1.2
    sigma = np.hypot(fwhm / FWHM_PER_SIGMA, 0.3 / np.sqrt(2.0 * np.log(2.0))) / DECALS.pixel_scale_arcsec
    place = torch.tensor([x_pix], dtype=torch.float64), torch.tensor([y_pix], dtype=torch.float64)
    source = Sersics.of(0.3, 0.5)
    found = render(
        Lenses.of(0.0), source, torch.ones(1, 1), *place, [[Psf("gaussian", fwhm)]], DECALS.frame, Settings(1e-7, torch.float64)
    )
    pixel = np.arange(-100, 164)
    line_x, line_y = (np.exp(-0.5 * ((pixel - at) / sigma) ** 2) / np.sqrt(2.0 * np.pi) / sigma for at in (x_pix, y_pix))
    inside = (pixel >= 0) & (pixel < DECALS.size_pix)
    lost = 1.0 - line_x[inside].sum() * line_y[inside].sum()
    assert float(found.image.sum()) + lost == pytest.approx(1.0, abs=1e-5)
    assert float(found.total) == pytest.approx(1.0, abs=1e-6)
