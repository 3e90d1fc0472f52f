"""What the lensing package refuses, and the algebra of spectra."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Lens, Source, arc_spectrum, convolve, point_spectrum, sersic_spectrum

LENS = {"theta_e_arcsec": 1.0, "q": 0.8, "phi_rad": 0.3, "gamma1": 0.05, "gamma2": 0.0}
SOURCE = {"reff_arcsec": 0.3, "n": 1.0, "q": 0.7, "phi_rad": 0.1, "x_arcsec": 0.1, "y_arcsec": -0.2}
PSF = Psf("moffat", 1.1, 3.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta_e_arcsec": 0.0}, "theta_E must be positive"),
        ({"theta_e_arcsec": np.nan}, "finite"),
        ({"q": 0.0}, r"\(0, 1\]"),
        ({"q": 1.01}, r"\(0, 1\]"),
        ({"gamma1": 0.8, "gamma2": 0.7}, "below 1"),
        ({"phi_rad": np.inf}, "finite"),
    ],
)
def test_impossible_lenses_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Lens(**LENS | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reff_arcsec": 0.0}, "positive"),
        ({"n": 0.2}, "Sersic index"),
        ({"n": 9.0}, "Sersic index"),
        ({"q": 1.5}, r"\(0, 1\]"),
        ({"x_arcsec": np.nan}, "finite"),
    ],
)
def test_impossible_sources_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Source(**SOURCE | change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gaussian", 0.0), "positive"),
        (("gaussian", np.nan), "positive and finite"),
        (("gaussian", np.inf), "positive and finite"),
        (("moffat", 1.0), "beta > 1"),
        (("moffat", 1.0, 1.0), "beta > 1"),
        (("moffat", 1.0, np.nan), "beta > 1"),
        (("gaussian", 1.0, 3.0), "no beta"),
    ],
)
def test_impossible_psfs_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Psf(*arguments)  # type: ignore[arg-type]  # wrong on purpose


def test_spectra_add_and_scale_like_light() -> None:
    arc, galaxy = arc_spectrum(Lens(**LENS), Source(**SOURCE), 31.5, 31.5), sersic_spectrum(Source(**SOURCE), 20.0, 40.0)
    together = convolve(2.0 * arc + 0.5 * galaxy, PSF)
    assert together == pytest.approx(2.0 * convolve(arc, PSF) + 0.5 * convolve(galaxy, PSF), abs=1e-14)


def test_an_unlensed_source_has_unit_flux() -> None:
    for n in (0.5, 1.0, 4.0):
        spectrum = sersic_spectrum(Source(0.2, n, 0.6, 0.3, 0.0, 0.0), 31.2, 31.9)
        # A de Vaucouleurs profile has light outside the stamp.
        assert spectrum[0, 0].real == pytest.approx(1.0, abs=2e-3 if n == 4.0 else 5e-4)


def test_an_impulse_has_unit_flux_and_a_shift_by_pixels_moves_it() -> None:
    first, moved = convolve(point_spectrum(31.0, 31.0), PSF), convolve(point_spectrum(33.0, 30.0), PSF)
    assert first.sum() == pytest.approx(1.0, abs=2e-3)
    assert moved[10:50, 12:52] == pytest.approx(first[11:51, 10:50], abs=1e-12)


def test_light_is_positive() -> None:
    image = convolve(arc_spectrum(Lens(**LENS), Source(**SOURCE | {"reff_arcsec": 0.1}), 31.5, 31.5), PSF)
    assert image.min() > -1e-5 * image.max()


def test_a_source_far_outside_the_stamp_gives_no_light() -> None:
    spectrum = sersic_spectrum(Source(0.1, 1.0, 1.0, 0.0, 60.0, 0.0), 31.5, 31.5)
    assert np.all(spectrum == 0.0)
    assert np.all(convolve(spectrum, PSF) == 0.0)


def test_the_faint_limit_of_a_lens_is_no_lens() -> None:
    lensed = convolve(arc_spectrum(Lens(1e-6, 1.0, 0.0, 0.0, 0.0), Source(**SOURCE), 31.5, 31.5), PSF)
    plain = convolve(sersic_spectrum(Source(**SOURCE), 31.5, 31.5), PSF)
    assert lensed == pytest.approx(plain, abs=2e-4 * plain.max())


def test_a_lens_outside_the_middle_carries_its_arc_along() -> None:
    near = convolve(arc_spectrum(Lens(**LENS), Source(**SOURCE), 31.3, 31.8), PSF)
    moved = convolve(arc_spectrum(Lens(**LENS), Source(**SOURCE), 33.3, 28.8), PSF)
    assert moved[5:55, 8:58] == pytest.approx(near[8:58, 6:56], abs=1e-5 * near.max())
