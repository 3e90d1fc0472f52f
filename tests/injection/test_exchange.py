"""Rows as lenstronomy's keyword arguments: the same rays and light, there and back, errors."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lenstronomy.Data.pixel_grid import PixelGrid
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from numpy.typing import NDArray
from scipy.special import gamma, gammaincinv

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.exchange import from_lenstronomy, to_lenstronomy

Array = NDArray[np.float64]


def row_of(**changes: Any) -> dict[str, Any]:
    return {
        **{"sample_id": 12, "theta_e_arcsec": 1.3, "lens_q": 0.7, "lens_phi_rad": 0.8, "gamma1": 0.03, "gamma2": -0.06},
        **{"source_mag_g": 21.75, "source_mag_r": 21.4, "source_mag_z": 21.2, "source_reff_arcsec": 0.3, "source_sersic_n": 1.0},
        **{"source_q": 0.5, "source_phi_rad": 1.9, "source_x_arcsec": 0.2, "source_y_arcsec": -0.15, "flux_scale": 1.0},
        **{"host_x_pix": 31.2, "host_y_pix": 32.1, "lens_slope": None},
    } | changes


def points() -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    return rng.uniform(-4.0, 4.0, 300), rng.uniform(-4.0, 4.0, 300)


def shear_of(x: Array, y: Array, row: dict[str, Any]) -> tuple[Array, Array]:
    return row["gamma1"] * x + row["gamma2"] * y, row["gamma2"] * x - row["gamma1"] * y


@pytest.mark.parametrize("q", [0.3, 0.7, 0.95])
def test_a_row_deflects_in_lenstronomy_as_the_sie_formula(q: float) -> None:
    x, y = points()
    row = row_of(lens_q=q)
    model = to_lenstronomy(row, DECALS)
    found = LensModel(model["lens_model_list"]).alpha(x, y, model["kwargs_lens"])
    # Kormann, Schneider & Bartelmann (1994), eq. 27, theta_E on the intermediate axis.
    cos, sin, f = math.cos(0.8), math.sin(0.8), math.sqrt(1.0 - q * q)
    u, v = x * cos + y * sin, y * cos - x * sin
    psi = np.sqrt(q * q * u * u + v * v)
    along = 1.3 * math.sqrt(q) / f * np.arctan(f * u / psi)
    across = 1.3 * math.sqrt(q) / f * np.arctanh(f * v / psi)
    shear_x, shear_y = shear_of(x, y, row)
    assert found[0] == pytest.approx(along * cos - across * sin + shear_x, abs=1e-8)
    assert found[1] == pytest.approx(along * sin + across * cos + shear_y, abs=1e-8)


@pytest.mark.parametrize("slope", [1.6, 2.3])
def test_a_round_power_law_deflects_in_lenstronomy_as_its_formula(slope: float) -> None:
    x, y = points()
    row = row_of(lens_q=1.0, lens_slope=slope)
    model = to_lenstronomy(row, DECALS)
    assert model["lens_model_list"] == ["EPL", "SHEAR"]
    found = LensModel(model["lens_model_list"]).alpha(x, y, model["kwargs_lens"])
    r = np.hypot(x, y)
    pull = 1.3 * (r / 1.3) ** (2.0 - slope) / r
    shear_x, shear_y = shear_of(x, y, row)
    assert found[0] == pytest.approx(pull * x + shear_x, abs=1e-8)
    assert found[1] == pytest.approx(pull * y + shear_y, abs=1e-8)


@pytest.mark.parametrize("q", [0.4, 0.8])
@pytest.mark.parametrize("slope", [1.6, 2.3])
def test_an_elliptical_power_law_has_its_convergence_on_the_intermediate_axis(q: float, slope: float) -> None:
    x, y = points()
    model = to_lenstronomy(row_of(lens_q=q, lens_slope=slope), DECALS)
    u, v = x * math.cos(0.8) + y * math.sin(0.8), y * math.cos(0.8) - x * math.sin(0.8)
    kappa = (3.0 - slope) / 2.0 * (1.3 / np.sqrt(q * u * u + v * v / q)) ** (slope - 1.0)
    assert LensModel(model["lens_model_list"]).kappa(x, y, model["kwargs_lens"]) == pytest.approx(kappa, rel=1e-8)


@pytest.mark.parametrize("n", [0.5, 1.0, 2.5, 4.0])
def test_a_row_shines_in_lenstronomy_as_the_exact_sersic_profile(n: float) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.uniform(-0.8, 1.0, 300), rng.uniform(-1.0, 0.8, 300)
    model = to_lenstronomy(row_of(source_sersic_n=n), DECALS)
    u, v = x - 0.2, y + 0.15
    along, across = u * math.cos(1.9) + v * math.sin(1.9), v * math.cos(1.9) - u * math.sin(1.9)
    b = gammaincinv(2.0 * n, 0.5)
    shape = np.exp(-b * (np.sqrt(0.5 * along**2 + across**2 / 0.5) / 0.3) ** (1.0 / n))
    centre = b ** (2.0 * n) / (2.0 * np.pi * n * 0.3**2 * gamma(2.0 * n))
    for band, mag in {"g": 21.75, "r": 21.4, "z": 21.2}.items():
        found = LightModel(model["source_light_model_list"]).surface_brightness(x, y, model["kwargs_source"][band])
        assert found == pytest.approx(10.0 ** (-0.4 * (mag - 22.5)) * centre * shape, rel=1e-6)


def test_the_pixel_grid_has_its_origin_at_the_host() -> None:
    grid = PixelGrid(**to_lenstronomy(row_of(), DECALS)["kwargs_pixel"])
    assert grid.map_coord2pix(0.0, 0.0) == pytest.approx((31.2, 32.1), abs=1e-12)
    assert grid.map_pix2coord(32.2, 32.1) == pytest.approx((0.262, 0.0), abs=1e-12)


ROWS = st.fixed_dictionaries(
    {
        "theta_e_arcsec": st.floats(0.1, 5.0),
        "lens_q": st.floats(0.1, 1.0),
        "lens_phi_rad": st.floats(0.0, np.pi, exclude_max=True),
        "gamma1": st.floats(-0.3, 0.3),
        "gamma2": st.floats(-0.3, 0.3),
        "lens_slope": st.one_of(st.just(2.0), st.floats(1.1, 2.9)),
        "source_mag_r": st.floats(15.0, 30.0),
        "source_mag_g": st.floats(15.0, 30.0),
        "source_mag_z": st.floats(15.0, 30.0),
        "source_reff_arcsec": st.floats(0.01, 3.0),
        "source_sersic_n": st.floats(0.3, 8.0),
        "source_q": st.floats(0.1, 1.0),
        "source_phi_rad": st.floats(0.0, np.pi, exclude_max=True),
        "source_x_arcsec": st.floats(-2.0, 2.0),
        "source_y_arcsec": st.floats(-2.0, 2.0),
        "flux_scale": st.just(1.0),
        "host_x_pix": st.floats(20.0, 44.0),
        "host_y_pix": st.floats(20.0, 44.0),
    }
)


@given(ROWS)
@settings(max_examples=200, deadline=None)
def test_there_and_back_again(row: dict[str, float]) -> None:
    back = from_lenstronomy(to_lenstronomy(row, DECALS), DECALS)
    assert set(back) == set(row)
    for name, value in row.items():
        if name in ("lens_phi_rad", "source_phi_rad"):
            q = row["lens_q" if name == "lens_phi_rad" else "source_q"]
            turned = abs(back[name] - value)
            # Position angles repeat after pi; a round profile has none, and one round to 1e-15 has none to 1e-12.
            assert q > 1.0 - 1e-12 or min(turned, np.pi - turned) < 1e-12
            assert 0.0 <= back[name] < np.pi
        else:
            assert back[name] == pytest.approx(value, rel=1e-12, abs=1e-12)


@given(ROWS, st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
@settings(max_examples=30, deadline=None)
def test_a_lens_elsewhere_and_shear_about_another_point_make_the_same_row(row: dict[str, float], x: float, y: float) -> None:
    model = to_lenstronomy(row, DECALS)
    moved = copy.deepcopy(model)
    moved["kwargs_lens"][0] |= {"center_x": x, "center_y": y}
    moved["kwargs_pixel"]["ra_at_xy_0"] += x
    moved["kwargs_pixel"]["dec_at_xy_0"] += y
    for band in DECALS.bands:
        source = moved["kwargs_source"][band][0]
        # The shear stays about the origin, so that the source plane is shifted by what shear does to the lens's place.
        source["center_x"] += x - row["gamma1"] * x - row["gamma2"] * y
        source["center_y"] += y - row["gamma2"] * x + row["gamma1"] * y
    first, second = from_lenstronomy(model, DECALS), from_lenstronomy(moved, DECALS)
    assert second == pytest.approx(first, rel=1e-11, abs=1e-11)


def test_the_flux_scale_is_part_of_the_light() -> None:
    assert all(to_lenstronomy(row_of(flux_scale=0.0), DECALS)["kwargs_source"][band][0]["amp"] == 0.0 for band in DECALS.bands)
    back = from_lenstronomy(to_lenstronomy(row_of(flux_scale=10.0), DECALS), DECALS)
    assert (back["source_mag_r"], back["flux_scale"]) == (pytest.approx(18.9, abs=1e-12), 1.0)


def test_a_lens_without_shear_has_none() -> None:
    model = to_lenstronomy(row_of(), DECALS)
    model |= {"lens_model_list": ["SIE"], "kwargs_lens": model["kwargs_lens"][:1]}
    assert (from_lenstronomy(model, DECALS)["gamma1"], from_lenstronomy(model, DECALS)["gamma2"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("theta_e_arcsec", None),
        ("theta_e_arcsec", -1.0),
        ("lens_q", 1.1),
        ("source_q", 0.0),
        ("source_sersic_n", float("nan")),
        ("source_reff_arcsec", "large"),
        ("flux_scale", -1.0),
        ("lens_slope", 3.0),
    ],
)
def test_a_value_that_does_not_do_names_sample_and_column(column: str, value: Any) -> None:
    with pytest.raises(ArcgateError, match=rf"column {column} is (?s:.)*sample_id 12, column {column}"):
        to_lenstronomy(row_of(**{column: value}), DECALS)


def test_a_missing_column_names_sample_and_column() -> None:
    row = row_of()
    del row["gamma2"]
    with pytest.raises(ArcgateError, match=r"column gamma2 is missing(?s:.)*sample_id 12"):
        to_lenstronomy(row, DECALS)


def _null(model: dict[str, Any]) -> None:
    model["kwargs_source"]["g"][0]["amp"] = 0.0


def _two_shapes(model: dict[str, Any]) -> None:
    model["kwargs_source"]["g"][0]["n_sersic"] = 2.0


def _two_bands(model: dict[str, Any]) -> None:
    del model["kwargs_source"]["z"]


def _other_pixels(model: dict[str, Any]) -> None:
    model["kwargs_pixel"]["transform_pix2angle"] = [[0.0, 0.262], [-0.262, 0.0]]


def _other_lens(model: dict[str, Any]) -> None:
    model["lens_model_list"] = ["NFW", "SHEAR"]


def _other_source(model: dict[str, Any]) -> None:
    model["source_light_model_list"] = ["GAUSSIAN"]


def _too_thin(model: dict[str, Any]) -> None:
    model["kwargs_lens"][0]["e1"] = 1.2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_null, "an amplitude above 0"),
        (_two_shapes, "one shape in all bands"),
        (_two_bands, "each of the bands g, r, z"),
        (_other_pixels, "unrotated pixels of 0.262 arcsec"),
        (_other_lens, "SIE or EPL"),
        (_other_source, "SERSIC_ELLIPSE alone"),
        (_too_thin, "ellipticities below 1"),
    ],
)
def test_models_that_no_row_can_hold_are_refused(spoil: Any, message: str) -> None:
    model = to_lenstronomy(row_of(), DECALS)
    spoil(model)
    with pytest.raises(ArcgateError, match=message):
        from_lenstronomy(model, DECALS)
