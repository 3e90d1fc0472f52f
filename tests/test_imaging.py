"""Imaging: what a survey's stamps are, and what is none."""

from __future__ import annotations

import re

import pytest

from arcgate.imaging import DECALS, Imaging


def test_shape_and_frame_follow() -> None:
    vis = Imaging(("vis",), "vis", 200, 0.1)
    assert vis.shape == (1, 200, 200)
    assert (vis.frame.size_pix, vis.frame.pixel_scale_arcsec) == (200, 0.1)
    assert DECALS.shape == (3, 64, 64)


@pytest.mark.parametrize(
    ("bands", "reference", "size", "message"),
    [
        ((), "r", 64, "bands are different names in lower-case letters and digits, got []"),
        (("g", "g"), "g", 64, "bands are different names"),
        (("G", "r"), "r", 64, "got ['G', 'r']"),
        (("g", "r_2"), "g", 64, "got ['g', 'r_2']"),
        (("g", ""), "g", 64, "got ['g', '']"),
        (("g", "r"), "z", 64, "the reference band is one of ['g', 'r'], got 'z'"),
        (("g", "r"), "r", 8, "16 to 512 pixels a side, got 8"),
    ],
)
def test_what_cannot_be_is_refused(bands: tuple[str, ...], reference: str, size: int, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Imaging(bands, reference, size, 0.262)
