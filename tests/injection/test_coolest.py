"""COOLEST templates, read and evaluated by coolest itself."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from coolest.api.composable_models import ComposableLensModel
from coolest.template.json import JSONSerializer
from scipy.special import gamma, gammaincinv

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.coolest import SurveyInfo, to_coolest

SURVEY = SurveyInfo("DECam", ra_deg=359.9999, dec_deg=-0.0004, lens_redshift=0.4, source_redshift=1.8)


def row_of(**changes: Any) -> dict[str, Any]:
    return {
        **{"sample_id": np.int64(12), "host_id": "galaxy-3", "role": "positive", "theta_e_arcsec": 1.3, "lens_q": 0.7},
        **{
            "lens_phi_rad": 0.8,
            "gamma1": 0.03,
            "gamma2": -0.06,
            "source_mag_g": 21.75,
            "source_mag_r": 21.4,
            "source_mag_z": 21.2,
        },
        **{"source_reff_arcsec": 0.3, "source_sersic_n": 1.5, "source_q": 0.5, "source_phi_rad": 1.9},
        **{"source_x_arcsec": 0.2, "source_y_arcsec": -0.15, "flux_scale": 1.0, "host_x_pix": 31.2, "host_y_pix": 32.1},
        **{"sky_sigma_r": 0.006, "psf_profile_used": "moffat", "psf_fwhm_used_r": 1.1, "psf_beta_used_r": 3.0},
    } | changes


def loaded(path: Path, template: dict[str, Any]) -> Any:
    (path / "lens.json").write_text(json.dumps(template))
    return JSONSerializer(str(path / "lens"), check_external_files=False).load(skip_jsonpickle=True, verbose=False)


@pytest.mark.parametrize("slope", [None, 2.0, 2.3])
def test_coolest_makes_the_same_lensed_light(slope: float | None, tmp_path: Path) -> None:
    row = row_of(lens_slope=slope, lens_q=0.7 if slope != 2.3 else 1.0)
    lens = loaded(tmp_path, to_coolest(row, DECALS, SURVEY, "r"))
    model = ComposableLensModel(
        lens, kwargs_selection_source={"entity_selection": [2]}, kwargs_selection_lens_mass={"entity_selection": [0, 1]}
    )
    found, _ = model.model_image(supersampling=1, convolved=False)

    pixel = np.arange(64)
    x, y = np.meshgrid((pixel - 31.2) * 0.262, (pixel - 32.1) * 0.262)
    q, cos, sin = row["lens_q"], math.cos(0.8), math.sin(0.8)
    u, v = x * cos + y * sin, y * cos - x * sin
    if slope == 2.3:
        r = np.hypot(u, v)
        along, across = (1.3 * (r / 1.3) ** -0.3 / r * place for place in (u, v))
    else:
        f, psi = math.sqrt(1.0 - q * q), np.sqrt(q * q * u * u + v * v)
        along = 1.3 * math.sqrt(q) / f * np.arctan(f * u / psi)
        across = 1.3 * math.sqrt(q) / f * np.arctanh(f * v / psi)
    s = x - (along * cos - across * sin) - 0.03 * x + 0.06 * y - 0.2
    t = y - (along * sin + across * cos) + 0.06 * x + 0.03 * y + 0.15
    a, c = s * math.cos(1.9) + t * math.sin(1.9), t * math.cos(1.9) - s * math.sin(1.9)
    b = gammaincinv(3.0, 0.5)
    centre = 10.0 ** (-0.4 * (21.4 - 22.5)) * b**3.0 / (2.0 * np.pi * 1.5 * 0.3**2 * gamma(3.0))
    light = centre * np.exp(-b * (np.sqrt(0.5 * a**2 + c**2 / 0.5) / 0.3) ** (1.0 / 1.5)) * 0.262**2
    assert found == pytest.approx(light, abs=1e-6 * light.max())


def test_the_template_says_what_the_row_says(tmp_path: Path) -> None:
    template = to_coolest(row_of(psf_profile_used="gaussian", psf_beta_used_r=None), DECALS, SURVEY, "r")
    lens = loaded(tmp_path, template)
    assert (lens.mode, lens.standard, lens.instrument.name, lens.instrument.band) == ("MOCK", "COOLEST", "DECam", "r")
    assert [entity.type for entity in lens.lensing_entities] == ["Galaxy", "MassField", "Galaxy"]
    assert [entity.redshift for entity in lens.lensing_entities] == [0.4, 0.4, 1.8]
    assert lens.observation.pixels.pixel_size == pytest.approx(0.262, rel=1e-12)
    assert (lens.observation.noise.std_dev, lens.observation.mag_zero_point) == (0.006, 22.5)
    assert (lens.instrument.psf.type, lens.instrument.psf.fwhm) == ("GaussianPSF", pytest.approx(1.1 / 0.262))
    mass = lens.lensing_entities[0].mass_model[0].parameters
    assert mass["phi"].point_estimate.value == pytest.approx(math.degrees(0.8) - 90.0)
    assert mass["gamma"].point_estimate.value == 2.0
    assert lens.meta["units"] == "nanomaggies"
    assert lens.meta["arcgate"]["sample_id"] == "12"
    # What coolest itself writes has the radius that belongs to its b_n.
    again = json.loads(lens.to_JSON(exclude_keys=lens.exclude_keys))
    radius = again["lensing_entities"][2]["light_model"][0]["parameters"]["theta_eff"]["point_estimate"]["value"]
    assert radius == pytest.approx(0.3 * ((1.9992 * 1.5 - 0.3271) / gammaincinv(3.0, 0.5)) ** 1.5, rel=1e-12)


def test_the_origin_is_the_sky_position_of_the_stamps_centre(tmp_path: Path) -> None:
    # The host lies at (-0.3, +0.6) pixels from the centre, so the centre is west of it by 0.3 and south by 0.6 pixels.
    lens = loaded(tmp_path, to_coolest(row_of(), DECALS, SURVEY, "r"))
    found = SkyCoord(lens.coordinates_origin.ra, lens.coordinates_origin.dec)
    assert found.ra.deg == pytest.approx(359.9999 - 0.3 * 0.262 / 3600.0, abs=1e-8)
    assert found.dec.deg == pytest.approx(-0.0004 - 0.6 * 0.262 / 3600.0, abs=1e-8)


def test_a_moffat_is_stated_in_words_and_numbers(tmp_path: Path) -> None:
    template = to_coolest(row_of(), DECALS, SURVEY, "r")
    assert "Moffat, FWHM 1.1 arcsec, exponent 3" in template["instrument"]["psf"]["description"]
    psf = {"profile": "moffat", "fwhm_arcsec": 1.1, "beta": 3.0, "includes_pixel": True}
    assert template["meta"]["arcgate"]["psf"] == psf
    assert loaded(tmp_path, template).instrument.psf.type is None


@pytest.mark.parametrize("phi", [0.0, 1e-17, -1e-17, 0.5 * math.pi, 3.1, math.pi, -2.0, 7.0])
def test_angles_lie_in_coolests_interval(phi: float) -> None:
    entities = to_coolest(row_of(lens_phi_rad=phi), DECALS, SURVEY, "r")["lensing_entities"]
    degrees = entities[0]["mass_model"][0]["parameters"]["phi"]["point_estimate"]["value"]
    assert -90.0 < degrees <= 90.0
    assert math.cos(2.0 * math.radians(degrees + 90.0)) == pytest.approx(math.cos(2.0 * phi), abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source_sersic_n": 0.4}, "source_sersic_n is 0.4, it must be between 0.5 and 10"),
        ({"sky_sigma_r": None}, "sky_sigma_r is None"),
        ({"psf_profile_used": None}, "psf_profile_used is None, it must be gaussian or moffat"),
        ({"psf_fwhm_used_r": -1.0}, "psf_fwhm_used_r is -1.0, it must be above 0"),
        ({"psf_beta_used_r": float("nan")}, "psf_beta_used_r is nan"),
    ],
)
def test_a_value_that_does_not_do_names_sample_and_column(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArcgateError, match=rf"{message}(?s:.)*sample_id 12"):
        to_coolest(row_of(**change), DECALS, SURVEY, "r")


def test_an_unknown_band_is_refused() -> None:
    with pytest.raises(ArcgateError, match="unknown band 'i'"):
        to_coolest(row_of(), DECALS, SURVEY, "i")
