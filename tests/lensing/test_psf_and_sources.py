"""What lenses, sources, PSFs and the renderer refuse: the error names row and column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, RowError, Sersics
from arcgate.lensing.psf import Kernel, Psf
from arcgate.lensing.render import Settings, render
from arcgate.lensing.transfer import modes_for

PSF = Psf("moffat", 1.1, 3.0)


def second(good: float, bad: float) -> list[float]:
    return [good, bad, good]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta_e_arcsec": second(1.0, -1.0)}, "theta_e_arcsec of row 1 must not be negative, got -1.0"),
        ({"theta_e_arcsec": second(1.0, np.nan)}, "theta_e_arcsec of row 1 must be finite, got nan"),
        ({"q": second(0.8, 0.0)}, r"q of row 1 must lie in \(0, 1\], got 0.0"),
        ({"q": second(0.8, 1.01)}, r"q of row 1 must lie in \(0, 1\], got 1.01"),
        ({"gamma1": second(0.0, 0.8), "gamma2": 0.7}, r"shear \(gamma1, gamma2\) of row 1 must be below 1, got 1.06"),
        ({"phi_rad": second(0.0, np.inf)}, "phi_rad of row 1 must be finite"),
        ({"slope": second(2.0, 3.0)}, r"slope of row 1 must lie in \(1, 3\), got 3.0"),
    ],
)
def test_impossible_lenses_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        Lenses.of(**{"theta_e_arcsec": 1.0, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reff_arcsec": second(0.2, 0.0)}, "reff_arcsec of row 1 must be positive, got 0.0"),
        ({"reff_arcsec": second(0.2, -0.1)}, "reff_arcsec of row 1 must be positive, got -0.1"),
        ({"n": second(1.0, 0.2)}, r"n of row 1 must lie in \[0.3, 8\], got 0.2"),
        ({"n": second(1.0, 9.0)}, r"n of row 1 must lie in \[0.3, 8\], got 9.0"),
        ({"q": second(1.0, 1.5)}, r"q of row 1 must lie in \(0, 1\], got 1.5"),
        ({"x_arcsec": second(0.0, np.nan)}, "x_arcsec of row 1 must be finite"),
        ({"y_arcsec": second(0.0, -np.inf)}, "y_arcsec of row 1 must be finite"),
    ],
)
def test_impossible_sources_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        Sersics.of(**{"reff_arcsec": 0.2, **change})


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
        (("moffat", 1.0, 1e6), "at most 1000"),
        (("airy", 1.0), "gaussian or moffat, got 'airy'"),
    ],
)
def test_impossible_psfs_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Psf(*arguments)


def test_a_psf_too_sharp_for_the_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a PSF of FWHM 0.02 arcsec is too sharp for pixels of 0.262 arcsec"):
        modes_for([Psf("gaussian", 0.02)], DECALS.frame, 1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flux": torch.tensor([[1.0], [-1.0], [1.0]])}, r"flux of row 1 must be finite and not negative, got \[-1.0\]"),
        ({"flux": torch.tensor([[1.0], [torch.nan], [1.0]])}, "flux of row 1"),
        ({"flux": torch.ones(2, 1)}, "2 fluxes"),
        ({"x_pix": torch.tensor([31.0, 64.0, 31.0])}, "x_pix of row 1 must lie inside the stamp, -0.5 to 63.5, got 64"),
        ({"y_pix": torch.tensor([31.0, -1.0, 31.0])}, "y_pix of row 1 must lie inside the stamp"),
        ({"y_pix": torch.tensor([31.0, torch.nan, 31.0])}, "y_pix of row 1"),
        ({"x_pix": torch.zeros(2)}, "rows differ"),
        ({"sources": Sersics.of(0.2, x_arcsec=second(0.0, 9.0))}, "x_arcsec of row 1 puts the source outside the stamp, got 9.0"),
        ({"sources": Sersics.of(0.2, y_arcsec=second(0.0, -9.0))}, "y_arcsec of row 1 puts the source outside the stamp"),
        ({"psfs": [[PSF], [PSF, PSF], [PSF]]}, "row 1 has 2 PSFs for 1 bands"),
        ({"psfs": [[PSF]]}, "PSFs for 1 rows"),
        ({"lens_of_source": torch.tensor([0, 3, 4])}, "lens_of_source of row 1 must lie in 0 to 2, got 3"),
        ({"lens_of_source": torch.tensor([0, 2, 1])}, "must ascend"),
        ({"lens_of_source": torch.tensor([0.0, 1.0, 2.0])}, "whole numbers"),
        ({"flux": torch.ones(3)}, "one line a source and one column a band"),
        ({"lenses": Lenses.of(1.0, second(0.7, 0.01))}, "lens_q of row 1 must be at least 0.02"),
        ({"lenses": Lenses.of(second(1.0, 30.0))}, "theta_e_arcsec of row 1 must not exceed 20"),
        ({"sources": Sersics.of(0.2, q=second(0.7, 0.01))}, "source_q of row 1 must be at least 0.02"),
        ({"sources": Sersics.of(second(0.2, 1e-4))}, "source_reff_arcsec of row 1 along the minor axis must be at least 0.001"),
        ({"psfs": [[Kernel(np.ones((99, 99)))]] * 3}, "at most 97 pixels a side"),
    ],
)
def test_the_renderer_refuses_what_does_not_fit(change: dict[str, Any], message: str) -> None:
    good = {
        "lenses": Lenses.of([1.0, 1.0, 1.0]),
        "sources": Sersics.of([0.2, 0.2, 0.2]),
        "flux": torch.ones(3, 1),
        "x_pix": torch.full((3,), 31.0),
        "y_pix": torch.full((3,), 31.0),
        "psfs": [[PSF]] * 3,
        "frame": DECALS.frame,
    }
    with pytest.raises(ValueError, match=message):
        render(**(good | change))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"error_target": 0.0}, "fraction of the peak"),
        ({"error_target": 0.5}, "got 0.5"),
        ({"dtype": torch.float16}, "float16"),
        ({"error_target": 1e-6}, "take dtype=torch.float64"),
    ],
)
def test_impossible_settings_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**arguments)
