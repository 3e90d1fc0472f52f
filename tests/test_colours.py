"""Colours carried to bands in which galaxies are not drawn."""

from __future__ import annotations

import numpy as np
import pytest

from arcgate.colours import WAVELENGTHS, carried
from arcgate.ground.errors import ArcgateError

RED = {"g": 21.37, "r": 20.01, "z": 18.94}


def test_drawn_bands_stay_to_the_last_bit() -> None:
    rng = np.random.default_rng(1)
    mag = {band: rng.uniform(17.0, 22.0, 50) for band in "grz"}
    found = carried(mag, ("z", "i", "g", "r"))
    assert list(found) == ["z", "i", "g", "r"]
    for band in "grz":
        assert found[band].tobytes() == mag[band].tobytes()


def test_bands_between_and_beyond_follow_the_slope() -> None:
    found = carried(RED, ("u", "g", "r", "vis", "i", "z", "y"))
    assert found["r"] > found["vis"] > found["i"] > found["z"] > found["y"]
    assert found["u"] > found["g"]
    # By hand: ln(7827 / 6432) / ln(9179 / 6432) = 0.5520 of r - z, ln(4827 / 3671) / ln(6432 / 4827) = 0.9537 of g - r.
    assert found["i"] == pytest.approx(20.01 - 0.5520 * 1.07, abs=1e-3)
    assert found["u"] == pytest.approx(21.37 + 0.9537 * 1.36, abs=1e-3)
    # A galaxy bluer in g - r and redder in r - z moves its bands on either side of r apart.
    bent = carried(RED | {"g": 20.5}, ("u", "i"))
    assert bent["u"] < found["u"]
    assert bent["i"] == found["i"]


def test_a_flat_spectrum_stays_flat() -> None:
    assert set(carried(dict.fromkeys("grz", 20.0), tuple(WAVELENGTHS)).values()) == {20.0}


def test_a_band_without_a_wavelength_is_refused() -> None:
    with pytest.raises(
        ArcgateError, match=r"no wavelength is known for nir, f814w(.|\n)*data\.imaging\.bands(.|\n)*u, g, r, vis"
    ):
        carried(RED, ("g", "nir", "f814w"))
