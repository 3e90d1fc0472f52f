"""Leaks that an input removes: what little is left of them in its planes, and that they are looked for where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from arcgate import variant
from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.listing import gate_of
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.ring_leaks import pedestals
from arcgate.ground.listed import modules_of
from arcgate.imaging import DECALS
from arcgate.variant import GATES
from arcgate.views.planes import Stamps
from arcgate.views.view import Viewer

SKY = 0.01
N = 60


def view_of(plane: str) -> variant.View:
    # Without a stretch and in units of the sky's noise, so that what an ideal observer sees of a leak is its length.
    return variant.View((plane,), "noise", 0.625, "none", {"g": 1.0, "r": 1.0, "z": 1.0})


def removed(view: variant.View) -> Iterator[tuple[AucGate, Look]]:
    """The looks that have nothing to look for under an input."""
    for name in modules_of(GATES):
        gate = gate_of(name)
        for look in gate.looks if isinstance(gate, AucGate) else ():
            if not look.leaks_under(view):
                yield gate, look


def galaxies() -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Elliptical exponential galaxies on white noise, as they lie: up to half a pixel off the middle."""
    rng = np.random.default_rng(3)
    x, y = DECALS.middle_pix + rng.uniform(-0.5, 0.5, (2, N, 1, 1))
    angle, q = rng.uniform(0.0, np.pi, (N, 1, 1)), rng.uniform(0.6, 1.0, (N, 1, 1))
    grid = np.arange(float(DECALS.size_pix))
    dx, dy = grid - x, grid[:, None] - y
    major, minor = dx * np.cos(angle) + dy * np.sin(angle), (dy * np.cos(angle) - dx * np.sin(angle)) / q
    light = 0.5 * np.exp(-np.hypot(major, minor) / 4.0)[:, None]
    image = (light + rng.normal(0.0, SKY, (N, *DECALS.shape))).astype(np.float32)
    return image, x[:, 0, 0], y[:, 0, 0]


def seen(plane: str, image: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[Any]:
    stamps = Stamps(*map(torch.from_numpy, (image, x, y)), torch.full((N, len(DECALS.bands)), SKY))
    return Viewer(view_of(plane), DECALS)(stamps).numpy()


def pattern_of(look: Look, radius: NDArray[np.float32]) -> NDArray[Any]:
    """The pedestal that a look is tried with, and not the others that are planted beside it."""
    regions = Regions(DECALS)
    everywhere, width = pedestals(radius, regions), regions.frame_pix
    frame = np.ones(DECALS.shape[1:], dtype=np.float32)
    frame[width:-width, width:-width] = 0.0
    if "outermost" in look.leaks[0].named(regions):
        return everywhere * frame
    assert "pedestal at" in look.leaks[0].named(regions)
    return everywhere * (1.0 - frame) * (radius > regions.core_pix)[:, None]


@pytest.mark.parametrize(
    ("plane", "names"),
    [
        ("stamp", set()),
        ("azimuthal_residual", {"residual_annulus"}),
        ("rotation_residual", {"residual_annulus", "residual_border"}),
    ],
)
def test_what_is_not_looked_for_is_hardly_there(plane: str, names: set[str]) -> None:
    """Of the signal-to-noise ratio at which the best linear observer of a stamp sees a leak, less than a quarter is left."""
    found = list(removed(view_of(plane)))
    assert {gate.name for gate, _ in found} == names
    image, x, y = galaxies()
    grid = np.arange(float(DECALS.size_pix))
    radius = np.hypot(grid - x[:, None, None], grid[:, None] - y[:, None, None]).astype(np.float32)
    for _, look in found:
        planted = (image + 0.1 * SKY * pattern_of(look, radius)).astype(np.float32)
        # What all stamps have in common of the change is what a rule can learn of it.
        in_stamp, left = (
            float(np.linalg.norm((seen(each, planted, x, y) - seen(each, image, x, y)).mean(axis=0))) for each in ("stamp", plane)
        )
        assert in_stamp > 2.0
        assert left < 0.25 * in_stamp


@pytest.mark.parametrize("plane", ["azimuthal_residual", "rotation_residual"])
def test_the_same_gates_look_for_it_in_pixels_as_stored(plane: str) -> None:
    for gate, look in removed(view_of(plane)):
        assert look.view == NETWORK
        stored = [each for each in gate.looks if each.view == RAW]
        kinds = {leak.named(Regions(DECALS)) for each in stored for leak in each.leaks_under(view_of(plane))}
        assert {leak.named(Regions(DECALS)) for leak in look.leaks} <= kinds
