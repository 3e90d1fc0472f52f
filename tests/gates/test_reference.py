"""The independent reference: against GalSim, closed forms and brute force; what it may import and read."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import gammainc, gammaincinv

from arcgate.gates.features import reference_arc as reference
from arcgate.gates.features.reference_arc import moffat_scale, reference_arc
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS

Array = NDArray[np.float64]
BANDS, STAMP_SIZE, PIXEL_SCALE_ARCSEC = DECALS.bands, DECALS.size_pix, DECALS.pixel_scale_arcsec
PSFSIZE = {"g": 1.7, "r": 1.3, "z": 1.0}
BETA = {"g": 2.5, "r": 3.0, "z": 3.5}


def row_of(**changes: Any) -> dict[str, Any]:
    """A row of the published grid with its host's columns."""
    row: dict[str, Any] = {
        **{"sample_id": 417, "theta_e_arcsec": 1.2, "lens_q": 0.75, "lens_phi_rad": 0.6, "gamma1": 0.04, "gamma2": -0.05},
        **{"source_mag_g": 22.3, "source_mag_r": 22.0, "source_mag_z": 21.8, "source_reff_arcsec": 0.1, "source_sersic_n": 1.0},
        **{"source_q": 0.4, "source_phi_rad": 2.1, "source_x_arcsec": 0.25, "source_y_arcsec": -0.1, "flux_scale": 1.0},
        **{"host_x_pix": 31.27, "host_y_pix": 31.84, "psf_profile_used": "moffat"},
    }
    for band in BANDS:
        row |= {f"psfsize_{band}": PSFSIZE[band], f"psf_beta_declared_{band}": BETA[band]}
        row |= {f"psf_fwhm_used_{band}": 1.0, f"psf_beta_used_{band}": 3.0}
    return row | changes


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cells a pixel: enough where two images of the same sampling are compared."""
    monkeypatch.setattr(reference, "CELLS_PER_PIXEL", 3)


UNLENSED = {"theta_e_arcsec": 0.0, "gamma1": 0.0, "gamma2": 0.0}
FLUX = {"g": 10.0 ** (-0.4 * (22.3 - 22.5)), "r": 10.0**0.2, "z": 10.0 ** (-0.4 * (21.8 - 22.5))}


def _moffat_of(psfsize: float, beta: float) -> tuple[float, float]:
    """Scale radius by numerical integration: N_eff = 1 / integral P^2 grows with the square of the width."""

    def profile(r: float) -> float:
        return (beta - 1.0) / np.pi * (1.0 + r * r) ** -beta

    squared, _ = quad(lambda r: 2.0 * np.pi * r * profile(r) ** 2, 0.0, np.inf)
    unit = 2.0 * np.sqrt(2.0 * np.log(2.0)) * np.sqrt(1.0 / squared / (4.0 * np.pi))
    return psfsize / unit, beta


@pytest.mark.parametrize("beta", [2.0, 2.5, 3.5, 6.0])
def test_psfsize_is_the_fwhm_of_the_gaussian_with_the_same_noise_equivalent_area(beta: float) -> None:
    assert moffat_scale(1.3, beta) == pytest.approx(_moffat_of(1.3, beta), rel=1e-9)


@pytest.mark.parametrize(
    ("reff", "n", "q", "x", "y"),
    [(0.1, 1.0, 0.25, 0.7, -0.5), (0.3, 1.0, 0.7, 0.0, 0.0), (0.4, 2.0, 0.6, -0.4, 0.9)],
    ids=["thin small disc", "disc", "bulge"],
)
def test_an_unlensed_source_equals_galsim(reff: float, n: float, q: float, x: float, y: float) -> None:
    change = {"source_reff_arcsec": reff, "source_sersic_n": n, "source_q": q, "source_x_arcsec": x, "source_y_arcsec": y}
    found = reference_arc(row_of(**UNLENSED, **change), DECALS)
    fine = galsim.GSParams(folding_threshold=3e-4, maxk_threshold=3e-4, kvalue_accuracy=1e-6, maximum_fft_size=16384)
    galaxy = galsim.Sersic(n=n, half_light_radius=reff, gsparams=fine).shear(q=q, beta=2.1 * galsim.radians)
    for i, band in enumerate(BANDS):
        alpha, beta = _moffat_of(PSFSIZE[band], BETA[band])
        psf = galsim.Moffat(beta=beta, scale_radius=alpha, gsparams=fine)
        truth = galsim.Convolve([galaxy.withFlux(FLUX[band]), psf], gsparams=fine).drawImage(
            nx=STAMP_SIZE,
            ny=STAMP_SIZE,
            scale=PIXEL_SCALE_ARCSEC,
            method="no_pixel",
            offset=(31.27 - 31.5 + x / PIXEL_SCALE_ARCSEC, 31.84 - 31.5 + y / PIXEL_SCALE_ARCSEC),
            dtype=np.float64,
        )
        # GalSim's own k-space and folding thresholds of 3e-4 set the tolerance.
        assert np.abs(found[i] - truth.array).max() < 1e-3 * truth.array.max()


def _sie_source_plane(x: Array, y: Array, row: Mapping[str, float]) -> tuple[Array, Array]:
    """Kormann, Schneider & Bartelmann (1994), eq. 27, and shear."""
    cos, sin, q = np.cos(row["lens_phi_rad"]), np.sin(row["lens_phi_rad"]), row["lens_q"]
    u, v = x * cos + y * sin, y * cos - x * sin
    f = np.sqrt(1.0 - q * q)
    psi = np.sqrt(q * q * u * u + v * v)
    strength = row["theta_e_arcsec"] * np.sqrt(q) / f
    along, across = strength * np.arctan(f * u / psi), strength * np.arctanh(f * v / psi)
    beta_x = x - (along * cos - across * sin) - row["gamma1"] * x - row["gamma2"] * y
    return beta_x, y - (along * sin + across * cos) - row["gamma2"] * x + row["gamma1"] * y


def _round_source_plane(x: Array, y: Array, row: Mapping[str, float]) -> tuple[Array, Array]:
    """A round power law deflects by theta_E (r / theta_E)^(2 - slope)."""
    r = np.hypot(x, y)
    pull = (r / row["theta_e_arcsec"]) ** (2.0 - row["lens_slope"]) * row["theta_e_arcsec"] / r
    return x - pull * x - row["gamma1"] * x - row["gamma2"] * y, y - pull * y - row["gamma2"] * x + row["gamma1"] * y


@pytest.mark.parametrize(
    ("change", "trace"),
    [
        ({}, _sie_source_plane),
        ({"lens_slope": None}, _sie_source_plane),
        ({"lens_slope": 1.7, "lens_q": 1.0}, _round_source_plane),
        ({"lens_slope": 2.0, "lens_q": 1.0}, _round_source_plane),
    ],
    ids=["SIE", "slope null", "round, slope 1.7", "SIS"],
)
def test_a_lensed_source_equals_closed_forms_summed_ray_by_ray(
    change: dict[str, Any], trace: Callable[..., tuple[Array, Array]], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = row_of(source_sersic_n=1.5, **change)
    rays, border = 9, 4
    monkeypatch.setattr(reference, "CELLS_PER_PIXEL", rays)
    place = (np.arange((STAMP_SIZE + 2 * border) * rays) + 0.5) / rays - 0.5 - border
    x, y = np.meshgrid((place - 31.27) * PIXEL_SCALE_ARCSEC, (place - 31.84) * PIXEL_SCALE_ARCSEC)
    beta_x, beta_y = trace(x, y, row)
    u, v = beta_x - 0.25, beta_y + 0.1
    along, across = u * np.cos(2.1) + v * np.sin(2.1), v * np.cos(2.1) - u * np.sin(2.1)
    b = gammaincinv(3.0, 0.5)
    shape = np.exp(-b * (np.sqrt(0.4 * along**2 + across**2 / 0.4) / 0.1) ** (1.0 / 1.5))
    # The integral over the plane of exp(-b r^(1/n)) is 2 pi n b^(-2n) Gamma(2n); Gamma(3) = 2.
    light = shape / (2.0 * np.pi * 1.5 * 0.1**2 * b**-3.0 * 2.0) * (PIXEL_SCALE_ARCSEC / rays) ** 2
    found = reference_arc(row, DECALS, rays_per_pixel=rays, border_pix=border)
    for pixel_x, pixel_y in [(31, 31), (36, 29), (27, 34), (0, 63), (60, 5)]:
        from_pixel = np.hypot(x - (pixel_x - 31.27) * PIXEL_SCALE_ARCSEC, y - (pixel_y - 31.84) * PIXEL_SCALE_ARCSEC)
        for i, band in enumerate(BANDS):
            alpha, beta = _moffat_of(PSFSIZE[band], BETA[band])
            psf = (beta - 1.0) / (np.pi * alpha**2) * (1.0 + (from_pixel / alpha) ** 2) ** -beta
            truth = FLUX[band] * np.sum(light * psf) * PIXEL_SCALE_ARCSEC**2
            # Both take the same rays: what differs is formulas alone.
            assert found[i, pixel_y, pixel_x] == pytest.approx(truth, rel=1e-5)


def test_a_small_source_behind_a_sis_is_magnified_by_two_theta_e_over_beta() -> None:
    narrow = {f"psfsize_{band}": 0.9 for band in BANDS} | {f"psf_beta_declared_{band}": 8.0 for band in BANDS}
    row = row_of(**UNLENSED, **narrow) | {"theta_e_arcsec": 1.5, "lens_q": 1.0, "source_x_arcsec": 0.5, "source_y_arcsec": 0.0}
    row |= {"source_reff_arcsec": 0.06, "source_q": 1.0}
    # <1 / |beta + r|> = (1 + <r^2> / (4 beta^2) + ...) / beta, with <r^2> = 6 h^2 for an exponential disc of scale h.
    spread = 6.0 * (0.06 / gammaincinv(2.0, 0.5)) ** 2 / (4.0 * 0.5**2)
    assert reference_arc(row, DECALS)[1].sum() == pytest.approx(FLUX["r"] * 2.0 * 1.5 / 0.5 * (1.0 + spread), rel=2e-3)


def test_light_and_cells_are_converged_to_a_third_of_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    found, coarse = (
        reference_arc(row_of(), DECALS, border_pix=2),
        reference_arc(row_of(), DECALS, border_pix=2, rays_per_pixel=11),
    )
    with monkeypatch.context() as patch:
        patch.setattr(reference, "CELLS_PER_PIXEL", 17)
        fine = reference_arc(row_of(), DECALS, border_pix=2, rays_per_pixel=119)
    peak = fine.max(axis=(1, 2), keepdims=True)
    assert np.abs((found - fine) / peak).max() < 3e-4
    assert np.abs((coarse - fine) / peak).max() > 3e-4


@pytest.mark.usefixtures("coarse")
def test_x_and_y_follow_the_host_and_wings_reach_across_the_border() -> None:
    first = reference_arc(row_of(), DECALS, rays_per_pixel=3)
    moved = reference_arc(row_of(host_x_pix=33.27, host_y_pix=30.84), DECALS, rays_per_pixel=3)
    assert moved[:, :-1, 2:] == pytest.approx(first[:, 1:, :-2], abs=1e-9 * first.max())
    # Half of a round source's light falls on a stamp at whose edge it lies, and the light beyond it is not forgotten.
    edge = row_of(**UNLENSED) | {"host_x_pix": -0.5, "source_x_arcsec": 0.0, "source_reff_arcsec": 0.4, "source_q": 1.0}
    middle = edge | {"host_x_pix": 31.5}
    whole = reference_arc(middle, DECALS, rays_per_pixel=3).sum(axis=(1, 2))
    half = reference_arc(edge, DECALS, rays_per_pixel=3).sum(axis=(1, 2))
    assert half == pytest.approx(0.5 * whole, rel=2e-2)


def test_half_of_the_light_lies_inside_the_half_light_radius() -> None:
    # Through the mapping of b_n: the share at R_e is 1/2 for the exact b_n, not for lenstronomy's.
    arguments = reference._source_arguments(row_of(source_sersic_n=4.0))
    theirs = 1.9992 * 4.0 - 0.3271
    share = gammainc(8.0, theirs * (0.1 / arguments["R_sersic"]) ** 0.25)
    assert share == pytest.approx(0.5, abs=1e-12)


@pytest.mark.usefixtures("coarse")
def test_null_rows_have_no_arc_and_light_is_linear_in_the_flux() -> None:
    assert np.all(reference_arc(row_of(flux_scale=0.0), DECALS, rays_per_pixel=3) == 0.0)
    bright = reference_arc(row_of(source_mag_g=19.8, source_mag_r=19.5, source_mag_z=19.3), DECALS, rays_per_pixel=3)
    assert bright == pytest.approx(10.0 * reference_arc(row_of(), DECALS, rays_per_pixel=3), rel=1e-12)
    assert bright.shape == DECALS.shape
    assert bright.dtype == np.float64


@pytest.mark.usefixtures("coarse")
def test_a_ray_through_the_lens_is_finite() -> None:
    for slope in (2.0, 1.8):
        assert np.isfinite(
            reference_arc(row_of(host_x_pix=32.0, host_y_pix=31.0, lens_slope=slope), DECALS, rays_per_pixel=3)
        ).all()


def test_nothing_of_the_package_under_test_is_imported() -> None:
    tree = ast.parse(Path(reference.__file__).read_text())
    names = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
    ours = {name for name in names if name.startswith("arcgate")}
    assert ours == {"arcgate.dataset.references", "arcgate.ground.errors", "arcgate.imaging"}


class _Watched(Mapping[str, Any]):
    """A row that remembers what was read."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.read: set[str] = set()

    def __getitem__(self, column: str) -> Any:
        self.read.add(column)
        return self.row[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.row)

    def __len__(self) -> int:
        return len(self.row)


