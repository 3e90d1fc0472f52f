"""What makes a stamp of native pixels unusable, and what is measured on the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arcgate.imaging import DECALS
from arcgate.survey import native
from arcgate.survey.native import NativeStamp, corners, measured, over_the_edge
from arcgate.survey.places import ABSURD, Cut, Unusable
from arcgate.survey.sky_noise import stated_sigma, with_apertures

SHAPE = DECALS.shape
GAIN = dict.fromkeys(DECALS.bands, 7500.0)


def stamp(sigma: float = 0.01, seed: int = 1) -> NativeStamp:
    """White noise, and inverse variances that state it."""
    image = np.random.default_rng(seed).normal(0.0, sigma, SHAPE).astype(np.float32)
    return NativeStamp(image, np.full(SHAPE, sigma**-2, np.float32), np.zeros(SHAPE, bool), 31.4, 31.7, "here")


def judged(one: NativeStamp, most: float = 0.005) -> Cut | Unusable:
    """As the readers call it."""
    return measured(one, DECALS, GAIN, most)


def test_a_sound_stamp_is_measured_and_unchanged() -> None:
    one = stamp()
    cut = judged(one)
    assert isinstance(cut, Cut)
    assert np.array_equal(cut.image, one.image)
    assert (cut.measured["host_x_pix"], cut.measured["host_y_pix"], cut.measured["provenance"]) == (31.4, 31.7, "here")
    assert cut.measured["sky_sigma_r"] == pytest.approx(0.01, rel=0.05)
    assert cut.measured["ivar_r"] == 1.0 / float(str(cut.measured["sky_sigma_r"])) ** 2
    assert cut.measured["gain_z"] == 7500.0


def with_pixel(kind: str, place: tuple[Any, ...], value: float) -> Callable[[NativeStamp], NativeStamp]:
    """A change of some pixels."""

    def change(one: NativeStamp) -> NativeStamp:
        pixels = getattr(one, kind).copy()
        pixels[place] = value
        return replace(one, **{kind: pixels})

    return change


CASES = {
    "position": (lambda one: replace(one, x_pix=float("nan")), native.NO_POSITION, "(nan, 31.7) px"),
    "all masked": (with_pixel("ivar", (1,), 0.0), native.NO_PIXELS, "none in r"),
    "one core pixel": (with_pixel("ivar", (0, 33, 34), 0.0), native.IN_THE_CORE, "1 of 4096 pixels in g"),
    "bit in the core": (with_pixel("masked", (2, 31, 31), True), native.IN_THE_CORE, "1 of 4096 pixels in z"),
    "nan in the core": (with_pixel("image", (2, 31, 31), np.nan), native.IN_THE_CORE, "1 of 4096 pixels in z"),
    "a corner": (with_pixel("ivar", (1, slice(0, 7), slice(0, 3)), 0.0), native.TOO_MANY, "21 of 4096 pixels in r"),
    "nan ivar": (with_pixel("ivar", (1, slice(0, 7), slice(0, 3)), np.nan), native.TOO_MANY, "21 of 4096 pixels in r"),
    "absurd": (with_pixel("image", (1, 3, 60), 3e38), ABSURD, "3e+38 nanomaggies in r at (y, x) = (3, 60)"),
    "absurdly dark": (with_pixel("image", (1, 3, 60), -2e6), ABSURD, "-2e+06 nanomaggies in r at (y, x) = (3, 60)"),
    "no noise": (with_pixel("image", (0,), 0.5), native.NO_SKY, "all of it is 0.5 nanomaggies in g"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_used_is_told(name: str) -> None:
    change, reason, found = CASES[name]
    assert judged(change(stamp())) == Unusable(reason, found)


def test_a_few_pixels_at_the_border_may_lack() -> None:
    one = with_pixel("ivar", (1, slice(0, 5), slice(0, 4)), 0.0)(stamp())
    assert isinstance(judged(one), Cut)
    assert judged(one, most=0.0) == Unusable(native.TOO_MANY, "20 of 4096 pixels in r")
    cut = judged(with_pixel("image", (1, 0, 0), np.nan)(stamp()))
    assert isinstance(cut, Cut)
    assert cut.image[1, 0, 0] == 0.0


def test_absurd_pixels_that_are_masked_do_not_count() -> None:
    one = with_pixel("masked", (1, 3, 60), True)(with_pixel("image", (1, 3, 60), 1e9)(stamp()))
    assert isinstance(judged(one), Cut)


@given(x=st.floats(40, 300), y=st.floats(40, 300))
@settings(max_examples=50, deadline=None)
def test_centres_lie_within_half_a_pixel_of_the_middle(x: float, y: float) -> None:
    (top, left), *_ = corners(np.array([x]), np.array([y]), DECALS).tolist()
    assert abs(x - left - DECALS.middle_pix) <= 0.5 + 1e-9
    assert abs(y - top - DECALS.middle_pix) <= 0.5 + 1e-9


def test_edges_are_told_and_the_last_pixel_is_inside() -> None:
    assert over_the_edge((0, 336), 64, (400, 400)) is None
    assert over_the_edge((-1, 30), 64, (400, 400)) == Unusable(native.OVER_THE_EDGE, "from row -1, column 30 of 400 x 400 pixels")
    assert over_the_edge((0, 337), 64, (400, 400)) is not None


def test_apertures_see_the_correlation_that_pixels_hide() -> None:
    random, free = np.random.default_rng(3), np.ones((500, 500), bool)
    white = random.normal(0.0, 1.0, (502, 502))
    # Of 10,000 sums of 25 pixels: the MAD scatters by 1.2 %.
    assert with_apertures(white[:500, :500], free) == pytest.approx(1.0, abs=0.05)
    alike = (white[:-2, :-2] + white[1:-1, :-2] + white[:-2, 1:-1] + white[1:-1, 1:-1]) / 4.0
    # Means over 2 x 2: a pixel's variance is 1/4, and a sum over 5 x 5 has weights 1, 2, 2, 2, 2, 1 along each axis, over 4.
    expected = np.sqrt((1 + 4 * 4 + 1) ** 2 / 16.0 / 25.0)
    assert with_apertures(alike, free) == pytest.approx(expected, abs=0.05)
    assert alike.std() == pytest.approx(0.5, abs=0.01)


def test_apertures_need_empty_places() -> None:
    free = np.zeros((64, 64), bool)
    free[:5, :35] = True
    assert np.isnan(with_apertures(np.ones((64, 64)), free))
    assert stated_sigma(np.full((64, 64), 25.0), free) == 0.2
    assert np.isnan(stated_sigma(np.zeros((64, 64)), free))
