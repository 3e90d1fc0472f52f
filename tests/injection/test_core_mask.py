"""Shape of the core masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arcgate.imaging import DECALS
from arcgate.injection.core_mask import kept, radius_from

OURS = settings(derandomize=True, deadline=None, max_examples=100)
RADII = np.linspace(0.0, 45.0, 1801)


@OURS
@given(
    kind=st.sampled_from(["none", "hard", "tanh"]),
    x=st.floats(25.0, 38.0),
    y=st.floats(25.0, 38.0),
    radius=st.floats(0.1, 31.0),
    width=st.floats(0.1, 5.0),
)
def test_a_mask_keeps_a_share_between_none_and_all(kind: str, x: float, y: float, radius: float, width: float) -> None:
    share = kept(radius_from(x, y, DECALS.size_pix), kind, radius, width)
    assert share.shape == (64, 64)
    assert np.all((share >= 0.0) & (share <= 1.0))


@OURS
@given(radius=st.floats(0.1, 31.0))
def test_a_hard_mask_is_a_step(radius: float) -> None:
    share = kept(RADII, "hard", radius, 0.0)
    assert np.all(share[radius > RADII] == 0.0)
    assert np.all(share[radius <= RADII] == 1.0)


@OURS
@given(radius=st.floats(0.5, 31.0), width=st.floats(0.2, 5.0))
def test_a_tanh_taper_grows_outwards_and_halves_the_light_at_its_radius(radius: float, width: float) -> None:
    share = kept(RADII, "tanh", radius, width)
    assert np.all(np.diff(share) >= 0.0)
    assert kept(np.array([radius]), "tanh", radius, width)[0] == pytest.approx(0.5)
    assert kept(np.array([radius + width]), "tanh", radius, width)[0] == pytest.approx(0.5 * (1.0 + np.tanh(1.0)))


def test_no_mask_keeps_all() -> None:
    assert np.all(kept(RADII, "none", 0.0, 0.0) == 1.0)


def test_radius_is_measured_from_the_galaxys_own_centre() -> None:
    radius = radius_from(30.0, 33.0, DECALS.size_pix)
    assert np.unravel_index(radius.argmin(), radius.shape) == (33, 30)
    assert radius[33, 34] == pytest.approx(4.0)
    assert radius[36, 34] == pytest.approx(5.0)
    many = radius_from(np.array([30.0, 31.5]), np.array([33.0, 31.5]), DECALS.size_pix)
    assert many.shape == (2, 64, 64)
    assert np.array_equal(many[0], radius)


def test_an_unknown_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="none, hard or tanh"):
        kept(RADII, "soft", 5.0, 1.0)
