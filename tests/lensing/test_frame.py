"""Frames: the field around a stamp, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arcgate.imaging import DECALS
from arcgate.lensing.frame import Frame
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import render


def test_a_stamp_that_is_a_multiple_of_the_roots_is_its_own_field() -> None:
    frame = DECALS.frame
    assert (frame.field_pix, frame.first_pix, frame.centre_pix) == (64, 0, 31.5)
    assert (frame.period_pix, frame.border_pix, frame.far_pix, frame.largest_kernel_pix) == (128, 16, 96, 97)


@given(size=st.integers(16, 512), scale=st.floats(0.02, 1.0))
def test_the_stamp_lies_in_the_middle_of_its_field(size: int, scale: float) -> None:
    frame = Frame(size, scale)
    left, right = frame.first_pix, frame.field_pix - size - frame.first_pix
    assert frame.field_pix % 16 == 0
    assert 0 <= left <= right <= left + 1
    assert (frame.field_pix - frame.border_pix) * scale >= 12.4 - 1e-9
    assert frame.largest_kernel_pix * scale > 24.0
    assert frame.centre_pix == pytest.approx((size - 1) / 2 + (0.5 if size % 2 else 0.0))
    assert frame.border_pix * scale >= 4.19
    assert frame.far_pix * scale >= 25.1


@settings(max_examples=10, deadline=None)
@given(size=st.integers(41, 80), x=st.floats(-0.5, 0.5), y=st.floats(-0.5, 0.5))
def test_a_pixel_does_not_depend_on_the_size_of_its_stamp(size: int, x: float, y: float) -> None:
    """The same sky on stamps of two sizes, whose pixels fall on each other."""
    lens, source, psf = Lenses.of(1.4, 0.8, 0.3), Sersics.of(0.3, 1.0, 0.7, 0.2, 0.1, -0.05), Psf("moffat", 1.1, 3.0)
    stamps = []
    for side in (size, 100):
        place = (torch.tensor([side // 2 + offset], dtype=torch.float64) for offset in (x, y))
        stamps.append(render(lens, source, torch.ones(1, 1), *place, [[psf]], Frame(side, 0.262)).image[0, 0].numpy())
    small, large = stamps
    begin = 50 - size // 2
    # Cells begin at other pixels, so that they are divided elsewhere: within the error target of 1e-3, not its last bits.
    assert np.abs(small - large[begin : begin + size, begin : begin + size]).max() < 5e-4 * large.max()


@pytest.mark.parametrize(("size", "scale", "theta_e"), [(64, 0.05, 3.5), (32, 0.1, 4.2), (64, 0.2, 5.5)])
def test_light_beyond_a_small_stamp_does_not_come_in_from_the_other_side(size: int, scale: float, theta_e: float) -> None:
    """The image of a lens wider than the stamp, against the middle of a stamp that holds it."""
    lens, source, psf = Lenses.of(theta_e, 0.8, 0.3), Sersics.of(0.2, 1.0, 0.7, 0.2, 0.1, -0.05), Psf("gaussian", 0.5)
    small, large = (
        render(lens, source, torch.ones(1, 1), *2 * [torch.tensor([side / 2])], [[psf]], Frame(side, scale)).image[0, 0].numpy()
        for side in (size, 256)
    )
    begin = 128 - size // 2
    assert np.abs(small - large[begin : begin + size, begin : begin + size]).max() < 1e-3 * large.max()


@pytest.mark.parametrize(
    ("size", "scale", "message"),
    [
        (64.5, 0.2, "got 64.5"),
        (64, 0.01, "too small: light would be followed on a field of"),
        (15, 0.2, "16 to 512 pixels a side, got 15"),
        (513, 0.2, "got 513"),
        (64, 0.0, "positive"),
        (64, float("nan"), "finite"),
    ],
)
def test_other_frames_are_refused(size: float, scale: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Frame(size, scale)