@pytest.mark.usefixtures("coarse")
def test_it_reads_what_is_declared_and_never_what_was_used() -> None:
    watched = _Watched(row_of())
    first = reference_arc(watched, DECALS, rays_per_pixel=3)
    assert {f"psfsize_{band}" for band in BANDS} <= watched.read
    assert not [column for column in watched.read if "used" in column]
    used = {"psf_fwhm_used_r": 9.0, "psf_beta_used_r": 1.5, "psf_profile_used": "gaussian"}
    assert reference_arc(row_of(**used), DECALS, rays_per_pixel=3).tobytes() == first.tobytes()
    assert reference_arc(row_of(psfsize_r=1.31), DECALS, rays_per_pixel=3).tobytes() != first.tobytes()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("theta_e_arcsec", None),
        ("theta_e_arcsec", -0.5),
        ("lens_q", 0.0),
        ("lens_q", 1.2),
        ("lens_slope", 3.0),
        ("source_reff_arcsec", float("nan")),
        ("source_x_arcsec", float("inf")),
        ("source_q", "thin"),
        ("flux_scale", -1.0),
        ("psfsize_z", 0.0),
        ("psf_beta_declared_g", 1.0),
    ],
)
def test_a_value_that_does_not_do_names_sample_and_column(column: str, value: Any) -> None:
    with pytest.raises(ArcgateError, match=rf"column {column} is (?s:.)*sample_id 417, column {column}"):
        reference_arc(row_of(**{column: value}), DECALS)


def test_a_missing_column_names_sample_and_column() -> None:
    row = row_of()
    del row["host_x_pix"]
    with pytest.raises(ArcgateError, match=r"column host_x_pix is missing(?s:.)*sample_id 417"):
        reference_arc(row, DECALS)


@pytest.mark.parametrize("settings", [{"rays_per_pixel": 12}, {"rays_per_pixel": 0}, {"border_pix": -1}])
def test_settings_that_do_not_do_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="rays_per_pixel must be a multiple of 11"):
        reference_arc(row_of(), DECALS, **settings)


@pytest.mark.usefixtures("coarse")
def test_an_arc_that_several_variants_declare_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = reference_arc(row_of(theta_e_arcsec=1.111), DECALS, rays_per_pixel=3, border_pix=2)
    monkeypatch.setattr(reference, "_light", None)
    again = reference_arc(row_of(theta_e_arcsec=1.111, sample_id=9), DECALS, rays_per_pixel=3, border_pix=2)
    assert np.array_equal(again, first)
    again[:] = 0.0
    assert np.array_equal(reference_arc(row_of(theta_e_arcsec=1.111), DECALS, rays_per_pixel=3, border_pix=2), first)
